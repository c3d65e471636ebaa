"""The verb compare: two releases, or two systems, on the same people: what got better, and for whom worse.

Each side is a run folder, or `RUN:SYSTEM` where a run has several. Only utterances that both sides transcribed count;
those that one side failed are told of. What the numbers of both sides depend on (data, normaliser, conditions, counts)
must be the same, or the comparison says so first: two numbers with different signatures are not compared in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asrfair.errors import InputError
from asrfair.files import made_folder, write_aside
from asrfair.manifest import Attribute, groupable, parse_by
from asrfair.pipeline.analysis import write_table
from asrfair.pipeline.joints import SCORES_FILE, group_columns
from asrfair.pipeline.side_by_side import cells_of
from asrfair.pipeline.sides import Scored, differences, scored, shared_normalizers, told_of
from asrfair.report.comparison import Comparison
from asrfair.report.discretion import discreet_more, hidden_groups
from asrfair.stats import SCORE_COLUMNS, SpeakerSums
from asrfair.stats.comparison import comparison_rows
from asrfair.stats.suppression import K_EXPORTED
from asrfair.tables import COMPARISON, check_table, readable

OLD, NEW = "old", "new"
COUNTS = ("hits", "substitutions", "deletions", "insertions", "n_ref_chars", "char_errors")


def compare(
    old: str | Path,
    new: str | Path,
    *,
    by: Sequence[str] = (),
    baseline: Mapping[str, str] | None = None,
    conditions: Sequence[str] = (),
    k: int = K_EXPORTED,
    out: str | Path | None = None,
) -> Comparison:
    """Compare two releases or two systems, paired by speaker.

    Args:
        old: a run folder, or `RUN:SYSTEM`.
        new: the same, of the later release or the other system.
        by: attributes and intersections; by default every attribute that has groups.
        baseline: attribute -> the group whose gap is followed; by default the manifest's choice, else everybody else.
        conditions: only these; by default all that both have.
        k: speakers that a group needs to be told of.
        out: folder for `comparison.parquet`, `.csv`, `.json` and `.md`; None writes nothing.

    Raises:
        InputError: a side that is no scored run, an unknown system, nothing in common.
    """
    before, after = scored(old), scored(new)
    attributes = msgspec.convert(after.metadata["attributes"], dict[str, Attribute])
    specs = ["*".join(spec) for spec in parse_by(by, attributes, after.metadata["undeclared"])]
    baselines = {name: a.baseline for name, a in attributes.items() if a.baseline is not None and groupable(a)}
    baselines |= baseline or {}
    places = _common(before, after, conditions)
    rows: list[dict[str, Any]] = []
    lost: dict[str, dict[str, int]] = {}
    for condition in places:
        for cell, of_new, of_old in _views((before, after), condition, specs, attributes, baselines, lost):
            rows += comparison_rows((condition, cell), of_new, of_old, baselines)
    if not rows:
        raise InputError(f"{old} and {new}: no utterance was transcribed by both, so that nothing can be compared")
    hidden: dict[tuple[str, str], str] = {}
    for side in (before, after):
        counted = [
            {name: row.get(name) for name in ("attribute", "group", "n_speakers", "flags")}
            | {"n_utterances": row["n_pairs"], "n_failed": 0}
            for row in rows
        ]
        hidden |= hidden_groups(side.record.as_dict(), counted, k)
    table = pa.Table.from_pylist(discreet_more(rows, hidden, k), schema=COMPARISON)
    found = Comparison(
        told_of(before),
        told_of(after),
        table,
        differences(before, after),
        lost,
        {"k_anonymity": k, "withheld": _withheld(rows, table), "by": specs, "baselines": baselines},
    )
    if out is not None:
        _write(Path(out), found)
    return found


def _withheld(rows: Sequence[Mapping[str, Any]], table: pa.Table) -> int:
    """How many groups are in no row any more."""
    told = set(zip(table["attribute"].to_pylist(), table["group"].to_pylist(), strict=True))
    return len({(row["attribute"], row["group"]) for row in rows} - told)


def _common(before: Scored, after: Scored, conditions: Sequence[str]) -> list[str]:
    """The conditions that both have.

    Raises:
        InputError: none, or one that was asked for is absent.
    """
    of = [{c for s, c in cells_of(side.folder / SCORES_FILE) if s == side.system.system_id} for side in (before, after)]
    shared = of[0] & of[1]
    for condition in conditions:
        if condition not in shared:
            raise InputError(f"condition {condition!r} is not in both; both have {', '.join(sorted(shared)) or 'none'}")
    if not shared:
        raise InputError(f"{before.folder} and {after.folder} have no condition in common")
    ordered = [c.condition_id for c in after.record.conditions if c.condition_id in shared]
    return [c for c in ordered if not conditions or c in conditions]


def _views(
    both: tuple[Scored, Scored],
    condition: str,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    baselines: Mapping[str, str],
    lost: dict[str, dict[str, int]],
) -> Iterator[tuple[str, list[Any], list[Any]]]:
    """Normaliser by normaliser: the groups of the new side and of the old, over the same utterances."""
    single = list(dict.fromkeys(part for spec in specs for part in spec.split("*")))
    tables = [_rows(side, condition, single if side is both[1] else []) for side in both]
    for name in shared_normalizers(both):
        old, new = (table.filter(pc.field("normalizer") == name) for table in tables)
        old, new, lost[condition] = _paired(old, new)
        if not len(new):
            continue
        sums = SpeakerSums(specs, [name])
        groups = group_columns(new, {part: attributes[part] for part in single})
        for label, counted in ((OLD, old), (NEW, new)):
            mine = new.set_column(0, "system_id", pa.repeat(pa.scalar(label), len(new)))
            for column in COUNTS:
                mine = mine.set_column(mine.schema.get_field_index(column), column, counted[column])
            sums.add(mine.select(list(SCORE_COLUMNS)), groups)
        found = {cell[0]: groupings for cell, groupings in sums.cells(baselines)}
        yield name, found[NEW], found[OLD]


def _rows(side: Scored, condition: str, attributes: Sequence[str]) -> pa.Table:
    """The score rows of one side under a condition."""
    path = side.folder / SCORES_FILE
    columns = list(dict.fromkeys([*SCORE_COLUMNS, "utterance_id", *attributes]))
    wanted = [("system_id", "=", side.system.system_id), ("condition_id", "=", condition)]
    with readable(path, "asrfair score"):
        check_table(pq.read_schema(path), "scores", str(path))
        return (
            pq.ParquetFile(path)
            .read(columns=columns)
            .filter((pc.field("system_id") == wanted[0][2]) & (pc.field("condition_id") == wanted[1][2]))
        )


def _paired(old: pa.Table, new: pa.Table) -> tuple[pa.Table, pa.Table, dict[str, int]]:
    """The rows that both sides transcribed, in the same order, and how many were lost to what."""
    at = pc.index_in(new["utterance_id"].combine_chunks(), value_set=old["utterance_id"].combine_chunks())
    known = pc.is_valid(at)
    matched = old.take(at.filter(known))
    mine = new.filter(known)
    words = [pc.add(pc.add(table["hits"], table["substitutions"]), table["deletions"]) for table in (matched, mine)]
    both = pc.and_(pc.equal(matched["status"], "ok"), pc.equal(mine["status"], "ok"))
    same = pc.fill_null(pc.equal(*words), False)
    told = {
        "only_new": len(new) - len(mine),
        "only_old": len(old) - len(mine),
        "failed_in_one": len(mine) - (pc.sum(both).as_py() or 0),
        "other_reference": pc.sum(pc.and_(both, pc.invert(same))).as_py() or 0,
    }
    kept = pc.and_(both, same)
    return matched.filter(kept), mine.filter(kept), told


def _write(folder: Path, found: Comparison) -> None:
    """Write the comparison, each file whole or not at all."""
    made_folder(folder)
    write_table(folder, "comparison", found.table)
    write_aside(folder / "comparison.json", found.as_json().encode())
    write_aside(folder / "comparison.md", found.as_markdown().encode())
