"""Flags in a few plain words, to stand in a table beside the number that they qualify or replace.

What each flag means in full is in `stats.policy`; a card prints that once, for the flags that occur on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asrfair.records import REST
from asrfair.report.wording import count
from asrfair.stats.policy import BASELINE_PREFIX, MIN_SPEAKERS, MIN_SPEAKERS_FOR_CALM, MIN_WORDS, SUPPRESSED

if TYPE_CHECKING:
    from asrfair.report.cells import GroupRow

SHORT = {
    "suppressed": f"fewer than {MIN_SPEAKERS} speakers",
    "all_failed": "nothing was transcribed",
    "speakers_unknown": "speakers not known",
    "few_speakers": "too few speakers for a test",
    "fragile": f"under {MIN_SPEAKERS_FOR_CALM} speakers, or one talks most",
    "dominated": "one speaker has most of the words",
    "complementary": "withheld so that a smaller group cannot be worked out",
    "ceiling": "near the top: gaps close for want of room",
    "few_words": f"under {MIN_WORDS} words",
    "no_words": "no reference words",
    "no_errors": "no errors",
    "no_spread": "all speakers alike: no interval",
    "informative_size": "who talks more fares differently",
    "wer_above_1": "more errors than words",
    "paired": "same speakers on both sides",
    "mirrored": "the other group's row, mirrored",
    "baseline_absent": "the named baseline does not occur",
    "design_effect_assumed": "interval by an assumed design effect",
    "failures_differ": "the systems failed on other utterances",
    "unchanged": "nobody's errors changed",
    "confounded_with_speaker": "group and person are one",
}

WITHHOLDING = ("suppressed", "all_failed", "speakers_unknown", "few_speakers", "no_words", "no_errors", "no_spread")
"""Flags for which a number is missing, the gravest first."""


def notes(row: GroupRow) -> list[str]:
    """The flags of a row in words.

    Of a suppressed group nothing more is said. A named baseline has a row of its own, so of its flags only those that
    withhold a number are repeated.
    """
    words = []
    told = row.flags if SUPPRESSED not in row.flags else _withheld(row.flags)
    for flag in told:
        if flag == "no_errors":
            words.append(f"no errors in {count(row.n_ref_words or 0, 'word')}")
        elif flag == SUPPRESSED and row.n_speakers is None:
            words.append("withheld: too few speakers")
        elif flag == "fragile" and row.n_speakers is not None:
            few = row.n_speakers < MIN_SPEAKERS_FOR_CALM
            words.append(f"under {MIN_SPEAKERS_FOR_CALM} speakers" if few else "one speaker talks most")
        elif flag in SHORT or not flag.startswith(BASELINE_PREFIX):
            words.append(SHORT.get(flag, flag.replace("_", " ")))
        else:
            of_baseline = flag.removeprefix(BASELINE_PREFIX)
            if of_baseline in WITHHOLDING or (row.baseline == REST and of_baseline != "complementary"):
                whose = "everybody else" if row.baseline == REST else "baseline"
                short = "withheld" if of_baseline == SUPPRESSED else SHORT.get(of_baseline)
                words.append(f"{whose}: {short or of_baseline.replace('_', ' ')}")
    return words


def _withheld(flags: list[str]) -> list[str]:
    """What may be said of a withheld group."""
    if "complementary" in flags:
        return ["complementary"]
    return [flag for flag in flags if flag in (SUPPRESSED, "all_failed")]


def reason(flags: list[str], prefix: str = "") -> str | None:
    """The gravest flag that withholds a number, without its prefix.

    >>> reason(["few_words", "few_speakers"]), reason(["fragile"]), reason(["baseline_no_errors"], "baseline_")
    ('few_speakers', None, 'no_errors')
    """
    return next((flag for flag in WITHHOLDING if prefix + flag in flags), None)
