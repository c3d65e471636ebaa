"""What an adjusted comparison found: plain numbers, None where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AdjustedGroup:
    """One group, and how it compares with the baseline; all numbers None where they cannot be estimated.

    Attributes:
        group: its label.
        n_utterances: rows in the comparison.
        n_left_out: rows of the group that are not, for want of a covariate's number or of reference words.
        n_speakers: speakers with a row in the comparison.
        n_ref_words: their reference words.
        wer: pooled word error rate, a fraction.
        total_ratio, total_low, total_high, total_p, total_df: nothing held equal; None for the baseline.
        adjusted_ratio, adjusted_low, adjusted_high, adjusted_p, adjusted_df: covariates held equal.
        adjusted_wer, adjusted_wer_low, adjusted_wer_high: standardised WER.
        median_speaker_ratio, median_speaker_low, median_speaker_high: of the mixed model; never a ratio of rates.
        flags: of the policy and those of `flags`; `baseline_...` are the baseline's.
    """

    group: str
    n_utterances: int
    n_left_out: int
    n_speakers: int
    n_ref_words: int
    wer: float | None = None
    total_ratio: float | None = None
    total_low: float | None = None
    total_high: float | None = None
    total_p: float | None = None
    total_df: float | None = None
    adjusted_ratio: float | None = None
    adjusted_low: float | None = None
    adjusted_high: float | None = None
    adjusted_p: float | None = None
    adjusted_df: float | None = None
    adjusted_wer: float | None = None
    adjusted_wer_low: float | None = None
    adjusted_wer_high: float | None = None
    median_speaker_ratio: float | None = None
    median_speaker_low: float | None = None
    median_speaker_high: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The groups of one attribute, total and adjusted.

    Attributes:
        attribute: what the groups are groups of.
        baseline: the group that the others are compared with.
        covariates: what is held equal.
        confidence: nominal level of all intervals.
        groups: the baseline first, then the others in the order of a table.
        sigma: standard deviation of speakers' log rates at equal group and covariates; None where not estimated.
        n_rows: utterances in the comparison.
        n_left_out: utterances that are not.
        left_out: why, and how many: the attribute or covariate that is missing, or `words` (no reference words).
        separated_levels: covariate levels (`site=lab`) without a single error: no coefficient, a predicted rate of 0.
    """

    attribute: str
    baseline: str
    covariates: tuple[str, ...]
    confidence: float
    groups: tuple[AdjustedGroup, ...]
    sigma: float | None
    n_rows: int
    n_left_out: int
    left_out: Mapping[str, int]
    separated_levels: tuple[str, ...]
