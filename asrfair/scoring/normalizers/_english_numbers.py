"""Spelled-out English numbers to digits, word by word, as Whisper's English normaliser does it.

`twenty one` -> `21`, `one oh one` -> `101`, `two point five million dollars` -> `$2500000`, `third` -> `3rd`.
The rules are those of Radford et al. 2022 (appendix C) as their published code behaves, oddities included (`nineth` is
an ordinal and `ninth` is not; `point` before a word like `and` is lost): results must equal the original's, so nothing
is mended here.

A number under construction is an `int` while words can still be added to it (`twenty` + `one`), and text once digits
are only strung together (`one oh` + `one`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from asrfair.scoring.normalizers._english_number_words import DECIMALS, SCALES, TENS, UNITS, VOCABULARY, NumberWord

_MARKS = "-+£€$¢"
_NUMBER = re.compile(r"\d+(\.\d+)?")
_DECIMAL = re.compile(r"(?=\d|\.\d)(\d*)(?:\.(\d*))?")
MAX_DIGITS = 4000
"""Longer runs of digits stay as they are: Python refuses to read them (the original fails on them)."""


def is_number(word: str) -> bool:
    """Whether a word is written in digits, with or without decimals: `20`, `3.5`."""
    return word[-1:].isdecimal() and _NUMBER.fullmatch(word) is not None and len(word) <= MAX_DIGITS


def read_numbers(words: Sequence[str], *, oh_is_a_word: bool = False) -> list[str]:
    """Write spelled-out numbers as digits.

    Args:
        words: non-empty words, lower case.
        oh_is_a_word: `oh` is a zero only among digits: before a digit word if a number stands before it, else before
            two (`four oh one`, `oh seven nine`, but `oh no`, `oh five`).

    Returns:
        The words with every number in digits; signs and currencies stand before the digits.

    >>> read_numbers("two hundred and five dollars and ninety nine cents".split())
    ['$205', 'and', '¢99']
    """
    return _Reader(words, oh_is_a_word).read()


def _times(text: str, scale: int) -> int | None:
    """A decimal number in text times a scale, if the result is whole; None if it is not, or the text is no number."""
    found = _DECIMAL.fullmatch(text) if len(text) <= MAX_DIGITS else None
    if found is None:
        return None
    fraction = found[2] or ""
    product, rest = divmod(int(found[1] + fraction) * scale, 10 ** len(fraction))
    return None if rest else product


class _Reader:
    """Reads words from left to right; holds the number under construction and the mark that goes before it."""

    __slots__ = ("_mark", "_oh_is_a_word", "_out", "_value", "_words")

    def __init__(self, words: Sequence[str], oh_is_a_word: bool) -> None:
        self._words = words
        self._oh_is_a_word = oh_is_a_word
        self._out: list[str] = []
        self._value: int | str | None = None
        self._mark = ""

    def read(self) -> list[str]:
        at = 0
        while at < len(self._words):
            word = self._words[at]
            marked = word[0] in _MARKS
            if is_number(word[1:] if marked else word):
                self._digits(word, marked)
            elif (entry := VOCABULARY.get(word)) is None:
                self._flush()
                self._emit(word)
            else:
                at += _STEPS[entry.kind](self, at, entry)
            at += 1
        self._flush()
        return self._out

    def _word(self, at: int) -> str:
        """The word at a place; empty outside."""
        return self._words[at] if 0 <= at < len(self._words) else ""

    def _numeric(self, word: str) -> bool:
        """Whether a word can go on with a number."""
        return word in VOCABULARY or is_number(word)

    def _emit(self, text: str) -> None:
        self._out.append(self._mark + text)
        self._mark = ""
        self._value = None

    def _flush(self) -> None:
        """Close the number under construction, if there is one."""
        if self._value is not None:
            self._emit(str(self._value))

    def _digits(self, word: str, marked: bool) -> None:
        """A number in digits: after `point` it is strung on, else it begins a new number."""
        if isinstance(self._value, str) and self._value.endswith("."):
            self._value += word
            return
        self._flush()
        if marked:
            self._mark = word[0]
        digits = word[1:] if marked else word
        whole = _times(digits, 1)
        self._value = digits if whole is None else whole

    def _added(self, entry: NumberWord, previous: str) -> int | str:
        """The number under construction with a unit or tens word added to it or strung on."""
        value, new = self._value, entry.value
        if value is None:
            return new
        small = entry.kind == "unit" and new < 10
        if isinstance(value, str) or (entry.kind == "unit" and previous in UNITS):
            if small and previous in TENS:
                return str(value)[:-1] + str(new)
            return str(value) + str(new)
        return value + new if value % (10 if small else 100) == 0 else str(value) + str(new)

    def _goes_on(self, at: int) -> bool:
        """Whether the word at a place goes on with a row of digits."""
        word = self._word(at)
        return word in DECIMALS or (word.isdecimal() and len(word) <= MAX_DIGITS)

    def _zero(self, at: int, entry: NumberWord) -> int:
        among_digits = self._goes_on(at + 1) and (self._value is not None or self._goes_on(at + 2))
        if self._oh_is_a_word and self._words[at] == "oh" and not among_digits:
            self._flush()
            self._emit("oh")
        else:
            self._value = str(self._value or "") + "0"
        return 0

    def _unit_or_tens(self, at: int, entry: NumberWord) -> int:
        value = self._added(entry, self._word(at - 1))
        if entry.mark:
            self._emit(str(value) + entry.mark)
        else:
            self._value = value
        return 0

    def _scale(self, at: int, entry: NumberWord) -> int:
        """`hundred` and up multiply what is below a thousand; decimals only if the product is whole."""
        value, new = self._value, None
        if value is None:
            new = entry.value
        elif isinstance(value, int):
            new = value // 1000 * 1000 + value % 1000 * entry.value
        else:
            new = _times(value, entry.value)
        if new is None:
            self._emit(str(value))
            new = entry.value
        if entry.mark:
            self._emit(str(new) + entry.mark)
        else:
            self._value = new
        return 0

    def _sign(self, at: int, entry: NumberWord) -> int:
        self._flush()
        if self._numeric(self._word(at + 1)):
            self._mark = entry.mark
        else:
            self._emit(self._words[at])
        return 0

    def _currency(self, at: int, entry: NumberWord) -> int:
        if self._value is None:
            self._emit(self._words[at])
        else:
            self._mark = entry.mark
            self._flush()
        return 0

    def _percent(self, at: int, entry: NumberWord) -> int:
        """`percent` and `per cent` leave a sign after a number."""
        skipped = 1 if entry.kind == "per" else 0
        if self._value is not None and (not skipped or self._word(at + 1) == "cent"):
            self._emit(f"{self._value}%")
            return skipped
        return self._plain(at)

    def _plain(self, at: int) -> int:
        """A word that could have been part of a number and is not."""
        self._flush()
        self._emit(self._words[at])
        return 0

    def _and(self, at: int, entry: NumberWord) -> int:
        """Lost between a scale and a number (`two hundred and five`), else a word."""
        if self._word(at - 1) in SCALES and self._numeric(self._word(at + 1)):
            return 0
        return self._plain(at)

    def _repeat(self, at: int, entry: NumberWord) -> int:
        """`double seven` -> `77`."""
        following = VOCABULARY.get(self._word(at + 1), NumberWord(""))
        if following.kind not in ("zero", "unit") or following.mark:
            return self._plain(at)
        self._value = str(self._value or "") + str(following.value) * entry.value
        return 1

    def _point(self, at: int, entry: NumberWord) -> int:
        following = self._word(at + 1)
        if not self._numeric(following):
            return self._plain(at)
        if following in DECIMALS or is_number(following):
            self._value = str(self._value or "") + "."
        return 0


_STEPS: dict[str, Callable[[_Reader, int, NumberWord], int]] = {
    "zero": _Reader._zero,
    "unit": _Reader._unit_or_tens,
    "tens": _Reader._unit_or_tens,
    "scale": _Reader._scale,
    "sign": _Reader._sign,
    "currency": _Reader._currency,
    "percent": _Reader._percent,
    "per": _Reader._percent,
    "and": _Reader._and,
    "repeat": _Reader._repeat,
    "point": _Reader._point,
}
"""What each kind of word does; returns how many following words it used up."""
