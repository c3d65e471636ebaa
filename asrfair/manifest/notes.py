"""What the design of a data set allows to be told apart: whether an attribute belongs to speakers, and to how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from asrfair.manifest.cells_by_speaker import Cells

FEWEST_SPEAKERS = 3
"""With fewer speakers than this a group says nothing beyond those persons."""

NoteCode = Literal["speakers_unknown", "speaker_level", "varies_within_speaker", "confounded_with_speaker", "no_pairs"]


@dataclass(frozen=True, slots=True)
class CoverageNote:
    """One thing to know about the design of a data set.

    Attributes:
        attribute: what it concerns.
        code: `speakers_unknown`; `speaker_level` (each speaker has one value in all of several utterances);
            `varies_within_speaker` (some speakers have several); `confounded_with_speaker` (groups of fewer than three
            speakers, so that a group cannot be told from its persons); `no_pairs` (too many groups to pair).
        text: the same in a sentence.
        groups: the groups that it concerns; none means all.
        n_speakers: the speakers that it concerns, where they are counted.
    """

    attribute: str
    code: NoteCode
    text: str
    groups: tuple[str, ...] = ()
    n_speakers: int | None = None


def _n_varying(cells: Cells, attribute: str) -> int:
    """How many speakers have more than one value of an attribute; some rows missing counts as another value."""
    known = cells.speakers < len(cells.speaker_names)
    grouping = cells.groupings[attribute]
    radix = len(grouping.starts)
    pairs = np.unique(cells.speakers[known] * radix + grouping.values[known])
    return int((np.bincount(pairs // radix, minlength=1) > 1).sum())


def _confounded(attribute: str, speakers: Mapping[str, int]) -> CoverageNote | None:
    few = [group for group, n_speakers in speakers.items() if n_speakers < FEWEST_SPEAKERS]
    if not few:
        return None
    which = "every group" if len(few) == len(speakers) else f"{len(few)} of {len(speakers)} groups"
    has = "has" if which == "every group" or len(few) == 1 else "have"
    text = (
        f"{which} of {attribute} {has} fewer than {FEWEST_SPEAKERS} speakers: a difference there cannot be told from a "
        "difference between persons"
    )
    return CoverageNote(attribute, "confounded_with_speaker", text, tuple(few))


def notes(cells: Cells, speakers: Mapping[str, Mapping[str, int]]) -> Iterator[CoverageNote]:
    """The notes of a data set.

    Args:
        cells: its rows summed by speaker and groups.
        speakers: attribute -> group -> how many speakers are in it.
    """
    if not cells.speaker_names:
        text = "no row says who speaks: no interval and no test can be given"
        yield CoverageNote("all", "speakers_unknown", text)
        return
    for attribute in cells.groupings:
        if not cells.groupings[attribute].groups:
            continue
        varying = _n_varying(cells, attribute)
        if varying:
            text = f"{attribute} varies within {varying:,} of {len(cells.speaker_names):,} speakers"
            yield CoverageNote(attribute, "varies_within_speaker", text, n_speakers=varying)
            continue
        if cells.n_utterances.sum() > len(cells.speaker_names):  # else each speaks once, and it cannot be told
            text = f"{attribute} belongs to speakers: each has one value throughout"
            yield CoverageNote(attribute, "speaker_level", text, n_speakers=len(cells.speaker_names))
        if note := _confounded(attribute, speakers[attribute]):
            yield note
