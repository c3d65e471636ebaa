"""Harms that a word error rate does not show, by group.

- **Completion** (`completion`): the share of utterances that came back with a transcript. The test is of the *failure*
  rate: near 100 % a ratio of completion rates says nothing.
- **Hallucination** (`hallucination`): inserted words that stand in runs of three or more, per 1,000 reference words;
  and words written where nobody spoke (empty references), per hour of such audio. Longer runs of inserted words are
  how made-up text looks to an aligner (a run of substitutions can be one too, and is not counted).
- **Runs of deletions** (`deletion_runs`): deleted words in runs of three or more, per 1,000 reference words: speech
  that was skipped, not misheard.
- **Keywords** (`keyword_misses`): occurrences of a term that were not recognised, per occurrence.

Latency is in `latency`, confidence in `calibration`. All go through `harm_rates`, so all have speakers as their unit of
inference. Rows are utterances (or speakers, summed). Except in `completion`, rows without a transcript are left out:
a failure is no deletion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.harm_rates import HarmRate, rates_by_group
from asrfair.stats.sides import Rows, checked_values

PER_WORDS = 1_000
SECONDS_AN_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Completion:
    """How many utterances of a group came back with a transcript.

    Attributes:
        rate, low, high: the share with its interval: one less that of the failures; the interval is None without a
            failure.
        failures: the failure rate, with its comparison. Where a group and its baseline had no failure there is no
            ratio and no p: they are None.
    """

    rate: float | None
    low: float | None
    high: float | None
    failures: HarmRate


def completion(n_ok: ArrayLike, n_utterances: ArrayLike, rows: Rows, *, confidence: float = 0.95) -> list[Completion]:
    """Completion by group.

    Args:
        n_ok: utterances with a transcript in each row, shape (n,): 0 or 1 where rows are utterances.
        n_utterances: utterances in each row, shape (n,).
        rows: the speakers and groups of the rows, failures included.
        confidence: nominal level of the intervals.

    Returns:
        One entry a group.

    Raises:
        InputError: a shape, a negative number, or more transcripts than utterances.

    >>> rows = Rows.from_labels(range(8), ["a"] * 4 + ["b"] * 4, baseline="b")
    >>> a, b = completion([18, 19, 17, 18, 20, 20, 20, 20], [20] * 8, rows)
    >>> print(f"{a.rate:.2f} ({a.low:.2f} to {a.high:.2f}); {b.rate:.2f} {b.low} {a.failures.versus.ratio}")
    0.90 (0.81 to 0.95); 1.00 None None
    """
    ok, tried = checked_values(n_ok, rows, "n_ok"), checked_values(n_utterances, rows, "n_utterances")
    if (ok > tried).any():
        at = int(np.argmax(ok > tried))
        raise InputError(f"n_ok[{at}]: {ok[at]:g} transcripts of {tried[at]:g} utterances")
    return [
        Completion(_one_less(found.rate), _one_less(found.high), _one_less(found.low), found)
        for found in rates_by_group("failures", "utterance", tried - ok, tried, rows, confidence=confidence, share=True)
    ]


def _one_less(share: float | None) -> float | None:
    return None if share is None else 1.0 - share


def hallucination(
    run_insertions: ArrayLike,
    insertions: ArrayLike,
    words: ArrayLike,
    duration_s: Sequence[float | None] | None,
    rows: Rows,
    *,
    confidence: float = 0.95,
) -> dict[str, list[HarmRate] | None]:
    """Made-up text by group.

    Args:
        run_insertions: inserted words in runs of three or more (`scoring.events.words_in_runs`), shape (n,).
        insertions: all inserted words, shape (n,).
        words: reference words, shape (n,); 0 where nobody spoke.
        duration_s: length of each utterance, seconds; None where not known, or for all.
        rows: the speakers and groups of the utterances.
        confidence: nominal level of the intervals.

    Returns:
        `insertion_runs` (rows with reference words) and `words_on_silence`; the latter is None where there are no rows
        without reference words, or the length of one of them is not known.

    Raises:
        InputError: a shape, or a number that is negative or not finite.

    >>> rows = Rows.from_labels([1, 2, 3] * 2, ["a"] * 6)
    >>> found = hallucination([3, 0, 0, 0, 0, 0], [3, 1, 0, 2, 0, 4], [50, 50, 50, 0, 0, 0], [9.0] * 6, rows)
    >>> [(name, round(harm[0].rate)) for name, harm in found.items()]
    [('insertion_runs', 20), ('words_on_silence', 800)]
    """
    made_up = checked_values(run_insertions, rows, "run_insertions")
    inserted, spoken = checked_values(insertions, rows, "insertions"), checked_values(words, rows, "words")
    silent = spoken == 0
    runs = rates_by_group(
        "insertion_runs",
        f"{PER_WORDS} reference words",
        np.where(silent, 0.0, made_up),
        spoken / PER_WORDS,
        rows,
        confidence=confidence,
    )
    hours = _silent_hours(duration_s, silent, rows)
    on_silence = None
    if hours is not None:
        on_silence = rates_by_group(
            "words_on_silence",
            "hour of non-speech",
            np.where(silent, inserted, 0.0),
            hours,
            rows,
            confidence=confidence,
        )
    return {"insertion_runs": runs, "words_on_silence": on_silence}


def _silent_hours(duration_s: Sequence[float | None] | None, silent: np.ndarray, rows: Rows) -> np.ndarray | None:
    """Hours of each row without speech, 0 for the others; None if there is none, or one of unknown length."""
    if duration_s is None or not silent.any():
        return None
    if len(duration_s) != len(silent):
        raise InputError(
            f"duration_s: {len(duration_s)} numbers; give one (or None) for each of the {len(silent)} rows"
        )
    seconds = [length if quiet else 0.0 for length, quiet in zip(duration_s, silent.tolist(), strict=True)]
    if None in seconds:
        return None
    return checked_values(np.array(seconds, np.float64), rows, "duration_s") / SECONDS_AN_HOUR


def deletion_runs(
    run_deletions: ArrayLike, words: ArrayLike, rows: Rows, *, confidence: float = 0.95
) -> list[HarmRate]:
    """Skipped speech by group: deleted words in runs of three or more per 1,000 reference words.

    Args:
        run_deletions: such words in each row (`scoring.events.words_in_runs`), shape (n,).
        words: reference words of each row, shape (n,).
        rows: the speakers and groups of the rows.
        confidence: nominal level of the intervals.

    Raises:
        InputError: a shape, or a number that is negative or not finite.

    >>> [round(harm.rate, 9) for harm in deletion_runs([3, 0, 6], [100] * 3, Rows.from_labels([1, 2, 3], ["a"] * 3))]
    [30.0]
    """
    spoken = checked_values(words, rows, "words")
    unit = f"{PER_WORDS} reference words"
    return rates_by_group("deletion_runs", unit, run_deletions, spoken / PER_WORDS, rows, confidence=confidence)


def keyword_misses(found: ArrayLike, said: ArrayLike, rows: Rows, *, confidence: float = 0.95) -> list[HarmRate]:
    """Missed terms by group; recall is one less the rate.

    Args:
        found: occurrences of terms that were recognised in each row, shape (n,) (`scoring.keywords`).
        said: occurrences of terms in the references, shape (n,).
        rows: the speakers and groups of the rows.
        confidence: nominal level of the intervals.

    Raises:
        InputError: a shape, a negative number, or more found than said.

    >>> [harm.rate for harm in keyword_misses([3, 1, 2], [4, 2, 2], Rows.from_labels([1, 2, 3], ["a"] * 3))]
    [0.25]
    """
    recognised, spoken = checked_values(found, rows, "found"), checked_values(said, rows, "said")
    if (recognised > spoken).any():
        at = int(np.argmax(recognised > spoken))
        raise InputError(f"found[{at}]: {recognised[at]:g} found of {spoken[at]:g} said")
    return rates_by_group(
        "keyword_misses", "occurrence of a term", spoken - recognised, spoken, rows, confidence=confidence, share=True
    )
