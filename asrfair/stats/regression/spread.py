"""How much speakers differ, and how much one speaker varies: what planning the next recording needs.

- sigma: standard deviation of the speakers' log rates, of the mixed model (`glmm`) with an intercept only;
- phi: dispersion within speakers, Pearson's `sum_i (E_i - r_s N_i)^2 / (r_s N_i)` over its degrees of freedom,
  utterances less speakers, with r_s the speaker's own rate: 1 if errors come like Poisson counts, more for bursts.

A Poisson model takes bursts for differences between speakers (with few words a speaker it can double sigma), so counts
are divided by phi before the mixed model sees them, where phi > 1: so scaled, they vary about as Poisson counts do.
Speakers without errors or with one utterance say nothing of phi. Give the utterances of one group: differences between
groups would be counted in sigma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.regression import columns
from asrfair.stats.regression.columns import Column
from asrfair.stats.regression.design import Floats, distinct, totals
from asrfair.stats.regression.glmm import fit_mixed
from asrfair.stats.regression.pml import fit_poisson


@dataclass(frozen=True, slots=True)
class SpeakerSpread:
    """The variation of errors in one group.

    Attributes:
        sigma: standard deviation of the speakers' log rates; None where the model found no solution.
        phi: dispersion within speakers; None where no speaker has errors and two utterances.
        words_per_speaker: mean reference words of a speaker.
        cv: standard deviation of words by speaker over their mean.
        wer: pooled word error rate, a fraction.
        n_speakers: speakers with words.
    """

    sigma: float | None
    phi: float | None
    words_per_speaker: float
    cv: float
    wer: float
    n_speakers: int


def estimate_spread(errors: ArrayLike, words: ArrayLike, speakers: Column) -> SpeakerSpread:
    """Estimate sigma, phi and the sizes that a plan needs from the utterances of one group.

    Args:
        errors: of each utterance, shape (n,).
        words: reference words of each utterance, shape (n,); utterances without any are left out.
        speakers: who spoke each.

    Raises:
        InputError: bad columns, fewer than 3 speakers, or no errors.

    >>> found = estimate_spread([1, 3, 2, 2, 9, 5, 4, 8], [20] * 8, list("aabbccdd"))
    >>> print(f"sigma {found.sigma:.2f}, phi {found.phi:.2f}, {found.words_per_speaker:.0f} words a speaker")
    sigma 0.45, phi 0.87, 40 words a speaker
    """
    e, n = columns.counts(errors, "errors"), columns.counts(words, "words")
    columns.check_lengths({"errors": len(e), "words": len(n), "speakers": len(speakers)})
    said = n > 0
    if not said.any():
        raise InputError("words: no utterance has reference words")
    e, n = e[said], n[said]
    speaker, first = distinct([columns.speaker_codes(speakers)[said]])
    total_errors, total_words = totals(speaker, e, len(first)), totals(speaker, n, len(first))
    expected = (total_errors / total_words)[speaker] * n
    seen = expected > 0
    lost = np.count_nonzero(seen) - np.count_nonzero(total_errors)
    phi = float(np.sum((e[seen] - expected[seen]) ** 2 / expected[seen]) / lost) if lost > 0 else None
    mean = float(total_words.mean())
    return SpeakerSpread(
        sigma=_sigma(total_errors, total_words, max(phi or 1.0, 1.0)),
        phi=phi,
        words_per_speaker=mean,
        cv=float(total_words.std(ddof=1)) / mean if len(first) > 1 else 0.0,
        wer=float(e.sum() / n.sum()),
        n_speakers=len(first),
    )


def _sigma(errors: Floats, words: Floats, scale: float) -> float | None:
    """Sigma of the mixed model on counts divided by the dispersion."""
    mixed = fit_mixed(fit_poisson(errors / scale, words / scale, np.arange(len(words))))
    return mixed.sigma if mixed.converged else None
