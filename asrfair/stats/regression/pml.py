"""Poisson pseudo-maximum likelihood: word error rates that depend on several things at once.

`E[errors_i] = words_i exp(x_i'b)`: log link, offset log words, fitted by Newton's method (IRLS). Only this mean is
assumed; the errors need not be Poisson, nor independent within a speaker (Gourieroux, Monfort & Trognon 1984;
Wooldridge 1999), because all inference is by speaker (`sandwich`). With groups only, exp(b) is exactly the ratio of
pooled word error rates, whatever the spread.

Differs from other tools:

- Rows without reference words have no rate and are dropped, here and nowhere else in `stats`, and counted.
- The log-likelihood depends on sums only: rows of one speaker with the same levels are added up before the fit.
- A level in which nobody has errors drives its coefficient to minus infinity (*separation*; other tools print -23.4 and
  a huge standard error). The rows of such a level say nothing of the other coefficients: they are left out, which is
  the exact limit, and the level is named in `separated`.
- A design in which one column is determined by others is refused; the message names the column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asrfair.errors import InputError
from asrfair.stats.atoms import Codes
from asrfair.stats.policy import MIN_SPEAKERS
from asrfair.stats.regression.design import (
    INTERCEPT,
    Design,
    Factor,
    Floats,
    check_rank,
    distinct,
    make_design,
    number_cells,
    totals,
)

_STEPS = 60
_CONVERGED = 1e-11
_LARGEST = 30.0
"""A log ratio beyond this is on its way to infinity."""


@dataclass(frozen=True, slots=True)
class PoissonFit:
    """A fitted model with the data that it was fitted to.

    Attributes:
        columns: names of the coefficients: `intercept`, `site=lab`, slopes.
        coefficients: log ratios, shape (p,).
        design: of the rows kept.
        errors, words, expected: of each row kept, after adding up; shape (n,).
        speaker: number of each row's speaker, 0 to n_speakers - 1.
        n_speakers: how many speakers have rows in the fit.
        speaker_ids: the number that each of them was given as, shape (n_speakers,).
        information: X' diag(expected) X, shape (p, p).
        n_without_words: rows dropped because they have no reference words.
        separated: (factor, level) without a single error, whose rows were left out.
    """

    columns: tuple[str, ...]
    coefficients: Floats
    design: Design
    errors: Floats
    words: Floats
    expected: Floats
    speaker: Codes
    n_speakers: int
    speaker_ids: Codes
    information: Floats
    n_without_words: int
    separated: tuple[tuple[str, str], ...]

    def coefficient(self, column: str) -> float:
        """The coefficient of a column by its name."""
        return float(self.coefficients[self.columns.index(column)])


def fit_poisson(
    errors: Floats,
    words: Floats,
    speakers: Codes,
    factors: Sequence[Factor] = (),
    slopes: Mapping[str, Floats] | None = None,
) -> PoissonFit:
    """Fit the model to checked columns.

    Args:
        errors: of each utterance, shape (n,), not negative; need not be integers.
        words: reference words of each utterance, shape (n,).
        speakers: who spoke, a number >= 0, shape (n,).
        factors: categorical columns; level 0 of each is its reference (the next one that has errors, if it has none).
        slopes: name -> numbers, shape (n,), of comparable size (standardised).

    Returns:
        The fit; see `sandwich.inference` for its uncertainty.

    Raises:
        InputError: fewer than 3 speakers, no errors at all, a column that others determine, or no finite maximum.

    >>> accent = Factor("accent", np.array([0, 0, 0, 1, 1, 1]), ("A", "B"))
    >>> fit = fit_poisson(
    ...     np.array([1.0, 2, 3, 2, 4, 6]), np.full(6, 50.0), np.arange(6), [accent]
    ... )
    >>> round(float(np.exp(fit.coefficient("accent=B"))), 6)
    2.0
    """
    said = words > 0
    n_without_words = len(words) - int(np.count_nonzero(said))
    if n_without_words:
        errors, words, speakers = errors[said], words[said], speakers[said]
        factors = [Factor(f.name, f.codes[said], f.levels) for f in factors]
        slopes = {name: z[said] for name, z in (slopes or {}).items()}
    if not errors.any():
        raise InputError("no errors at all: there is no rate to model; report the words without errors instead")
    cell, levels = number_cells(factors, len(words))
    levels, separated = _without_separated(totals(cell, errors, levels.shape[1]), levels, factors)
    if separated:
        kept = levels[0, cell] >= 0
        errors, words, speakers, cell = errors[kept], words[kept], speakers[kept], cell[kept]
        slopes = {name: z[kept] for name, z in (slopes or {}).items()}
    design = make_design(levels, factors, cell, slopes or {})
    design, errors, words, speaker, speaker_ids = _added_up(design, errors, words, speakers)
    n_speakers = len(speaker_ids)
    if n_speakers < MIN_SPEAKERS:
        raise InputError(
            f"{n_speakers} speaker(s): a model needs {MIN_SPEAKERS} or more; the unit of inference is the speaker"
        )
    coefficients, expected, information = _maximise(design, errors, words)
    return PoissonFit(
        columns=design.columns,
        coefficients=coefficients,
        design=design,
        errors=errors,
        words=words,
        expected=expected,
        speaker=speaker,
        n_speakers=n_speakers,
        speaker_ids=speaker_ids,
        information=information,
        n_without_words=n_without_words,
        separated=separated,
    )


def _without_separated(
    by_cell: Floats, levels: Codes, factors: Sequence[Factor]
) -> tuple[Codes, tuple[tuple[str, str], ...]]:
    """Mark the cells of levels without errors by -1, until every level that is left has errors."""
    levels, found, looking = levels.copy(), [], True
    while looking:
        looking = False
        for factor, codes in zip(factors, levels, strict=True):
            occurs = np.bincount(codes + 1, minlength=len(factor.levels) + 1)[1:] > 0
            silent = occurs & (totals(codes + 1, by_cell, len(factor.levels) + 1)[1:] == 0)
            for code in np.flatnonzero(silent):
                found.append((factor.name, factor.levels[code]))
                levels[:, codes == code] = -1
                looking = True
    return levels, tuple(found)


def _added_up(
    design: Design, errors: Floats, words: Floats, speakers: Codes
) -> tuple[Design, Floats, Floats, Codes, Codes]:
    """Sum the rows of each speaker and cell where there are no slopes; number the speakers from 0."""
    if len(design.slopes):
        number, first = distinct([speakers])
        return design, errors, words, number, speakers[first]
    pair, first = distinct([speakers, design.cell])
    errors, words = totals(pair, errors, len(first)), totals(pair, words, len(first))
    speakers = speakers[first]
    number, once = distinct([speakers])
    return design.rows(first), errors, words, number, speakers[once]


def _maximise(design: Design, errors: Floats, words: Floats) -> tuple[Floats, Floats, Floats]:
    """Newton's method on the concave log-likelihood `b'X'y - sum mu`, halving steps that go down."""
    target = design.cross(errors)
    b = np.zeros(design.n_columns)
    b[0] = np.log(errors.sum() / words.sum())
    expected = words * np.exp(b[0])
    information = design.gram(expected)
    check_rank(information, design.columns)
    height = b @ target - expected.sum()
    for _ in range(_STEPS):
        step = _solve(information, target - design.cross(expected), design.columns)
        size = 1.0
        while True:
            with np.errstate(over="ignore"):
                tried = words * np.exp(design.linear(b + size * step))
            reached = (b + size * step) @ target - tried.sum()
            if reached >= height - 1e-10 * abs(height) or size < 1e-6:
                break
            size /= 2
        b, expected, height = b + size * step, tried, reached
        information = design.gram(expected)
        if np.abs(step).max() < _CONVERGED:
            break
        if np.abs(b[1:]).max(initial=0.0) > _LARGEST:
            raise _no_maximum(design.columns, b)
    else:
        raise _no_maximum(design.columns, b)
    return b, expected, information


def _solve(information: Floats, score: Floats, columns: Sequence[str]) -> Floats:
    """One Newton step."""
    try:
        found: Floats = np.linalg.solve(information, score).astype(np.float64, copy=False)
    except np.linalg.LinAlgError as error:
        raise _no_maximum(columns, np.zeros(len(columns))) from error
    return found


def _no_maximum(columns: Sequence[str], coefficients: Floats) -> InputError:
    """The model has no finite solution."""
    worst = columns[int(np.abs(coefficients[1:]).argmax()) + 1] if len(columns) > 1 else INTERCEPT
    return InputError(
        f"the model has no finite solution (see {worst!r}): merge levels with few errors, or leave one out"
    )
