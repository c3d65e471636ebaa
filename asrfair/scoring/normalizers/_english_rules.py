r"""The rules of Whisper's English normaliser over whole texts, in the order in which they work.

    unbracketed -> without_fillers -> written_out -> words_of -> finish

The lists are facts of the original (MIT; see NOTICE); how they are applied here is our own, and tested to give the same
strings. Python's `\b`, `\d` and `\s` are Unicode-aware, and so is every rule that uses them.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from asrfair.scoring.normalizers._english_number_words import DECIMALS, SCALES, VOCABULARY
from asrfair.scoring.normalizers._english_numbers import read_numbers

SPELLING_FILE = Path(__file__).parents[1] / "data" / "whisper_en_spelling.tsv"

FILLERS = ("hmm", "mm", "mhm", "mmm", "uh", "um")

_CONTRACTED = {
    "won't": "will not",
    "can't": "can not",
    "let's": "let us",
    "ain't": "aint",
    "y'all": "you all",
    "wanna": "want to",
    "gotta": "got to",
    "gonna": "going to",
    "i'ma": "i am going to",
    "imma": "i am going to",
    "woulda": "would have",
    "coulda": "could have",
    "shoulda": "should have",
    "ma'am": "madam",
}
_TITLES = (
    "mr mister, mrs missus, st saint, dr doctor, prof professor, capt captain, gov governor, ald alderman, "
    "gen general, sen senator, rep representative, pres president, rev reverend, hon honorable, asst assistant, "
    "assoc associate, lt lieutenant, col colonel, jr junior, sr senior, esq esquire"
)
EXPANSIONS = _CONTRACTED | {short: full + " " for short, full in (pair.split() for pair in _TITLES.split(", "))}
"""Whole words; a title leaves a space behind it."""

_PERFECT = {"'d been": "had been", "'s been": "has been", "'d gone": "had gone", "'s gone": "has gone"}
_PERFECT |= {"'d done": "had done", "'s got": "has got"}
_ENDINGS = {"'re": "are", "'s": "is", "'d": "would", "'ll": "will", "'t": "not", "'ve": "have"}
_ENDINGS |= {"'m": "am"}
_LETTERS = "œoe ŒOE øo ØO æae ÆAE ßss ẞSS đd ĐD ðd ÐD þth Þth łl ŁL"
_FOLDED = {pair[0]: pair[1:] for pair in _LETTERS.split()}
_KEPT = ".%$¢€£"

_BRACKETS = re.compile(r"[<\[][^>\]]*[>\]]")
_PARENTHESES = re.compile(r"\([^)]+\)")
_SPACED_APOSTROPHE = re.compile(r"\s+'")
_FILLER = re.compile(rf"\b(?:{'|'.join(FILLERS)})\b")
_EXPANSION = re.compile(rf"\b(?:{'|'.join(EXPANSIONS)})\b")
_PERFECT_TENSE = re.compile(rf"(?:{'|'.join(_PERFECT)})\b")
_NEGATION = re.compile(r"n't\b")
_ENDING = re.compile(rf"(?:{'|'.join(_ENDINGS)})\b")
_DIGIT_COMMA = re.compile(r"(\d),(\d)")
_FULL_STOP = re.compile(r"\.([^0-9]|\Z)")
_AND_A_HALF = re.compile(r"\band\s+a\s+half\b")
_LETTER_DIGIT = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")
_DIGIT_ENDING = re.compile(r"([0-9])\s+(st|nd|rd|th|s)\b")
_WHOLE_AND_CENTS = re.compile(r"([€£$][0-9]+) (?:and )?¢([0-9]{1,2})\b")
_ONLY_CENTS = re.compile(r"[€£$]0.([0-9]{1,2})\b")
_ONE = re.compile(r"\b1(s?)\b")
_DIGIT = re.compile(r"[0-9]")
_MARK = re.compile(r"[.$¢€£%]")
_STRAY_MARK = re.compile(r"[.$¢€£]([^0-9])")
_STRAY_PERCENT = re.compile(r"([^0-9])%")
_SPACES = re.compile(r"\s+")


class _Cleaner(dict[int, str]):
    """Code point -> what is left of it after NFKD: folded, dropped (nonspacing marks), a space (symbols), or itself."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if char in _KEPT:
            left = char
        elif char in _FOLDED:
            left = _FOLDED[char]
        elif category == "Mn":
            left = ""
        else:
            left = " " if category[0] in "MSP" else char
        self[code] = left
        return left


_CLEANER = _Cleaner()


@functools.cache
def spelling() -> dict[str, str]:
    """British -> American spelling, as in Whisper's `english.json`."""
    lines = SPELLING_FILE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def rules() -> Sequence[str]:
    """Every list and pattern of this module and the spelling table, as text."""
    patterns = [value.pattern for _, value in sorted(globals().items()) if isinstance(value, re.Pattern)]
    lists = [FILLERS, EXPANSIONS, _PERFECT, _ENDINGS, _FOLDED, _KEPT, VOCABULARY, spelling()]
    return [*patterns, *map(repr, lists)]


def unbracketed(text: str) -> str:
    """A lower-case text without what stands in [], <> and ()."""
    return _PARENTHESES.sub("", _BRACKETS.sub("", text))


def without_fillers(text: str) -> str:
    """A text without hesitations (American ones)."""
    return _FILLER.sub("", text)


def opened(text: str) -> str:
    """A text with whole contractions, titles and perfect tenses written out, and `n't`."""
    text = _SPACED_APOSTROPHE.sub("'", text)
    text = _EXPANSION.sub(lambda found: EXPANSIONS[found[0]], text)
    if "'" in text:
        text = _PERFECT_TENSE.sub(lambda found: " " + _PERFECT[found[0]], text)
        text = _NEGATION.sub(" not", text)
    return text


def without_points(text: str) -> str:
    """A text without commas in numbers and without full stops."""
    return _FULL_STOP.sub(r" \1", _DIGIT_COMMA.sub(r"\1\2", text))


def written_out(text: str) -> str:
    """Contractions and titles written out, commas in numbers and full stops taken out."""
    text = opened(text)
    if "'" in text:
        text = _ENDING.sub(lambda found: " " + _ENDINGS[found[0]], text)
    return without_points(text)


def words_of(text: str) -> list[str]:
    """The words of a text: symbols part them, diacritics are dropped."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return text.translate(_CLEANER).split()


def finish(words: Sequence[str]) -> str:
    """Numbers in digits, American spelling, no stray marks.

    Args:
        words: from `words_of`.

    Returns:
        The normalised text; a stray mark at its beginning or end may leave a space there, as in the original.
    """
    table = spelling()
    return unmarked([table.get(word, word) for word in in_digits(words).split()])


def unmarked(words: Iterable[str]) -> str:
    """Words as a text without the marks that belong to no number."""
    text = " ".join(words)
    if _MARK.search(text):
        text = _STRAY_PERCENT.sub(r"\1 ", _STRAY_MARK.sub(r" \1", text))
        text = _SPACES.sub(" ", text)
    return text


def in_digits(words: Sequence[str], *, oh_is_a_word: bool = False) -> str:
    """Words with numbers in digits, but `one` and `ones` in letters; `$2 and ¢7` as `$2.07`; see `read_numbers`."""
    text = " ".join(words)
    if "half" in text:
        text = _halves(text)
    if _DIGIT.search(text):
        text = _DIGIT_ENDING.sub(r"\1\2", _LETTER_DIGIT.sub(" ", text))
    text = " ".join(read_numbers(text.split(), oh_is_a_word=oh_is_a_word))
    if not _DIGIT.search(text):
        return text
    text = _WHOLE_AND_CENTS.sub(lambda found: f"{found[1]}.{int(found[2]):02d}", text)
    text = _ONLY_CENTS.sub(lambda found: f"¢{int(found[1])}", text)
    return _ONE.sub(r"one\1", text)


def _halves(text: str) -> str:
    """`two and a half` as `two point five`; the original loses `and a half` where nothing stands before it."""
    *heads, tail = _AND_A_HALF.split(text)
    parts = []
    for head in heads:
        if head.strip():
            last = head.split()[-1]
            parts += [head, "point five" if last in DECIMALS or last in SCALES else "and a half"]
    return " ".join([*parts, tail])
