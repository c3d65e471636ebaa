"""The verbs that need no audio and no engine: score, analyze and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from asrfair import config as configuration
from asrfair.errors import InputError, RunFolderError
from asrfair.files import write_aside, written_aside
from asrfair.manifest import Attribute, groupable, parse_by
from asrfair.pipeline.joints import cell_rows, failures, group_columns, manifest_of, manifest_record, places, selected
from asrfair.pipeline.results import Audit, Outcome
from asrfair.provenance import NormalizerRecord, VerbClock, read_record, write_record
from asrfair.scoring import find_normalizer
from asrfair.scoring.totals import totals
from asrfair.scoring.writer import Cell, read_metadata, write_scores
from asrfair.stats import SCORE_COLUMNS, SpeakerSums
from asrfair.tables import check_table, csv_bytes

SCORES_FILE = "scores.parquet"
GROUPS_FILE = "groups.parquet"
DISPARITIES_FILE = "disparities.parquet"


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
        columns = [*SCORE_COLUMNS, *dict.fromkeys(name for spec in specs for name in spec.split("*"))]
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=columns, use_threads=False)
            sums.add(rows, group_columns(rows, attributes))
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
