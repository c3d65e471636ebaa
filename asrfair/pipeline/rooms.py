"""What analyze adds where a run has conditions other than clean: what was heard, and what it did to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from asrfair.config import parse_pair
from asrfair.errors import InputError
from asrfair.manifest import Attribute
from asrfair.pipeline.heard import heard
from asrfair.pipeline.joints import SCORES_FILE, places
from asrfair.pipeline.last_mile import SCHEMAS, check_rooms, last_mile, read_difficulty
from asrfair.pipeline.movements import sensitivity
from asrfair.provenance import RunRecord, read_record
from asrfair.records import CLEAN, PROBE_S
from asrfair.scoring import find_normalizer
from asrfair.stats.curves import THRESHOLD
from asrfair.stats.probes import probed
from asrfair.store import read_probes
from asrfair.tables import PROBES

ROOM_TABLES = ("heard", *SCHEMAS, "sensitivity", "probes")
EXAMPLES = 3
"""How many different texts of a system and condition are shown."""


@dataclass(frozen=True, slots=True)
class RoomOptions:
    """What is asked of conditions.

    Attributes:
        threshold: the word error rate at which levels are told, a fraction.
        difficulty: CSV file with a frozen difficulty of every condition; None for no NWERD.
        real: `SIMULATED=REAL` texts.
    """

    threshold: float = THRESHOLD
    difficulty: str | Path | None = None
    real: Sequence[str] = ()

    def pairs(self) -> list[tuple[str, str]]:
        """Simulated condition and real side.

        Raises:
            InputError: a text that is no pair.
        """
        form = "SIMULATED=REAL, such as ward@10dB=ward-recorded@10dB or ward@10dB=room=ward"
        return [parse_pair(text, "--real", form) for text in self.real]

    def check(self, record: RunRecord, attributes: Mapping[str, Attribute]) -> None:
        """Refuse what cannot be answered, before anything is computed.

        Raises:
            InputError: a threshold out of range, a pair that the run does not have, a difficulty table that is faulty.
        """
        check_rooms(self.threshold, self.pairs(), record, attributes)
        if self.difficulty is not None:
            told, heard = read_difficulty(self.difficulty), {condition for _, condition in record.cells}
            if not told.keys() & heard:
                there = ", ".join(sorted(heard - {CLEAN})) or "none"
                raise InputError(f"{self.difficulty}: tells of no condition of this run; there are: {there}")


def room_tables(
    folder: Path,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    baselines: Mapping[str, str],
    normalizer: str,
    options: RoomOptions,
    *,
    empty_ref: str,
) -> dict[str, pa.Table]:
    """The tables of a run's conditions; those without a row are left out.

    Args:
        folder: the run folder.
        specs: attributes and intersections to look at.
        attributes: what the columns mean.
        baselines: attribute -> the group to compare with.
        normalizer: the headline normaliser.
        options: what is asked.
        empty_ref: as in `analyze`.
    """
    record = read_record(folder)
    found: dict[str, pa.Table] = {"probes": _probes(folder, normalizer)}
    if {condition for _, condition in record.cells} - {CLEAN}:
        single = [spec for spec in specs if "*" not in spec]
        noisy = [place for place in places(record) if place[1] != CLEAN]
        found["heard"] = heard(folder, folder / SCORES_FILE, noisy, single, attributes)
        found |= last_mile(
            folder / SCORES_FILE,
            record,
            specs,
            attributes,
            baselines,
            normalizer_headline=normalizer,
            threshold=options.threshold,
            difficulty=None if options.difficulty is None else read_difficulty(options.difficulty),
            real=options.pairs(),
            empty_ref=empty_ref,
        )
    return {name: table for name, table in found.items() if len(table)}


def moved_tables(
    folder: Path,
    rows: pa.Table,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    baselines: Mapping[str, str],
    normalizer: str,
) -> dict[str, pa.Table]:
    """How far transcripts move under the conditions, without references; nothing where there are none.

    Args:
        folder: the run folder.
        rows: the manifest's rows of the run.
        specs: attributes and intersections to look at.
        attributes: what the columns mean.
        baselines: attribute -> the group to compare with.
        normalizer: the headline normaliser.
    """
    record = read_record(folder)
    table = sensitivity(folder, record, rows, specs, attributes, baselines, normalizer=normalizer)
    return {"sensitivity": table} if len(table) else {}


def _probes(folder: Path, normalizer: str) -> pa.Table:
    """What systems wrote when nobody spoke."""
    rows = read_probes(folder)
    normal = find_normalizer(normalizer)
    found = []
    cells = rows.group_by(["system_id", "condition_id"], use_threads=False).aggregate([])
    for system, condition in zip(*(cells[name].to_pylist() for name in ("system_id", "condition_id")), strict=True):
        here = rows.filter(pc.and_(pc.equal(rows["system_id"], system), pc.equal(rows["condition_id"], condition)))
        heard_at_all = here.filter(pc.equal(here["status"], "ok"))
        texts = [str(text) for text in normal.normalize(heard_at_all["text"].to_pylist())]
        told = probed([len(text.split()) for text in texts], [PROBE_S] * len(texts))
        examples = list(dict.fromkeys(filter(None, texts)))[:EXAMPLES]
        numbers = {name: getattr(told, name) for name in ("hours", "words_per_hour", "low", "high")}
        numbers |= {"share_with_words": told.share_with_words, "n_words": told.n_words}
        about = {"system_id": system, "condition_id": condition, "probe": f"silence of {PROBE_S:g} s"}
        about |= {"n_probes": len(here), "n_failed": len(here) - len(texts), "examples": examples}
        found.append(about | numbers)
    return pa.Table.from_pylist(found, schema=PROBES)
