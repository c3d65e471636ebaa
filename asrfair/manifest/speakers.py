"""Words of every speaker by group: what a plan of an audit needs of a manifest."""

from __future__ import annotations

import numpy as np

from asrfair.manifest.cells_by_speaker import Integers, sum_cells
from asrfair.manifest.groups import groupable
from asrfair.manifest.manifest import Manifest


def words_by_speaker(manifest: Manifest) -> dict[str, dict[str, tuple[Integers, Integers]]]:
    """Who says how much in each group.

    Args:
        manifest: as `load_manifest` gives it.

    Returns:
        Attribute -> group (without `missing`) -> numbers of its speakers, ascending, and the words of each (of the
        first references). Rows without a speaker are left out.
    """
    attributes = {name: attribute for name, attribute in manifest.attributes.items() if groupable(attribute)}
    cells = sum_cells(manifest.table, attributes)
    named = np.flatnonzero(cells.speakers < len(cells.speaker_names))
    found: dict[str, dict[str, tuple[Integers, Integers]]] = {}
    for name, grouping in cells.groupings.items():
        positions, members = grouping.expand(named)
        rows = named[positions]
        found[name] = {}
        for place, group in enumerate(grouping.groups):
            inside = rows[members == place]
            speakers, number = np.unique(cells.speakers[inside], return_inverse=True)
            words = np.bincount(number, cells.n_words[inside], len(speakers)).astype(np.int64)
            found[name][group] = speakers, words
    return found
