"""The English words that can be part of a number, and what each does to it (see `_english_numbers`)."""

from __future__ import annotations

from typing import NamedTuple

_UNITS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES = (
    "thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion"
)
_ORDINALS = {"first": (1, "st"), "second": (2, "nd"), "third": (3, "rd"), "fifth": (5, "th"), "twelfth": (12, "th")}


class NumberWord(NamedTuple):
    """What one word does to a number: its kind, its value, and the mark or ending that it leaves on the digits."""

    kind: str
    value: int = 0
    mark: str = ""


def _vocabulary() -> dict[str, NumberWord]:
    """Every word that can be part of a number."""
    words = {word: NumberWord("zero") for word in ("o", "oh", "zero")}
    for value, name in enumerate(_UNITS.split(), start=1):
        words[name] = NumberWord("unit", value)
        words["sixes" if name == "six" else name + "s"] = NumberWord("unit", value, "s")
        if value > 3 and value not in (5, 12):
            words[name + ("h" if name.endswith("t") else "th")] = NumberWord("unit", value, "th")
    words["zeroth"] = NumberWord("unit", 0, "th")
    words |= {name: NumberWord("unit", value, ending) for name, (value, ending) in _ORDINALS.items()}
    for value, name in enumerate(_TENS.split(), start=2):
        words[name] = NumberWord("tens", 10 * value)
        words[name[:-1] + "ies"] = NumberWord("tens", 10 * value, "s")
        words[name[:-1] + "ieth"] = NumberWord("tens", 10 * value, "th")
    for value, name in [
        (100, "hundred"),
        *((1000**power, name) for power, name in enumerate(_SCALES.split(), start=1)),
    ]:
        words[name] = NumberWord("scale", value)
        words[name + "s"] = NumberWord("scale", value, "s")
        words[name + "th"] = NumberWord("scale", value, "th")
    words |= {name: NumberWord("sign", mark=mark) for name, mark in zip(("minus", "plus"), "-+", strict=True)}
    words |= {name: NumberWord("sign", mark=mark) for name, mark in zip(("negative", "positive"), "-+", strict=True)}
    for name, mark in zip(("pound", "euro", "dollar", "cent"), "£€$¢", strict=True):
        words[name] = words[name + "s"] = NumberWord("currency", mark=mark)
    words |= {"per": NumberWord("per"), "percent": NumberWord("percent"), "and": NumberWord("and")}
    words |= {"double": NumberWord("repeat", 2), "triple": NumberWord("repeat", 3), "point": NumberWord("point")}
    return words


VOCABULARY = _vocabulary()
DECIMALS = frozenset(
    word for word, entry in VOCABULARY.items() if entry.kind in ("zero", "unit", "tens") and not entry.mark
)
SCALES = frozenset(word for word, entry in VOCABULARY.items() if entry.kind == "scale" and not entry.mark)
UNITS = frozenset(_UNITS.split())
TENS = frozenset(_TENS.split())
