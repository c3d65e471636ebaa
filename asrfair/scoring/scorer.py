"""Scoring the utterances of a run: normalise both sides alike, count word and character errors, keep failures null."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.errors import InputError
from asrfair.scoring.arrays import int32_array
from asrfair.scoring.characters import count_character_errors
from asrfair.scoring.counts import check_costs, count_arrays
from asrfair.scoring.normalizers import find_normalizer
from asrfair.tables import SCORES

MAX_REFERENCES = 200_000
"""References whose normalised form is kept; when that many are known, no more are added (a scan that comes again and
again in the same order then still finds those)."""

COLUMNS = ("hits", "substitutions", "deletions", "insertions", "n_ref_chars", "char_errors")


class Scorer:
    """Scores blocks of utterances with one normaliser and one set of costs.

    It keeps what it has learnt (words, references), so the same one should score every system and condition.

    Args:
        normalizer: name, e.g. `whisper-en`.
        costs: `levenshtein` or `sclite`.
        count_spaces: whether spaces are characters (see `characters`).

    Raises:
        InputError: normaliser or costs are unknown.

    >>> said = pa.array([["a colour tele", "a coloured telly"], ["yes"]])
    >>> Scorer("minimal").score(said, pa.array(["A coloured telly!", None])).to_pylist()
    [{'hits': 3, 'substitutions': 0, 'deletions': 0, 'insertions': 0, 'n_ref_chars': 14, 'char_errors': 0},
     {'hits': None, 'substitutions': None, 'deletions': None, 'insertions': None, 'n_ref_chars': None,
      'char_errors': None}]
    """

    def __init__(self, normalizer: str, *, costs: str = "levenshtein", count_spaces: bool = False) -> None:
        check_costs(costs)
        self.normalizer = find_normalizer(normalizer)
        self.costs = costs
        self.count_spaces = count_spaces
        self._references: dict[str, str] = {}

    def score(self, references: pa.ListArray | pa.ChunkedArray, hypotheses: pa.Array | pa.ChunkedArray) -> pa.Table:
        """Score a block of utterances (some ten thousand at a time keeps memory low).

        Args:
            references: list<string>, the accepted wordings of each utterance, at least one. The one with the fewest
                word errors counts; of several, the first.
            hypotheses: string, null where recognition failed.

        Returns:
            One row per utterance: hits, substitutions, deletions, insertions, n_ref_chars, char_errors (int32), all
            null where recognition failed.

        Raises:
            InputError: the columns differ in length, or an utterance has no reference.
        """
        if len(references) != len(hypotheses):
            raise InputError(f"{len(references)} utterances and {len(hypotheses)} hypotheses; each needs the other")
        wordings, said = references.to_pylist(), hypotheses.to_pylist()
        spoken, owners = self._normalized_references(wordings)
        valid = np.fromiter((text is not None for text in said), np.bool_, len(said))
        recognised = self.normalizer.normalize([text or "" for text in said])
        counts = self._best(spoken, recognised, owners, wordings)
        return pa.table([int32_array(column, valid) for column in np.where(valid, counts, 0)], schema=_SCHEMA)

    def _normalized_references(self, wordings: list[list[str] | None]) -> tuple[list[str], NDArray[np.int64]]:
        """All references, normalised, and the utterance of each."""
        sizes = np.fromiter((len(texts or ()) for texts in wordings), np.int64, len(wordings))
        if not sizes.all():
            row = int(np.flatnonzero(sizes == 0)[0])
            raise InputError(f"utterance {row + 1} of the block has no reference; one without speech has an empty one")
        texts = [text or "" for row in wordings for text in row or ()]
        known = self._references
        new = [text for text in dict.fromkeys(texts) if text not in known]
        found = dict(zip(new, self.normalizer.normalize(new), strict=True))
        if len(known) + len(found) <= MAX_REFERENCES:
            known.update(found)
        both = known if not found or found.keys() <= known.keys() else known | found
        return [both[text] for text in texts], np.repeat(np.arange(len(wordings)), sizes)

    def _best(
        self, spoken: list[str], recognised: list[str], owners: NDArray[np.int64], wordings: list[Any]
    ) -> NDArray[np.int32]:
        """Counts against the reference with the fewest errors, int32, shape (6, n)."""
        if len(spoken) > len(wordings):
            against = [recognised[row] for row in owners.tolist()]
            counts, _ = count_arrays(spoken, against, self.costs)
            errors = counts[1:].sum(axis=0)
            order = np.lexsort((np.arange(len(spoken)), errors, owners))
            best = order[np.searchsorted(owners[order], np.arange(len(wordings)))]
            counts, spoken = counts[:, best], [spoken[at] for at in best.tolist()]
        else:
            counts, _ = count_arrays(spoken, recognised, self.costs)
        characters = count_character_errors(spoken, recognised, count_spaces=self.count_spaces)
        return np.stack([*counts, *characters])


_SCHEMA = pa.schema([SCORES.field(name) for name in COLUMNS])
