"""Rows of the tables of error types, harms and calibration, from what the statistics found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from asrfair.stats import policy
from asrfair.stats.calibration import calibration
from asrfair.stats.errors_by_group import type_gaps
from asrfair.stats.harm_rates import HarmRate
from asrfair.stats.harms import completion, deletion_runs, hallucination, keyword_misses
from asrfair.stats.latency import latency
from asrfair.stats.review import review, threshold_for
from asrfair.stats.sides import Rows

REVIEW_SHARES = (0.05, 0.1, 0.2)
"""Shares of everybody's words that a person may check: the thresholds that the table tells of."""

Row = dict[str, Any]
Timed = tuple[Sequence[float], Sequence[float | None], Rows]


def type_rows(parts: Sequence[Mapping[str, ArrayLike]], words: ArrayLike, rows: Rows) -> Iterator[Row]:
    """Rows of `tables.ERROR_TYPES`: each set of parts adds up to the gap; `all` once."""
    told = set()
    for errors in parts:
        for found in type_gaps(errors, words, rows) if errors else ():
            if found.gap is None or (found.group, found.part) in told:
                continue
            told.add((found.group, found.part))
            gap = found.gap
            yield {
                "group": found.group,
                "baseline": found.baseline,
                "part": found.part,
                "rate": gap.rate_a,
                "baseline_rate": gap.rate_b,
                "difference": gap.difference,
                "difference_low": gap.low,
                "difference_high": gap.high,
                "df": gap.df,
            }


def harm_rows(
    answered: tuple[ArrayLike, Rows],
    rows: Rows,
    *,
    words: ArrayLike,
    insertions: ArrayLike,
    run_insertions: ArrayLike,
    run_deletions: ArrayLike,
    durations: Sequence[float | None],
    keywords: tuple[ArrayLike, ArrayLike] | None,
    latencies: Timed | None,
) -> Iterator[Row]:
    """Rows of `tables.HARMS`, before p is adjusted.

    Args:
        answered: 1 for every utterance with a transcript and 0 for the others, and the speakers and groups of all.
        rows: speakers and groups of the transcribed utterances, which all following counts are of, shape (n,).
        words: reference words.
        insertions: inserted words.
        run_insertions: those in runs of three or more.
        run_deletions: deleted words in runs of three or more.
        durations: seconds, None where unknown.
        keywords: terms found and said; None without a list of terms.
        latencies: seconds of work and of audio of the utterances that have the former, and their rows.
    """
    ok, everyone = answered
    for done in completion(ok, [1.0] * len(everyone.codes), everyone):
        yield _harm(done.failures)
    made_up = hallucination(run_insertions, insertions, words, durations, rows)
    for name in ("insertion_runs", "words_on_silence"):
        yield from (_harm(found) for found in made_up[name] or ())
    yield from (_harm(found) for found in deletion_runs(run_deletions, words, rows))
    if keywords is not None:
        yield from (_harm(found) for found in keyword_misses(*keywords, rows))
    if latencies is not None:
        for waited in latency(*latencies):
            yield _harm(waited.typical)
            if waited.real_time_factor is not None:
                yield _harm(waited.real_time_factor) | {"harm": "real_time_factor"}


def _harm(found: HarmRate) -> Row:
    """One harm of one group."""
    versus, flags = found.versus, list(found.flags)
    tested = versus is not None and not policy.refuses_p([flag.removeprefix(policy.BASELINE_PREFIX) for flag in flags])
    return {
        "group": found.group,
        "baseline": found.baseline,
        "harm": found.harm,
        "unit": found.unit,
        "n_speakers": found.n_speakers,
        "events": found.events,
        "exposure": found.exposure,
        "rate": found.rate,
        "low": found.low,
        "high": found.high,
        "ratio": versus.ratio if versus else None,
        "ratio_low": versus.ratio_low if versus else None,
        "ratio_high": versus.ratio_high if versus else None,
        "p": versus.p if versus is not None and tested else None,
        "flags": flags,
    }


def calibration_rows(confidences: ArrayLike, correct: ArrayLike, rows: Rows) -> Iterator[Row]:
    """Rows of `tables.CALIBRATION`: errors of calibration, reliability bins, and what a review would do."""
    for found in calibration(confidences, correct, rows):
        base = {"group": found.group, "baseline": found.baseline, "n_words": found.n_words, "flags": list(found.flags)}
        base |= {"n_speakers": found.n_speakers}
        if found.bins is None:
            continue
        yield base | _value("ece", found.ece, found.ece_low, found.ece_high)
        over = found.overconfidence, found.overconfidence_low, found.overconfidence_high
        yield base | _value("overconfidence", *over)
        if found.gap is not None:
            yield base | _value("overconfidence_gap", found.gap.difference, found.gap.low, found.gap.high)
        for part in found.bins:
            here = base | {"at": part.low, "n_words": part.n_words}
            yield here | _value("bin_confidence", part.confidence)
            yield here | _value("bin_accuracy", part.accuracy)
    for share in REVIEW_SHARES:
        for asked in review(confidences, correct, threshold_for(confidences, share), rows):
            for name, harm in ((f"reviewed_of_{share:.0%}", asked.reviewed), (f"caught_of_{share:.0%}", asked.caught)):
                row = {"group": harm.group, "baseline": harm.baseline, "at": asked.threshold, "flags": list(harm.flags)}
                n_words = None if harm.exposure is None else int(harm.exposure)
                yield (
                    row
                    | {"n_words": n_words, "n_speakers": harm.n_speakers}
                    | _value(name, harm.rate, harm.low, harm.high)
                )


def _value(measure: str, value: float | None, low: float | None = None, high: float | None = None) -> Row:
    """A measure with its interval."""
    return {"measure": measure, "value": value, "low": low, "high": high}
