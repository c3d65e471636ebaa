r"""What the Open ASR Leaderboard's English normaliser does beyond Whisper's (see `_english_rules`), over whole texts.

    unbracketed -> without_fillers -> written_out -> words_of -> tokens_of -> finish

The lists are facts of the original (Apache-2.0; see NOTICE); how they are applied here is our own, and held to strings
that the original gave.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import asrfair.scoring.normalizers._english_rules as english

DATA = Path(__file__).parents[1] / "data"

FILLERS = (
    "ah-ha a+h+m* a+h+a+ e+h+m* e+m+ e+r+m* h+(?:a+|e+|u+)h+ h+m+ m{2,} m+h+m* t+s+k+ u+g+h+ u+h+m* u+h+u+[hm]* u+m+h* "
    "ahem eheh ehehe ehr hmmph hum hunh mhum mmkay"
)
"""Hesitations however long they are drawn; British `er` and dialectal `em` are among them."""

IS_AFTER = "it he she what that who here there how when where why this"
"""Words after which `'s` is `is`; elsewhere the `s` is left as a word of its own."""

COMPOUNDS = {"et": "cetera", "al": "right", "all": "right", "how": "ever"}
COMPOUNDS |= {"wi": "fi", "hi": "fi", "lo": "fi", "sci": "fi", "e": "mail book commerce"}
COMPOUNDS |= {"x": "ray", "t": "shirt", "a": "m", "p": "m", "o": "k"}
"""First word -> second words of what is written as one."""
_REWRITTEN = {"et cetera": "etc", "al right": "alright", "all right": "alright", "o k": "okay"}

_ENDINGS = {"'re": "are", "'d": "would", "'ll": "will", "'t": "not", "'ve": "have", "'m": "am"}
_FILLER = re.compile(rf"\b(?:{'|'.join(FILLERS.split())})\b")
_IS = re.compile(rf"\b({'|'.join(IS_AFTER.split())})'s\b")
_ENDING = re.compile(rf"(?:{'|'.join(_ENDINGS)})\b")
_PAIRS = "|".join(rf"{first}\s+(?:{'|'.join(seconds.split())})" for first, seconds in COMPOUNDS.items())
_COMPOUND = re.compile(rf"\b(?:{_PAIRS})\b")
_OH = re.compile(r"\b(?:o+h+|ooo+)\b")


@functools.cache
def table(name: str) -> dict[str, str]:
    """`spelling` (British -> American, and `ok`) or `names` (a spelling of a name -> the common one)."""
    lines = (DATA / f"open_asr_{name}.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def rules() -> Sequence[str]:
    """Every list and pattern, Whisper's too, and the tables, as text."""
    patterns = [value.pattern for _, value in sorted(globals().items()) if isinstance(value, re.Pattern)]
    lists = [_REWRITTEN, _ENDINGS, table("spelling"), table("names")]
    return [*english.rules(), *patterns, *map(repr, lists)]


def without_fillers(text: str) -> str:
    """A lower-case text without hesitations."""
    return _FILLER.sub("", text)


def written_out(text: str) -> str:
    """Contractions and titles written out, commas in numbers and full stops taken out."""
    text = english.opened(text)
    if "'" in text:
        text = _IS.sub(r"\1 is", text)
        text = _ENDING.sub(lambda found: " " + _ENDINGS[found[0]], text)
    return english.without_points(text)


def words_of(text: str) -> list[str]:
    """The words of a text; some pairs become one, and any `ooh` becomes `oh`."""
    joined = _COMPOUND.sub(lambda found: _compound(found[0]), " ".join(english.words_of(text)))
    return _OH.sub("oh", joined).split()


def tokens_of(words: Sequence[str]) -> list[str]:
    """Words with numbers in digits, American spelling and one spelling of each name."""
    spelling, names = table("spelling"), table("names")
    spelled = [spelling.get(word, word) for word in english.in_digits(words, oh_is_a_word=True).split()]
    return [names.get(word, word) for word in spelled]


def finish(tokens: Sequence[str]) -> str:
    """The normalised text: letters that stand alone side by side are one word, and there are no stray marks."""
    return english.unmarked(_acronyms(tokens))


def is_single(token: str) -> bool:
    """Whether a token is one letter or digit."""
    return len(token) == 1 and token.isalnum()


def _compound(pair: str) -> str:
    """One word for a pair."""
    plain = " ".join(pair.split())
    return _REWRITTEN.get(plain, plain.replace(" ", ""))


def _acronyms(tokens: Sequence[str]) -> Iterator[str]:
    """Runs of single letters and digits joined: from two on, from three on where `a` or `i` is among them."""
    for single, run in groupby(tokens, is_single):
        found = list(run)
        if single and len(found) >= (2 if {"a", "i"}.isdisjoint(found) else 3):
            yield "".join(found)
        else:
            yield from found
