"""The verb plan: how many speakers and words it takes, for nobody yet, for a manifest, or for a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError
from asrfair.manifest import load_manifest
from asrfair.manifest.speakers import words_by_speaker
from asrfair.pipeline.details import first_cell
from asrfair.pipeline.joints import SCORES_FILE, manifest_of
from asrfair.provenance import RUN_FILE, read_record
from asrfair.records import REST, Plan, PlannedGroup
from asrfair.stats.planning import ALPHA, CV, PHI, POWER, SIGMA, Assumed, design_mde_ratio, n_speakers
from asrfair.stats.regression import SpeakerSpread, estimate_spread

Numbers = NDArray[Any]

RATIOS = (1.25, 1.5, 2.0)
ASSUMED_WER = 0.15
LEAST_WER, MOST_WER = 1e-6, 10.0


def plan(
    target: str | Path | None = None,
    *,
    wer: float | None = None,
    words: float | None = None,
    ratio: float | None = None,
    sigma: float | None = None,
    phi: float | None = None,
    cv: float | None = None,
    power: float = POWER,
    alpha: float = ALPHA,
    comparisons: int = 1,
) -> Plan:
    """How many speakers a gap takes, or what gap the speakers of a manifest can show.

    Args:
        target: a manifest (folder or rows file), or a run folder, whose rate and spread are measured; None to plan
            from numbers alone.
        wer: the word error rate that is expected, a fraction; that of the run, or 0.15 for a manifest, unless given.
        words: reference words per speaker; needed without a target.
        ratio: the gap to be shown, above 1; 1.25, 1.5 and 2 unless given.
        sigma: standard deviation of the speakers' log rates; 0.5 unless given or measured.
        phi: dispersion of the errors within a speaker, 1 for Poisson; 2 unless given or measured.
        cv: coefficient of variation of the words per speaker; 0.5 unless given or measured.
        power: the chance to show it.
        alpha: two-sided level of all comparisons together.
        comparisons: how many there will be; the level of each is `alpha / comparisons` (Bonferroni's plan).

    Raises:
        InputError: a faulty manifest or run, or a number that is missing or out of its range.
    """
    if ratio is not None and not 1.0 < ratio < 100.0:
        raise InputError(f"ratio {ratio}: a plan is for a ratio above 1, such as 1.5")
    if comparisons < 1:
        raise InputError(f"comparisons {comparisons}: at least 1")
    manifest, measured = (target, None) if target is None else _opened(Path(target))
    if measured is not None:
        wer = measured.wer if wer is None else wer
        sigma = measured.sigma if sigma is None else sigma
        phi, cv = measured.phi if phi is None else phi, measured.cv if cv is None else cv
    known = Assumed(SIGMA if sigma is None else sigma, PHI if phi is None else phi, CV if cv is None else cv)
    rate = ASSUMED_WER if wer is None and manifest is not None else wer
    if rate is None or (manifest is None and words is None):
        raise InputError("without a manifest, say what is expected: --wer 0.15 --words 500 (words per speaker)")
    _check_rate(rate, target if measured is not None and wer == measured.wer else None)
    level, ratios = alpha / comparisons, RATIOS if ratio is None else (ratio,)
    assumed = (known.sigma, known.phi, known.cv, power, level)
    if manifest is None:
        each = words or 0.0
        found = tuple(n_speakers(rate, rate * r, each, known, power=power, alpha=level) for r in ratios)
        return Plan(rate, words, *assumed, ratios, found, known.enough_words(rate))
    groups = tuple(_groups(manifest, rate, known, power, level, ratios[len(ratios) // 2]))
    return Plan(rate, None, *assumed, ratios, (), known.enough_words(rate), groups, measured is not None)


def _opened(target: Path) -> tuple[Path, SpeakerSpread | None]:
    """The manifest to plan for, and what a run of it measured: its first system, in clean audio if there is any."""
    if not (target / RUN_FILE).exists():
        return target, None
    manifest = manifest_of(target, read_record(target))
    found = first_cell(target / SCORES_FILE)
    try:
        return manifest.rows_path, estimate_spread(found.errors, found.words, found.speakers.tolist())
    except InputError as error:
        raise InputError(f"{target}: nothing to plan from in its first system ({error}); plan its manifest") from error


def _check_rate(rate: float, run: str | Path | None) -> None:
    """Refuse a rate that no plan can be made for.

    Args:
        rate: a word error rate, a fraction.
        run: the run where it was measured; None where the user said it.

    Raises:
        InputError: it is not a number from 0.000001 to 10.
    """
    if LEAST_WER <= rate <= MOST_WER:
        return
    if run is not None:
        raise InputError(f"{run}: its word error rate is {rate}; say what to expect, such as --wer 0.05")
    raise InputError(f"wer {rate}: a fraction is needed, such as 0.15 for 15 %; from {LEAST_WER:f} to {MOST_WER:.0f}")


def plan_text(found: Plan) -> str:
    """A plan for people."""
    from asrfair.report import render_plan

    return render_plan(found)


def _groups(
    path: str | Path, wer: float, spread: Assumed, power: float, alpha: float, ratio: float
) -> Iterator[PlannedGroup]:
    """Every group of a manifest against its baseline, or against the rest."""
    manifest = load_manifest(path)
    for attribute, groups in words_by_speaker(manifest).items():
        named = manifest.attributes[attribute].baseline
        for group, (speakers, words) in groups.items():
            if group == named:
                continue
            others, other_words = groups[named] if named in groups else _rest(groups, group)
            shared = len(np.intersect1d(speakers, others)) > 0
            mde = (
                None
                if shared
                else design_mde_ratio(words.astype(float), other_words.astype(float), wer, spread, alpha=alpha)
            )
            mean = float(words.mean()) if len(words) else 0.0
            needed = n_speakers(wer, wer * ratio, mean, spread, power=power, alpha=alpha) if mean else None
            yield PlannedGroup(
                attribute=attribute,
                group=group,
                baseline=named if named in groups else REST,
                n_speakers=len(speakers),
                baseline_speakers=len(others),
                words_per_speaker=mean or None,
                mde_ratio=mde,
                ratio=ratio,
                needed_speakers=needed,
                shared=shared,
            )


def _rest(groups: Mapping[str, tuple[Numbers, Numbers]], group: str) -> tuple[Numbers, Numbers]:
    """The speakers of all other groups, and their words there."""
    others = [item for name, item in groups.items() if name != group]
    if not others:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    names, number = np.unique(np.concatenate([ids for ids, _ in others]), return_inverse=True)
    return names, np.bincount(number, np.concatenate([words for _, words in others]), len(names)).astype(np.int64)
