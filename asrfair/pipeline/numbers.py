"""The verbs on both sides of the analysis: score and report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from asrfair.errors import InputError
from asrfair.pipeline.joints import (
    SCORES_FILE,
    alone,
    cell_rows,
    failures,
    manifest_of,
    manifest_record,
    places,
    selected,
)
from asrfair.pipeline.results import Outcome
from asrfair.provenance import NormalizerRecord, RunRecord, VerbClock, read_record, write_record
from asrfair.report.explorer import Drill, embedded
from asrfair.scoring import find_normalizer
from asrfair.scoring.totals import totals
from asrfair.scoring.writer import Cell, write_scores
from asrfair.stats.suppression import K_EXPORTED, K_LOCAL
from asrfair.tables import check_table, readable


@alone
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
    manifest = manifest_of(folder, record)
    names = list(normalizer) or _default_normalizers(manifest.dataset.language)
    found = [find_normalizer(name) for name in names]
    record.normalizers = [NormalizerRecord(name=n.name, version=str(n.version), digest=n.digest) for n in found]
    record.costs, record.manifest = costs, manifest_record(folder, manifest)
    rows = selected(manifest, record.limit, record.seed)
    record.failures = failures(folder, record, rows, manifest.attributes)
    cells = (Cell(*place, cell_rows(folder, place)) for place in places(record))
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


def report(
    run: str | Path,
    *,
    k: int = K_EXPORTED,
    card: str | Path | None = None,
    include_transcripts: bool = False,
    include_audio: bool = False,
    include_ids: bool = False,
) -> list[Path]:
    """Write the card and the page of a run that was analysed.

    Args:
        run: the run folder.
        k: speakers that a group needs to be published, at least 3.
        card: a `card.toml` with what a person says of the service; the run folder's own by default, if it has one.
        include_transcripts: whether the page shows single utterances, aligned word by word.
        include_audio: whether they can be heard; goes with `include_transcripts`.
        include_ids: whether they keep their names; goes with `include_transcripts`.

    Raises:
        InputError: no groups or disparities in the run folder, a `card.toml` that cannot be used; with transcripts, no
            manifest or other transcripts than those that were scored, or more than a page can hold.
    """
    if k < K_LOCAL:
        raise InputError(f"k {k}: a group of fewer than {K_LOCAL} speakers is never published")
    if (include_audio or include_ids) and not include_transcripts:
        name = "--include-audio" if include_audio else "--include-ids"
        raise InputError(f"{name}: goes with --include-transcripts, which shows the utterances")
    return _report(run, k=k, card=card, transcripts=include_transcripts, audio=include_audio, ids=include_ids)


@alone
def _report(
    run: str | Path, *, k: int, card: str | Path | None, transcripts: bool, audio: bool, ids: bool
) -> list[Path]:
    """Write the card and the page, as the only one to write to the run."""
    from asrfair.report import Stated, load_stated, write_report

    clock, folder = VerbClock("report"), Path(run)
    record = read_record(folder)
    path = stated_file(folder, card)
    stated = Stated() if path is None else load_stated(path)
    tables, further = analysed(folder)
    drill = _drill(folder, record, tables["groups"], k, audio=audio, ids=ids) if transcripts else None
    shown = (record.as_dict(), tables["groups"], tables["disparities"], further)
    files = write_report(folder, *shown, k=k, stated=stated, drill=drill)
    record.verbs.append(clock.entry(k=k, transcripts=transcripts, audio=audio, ids=ids))
    write_record(folder, record)
    return files


def analysed(folder: Path) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """The tables of an analysis: `groups` and `disparities`, and by name the further ones that there are.

    Raises:
        RunFolderError: one is absent, damaged or of another version.
    """
    from asrfair.report import TABLES

    tables = {name: _read_table(folder / f"{name}.parquet", name) for name in ("groups", "disparities")}
    further = {n: _read_table(folder / f"{n}.parquet", n) for n in TABLES if (folder / f"{n}.parquet").exists()}
    return tables, further


def stated_file(folder: Path, card: str | Path | None) -> Path | None:
    """The `card.toml` of a run: the one that is named, else the run folder's own, else none."""
    from asrfair.report import CARD_FILE

    if card is not None:
        return Path(card)
    return folder / CARD_FILE if (folder / CARD_FILE).exists() else None


def check_stated(run: str | Path, card: str | Path | None) -> None:
    """Refuse a `card.toml` that cannot be used before anything is counted.

    Raises:
        ConfigError: with its place and remedy.
    """
    from asrfair.report import load_stated

    path = stated_file(Path(run), card)
    if path is not None:
        load_stated(path)


def _drill(folder: Path, record: RunRecord, groups: pa.Table, k: int, *, audio: bool, ids: bool) -> Drill:
    """The utterances for the page, and their audio where it is wanted."""
    from asrfair.pipeline.clips import clips_json
    from asrfair.pipeline.drill_down import shown_transcripts
    from asrfair.report.discretion import hidden_groups

    manifest = manifest_of(folder, record)
    hidden = hidden_groups(record.as_dict(), groups.to_pylist(), k)
    shown = shown_transcripts(folder, record, manifest, groups, hidden, k, with_ids=ids)
    cells, names = shown.transcripts.cells, shown.transcripts.ids
    return Drill(embedded(shown.transcripts), clips_json(folder, manifest, shown.rows, names, cells) if audio else None)


def _default_normalizers(language: str) -> list[str]:
    """Two normalisers that fit a language; Whisper's is for English alone."""
    return ["whisper-en", "minimal"] if language.lower().split("-")[0] == "en" else ["minimal", "none"]


def _read_table(path: Path, name: str) -> pa.Table:
    """Read a whole table of a run folder, held to its schema.

    Raises:
        RunFolderError: it is absent, damaged or of another version.
    """
    with readable(path, "asrfair analyze"), pq.ParquetFile(path) as file:
        check_table(file.schema_arrow, name, str(path))
        return file.read()
