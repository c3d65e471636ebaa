"""Does a system say the same twice? How far its rates and the gaps between groups move when it is asked again.

A system that samples, or whose server answers otherwise under another load, gives other transcripts for the same
audio. That is noise of the *decoding*, not of the choice of speakers, which the intervals are about, and a single run
cannot show it.

- Rates are over the utterances that were transcribed every time: what failed once is left out of all and counted, so
  that rates differ by what was decoded alone.
- Standard deviations are between the times asked, `sqrt(sum (x_k - mean)^2 / (K - 1))`; K is small, so they are rough.
- `share_changed`: utterances whose normalised text is not the same every time.
- Of a gap, that is reported from the first time, `gap_sd` is told beside it, and compared with the half width of its
  95 % interval: above half of it (`NOISY`) the decoding alone could move the gap by as much as the speakers could, at
  two standard deviations, and the interval is too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.records import REST
from asrfair.stats.analyze import SpeakerSums
from asrfair.stats.atoms import COUNTED
from asrfair.stats.contrasts import named_baseline, sides
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.policy import SUPPRESSED, flags_of

NOISY = "decoding_noise"
NOT_AS_SAID = "not_deterministic"
"""Flags: the decoding moves the gap; a system that is described as deterministic wrote something else."""

MOST_NOISE = 0.5
"""The share of an interval's half width above which decoding noise is flagged."""

CHANGED = "changed"
"""Where the sums of what changed stand, beside those of the times asked, `1`, `2` and so on."""

Gap = tuple[float | None, float | None, float | None]
Row = dict[str, Any]


class RepeatSums:
    """Accumulates what became of the same utterances every time that one system was asked.

    Args:
        by: attributes and intersections.
        n_repeats: how many times it was asked, 2 or more.
        empty_ref: as for `SpeakerSums`.
    """

    def __init__(self, by: Sequence[str], n_repeats: int, *, empty_ref: str = "count") -> None:
        self.n_repeats = n_repeats
        self._sums = SpeakerSums(by, empty_ref=empty_ref)

    def add(
        self,
        counts: Sequence[pa.Table],
        changed: NDArray[np.bool_],
        ok: NDArray[np.bool_],
        speakers: pa.ChunkedArray | pa.Array,
        groups: Mapping[str, pa.ChunkedArray],
    ) -> None:
        """Add some utterances.

        Args:
            counts: for each time, the columns `COUNTED` of those that were transcribed every time, n rows.
            changed: whether the text of each of them was not the same every time, shape (n,).
            ok: which utterances these are, shape (m,), n of them true.
            speakers: of all, m rows.
            groups: attribute -> text column of all, m rows.
        """
        for number, table in enumerate(counts, start=1):
            self._add(str(number), [table[name] for name in COUNTED], ok, speakers, groups)
        # An utterance as one word that is wrong where the text changed: the rate is the share that changed.
        zero = np.zeros(len(changed), np.int32)
        self._add(CHANGED, [~changed, changed, *([zero] * 4)], ok, speakers, groups)

    def _add(
        self,
        name: str,
        columns: Sequence[Any],
        ok: NDArray[np.bool_],
        speakers: pa.ChunkedArray | pa.Array,
        groups: Mapping[str, pa.ChunkedArray],
    ) -> None:
        for is_ok in (True, False):
            here = pa.array(ok == is_ok)
            own = speakers.filter(here)
            counted = [pa.nulls(len(own), pa.int32()) for _ in COUNTED]
            if is_ok:
                counted = [_int32(column) for column in columns]
            rows = {name: pa.repeat(pa.scalar(value), len(own)) for name, value in _keys(name, is_ok)}
            rows |= {"speaker_id": own} | dict(zip(COUNTED, counted, strict=True))
            self._sums.add(pa.table(rows), {key: column.filter(here) for key, column in groups.items()})

    def rows(
        self, baselines: Mapping[str, str], gaps: Mapping[tuple[str, str], Gap], *, deterministic: bool
    ) -> Iterator[Row]:
        """Rows of `tables.REPEATS`, without the names of system, condition and normaliser.

        Args:
            baselines: attribute or intersection -> the group to compare with.
            gaps: (attribute, group) -> difference, lower and upper end, as in `tables.DISPARITIES`.
            deterministic: whether the system is described so.
        """
        by_time = {cell[0]: groupings for cell, groupings in self._sums.cells(baselines)}
        changed = by_time.pop(CHANGED, [])
        times = [by_time[str(number)] for number in range(1, self.n_repeats + 1)] if changed else []
        for said, *heard in zip(changed, *times, strict=True):
            moved = self._gap_sds(heard, baselines)
            for group, counts in said.groups.items():
                every = [grouping.groups[group] for grouping in heard]
                against, sd = moved.get(group, (None, None))
                row = self._row(counts, every, deterministic=deterministic)
                hidden = SUPPRESSED in row["flags"]
                gap = gaps.get((said.attribute, group), (None, None, None))
                told = _gap((None, None, None) if hidden or against is None else gap, None if hidden else sd)
                flags = [*row["flags"], *([NOISY] if (told["half_width_share"] or 0.0) > MOST_NOISE else [])]
                yield {"attribute": said.attribute, "group": group, "baseline": against} | row | told | {"flags": flags}

    def _row(self, said: SpeakerCounts, every: Sequence[SpeakerCounts], *, deterministic: bool) -> Row:
        """What became of one group."""
        flags = list(flags_of(every[0].facts))
        hidden = SUPPRESSED in flags
        share = None if hidden else said.facts.estimate.rate
        if share and deterministic:
            flags.append(NOT_AS_SAID)
        wers = None if hidden else _known([counts.facts.estimate.rate for counts in every])
        return {
            "n_repeats": self.n_repeats,
            "n_utterances": said.facts.n_utterances,
            "n_failed": said.facts.n_failed,
            "n_speakers": len(said.transcribed_speakers) if said.facts.speakers_known else None,
            "n_ref_words": int(every[0].words.sum()),
            "wers": wers,
            "wer_mean": None if wers is None else float(np.mean(wers)),
            "wer_min": None if wers is None else min(wers),
            "wer_max": None if wers is None else max(wers),
            "wer_sd": None if wers is None else spread(wers),
            "share_changed": share,
            "flags": flags,
        }

    def _gap_sds(self, heard: Sequence[Grouping], baselines: Mapping[str, str]) -> dict[str, tuple[str, float | None]]:
        """Group -> what it is compared with, and how far the gap moves; None where a side is too few people."""
        found: dict[str, list[float | None]] = {}
        named = named_baseline(heard[0], baselines.get(heard[0].attribute))
        for grouping in heard:
            for label, group, other in sides(grouping, named):
                rates = [side.facts.estimate.rate for side in (group, other)]
                few = any(SUPPRESSED in flags_of(side.facts) for side in (group, other))
                gap = None if few or rates[0] is None or rates[1] is None else rates[0] - rates[1]
                found.setdefault(label, []).append(gap)
        return {
            label: (named or REST, None if (known := _known(moved)) is None else spread(known))
            for label, moved in found.items()
        }


def spread(values: Sequence[float]) -> float:
    """The standard deviation between the times asked, exactly 0 where all are the same.

    >>> spread([0.1, 0.1, 0.1]), round(spread([0.1, 0.2, 0.1]), 4)
    (0.0, 0.0577)
    """
    return 0.0 if len(set(values)) == 1 else float(np.std(values, ddof=1))


def _gap(gap: Gap, sd: float | None) -> Row:
    """A reported gap beside what the decoding does to it."""
    difference, low, high = gap
    half_width = None if low is None or high is None else (high - low) / 2.0
    return {
        "gap": difference,
        "gap_sd": sd,
        "gap_sd_share": sd / abs(difference) if sd is not None and difference else None,
        "half_width": half_width,
        "half_width_share": sd / half_width if sd is not None and half_width else None,
    }


def _known(values: Sequence[float | None]) -> list[float] | None:
    """The values if there are all of them."""
    found = [value for value in values if value is not None]
    return found if found and len(found) == len(values) else None


def _keys(name: str, is_ok: bool) -> tuple[tuple[str, str], ...]:
    """The key columns of rows of one time."""
    status = "ok" if is_ok else "failed"
    return ("system_id", name), ("condition_id", ""), ("normalizer", ""), ("status", status)


def _int32(column: Any) -> pa.Array:
    """A column of counts."""
    return column if isinstance(column, pa.ChunkedArray | pa.Array) else pa.array(np.asarray(column, np.int32))
