"""From scores to groups and disparities: every system x condition x normaliser x attribute x group.

    sums = SpeakerSums(["accent", "accent*gender"])
    for rows in row_groups: sums.add(rows, {"accent": ..., "gender": ...})
    found = sums.finish({"accent": "English"})

Rows may come in any order and in batches of any size: the same rows give the same tables, bit for bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from asrfair.errors import InputError
from asrfair.records import ALL, MISSING, GroupResult
from asrfair.stats.atoms import CELL, Atoms, AtomSums, distinct
from asrfair.stats.contrasts import Contrast, contrasts
from asrfair.stats.families import Cell, Family, Row, adjust
from asrfair.stats.groups import Grouping, group_all, group_by, group_result, groups_of
from asrfair.stats.measures import OMNIBUS, measures
from asrfair.stats.normalizer_gaps import normalizer_gaps
from asrfair.stats.ordering import condition_key, group_key, natural_key
from asrfair.stats.screen import Screen
from asrfair.stats.system_gaps import system_gaps
from asrfair.tables import DISPARITIES, GROUPS, MEASURES, NORMALIZER_GAPS, SYSTEM_GAPS

_BATCH_ROWS = 250_000


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analysis finds, one table of `tables` each.

    Attributes:
        groups: rates with intervals.
        disparities: gaps with their tests.
        measures: how far the groups of an attribute lie apart, and whether they differ at all.
        normalizer_gaps: how much of a gap the normaliser makes; empty with one normaliser.
        system_gaps: systems against each other, for everybody and by group; empty with one system.
    """

    groups: pa.Table
    disparities: pa.Table
    measures: pa.Table
    normalizer_gaps: pa.Table
    system_gaps: pa.Table


class SpeakerSums:
    """Accumulates score rows into sums by speaker, and analyses them.

    Args:
        by: attributes (`accent`) and intersections (`accent*gender`); `all` is always included.
        normalizers: names in the order of the tables; others follow in order of appearance.
        empty_ref: `count` to count words written where nothing was said as errors of the group, `separate` to leave
            them to the table of harms.

    Raises:
        InputError: an intersection names an attribute twice, or `empty_ref` is unknown.
    """

    def __init__(self, by: Sequence[str], normalizers: Sequence[str] = (), *, empty_ref: str = "count") -> None:
        if empty_ref not in ("count", "separate"):
            raise InputError(f"empty_ref {empty_ref!r}: must be 'count' or 'separate'")
        self._specs = {spec: tuple(spec.split("*")) for spec in by if spec != ALL}
        for spec, parts in self._specs.items():
            if len(set(parts)) < len(parts) or "" in parts:
                raise InputError(f"{spec!r} is no intersection: name different attributes, such as accent*gender")
        self._normalizers = tuple(normalizers)
        names = list(dict.fromkeys(part for parts in self._specs.values() for part in parts))
        self._sums = AtomSums(names, count_on_silence=empty_ref == "count")

    def add(self, scores: pa.Table | pa.RecordBatch, groups: Mapping[str, pa.ChunkedArray | pa.Array]) -> None:
        """Add a batch of rows.

        Args:
            scores: the columns `SCORE_COLUMNS` of `tables.SCORES` (others are ignored), any number of rows.
            groups: attribute -> text column aligned with the rows: `a|b` where a row is in two groups, null if missing.

        Raises:
            InputError: an attribute asked for is not among the groups, or has another length than the rows.
        """
        for name in self._sums.attributes:
            if name not in groups:
                raise InputError(f"{name!r} is no attribute here; there are: {', '.join(sorted(groups)) or 'none'}")
            if len(groups[name]) != len(scores):
                raise InputError(f"{name}: {len(groups[name])} values for {len(scores)} score rows")
        self._sums.add(scores, groups)

    def groups(self) -> dict[str, list[str]]:
        """The groups met so far in each attribute and intersection, `missing` left out, in table order."""
        found: dict[str, list[str]] = {}
        keys = self._sums.merged().keys
        for spec, parts in self._specs.items():
            values = keys[[self._sums.key_of(part) for part in parts]]
            labels = [self._sums.values(part).labels for part in parts]
            combinations = values[:, distinct(values)[1]].T
            met = {g for c in combinations for g in groups_of([names[i] for names, i in zip(labels, c, strict=True)])}
            found[spec] = sorted(met - {MISSING}, key=group_key)
        return found

    def finish(
        self, baselines: Mapping[str, str] | None = None, families: Sequence[Family] = (), *, seed: int = 0
    ) -> Analysis:
        """Analyse what was added.

        Args:
            baselines: attribute or intersection -> the group to compare with; without one a group is compared with
                the rest, and so it is, with the flag `baseline_absent`, where the baseline does not occur.
            families: which comparisons are adjusted together, declared before looking (see `families`).
            seed: of the permutations.

        Returns:
            Tables whose rows are ordered by system, condition (clean first), normaliser, attribute (`all` first, then
            as asked for) and group (baseline first, `missing` last).

        Raises:
            InputError: a family asks for max-T of an attribute that cannot be permuted over speakers.
        """
        chosen = baselines or {}
        results: list[tuple[Cell, GroupResult]] = []
        rows: list[Row] = []
        spreads: list[dict[str, Any]] = []
        views: dict[tuple[str, str], dict[str, list[Grouping]]] = {}
        screen = Screen(families, seed)
        cells = list(self.cells(chosen))
        n_gates = len(self._specs) * max(Counter(cell[2] for cell, _ in cells).values(), default=0) if families else 0
        for cell, groupings in cells:
            views.setdefault(cell[:2], {})[cell[2]] = groupings
            for grouping in groupings:
                results += [(cell, group_result(grouping.attribute, *item)) for item in grouping.groups.items()]
                if grouping.attribute != ALL:
                    rows += [(cell, row) for row in contrasts(grouping, chosen.get(grouping.attribute))]
                    spreads += measures(cell, grouping, seed, n_gates=n_gates)
                    screen.add(cell, grouping, chosen.get(grouping.attribute))
        rows = adjust(rows, families, _omnibus(spreads), screen.max_t)
        return Analysis(
            _groups_table(results),
            _disparities_table(rows),
            pa.Table.from_pylist(spreads, schema=MEASURES),
            pa.Table.from_pylist(list(_between_normalizers(views, chosen, rows)), schema=NORMALIZER_GAPS),
            pa.Table.from_pylist(list(_between_systems(views)), schema=SYSTEM_GAPS),
        )

    def cells(self, baselines: Mapping[str, str]) -> Iterator[tuple[Cell, list[Grouping]]]:
        """Every cell in the order of the tables, with its groups; the baseline is first."""
        for cell, atoms in sorted(self._sums.cells(), key=lambda found: self._cell_key(found[0])):
            yield cell, self._groupings(atoms, baselines)

    def _groupings(self, atoms: Atoms, baselines: Mapping[str, str]) -> list[Grouping]:
        """The atoms of one cell, split by everything asked for."""
        speakers = atoms.keys[len(CELL)]
        found = [group_all(speakers, atoms.sums)]
        for spec, parts in self._specs.items():
            values = atoms.keys[[self._sums.key_of(part) for part in parts]]
            labels = [self._sums.values(part).labels for part in parts]
            found.append(group_by(spec, values, labels, speakers, atoms.sums, baselines.get(spec)))
        return found

    def _cell_key(self, cell: Cell) -> tuple[object, ...]:
        """Where a cell stands in the tables."""
        system, condition, normalizer = cell
        order = [*self._normalizers, *(str(name) for name in self._sums.vocabularies["normalizer"].labels)]
        return natural_key(system), condition_key(condition), order.index(normalizer)


def analyze_scores(
    scores: pa.Table,
    groups: Mapping[str, pa.ChunkedArray],
    by: Sequence[str],
    baselines: Mapping[str, str] | None = None,
) -> tuple[pa.Table, pa.Table]:
    """Groups and disparities of a table of scores: `SpeakerSums` in one call.

    Args:
        scores: `tables.SCORES` columns for one or many systems, conditions and normalisers.
        groups: attribute -> text column aligned with the rows: `a|b` where a row is in two groups, null if missing.
        by: attributes (`accent`) and intersections (`accent*gender`); `all` is always included.
        baselines: attribute or intersection -> the group to compare with; the rest where there is none.

    Returns:
        `tables.GROUPS` and `tables.DISPARITIES`; see `SpeakerSums.finish`.

    Raises:
        InputError: see `SpeakerSums`.
    """
    sums = SpeakerSums(by)
    for start in range(0, max(len(scores), 1), _BATCH_ROWS):
        batch = {name: column.slice(start, _BATCH_ROWS) for name, column in groups.items()}
        sums.add(scores.slice(start, _BATCH_ROWS), batch)
    found = sums.finish(baselines)
    return found.groups, found.disparities


def _omnibus(spreads: Sequence[Mapping[str, Any]]) -> dict[tuple[Cell, str], float | None]:
    """The omnibus p of each cell and attribute."""
    return {
        ((row["system_id"], row["condition_id"], row["normalizer"]), row["attribute"]): row["p"]
        for row in spreads
        if row["measure"] == OMNIBUS
    }


def _between_normalizers(
    views: Mapping[tuple[str, str], Mapping[str, list[Grouping]]], baselines: Mapping[str, str], rows: Sequence[Row]
) -> Iterator[dict[str, Any]]:
    """Rows of `tables.NORMALIZER_GAPS`."""
    found: dict[tuple[str, str], dict[tuple[str, str, str], Contrast]] = {}
    for cell, row in rows:
        found.setdefault(cell[:2], {})[cell[2], row.attribute, row.group] = row
    for place, by_normalizer in views.items():
        yield from normalizer_gaps(place, by_normalizer, baselines, found.get(place, {}))


def _between_systems(views: Mapping[tuple[str, str], Mapping[str, list[Grouping]]]) -> Iterator[dict[str, Any]]:
    """Rows of `tables.SYSTEM_GAPS`, condition by condition."""
    keys = dict.fromkeys((c, n) for (_, c), by_normalizer in views.items() for n in by_normalizer)
    for condition, normalizer in keys:
        by_system = {s: found[normalizer] for (s, c), found in views.items() if c == condition and normalizer in found}
        yield from system_gaps(condition, normalizer, by_system)


def _groups_table(results: Sequence[tuple[Cell, GroupResult]]) -> pa.Table:
    """`tables.GROUPS` from results."""
    return pa.Table.from_pylist([_group_row(cell, result) for cell, result in results], schema=GROUPS)


def _group_row(cell: Cell, result: GroupResult) -> dict[str, object]:
    """One row of `tables.GROUPS`; what is withheld stays null."""
    row: dict[str, object] = dict(zip(CELL, cell, strict=True))
    for name in ("attribute", "group", "n_utterances", "n_failed", "n_speakers", "n_ref_words", "wer_macro", "cer"):
        row[name] = getattr(result, name)
    if result.counts is not None and result.interval is not None:
        for name in ("hits", "substitutions", "deletions", "insertions"):
            row[name] = getattr(result.counts, name)
        interval = result.interval
        row |= {"wer": interval.wer, "wer_low": interval.low, "wer_high": interval.high, "df": interval.df}
    return row | {"flags": list(result.flags)}


def _disparities_table(rows: Sequence[tuple[Cell, Contrast]]) -> pa.Table:
    """`tables.DISPARITIES` from contrasts."""
    return pa.Table.from_pylist([_disparity_row(cell, row) for cell, row in rows], schema=DISPARITIES)


def _disparity_row(cell: Cell, row: Contrast) -> dict[str, object]:
    """One row of `tables.DISPARITIES`."""
    found = row.found
    return dict(zip(CELL, cell, strict=True)) | {
        "attribute": row.attribute,
        "group": row.group,
        "baseline": row.baseline,
        "wer_difference": found.difference,
        "difference_low": found.difference_low,
        "difference_high": found.difference_high,
        "wer_ratio": found.ratio,
        "ratio_low": found.ratio_low,
        "ratio_high": found.ratio_high,
        "p": found.p,
        "p_adjusted": row.p_adjusted,
        "family": row.family,
        "df": found.df,
        "mde_ratio": found.mde_ratio,
        "verdict": row.verdict,
        "flags": list(row.flags),
    }
