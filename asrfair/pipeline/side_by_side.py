"""All conditions of one system and normaliser of a scores file, side by side.

A scores file has one cell after the other, each with a row for every utterance. They are read one cell at a time and
kept as whole numbers (ten bytes an utterance and condition); rows are joined by `utterance_id`, which costs
a comparison where the order is the same, as `asrfair score` leaves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from asrfair.manifest import Attribute
from asrfair.pipeline.details import CELL, COUNTS
from asrfair.pipeline.joints import group_columns
from asrfair.provenance import ConditionRecord, RunRecord
from asrfair.records import CLEAN
from asrfair.stats.atoms import Codes, Vocabulary
from asrfair.stats.conditions import Conditions, Heard, Place
from asrfair.stats.ordering import condition_key, natural_key
from asrfair.tables import check_table, readable

Cell = tuple[str, str, str]

AGAIN = "again"
"""The environment that changes nothing: a control for `movements`, and no condition here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is read of a scores file.

    Attributes:
        specs: attributes and intersections to look at.
        attributes: what the columns mean.
        baselines: attribute or intersection -> the group to compare with.
        normalizers: those wanted, in the order of the tables; all in the file if empty.
        empty_ref: `count` for words written where nothing was said as errors, `separate` to leave them out.
        further: attributes whose groups are needed though they are not looked at.
    """

    specs: Sequence[str]
    attributes: Mapping[str, Attribute]
    baselines: Mapping[str, str]
    normalizers: Sequence[str] = ()
    empty_ref: str = "count"
    further: Sequence[str] = ()

    @property
    def single(self) -> list[str]:
        """Every attribute that is needed, once."""
        return list(dict.fromkeys([*(part for spec in self.specs for part in spec.split("*")), *self.further]))


def side_by_side(path: Path, record: RunRecord, asked: Asked) -> Iterator[Conditions]:
    """Every system and normaliser of a scores file under all its conditions.

    Args:
        path: the scores file.
        record: of the run; says what the conditions are.
        asked: what is read.

    Raises:
        RunFolderError: the file is absent, damaged, or of another version.
    """
    with readable(path, "asrfair score"), pq.ParquetFile(path) as file:
        check_table(file.schema_arrow, "scores", str(path))
        blocks: dict[tuple[str, str], dict[str, list[int]]] = {}
        for number in range(file.num_row_groups):
            if file.metadata.row_group(number).num_rows:
                system, condition, normalizer = _cell(file, number)
                blocks.setdefault((system, normalizer), {}).setdefault(condition, []).append(number)
        order = list(asked.normalizers) or list(dict.fromkeys(normalizer for _, normalizer in blocks))
        wanted = (key for key in blocks if key[1] in order)
        for system, normalizer in sorted(wanted, key=lambda key: (natural_key(key[0]), order.index(key[1]))):
            yield _conditions(file, (system, normalizer), blocks[system, normalizer], record, asked)


def cells_of(path: Path) -> set[tuple[str, str]]:
    """The systems and conditions of a scores file.

    Raises:
        RunFolderError: the file is absent, damaged, or of another version.
    """
    with readable(path, "asrfair score"), pq.ParquetFile(path) as file:
        check_table(file.schema_arrow, "scores", str(path))
        blocks = [n for n in range(file.num_row_groups) if file.metadata.row_group(n).num_rows]
        return {_cell(file, number)[:2] for number in blocks}


def _cell(file: pq.ParquetFile, number: int) -> Cell:
    """System, condition and normaliser of a block of rows: all its rows have the same."""
    told = file.metadata.row_group(number)
    at = [file.schema_arrow.names.index(name) for name in CELL]
    found = [told.column(i).statistics for i in at]
    if all(s is not None and s.has_min_max and s.min == s.max for s in found):
        return (str(found[0].min), str(found[1].min), str(found[2].min))
    rows = file.read_row_group(number, columns=list(CELL), use_threads=False)
    return (rows[CELL[0]][0].as_py(), rows[CELL[1]][0].as_py(), rows[CELL[2]][0].as_py())


def _conditions(
    file: pq.ParquetFile,
    signed: tuple[str, str],
    blocks: Mapping[str, Sequence[int]],
    record: RunRecord,
    asked: Asked,
) -> Conditions:
    """One system and normaliser."""
    order = sorted(blocks, key=condition_key)
    known = {condition.condition_id: condition for condition in record.conditions}
    utterances = _utterances(file, blocks[order[0]], asked)
    ids = utterances["utterance_id"].combine_chunks()
    places = [_place(known.get(c) or ConditionRecord(condition_id=c)) for c in order if c != CLEAN]
    people, asked_to_say = Vocabulary(), Vocabulary()
    speakers = _alphabetical(people, utterances["speaker_id"])
    vocabularies = {name: Vocabulary() for name in asked.single}
    groups = group_columns(utterances, {name: asked.attributes[name] for name in asked.single})
    values = {name: vocabularies[name].encode(groups[name]) for name in asked.single}
    return Conditions(
        system_id=signed[0],
        normalizer=signed[1],
        speakers=speakers,
        values=values,
        labels={name: vocabulary.labels for name, vocabulary in vocabularies.items()},
        specs=asked.specs,
        baselines=asked.baselines,
        heard={condition: _heard(file, blocks[condition], ids, asked.empty_ref) for condition in order},
        places=[place for place in places if place.environment != AGAIN],
        prompts=asked_to_say.encode(utterances["prompt_id"]) if "prompt_id" in utterances.column_names else None,
    )


def _utterances(file: pq.ParquetFile, blocks: Sequence[int], asked: Asked) -> pa.Table:
    """Who and what the utterances of a cell are."""
    names = ["utterance_id", "speaker_id", *asked.single]
    names += [name for name in ("prompt_id",) if name in file.schema_arrow.names and name not in names]
    return file.read_row_groups(list(blocks), columns=names, use_threads=False)


def _alphabetical(people: Vocabulary, column: pa.ChunkedArray) -> Codes:
    """Codes of speakers in the order of their names, 0 for unknown: the same in whatever order rows come."""
    codes = people.encode(column)
    found: Codes = people.ranks()[codes]
    return found


def _heard(file: pq.ParquetFile, blocks: Sequence[int], ids: pa.Array, empty_ref: str) -> Heard:
    """What became of the utterances in one cell, in the order of `ids`; one that has no row was not transcribed."""
    rows = file.read_row_groups(list(blocks), columns=["utterance_id", "status", *COUNTS], use_threads=False)
    ok = pc.fill_null(pc.equal(rows["status"], "ok"), False).to_numpy()
    hits, substitutions, deletions, insertions = (pc.fill_null(rows[name], 0).to_numpy() for name in COUNTS)
    words = hits + substitutions + deletions
    if empty_ref == "separate":
        insertions = np.where(words > 0, insertions, 0)
    errors = substitutions + deletions + insertions
    found = [np.where(ok, errors, 0).astype(np.int32), np.where(ok, words, 0).astype(np.int32), ok]
    own = rows["utterance_id"].combine_chunks()
    if not own.equals(ids):
        found = _joined(found, pc.index_in(ids, value_set=own))
    return Heard(*found)


def _joined(columns: Sequence[NDArray[np.generic]], where: pa.Array) -> list[NDArray[np.generic]]:
    """Columns in another order, 0 or false where there is no row."""
    there = pc.is_valid(where).to_numpy(zero_copy_only=False)
    at = pc.fill_null(where, 0).to_numpy(zero_copy_only=False)
    return [np.where(there, column[at], column.dtype.type(0)) for column in columns]


def _place(condition: ConditionRecord) -> Place:
    """What a condition is to the statistics; an environment that the record does not name is that before the `@`."""
    environment = condition.environment or condition.condition_id.partition("@")[0]
    return Place(condition.condition_id, environment, condition.level_value, condition.hardest)
