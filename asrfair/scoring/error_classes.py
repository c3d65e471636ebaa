"""Classes of error that say more about conventions of writing than about recognition.

A gap that lies in hesitations, in how numbers are written or in where compounds are split is another finding than one
in words that were not understood, and normalisers treat these three unevenly (METHODS section 1: they delete `um` and
keep `erm`). So they are classes of their own:

- `hesitation`: a hesitation deleted or inserted, or one taken for another (`uh` for `um`).
- `number`: a number word or a word with a digit deleted or inserted, or one taken for another (`20` for `twenty`).
- `compound`: the same letters split otherwise (`icecream` for `ice cream`), over the whole stretch of adjacent errors;
  all its words get the class, whatever they are. Hyphens do not count as letters. A compound beside another error is
  not found: which of their words belong together would be a guess.
- `other`: everything else.

The lists of words are English. For another language only words with a digit are numbers, and there are no hesitations.
`oh` is not a number (it is more often a cry), `em` no hesitation (it is more often `them`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from asrfair.scoring.normalizers._english_number_words import VOCABULARY

ERROR_CLASSES = ("hesitation", "number", "compound", "other")
HESITATION, NUMBER, COMPOUND, OTHER = range(4)

_HESITATIONS = (
    "uh uhh uhm um umm er err erm errm eh ah ahh hm hmm hmmm mm mmm mhm mhmm mm-hmm mmhmm mm-hm huh uh-huh uhhuh uh-uh"
)
HESITATIONS = frozenset(_HESITATIONS.split())
NUMBERS = frozenset(
    word
    for word, entry in VOCABULARY.items()
    if entry.kind in ("zero", "unit", "tens", "scale") and word not in ("o", "oh")
) | {"second"}


def word_classes(words: Sequence[str], language: str) -> NDArray[np.int8]:
    """The class that each word speaks for: `HESITATION`, `NUMBER` or `OTHER`.

    Args:
        words: normalised words.
        language: BCP 47; what counts is what stands before the first `-`.

    Returns:
        int8, shape (n_words,).

    >>> word_classes(["erm", "twenty", "2nd", "oh"], "en-GB").tolist() == [HESITATION, NUMBER, NUMBER, OTHER]
    True
    """
    english = language.replace("_", "-").partition("-")[0].lower() == "en"
    found = np.full(len(words), OTHER, np.int8)
    for at, word in enumerate(words):
        if any(map(str.isdecimal, word)):
            found[at] = NUMBER
        elif english:
            key = word.lower()
            found[at] = HESITATION if key in HESITATIONS else NUMBER if key in NUMBERS else OTHER
    return found


def classify(
    words: Sequence[str],
    spoken: NDArray[np.int32],
    recognised: NDArray[np.int32],
    spans: NDArray[np.int64],
    language: str,
) -> NDArray[np.int8]:
    """The class of each error word.

    Args:
        words: the distinct words by number; number 0 is no word.
        spoken: the reference word's number, 0 in an insertion, shape (n,).
        recognised: the hypothesis word's number, 0 in a deletion, shape (n,).
        spans: where each run of adjacent errors (of any kind) begins, ascending from 0, shape (n_spans,).
        language: as `word_classes`.

    Returns:
        int8 index into `ERROR_CLASSES`, shape (n,).
    """
    used = np.unique(np.concatenate([spoken, recognised]))
    names = ["" if number == 0 else words[number].replace("-", "") for number in used.tolist()]
    left, right = np.searchsorted(used, spoken), np.searchsorted(used, recognised)
    of_words = word_classes([words[number] if number else "" for number in used.tolist()], language)
    found = np.where(spoken == 0, of_words[right], of_words[left])
    found[(spoken != 0) & (recognised != 0) & (of_words[left] != of_words[right])] = OTHER
    ends = np.append(spans[1:], len(spoken))
    for start, end in compress(
        zip(spans.tolist(), ends.tolist(), strict=True), _same_length(names, left, right, spans).tolist()
    ):
        if _joined(names, left[start:end]) == _joined(names, right[start:end]):
            found[start:end] = COMPOUND
    return found


def _same_length(
    names: list[str], left: NDArray[np.int64], right: NDArray[np.int64], spans: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which spans have as many letters on both sides, and any: only these can be the same letters."""
    letters = np.fromiter(map(len, names), np.int64, len(names))
    of_left, of_right = (np.add.reduceat(letters[side], spans) for side in (left, right))
    found: NDArray[np.bool_] = (of_left == of_right) & (of_left > 0)
    return found


def _joined(names: list[str], numbers: NDArray[np.int64]) -> str:
    return "".join([names[number] for number in numbers.tolist()])
