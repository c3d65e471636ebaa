"""The verb analyze: rates, gaps and their tests from the scores of a run alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from asrfair import config as configuration
from asrfair.errors import InputError, RunFolderError
from asrfair.files import write_aside, written_aside
from asrfair.manifest import Attribute, groupable, parse_by
from asrfair.pipeline.details import check_covariates, details
from asrfair.pipeline.joints import SCORES_FILE, alone, check_transcripts, group_columns, manifest_of, places, selected
from asrfair.pipeline.repeats import TABLE as REPEATS_TABLE
from asrfair.pipeline.repeats import repeat_tables
from asrfair.pipeline.results import Audit
from asrfair.pipeline.rooms import ROOM_TABLES, RoomOptions, moved_tables, room_tables
from asrfair.pipeline.side_by_side import cells_of
from asrfair.pipeline.texts import SCHEMAS, read_terms, spoken_of, text_tables
from asrfair.pipeline.unknown_speakers import assume_design_effect
from asrfair.provenance import RunRecord, VerbClock, read_record, write_record
from asrfair.scoring.writer import read_metadata
from asrfair.stats import SCORE_COLUMNS, Family, SpeakerSums
from asrfair.stats.curves import THRESHOLD
from asrfair.stats.design_effect import check_design_effect
from asrfair.tables import check_table, csv_bytes, readable

TABLES = ("groups", "disparities", "measures", "normalizer_gaps", "system_gaps")
"""What analyze always writes, each as Parquet and as CSV."""

FURTHER = ("adjusted", "matched", *SCHEMAS, *ROOM_TABLES, REPEATS_TABLE)
"""What it writes if asked, where there are conditions other than clean, or where systems were asked more than once."""


@alone
def analyze(
    run: str | Path,
    *,
    by: Sequence[str] = (),
    baseline: Sequence[str] | Mapping[str, str] = (),
    families: Sequence[configuration.FamilySpec] = (),
    confirm: Sequence[str] = (),
    screening: str | None = None,
    adjust: Sequence[str] = (),
    deep: bool = False,
    terms: str | Path | None = None,
    empty_ref: str = "count",
    design_effect: float | None = None,
    threshold: float = THRESHOLD,
    difficulty: str | Path | None = None,
    real: Sequence[str] = (),
) -> Audit:
    """Rates, intervals and disparities by group, from the scores of a run alone.

    Args:
        run: the run folder.
        by: attributes (`accent`) and intersections (`accent*gender`); by default every attribute that has groups.
        baseline: attribute -> group to compare with, or `ATTR=GROUP` texts; by default the manifest's own choice.
        families: which comparisons are adjusted together; by default all of a system, condition and normaliser.
        confirm: attributes that make one confirmatory family (Holm) in clean audio; the rest is screened.
        screening: how the rest is adjusted behind the omnibus gate: `bh`, `by`, `two-stage`, `holm` or `max-t`.
        adjust: attributes to hold equal in a model beside the total disparities.
        deep: whether to measure, utterance by utterance, quality shares, distances and matched prompts, and to read
            the transcripts: kinds of error, confusions, other harms, confidences.
        terms: a text file with words or phrases, one a line, whose recall is told by group; goes with `deep`.
        empty_ref: `count` for words written where nothing was said in the numerator of the rate, `separate` to tell
            of them among the harms only.
        design_effect: where the manifest does not say who speaks, give intervals under this effect, vouched for by
            the user; without it there are none.
        threshold: the word error rate at which the levels of an environment are told, a fraction.
        difficulty: CSV file with a frozen difficulty of every condition, for NWERD.
        real: `SIMULATED=REAL` texts: a condition, and the condition or the `ATTR=GROUP` of recordings made in the real
            room, to compare.

    Raises:
        InputError: no scores, an attribute that has no groups, a group that does not occur, an unknown method.
    """
    clock, folder = VerbClock("analyze"), Path(run)
    record = read_record(folder)
    metadata = read_metadata(folder / SCORES_FILE)
    _check_scores(folder / SCORES_FILE, metadata, record)
    attributes = msgspec.convert(metadata["attributes"], dict[str, Attribute])
    specs = ["*".join(spec) for spec in parse_by(by, attributes, metadata["undeclared"])]
    baselines = {name: a.baseline for name, a in attributes.items() if a.baseline is not None and groupable(a)}
    baselines |= (asked := _baselines(baseline))
    check_covariates(adjust, attributes)
    check_design_effect(design_effect)
    wanted = _terms(terms, deep=deep)
    rooms = RoomOptions(threshold, difficulty, real)
    rooms.check(record, attributes)
    declared = _families(families, confirm, screening, specs)
    sums = SpeakerSums(specs, [entry["name"] for entry in metadata["normalizers"]], empty_ref=empty_ref)
    _read_scores(folder / SCORES_FILE, sums, specs, attributes)
    groups = sums.groups()
    _check_cells(folder / SCORES_FILE, record)
    _check_baselines(asked, groups)
    _check_claims(declared, record, {name for names in groups.values() for name in names})
    found = sums.finish(baselines, declared, seed=record.seed)
    tables = {name: getattr(found, name) for name in TABLES}
    looked_at = (folder / SCORES_FILE, specs, attributes)
    if design_effect is not None:
        tables |= assume_design_effect(tables, *looked_at, design_effect, empty_ref=empty_ref)
    if deep or adjust:
        covariates = list(dict.fromkeys(adjust))
        more = details(*looked_at, baselines, covariates=covariates, deep=deep, seed=record.seed)
        tables |= more | {"measures": pa.concat_tables([found.measures, *([more["measures"]] if deep else [])])}
    place = (folder, specs, attributes, baselines, metadata["normalizers"][0]["name"])
    tables |= room_tables(*place, rooms, empty_ref=empty_ref)
    again = {"scored": metadata["manifest_digest"], "empty_ref": empty_ref}
    tables |= repeat_tables(folder, record, specs, baselines, tables["disparities"], **again)
    if deep:
        options = {"baselines": baselines, "normalizer": metadata["normalizers"][0]["name"], "terms": wanted}
        options["empty_ref"] = empty_ref
        tables |= _from_texts(folder, record, specs, options, metadata["manifest_digest"])
    _write_tables(folder, tables)
    record.config |= {"by": specs, "baselines": baselines, "families": [_as_dict(f) for f in declared]}
    record.config |= {"adjust": list(adjust), "deep": deep, "empty_ref": empty_ref, "design_effect": design_effect}
    record.config |= {"threshold": threshold, "real": list(real)}
    record.verbs.append(clock.entry(by=specs, **{f"n_{name}": len(table) for name, table in tables.items()}))
    write_record(folder, record)
    always = {name: tables.pop(name) for name in TABLES}
    return Audit(**always, further=tables, run=record.as_dict(), run_folder=folder)


def _check_scores(path: Path, metadata: Mapping[str, Any], record: RunRecord) -> None:
    """Refuse scores that are not of the run as it is now.

    Raises:
        RunFolderError: they were made of another manifest, or of another version of it.
    """
    if record.manifest is None or metadata["manifest_digest"] != record.manifest.digest:
        raise RunFolderError(
            f"{path}: scores of another manifest, or of another version of it, than the run's: asrfair score again"
        )


def _check_cells(path: Path, record: RunRecord) -> None:
    """Refuse scores of other systems and conditions than the run has: from elsewhere, or from before the latest came.

    Raises:
        RunFolderError: names the first.
    """
    scored = cells_of(path)
    for system, condition in sorted(set(record.cells) ^ scored):
        what = f"{system!r} under {condition!r}"
        told = f"{what}, which is not of this run" if (system, condition) in scored else f"nothing of {what}"
        raise RunFolderError(f"{path}: has {told}: asrfair score again")


def _terms(path: str | Path | None, *, deep: bool) -> list[str]:
    """The terms whose recall is asked for.

    Raises:
        InputError: a file that cannot be used, or terms without the analysis that reads the transcripts.
    """
    if path is None:
        return []
    if not deep:
        raise InputError(f"--terms {path}: goes with --deep, which reads the transcripts")
    return read_terms(Path(path))


def _from_texts(
    folder: Path, record: RunRecord, specs: Sequence[str], options: dict[str, Any], scored: str
) -> dict[str, pa.Table]:
    """The tables that need the transcripts, and so the manifest with its references.

    Raises:
        RunFolderError: the manifest or the transcripts are not those that were scored.
    """
    manifest = manifest_of(folder, record)
    if manifest.digest != scored:
        raise RunFolderError(
            f"{folder}: its manifest {manifest.rows_path} was changed after scoring; the tables would mix both: run "
            "asrfair score again, or bring the manifest back"
        )
    rows = selected(manifest, record.limit, record.seed)
    check_transcripts(folder, record, rows["utterance_id"])
    moved = moved_tables(folder, rows, specs, manifest.attributes, options["baselines"], options["normalizer"])
    options |= {"costs": record.costs, "language": manifest.dataset.language}
    return moved | text_tables(folder, places(record), spoken_of(rows, manifest.attributes, specs, **options))


def _write_tables(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write the tables, and remove those of an earlier analysis that were not asked for this time."""
    for name, table in tables.items():
        write_table(folder, name, table)
    for name in FURTHER:
        if name not in tables:
            for suffix in (".parquet", ".csv"):
                (folder / f"{name}{suffix}").unlink(missing_ok=True)


def write_table(folder: Path, name: str, table: pa.Table) -> None:
    """Write a table of a run folder as Parquet and as CSV, each whole or not at all."""
    path = folder / f"{name}.parquet"
    with written_aside(path) as aside:
        pq.write_table(table, aside, compression="zstd")
    write_aside(path.with_suffix(".csv"), csv_bytes(table))


def _read_scores(path: Path, sums: SpeakerSums, specs: Sequence[str], attributes: Mapping[str, Attribute]) -> None:
    """Sum a scores file, one block of rows at a time."""
    with readable(path, "asrfair score"), pq.ParquetFile(path) as file:
        check_table(file.schema_arrow, "scores", str(path))
        columns = [*SCORE_COLUMNS, *dict.fromkeys(name for spec in specs for name in spec.split("*"))]
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=columns, use_threads=False)
            sums.add(rows, group_columns(rows, attributes))


def _families(
    specs: Sequence[configuration.FamilySpec], confirm: Sequence[str], screening: str | None, by: Sequence[str]
) -> list[Family]:
    """The declared families, from the configuration or from the command line.

    Raises:
        InputError: an attribute that is not analysed, two families of one name, both ways at once.
    """
    if specs and (confirm or screening):
        raise InputError("families are declared twice: in the configuration and by --confirm or --screening")
    found = [Family(**_as_dict(spec)) for spec in specs]
    if confirm:
        found.append(Family("confirmatory", attributes=tuple(confirm), conditions=("clean",)))
    if confirm or screening:
        found.append(Family("screening", "screening", screening or "bh"))
    names = [family.name for family in found]
    for family in found:
        if names.count(family.name) > 1:
            raise InputError(f"families: two are called {family.name!r}; give each its own name")
        for attribute in family.attributes:
            if attribute not in by:
                raise InputError(f"family {family.name!r}: {attribute} is not analysed; add --by {attribute}")
    return found


def _check_claims(families: Sequence[Family], record: RunRecord, groups: set[str]) -> None:
    """Refuse a family that names what does not occur: it would claim nothing in silence.

    Raises:
        InputError: naming what there is.
    """
    systems, conditions = ({cell[i] for cell in record.cells} for i in (0, 1))
    for family in families:
        claims = (
            ("system", family.systems, systems),
            ("condition", family.conditions, conditions),
            ("group", family.groups, groups),
        )
        for kind, claimed, known in claims:
            for name in claimed:
                if name not in known:
                    there = ", ".join(sorted(known))
                    raise InputError(f"family {family.name!r}: no {kind} {name!r} in this run; there are {there}")


def _as_dict(struct: Any) -> dict[str, Any]:
    """The fields of a declaration, lists as tuples."""
    built = msgspec.to_builtins(struct)
    return {key: tuple(value) if isinstance(value, list) else value for key, value in built.items()}


def _baselines(given: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """Baselines as a mapping, from `ATTR=GROUP` texts or as they are."""
    if isinstance(given, Mapping):
        return dict(given)
    return dict(configuration.parse_pair(text, "--baseline", "ATTR=GROUP, such as accent=us") for text in given)


def _check_baselines(asked: Mapping[str, str], groups: Mapping[str, Sequence[str]]) -> None:
    """Refuse a baseline that is no group of what is analysed.

    Raises:
        InputError: naming the groups that there are.
    """
    for attribute, group in asked.items():
        if attribute not in groups:
            raise InputError(f"--baseline {attribute}={group}: {attribute} is not analysed; add --by {attribute}")
        if group not in groups[attribute]:
            raise InputError(f"--baseline {attribute}={group}: no such group; there are {', '.join(groups[attribute])}")
