"""Is the gap still there when site, noise and prompt are held equal? Total and adjusted disparities side by side.

For each group g against a baseline group:

- *total ratio*: pooled word error rates of the same rows, nothing held equal (Poisson model with groups only);
- *adjusted ratio*: exp(b_g) of the model with groups and covariates (`pml`), CR3 by speaker, t with Satterthwaite df;
- *standardised WER*: `R_g = sum_i N_i exp(x_i(group := g)'b) / sum_i N_i`, the rate that the model gives everybody's
  utterances if spoken by group g; its interval is a jackknife over speakers on the log scale, which deletes a speaker
  from the model (one step) and from the rows averaged over; `R_g / R_baseline` is the adjusted ratio;
- *median-speaker ratio*: of the mixed model (`glmm`), another quantity, beside them.

Adjusting is a causal choice, not a correction. If group A has worse microphones, adjusting for SNR hides what its
users live with; if A happened to be recorded in the noisy room, not adjusting blames the speakers for the room. Neither
number is the true one; both are given, with flags where the data cannot tell group and covariate apart (`overlap`).

A covariate of names has `missing` as a level of its own; a covariate of numbers is standardised and enters linearly on
the log scale. Rows without a group, without a number or without reference words are left out and counted. Groups
without errors (*separated*) are left out of the model and reported without ratio; groups of fewer than 3 speakers are
in the model but suppressed in the result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats import policy
from asrfair.stats.rates import NO_SPREAD, check_confidence, log_interval
from asrfair.stats.regression.adjusted_result import Adjusted, AdjustedGroup
from asrfair.stats.regression.columns import Column
from asrfair.stats.regression.design import Floats
from asrfair.stats.regression.glmm import MixedFit, fit_mixed
from asrfair.stats.regression.overlap import overlap_flags, quarters
from asrfair.stats.regression.pml import PoissonFit, fit_poisson
from asrfair.stats.regression.rows import Rows, check_size, facts_of, read_rows
from asrfair.stats.regression.sandwich import inference
from asrfair.stats.regression.standardised import population
from asrfair.stats.student_t import student_t_sf

_Found = dict[str, dict[str, float | None]]
"""The fields of each group's row."""


def adjust(
    errors: ArrayLike,
    words: ArrayLike,
    speakers: Column,
    group: Column,
    covariates: Mapping[str, Column],
    *,
    baseline: str | None = None,
    attribute: str = "group",
    confidence: float = 0.95,
    median_speaker: bool = True,
) -> Adjusted:
    """Compare groups with and without holding covariates equal.

    Args:
        errors: of each utterance, shape (n,): substitutions, deletions and insertions.
        words: reference words of each utterance, shape (n,).
        speakers: who spoke each utterance: texts or integers; none may be missing.
        group: label of each utterance, None where missing. One label is one group: `a|b` is a group of its own.
        covariates: name -> one value an utterance: texts (levels) or numbers (one slope each). May be empty.
        baseline: the group to compare with; None for the group with most words.
        attribute: what the groups are groups of; names columns and messages.
        confidence: nominal level of the intervals.
        median_speaker: whether to fit the mixed model too.

    Returns:
        One row a group; see the module for what is in it and what is left out.

    Raises:
        InputError: bad columns, a baseline that does not occur, fewer than two groups or three speakers, no errors, or
            groups and covariates that the data cannot tell apart.

    >>> found = adjust(
    ...     [5, 8, 3, 10, 2, 4, 6, 1, 5], [50, 40, 60, 50, 50, 80, 40, 30, 50], list("abcdefghi"), list("AAAABBBBB"),
    ...     {"site": ["x", "y", "x", "y", "x", "y", "y", "x", "y"]}, baseline="B",
    ... )
    >>> row = found.groups[1]
    >>> print(f"{row.group}: total {row.total_ratio:.3f}, at equal sites {row.adjusted_ratio:.3f}")
    A: total 1.806, at equal sites 2.195
    """
    check_confidence(confidence)
    rows = read_rows(errors, words, speakers, group, covariates, baseline, attribute)
    check_size(rows)
    return _compared(rows, tuple(covariates), confidence, median_speaker=median_speaker)


def _compared(rows: Rows, covariates: tuple[str, ...], confidence: float, *, median_speaker: bool) -> Adjusted:
    """Fit the models and put the rows of the groups together."""
    facts = facts_of(rows)
    has_errors = np.array([bool(fact.estimate.rate) for fact in facts])
    kept = rows if has_errors.all() else rows.where(has_errors[rows.group.codes])
    total, full = _fitted(kept, covariates)
    mixed = fit_mixed(full) if median_speaker else None
    labels = [label for label, has in zip(rows.group.levels, has_errors, strict=True) if has]
    found: _Found = {label: {} for label in labels}
    attribute, baseline = rows.group.name, rows.group.levels[0]
    ratios = labels[1:] if has_errors[0] else []
    _add_total(found, total, ratios, _contrasts(total, attribute, ratios, baseline), confidence)
    contrasts = _contrasts(full, attribute, ratios, baseline)
    unsure = _add_adjusted(found, full, kept, (ratios, contrasts), confidence)
    if mixed and mixed.converged:
        _add_median(found, mixed, ratios, contrasts, confidence)
    flags = _flags(rows, facts, unsure, glmm_failed=mixed is not None and not mixed.converged)
    return Adjusted(
        attribute=attribute,
        baseline=baseline,
        covariates=covariates,
        confidence=confidence,
        groups=tuple(
            _row(label, fact, own, n_left_out, found.get(label, {}))
            for label, fact, own, n_left_out in zip(rows.group.levels, facts, flags, rows.left_out_of, strict=True)
        ),
        sigma=mixed.sigma if mixed and mixed.converged else None,
        n_rows=len(rows.words),
        n_left_out=sum(rows.left_out.values()),
        left_out=rows.left_out,
        separated_levels=tuple(f"{name}={level}" for name, level in full.separated),
    )


def _fitted(rows: Rows, covariates: tuple[str, ...]) -> tuple[PoissonFit, PoissonFit]:
    """The model with groups only, and the one with covariates."""
    total = fit_poisson(rows.errors, rows.words, rows.speakers, [rows.group])
    if not covariates:
        return total, total
    slopes = {name: _standard(values, name) for name, values in rows.slopes.items()}
    return total, fit_poisson(rows.errors, rows.words, rows.speakers, [*rows.factors, rows.group], slopes)


def _standard(values: Floats, name: str) -> Floats:
    """A covariate of numbers with mean 0 and standard deviation 1."""
    scaled = values / (float(np.abs(values).max()) or 1.0)
    spread = float(scaled.std())
    if not spread > 1e-12:
        raise InputError(f"{name}: the same number everywhere; leave this covariate out")
    found: Floats = (scaled - scaled.mean()) / spread
    return found


def _contrasts(fit: PoissonFit, attribute: str, labels: Sequence[str], baseline: str) -> Floats:
    """The log ratio of each group to the baseline, as weights of the coefficients, shape (k, p)."""
    return _indicators(fit, attribute, labels) - _indicators(fit, attribute, [baseline])


def _indicators(fit: PoissonFit, attribute: str, labels: Sequence[str]) -> Floats:
    """The column of each group, shape (k, p); nothing for the reference level."""
    named = np.array([[column == f"{attribute}={label}" for column in fit.columns] for label in labels], dtype=float)
    return named.reshape(len(labels), len(fit.columns))


def _add_total(found: _Found, fit: PoissonFit, labels: Sequence[str], contrasts: Floats, confidence: float) -> None:
    """The ratios of the model with groups only."""
    told = inference(fit, contrasts)
    for i, label in enumerate(labels):
        se = float(told.se[i]) if told.defined[i] else None
        found[label] |= _tested("total", float(told.estimates[i]), se, float(told.df[i]), confidence)


def _add_adjusted(
    found: _Found, fit: PoissonFit, rows: Rows, ratios: tuple[Sequence[str], Floats], confidence: float
) -> set[str]:
    """Adjusted ratios and standardised rates; returns the groups that rest on one speaker."""
    attribute, labels = rows.group.name, list(found)
    everyone = population(fit, attribute, rows.words, rows.speakers)
    levels = _indicators(fit, attribute, labels)
    levels[:, 0] = 1.0
    told = inference(fit, np.vstack([ratios[1], levels + everyone.direction]))
    k = len(ratios[0])
    unsure = {label for label, defined in zip(ratios[0], told.defined[:k], strict=True) if not defined}
    for i, label in enumerate(ratios[0]):
        se = None if label in unsure else float(told.se[i])
        found[label] |= _tested("adjusted", float(told.estimates[i]), se, float(told.df[i]), confidence)
    changes = np.repeat(everyone.changes[:, None], len(labels), axis=1)
    changes[fit.speaker_ids] += told.changes[:, k:]
    said = np.flatnonzero(np.bincount(rows.speakers, minlength=len(changes)))
    rates = levels @ fit.coefficients + everyone.log_mean
    ses = np.sqrt((len(said) - 1) / len(said) * np.sum(changes[said] ** 2, axis=0))
    for i, label in enumerate(labels):
        se = float(ses[i]) if told.defined[k + i] else None
        name = "adjusted_wer"
        found[label] |= _interval(name, name, float(rates[i]), se, float(told.df[k + i]), confidence)
    return unsure


def _add_median(found: _Found, mixed: MixedFit, labels: Sequence[str], contrasts: Floats, confidence: float) -> None:
    """The ratios of the mixed model."""
    for label, contrast in zip(labels, contrasts, strict=True):
        se = math.sqrt(max(0.0, float(contrast @ mixed.covariance @ contrast)))
        told = (float(contrast @ mixed.coefficients), se, mixed.df, confidence)
        found[label] |= _interval("median_speaker_ratio", "median_speaker", *told)


def _tested(name: str, log_ratio: float, se: float | None, df: float, confidence: float) -> dict[str, float | None]:
    """A ratio with its interval and its test."""
    fields = _interval(f"{name}_ratio", name, log_ratio, se, df, confidence)
    if se is not None and se > NO_SPREAD:
        fields |= {f"{name}_p": 2.0 * student_t_sf(abs(log_ratio) / se, df), f"{name}_df": df}
    return fields


def _interval(
    name: str, stem: str, log_value: float, se: float | None, df: float, confidence: float
) -> dict[str, float | None]:
    """A number with its interval; None for its ends without a measured spread."""
    value = math.exp(log_value)
    known = se is not None and NO_SPREAD < se < math.inf
    low, high = log_interval(value, se, df, confidence) if known and se is not None else (None, None)
    return {name: value, f"{stem}_low": low, f"{stem}_high": high}


def _flags(rows: Rows, facts: Sequence[policy.Facts], unsure: set[str], *, glmm_failed: bool) -> list[tuple[str, ...]]:
    """All flags of each group: its own, the baseline's, and those of the comparison."""
    binned = [quarters(name, values) for name, values in rows.slopes.items()]
    overlap = overlap_flags(rows.group, [*rows.factors, *binned], rows.words)
    # A group whose utterances are all left out has not failed; failures are not given to the model at all.
    own = [tuple(flag for flag in policy.flags_of(fact) if flag != "all_failed") for fact in facts]
    found = []
    for i, label in enumerate(rows.group.levels):
        more = {
            "separated": not facts[i].estimate.rate,
            "rests_on_one_speaker": label in unsure,
            "glmm_not_converged": glmm_failed,
        }
        flags = (*own[i], *(flag for flag, holds in more.items() if holds), *overlap[i])
        baseline = [policy.BASELINE_PREFIX + flag for flag in (*own[0], *overlap[0])] if i else []
        found.append((*flags, *baseline))
    return found


def _row(
    label: str, facts: policy.Facts, flags: tuple[str, ...], n_left_out: int, fields: Mapping[str, float | None]
) -> AdjustedGroup:
    """The row of one group, without what the policy withholds."""
    kept: dict[str, Any] = {**fields, "wer": facts.estimate.rate}
    if policy.SUPPRESSED in flags:
        kept = {}
    elif policy.BASELINE_PREFIX + policy.SUPPRESSED in flags:
        kept = {name: value for name, value in kept.items() if "wer" in name}
    if policy.refuses_p(flag.removeprefix(policy.BASELINE_PREFIX) for flag in flags):
        kept = {name: value for name, value in kept.items() if not name.endswith("_p")}
    sized = (facts.n_utterances, n_left_out, facts.estimate.n_speakers, round(facts.estimate.words))
    return AdjustedGroup(label, *sized, flags=flags, **kept)
