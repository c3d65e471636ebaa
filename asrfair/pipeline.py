"""The only file that joins rooms: one function a verb, each reads the file before it and writes the file after it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asrfair import config as configuration
from asrfair.adapters import available_engines, describe_options, engine_class
from asrfair.errors import Fault, InputError, ManifestError, RunFolderError
from asrfair.files import write_aside, written_aside
from asrfair.manifest import Attribute, Coverage, Manifest, coverage, group_column, groupable, load_manifest, parse_by
from asrfair.manifest.sample import sample_rows
from asrfair.provenance import (
    ConditionRecord,
    ManifestRecord,
    NormalizerRecord,
    RunRecord,
    SystemRecord,
    VerbClock,
    open_record,
    read_record,
    write_record,
)
from asrfair.records import ALL, CLEAN, Condition, SystemInfo, Utterance
from asrfair.scoring import find_normalizer
from asrfair.scoring.failures import failures_by_group
from asrfair.scoring.totals import totals
from asrfair.scoring.writer import Cell, read_metadata, write_scores
from asrfair.stats import SpeakerSums
from asrfair.store import HypothesisStore, read_hypotheses
from asrfair.tables import check_table, csv_bytes

if TYPE_CHECKING:
    from asrfair.stress import Environment

Progress = Callable[[int, int, int], None]
Hypotheses = Mapping[str, str | Path]

SCORES_FILE = "scores.parquet"
GROUPS_FILE = "groups.parquet"
DISPARITIES_FILE = "disparities.parquet"
DEMO_CONDITION = "machine-hum@5dB"
MAX_FAILED = 0.05
"""The share of failed utterances above which a run ends with exit code 4."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A manifest that was checked: every fault in file order, and who is in it (None if it is faulty)."""

    faults: Sequence[Fault]
    coverage: Coverage | None

    @property
    def is_faulty(self) -> bool:
        """Whether there is a fault that is more than a warning."""
        return any(not fault.warning for fault in self.faults)

    def as_json(self) -> str:
        """For machines."""
        found = self.coverage.as_dict() if self.coverage else None
        data = {"ok": not self.is_faulty, "faults": msgspec.to_builtins(list(self.faults)), "coverage": found}
        return msgspec.json.format(msgspec.json.encode(data)).decode()

    def as_text(self) -> str:
        """For people."""
        from asrfair.report import render_coverage

        return render_coverage(self.coverage.as_dict()) if self.coverage else "The manifest cannot be used."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verb did that may meet failures.

    Attributes:
        text: what to show.
        run: the contents of `run.json`; its failures decide the exit code.
        interrupted: true if the user stopped it.
        max_failed: the share of failed utterances that this run allows, a fraction.
    """

    text: str
    run: Mapping[str, Any] = field(repr=False)
    interrupted: bool = False
    max_failed: float = MAX_FAILED

    def _sum(self, key: str) -> int:
        return sum(entry[key] for entry in self.run["failures"] if entry["attribute"] == ALL)

    @property
    def n_rows(self) -> int:
        """Rows of all systems and conditions."""
        return self._sum("n_utterances")

    @property
    def n_failed(self) -> int:
        """Rows of all systems and conditions that have no transcript."""
        return self._sum("n_failed")

    @property
    def failed_share(self) -> float:
        """`n_failed / n_rows`; 0 if there are no rows."""
        return self.n_failed / self.n_rows if self.n_rows else 0.0

    def failures_text(self) -> str:
        """Who was hit by the failures, by group."""
        from asrfair.report import render_failures

        return render_failures(self.run["failures"])


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit: its tables, and the run folder where they and the card are.

    Attributes:
        groups: `tables.GROUPS`, one row per system x condition x normaliser x attribute x group.
        disparities: `tables.DISPARITIES`, one row per gap with its test.
        run: the contents of `run.json`.
        run_folder: where the files are; None if the audit was made without one.
        files: the card and the page, where they were written.
    """

    groups: pa.Table
    disparities: pa.Table
    run: Mapping[str, Any] = field(repr=False)
    run_folder: Path | None = None
    files: Sequence[Path] = ()

    def as_text(self) -> str:
        """The disparity tables, the findings in plain words and the files."""
        from asrfair.report import render_table

        table = render_table(self.groups, self.disparities, dict(self.run))
        return "\n".join([table, *map(str, self.files)])

    def __str__(self) -> str:
        return self.as_text()

    def outcome(self, *, interrupted: bool = False, max_failed: float = MAX_FAILED) -> Outcome:
        """What the command line shows of it."""
        return Outcome(self.as_text(), self.run, interrupted, max_failed)


def check(path: str | Path) -> Checked:
    """Validate a manifest with its audio, and count who is in it."""
    try:
        manifest = load_manifest(path, audio="readable")
    except ManifestError as error:
        return Checked(error.faults, None)
    return Checked(manifest.warnings, coverage(manifest))


# ------------------------------------------------------------------ hypotheses


def transcribe(
    manifest: str | Path,
    out: str | Path,
    *,
    systems: Sequence[str | configuration.SystemSpec],
    conditions: Sequence[str] = (CLEAN,),
    limit: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    retries: int = 4,
    timeout_s: float = 300.0,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Transcribe a manifest under conditions by systems into a run folder; run it again and it continues.

    Raises:
        InputError: a faulty manifest, an unknown engine, option or environment, a run folder in use.
    """
    from asrfair.stress import parse_condition
    from asrfair.transcribe import Plan, SystemUnderTest
    from asrfair.transcribe import transcribe as run_plan

    clock, folder = VerbClock("transcribe"), Path(out)
    specs = [s if isinstance(s, configuration.SystemSpec) else configuration.parse_system(s) for s in systems]
    for spec in specs:
        engine_class(spec.engine)
    parsed = [parse_condition(text, seed) for text in dict.fromkeys(conditions)]
    loaded = load_manifest(manifest, audio="exists")
    rows = _selected(loaded, limit, seed)
    with HypothesisStore(folder) as store:
        record = _begun(folder, loaded, limit, seed)
        for condition, environment in parsed:
            record.add_condition(_condition_record(condition, environment))

        def note(system: SystemUnderTest, info: SystemInfo) -> None:
            entry = _system_record(system.system_id, system.engine, info)
            record.add_system(entry, [condition.condition_id for condition, _ in parsed])
            write_record(folder, record)

        summary = run_plan(
            Plan(
                utterances=_Rows(loaded, rows),
                folder=loaded.folder,
                conditions=[condition for condition, _ in parsed],
                environments={e.name: e for _, e in parsed if e is not None},
                workers=workers,
                retries=retries,
                timeout_s=timeout_s,
                retry_failed=retry_failed,
            ),
            [SystemUnderTest(spec.system_id, spec.engine, spec.options) for spec in specs],
            store,
            progress,
            note,
        )
        record.failures = _failures(folder, record, rows, loaded.attributes)
        record.verbs.append(clock.entry(**summary.facts()))
        write_record(folder, record)
    return Outcome(summary.as_text(), record.as_dict(), summary.interrupted)


def ingest(manifest: str | Path, hypotheses: Hypotheses, out: str | Path) -> dict[str, list[str]]:
    """Take in transcripts made elsewhere as the hypotheses of a run.

    Args:
        manifest: folder or rows file.
        hypotheses: system name -> file.
        out: the run folder.

    Returns:
        System name -> ids in its file that the manifest does not know; they are not used.

    Raises:
        InputError: a faulty manifest or file, a run folder in use.
    """
    from asrfair.adapters.precomputed import Precomputed
    from asrfair.transcribe.source import take_in

    clock, folder = VerbClock("transcribe"), Path(out)
    sources = {name: Precomputed(str(file)) for name, file in hypotheses.items()}
    loaded = load_manifest(manifest)
    strangers = {}
    with HypothesisStore(folder) as store:
        record = _begun(folder, loaded, None, 0)
        record.add_condition(ConditionRecord(condition_id=CLEAN))
        for name, source in sources.items():
            record.add_system(_system_record(name, "precomputed", source.describe()), [CLEAN])
        write_record(folder, record)
        for name, source in sources.items():
            strangers[name] = take_in(source, name, loaded.table["utterance_id"], store)
        record.failures = _failures(folder, record, loaded.table, loaded.attributes)
        record.verbs.append(clock.entry(not_in_manifest={name: len(ids) for name, ids in strangers.items()}))
        write_record(folder, record)
    return strangers


# ------------------------------------------------------------------ scores


def score(run: str | Path, *, normalizer: Sequence[str] = (), costs: str = "levenshtein") -> Outcome:
    """Count the errors of every hypothesis of a run, with every normaliser.

    Args:
        run: the run folder.
        normalizer: names, the first is the headline; by default two that fit the manifest's language.
        costs: `levenshtein` (jiwer's counts) or `sclite`.

    Raises:
        InputError: no run folder, no hypotheses, the manifest is gone, an unknown normaliser.
    """
    clock, folder = VerbClock("score"), Path(run)
    record = read_record(folder)
    manifest = _manifest_of(folder, record)
    names = list(normalizer) or _default_normalizers(manifest.dataset.language)
    found = [find_normalizer(name) for name in names]
    record.normalizers = [NormalizerRecord(name=n.name, version=str(n.version), digest=n.digest) for n in found]
    record.costs, record.manifest = costs, _manifest_record(folder, manifest)
    rows = _selected(manifest, record.limit, record.seed)
    record.failures = _failures(folder, record, rows, manifest.attributes)
    cells = (Cell(*place, _cell_rows(folder, place)) for place in _places(record))
    metadata = {
        "schema_version": 1,
        "manifest_digest": manifest.digest,
        "attributes": record.manifest.attributes,
        "undeclared": record.manifest.undeclared,
        "normalizers": msgspec.to_builtins(record.normalizers),
        "costs": costs,
    }
    write_scores(folder / SCORES_FILE, rows, cells, names, costs, metadata)
    record.verbs.append(clock.entry(n_rows=len(rows) * len(record.cells) * len(names)))
    write_record(folder, record)
    from asrfair.report import render_totals

    return Outcome(render_totals(totals(folder / SCORES_FILE)), record.as_dict())


# ------------------------------------------------------------------ groups and disparities


def analyze(run: str | Path, *, by: Sequence[str] = (), baseline: Sequence[str] | Mapping[str, str] = ()) -> Audit:
    """Rates, intervals and disparities by group, from the scores of a run alone.

    Args:
        run: the run folder.
        by: attributes (`accent`) and intersections (`accent*gender`); by default every attribute that has groups.
        baseline: attribute -> group to compare with, or `ATTR=GROUP` texts; by default the manifest's own choice.

    Raises:
        InputError: no scores, an attribute that has no groups, a group that does not occur.
    """
    clock, folder = VerbClock("analyze"), Path(run)
    record = read_record(folder)
    metadata = read_metadata(folder / SCORES_FILE)
    attributes = msgspec.convert(metadata["attributes"], dict[str, Attribute])
    specs = ["*".join(spec) for spec in parse_by(by, attributes, metadata["undeclared"])]
    chosen = {name: a.baseline for name, a in attributes.items() if a.baseline is not None and groupable(a)}
    asked = _baselines(baseline)
    sums = SpeakerSums(specs, [entry["name"] for entry in metadata["normalizers"]])
    with pq.ParquetFile(folder / SCORES_FILE) as file:
        check_table(file.schema_arrow, "scores", str(folder / SCORES_FILE))
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number)
            sums.add(rows, _group_columns(rows, attributes))
    _check_baselines(asked, sums.groups())
    groups, disparities = sums.finish(chosen | asked)
    for name, table in ((GROUPS_FILE, groups), (DISPARITIES_FILE, disparities)):
        with written_aside(folder / name) as aside:
            pq.write_table(table, aside, compression="zstd")
        write_aside((folder / name).with_suffix(".csv"), csv_bytes(table))
    record.config |= {"by": specs, "baselines": chosen | asked}
    record.verbs.append(clock.entry(by=specs, n_groups=len(groups), n_disparities=len(disparities)))
    write_record(folder, record)
    return Audit(groups, disparities, record.as_dict(), folder)


def report(run: str | Path) -> list[Path]:
    """Write the card and the page of a run that was analysed.

    Raises:
        InputError: no groups or disparities in the run folder.
    """
    from asrfair.report import write_report

    clock, folder = VerbClock("report"), Path(run)
    record = read_record(folder)
    tables = {name: _read_table(folder / f"{name}.parquet", name) for name in ("groups", "disparities")}
    files = write_report(folder, record.as_dict(), tables["groups"], tables["disparities"])
    record.verbs.append(clock.entry())
    write_record(folder, record)
    return files


# ------------------------------------------------------------------ several verbs at once


def audit(
    manifest: str | Path,
    hypotheses: Hypotheses,
    *,
    out: str | Path | None = None,
    normalizer: Sequence[str] = (),
    costs: str = "levenshtein",
    by: Sequence[str] = (),
    baseline: Sequence[str] | Mapping[str, str] = (),
) -> Audit:
    """Score, analyze and report in one, for transcripts made elsewhere: no audio, no engine, no GPU.

    Args:
        manifest: folder or rows file.
        hypotheses: system name -> file (JSONL, CSV, TSV or sclite trn).
        out: the run folder; without one, the tables are returned and no file is kept.
        normalizer: as for `score`.
        costs: as for `score`.
        by: as for `analyze`.
        baseline: as for `analyze`.

    Raises:
        InputError: anything that cannot be used, with its place and remedy.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            made = audit(manifest, hypotheses, out=folder, normalizer=normalizer, costs=costs, by=by, baseline=baseline)
            return Audit(made.groups, made.disparities, made.run)
    ingest(manifest, hypotheses, out)
    return _from_hypotheses(out, normalizer=normalizer, costs=costs, by=by, baseline=baseline)


def run(path: str | Path, *, limit: int | None = None, progress: Progress | None = None) -> Outcome:
    """Everything from one configuration file; run it again and it continues.

    Raises:
        InputError: a faulty configuration, or anything that one of its verbs refuses.
    """
    wanted = configuration.load_config(Path(path))
    if wanted.hypotheses:
        ingest(wanted.manifest, {spec.name: spec.file for spec in wanted.hypotheses}, wanted.out)
    if wanted.systems:
        done = transcribe(
            wanted.manifest,
            wanted.out,
            systems=wanted.systems,
            conditions=wanted.conditions,
            limit=limit or wanted.limit,
            seed=wanted.seed,
            workers=wanted.workers,
            retries=wanted.retries,
            timeout_s=wanted.timeout_s,
            progress=progress,
        )
        if done.interrupted:
            return done
    made = _from_hypotheses(
        wanted.out, normalizer=wanted.normalizers, costs=wanted.costs, by=wanted.by, baseline=wanted.baselines
    )
    return made.outcome(max_failed=wanted.max_failed)


def demo(
    out: str | Path, *, quick: bool = False, workers: int | None = None, progress: Progress | None = None
) -> Outcome:
    """The whole way on voices synthesised on the spot, with the embedded engine.

    Raises:
        MissingExtraError: the parts of the extra `demo` are not installed.
        InputError: the run folder is in use.
    """
    from asrfair.manifest.corpora.demo import GRAMMAR_FILE, build_demo_corpus

    folder = Path(out)
    corpus = build_demo_corpus(folder / ("corpus-quick" if quick else "corpus"), quick=quick)
    system = configuration.SystemSpec(
        engine="pocketsphinx", id="pocketsphinx", options={"grammar": str(corpus / GRAMMAR_FILE)}
    )
    conditions = [CLEAN, DEMO_CONDITION]
    done = transcribe(corpus, out, systems=[system], conditions=conditions, workers=workers, progress=progress)
    return done if done.interrupted else _from_hypotheses(out).outcome()


def _from_hypotheses(
    out: str | Path,
    *,
    normalizer: Sequence[str] = (),
    costs: str = "levenshtein",
    by: Sequence[str] = (),
    baseline: Sequence[str] | Mapping[str, str] = (),
) -> Audit:
    """Score, analyze and report a run that has hypotheses."""
    score(out, normalizer=normalizer, costs=costs)
    made = analyze(out, by=by, baseline=baseline)
    files = report(out)
    return Audit(made.groups, made.disparities, read_record(Path(out)).as_dict(), Path(out), files)


# ------------------------------------------------------------------ what there is


def systems() -> str:
    """The engines with their options, and what is missing for those that cannot run here."""
    return "\n".join(f"{name}: {describe_options(name)}" for name in available_engines())


def environments() -> str:
    """The environments with their levels."""
    from asrfair.stress import available_environments, load_environment

    found = [load_environment(name) for name in available_environments()]
    return "\n".join(f"{e.name}: {e.description} Levels: {', '.join(e.levels)}" for e in found)


# ------------------------------------------------------------------ between the rooms


@dataclass(frozen=True, slots=True)
class _Rows:
    """The utterances of a manifest that are in the run."""

    manifest: Manifest
    rows: pa.Table

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Utterance]:
        if len(self.rows) == len(self.manifest):
            return self.manifest.utterances()
        chosen = set(self.rows["utterance_id"].to_pylist())
        return (utterance for utterance in self.manifest.utterances() if utterance.utterance_id in chosen)


def _begun(folder: Path, manifest: Manifest, limit: int | None, seed: int) -> RunRecord:
    """The record of a run folder that is about to be filled."""
    record = open_record(folder, seed)
    record.manifest = _manifest_record(folder, manifest)
    record.coverage = coverage(manifest).as_dict()
    record.limit, record.seed = limit, seed
    return record


def _system_record(system_id: str, engine: str, info: SystemInfo) -> SystemRecord:
    """What `run.json` says of a system."""
    return SystemRecord(
        system_id=system_id,
        engine=engine,
        name=info.name,
        version=info.version,
        options=dict(info.options),
        deterministic=info.deterministic,
    )


def _condition_record(condition: Condition, environment: Environment | None) -> ConditionRecord:
    """What `run.json` says of a condition."""
    if environment is None:
        return ConditionRecord(condition_id=condition.condition_id)
    return ConditionRecord(
        condition_id=condition.condition_id,
        environment=condition.environment,
        level=condition.level,
        seed=condition.seed,
        environment_digest=environment.digest,
        description=environment.description,
    )


def _places(record: RunRecord) -> list[tuple[str, str]]:
    """System and condition of every cell of a run, in the order of the tables' files."""
    return sorted(record.cells, key=lambda cell: (cell[0], cell[1] != CLEAN, cell[1]))


def _cell_rows(folder: Path, place: tuple[str, str]) -> pa.Table:
    """The hypotheses of one cell."""
    columns = ["utterance_id", "status", "text", "error"]
    return read_hypotheses(folder, columns=columns, system_id=place[0], condition_id=place[1])


def _failures(
    folder: Path, record: RunRecord, rows: pa.Table, attributes: Mapping[str, Attribute]
) -> list[dict[str, Any]]:
    """Who has no transcript, by group, of every cell of a run."""
    groups = _group_columns(rows, attributes)
    return [
        {"system_id": place[0], "condition_id": place[1], **entry}
        for place in _places(record)
        for entry in failures_by_group(rows["utterance_id"], groups, _cell_rows(folder, place))
    ]


def _manifest_record(folder: Path, manifest: Manifest) -> ManifestRecord:
    """What `run.json` says of a manifest; its path is relative to the run folder, so that both can move together."""
    dataset, speakers = manifest.dataset, manifest.table["speaker_id"]
    return ManifestRecord(
        path=os.path.relpath(manifest.rows_path.absolute(), folder.absolute()),
        digest=manifest.digest,
        name=dataset.name,
        version=dataset.version,
        licence=dataset.licence,
        language=dataset.language,
        collection=dataset.collection,
        consent=dataset.consent,
        notes=dataset.notes,
        n_utterances=len(manifest),
        n_speakers=pc.count_distinct(speakers).as_py(),
        attributes=msgspec.to_builtins(manifest.attributes),
        undeclared=list(manifest.undeclared),
    )


def _manifest_of(folder: Path, record: RunRecord) -> Manifest:
    """The manifest that a run was made from.

    Raises:
        InputError: it is not where it was; says how to bring it back.
    """
    if record.manifest is None or not record.cells:
        raise RunFolderError(f"{folder}: nothing was transcribed yet; start with asrfair transcribe, or --hypotheses")
    path = Path(os.path.normpath(folder / record.manifest.path))
    if not path.exists():
        raise RunFolderError(
            f"{folder}: its manifest {record.manifest.name!r} is not at {path} any more; the references are needed to "
            "score: move it back, or score MANIFEST --hypotheses into a new run"
        )
    return load_manifest(path)


def _group_columns(rows: pa.Table, attributes: Mapping[str, Attribute]) -> dict[str, pa.ChunkedArray]:
    """The group of every row in every attribute that has groups."""
    return {
        name: group_column(rows[name], a)
        for name, a in attributes.items()
        if groupable(a) and name in rows.column_names
    }


def _selected(manifest: Manifest, limit: int | None, seed: int) -> pa.Table:
    """The rows of the run: all, or the seeded sample."""
    table = manifest.table
    if limit is None or limit >= len(table):
        return table
    columns = [column.to_pylist() for column in _group_columns(table, manifest.attributes).values()]
    strata = list(zip(*columns, strict=True)) if columns else [()] * len(table)
    return table.take(sample_rows(table["utterance_id"].to_pylist(), strata, limit, seed))


def _default_normalizers(language: str) -> list[str]:
    """Two normalisers that fit a language; Whisper's is for English alone."""
    return ["whisper-en", "minimal"] if language.lower().split("-")[0] == "en" else ["minimal", "none"]


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


def _read_table(path: Path, name: str) -> pa.Table:
    """Read a whole table of a run folder, held to its schema.

    Raises:
        RunFolderError: it is absent, damaged or of another version.
    """
    try:
        with pq.ParquetFile(path) as file:
            check_table(file.schema_arrow, name, str(path))
            return file.read()
    except FileNotFoundError as error:
        raise RunFolderError(f"{path}: not there; make it with asrfair analyze") from error
    except pa.ArrowInvalid as error:
        raise RunFolderError(f"{path}: damaged ({error}); make it again with asrfair analyze") from error
