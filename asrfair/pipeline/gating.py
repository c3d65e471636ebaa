"""The verb gate: holds a run to rules, and to the release before it; for a pipeline that must stop when a gap grew."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from asrfair.errors import ConfigError, InputError, RunFolderError
from asrfair.pipeline.comparing import compare
from asrfair.provenance import RunRecord, read_record
from asrfair.records import ALL
from asrfair.report.discretion import discreet_more, hidden_groups
from asrfair.report.gating import Gated
from asrfair.stats.comparison import UNCHANGED
from asrfair.stats.gate import Decision, Measured, decide
from asrfair.stats.suppression import K_EXPORTED
from asrfair.tables import check_table, readable

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a rule can look at.

    Attributes:
        about: in words.
        source: the table: groups, disparities, or the comparison with the release before.
        columns: of the value and of the ends of its interval; none where the value is a share.
        scale: see `stats.gate.Measured`.
        of_all: whether it looks at everybody, at groups, or at both (None).
    """

    about: str
    source: str
    columns: tuple[str, str, str] | None
    scale: str
    of_all: bool | None


_WER = ("wer", "wer_low", "wer_high")
_DIFFERENCE = ("wer_difference", "difference_low", "difference_high")
METRICS = {
    "max_wer": Metric("word error rate of everybody, a fraction", "groups", _WER, "rate", True),
    "max_group_wer": Metric("word error rate of any group, a fraction", "groups", _WER, "rate", False),
    "max_gap": Metric(
        "WER of a group less that of its baseline, or of everybody else, a fraction",
        *("disparities", _DIFFERENCE, "difference", False),
    ),
    "max_ratio": Metric(
        "WER of a group divided by that of its baseline, or of everybody else",
        *("disparities", ("wer_ratio", "ratio_low", "ratio_high"), "ratio", False),
    ),
    "min_completion": Metric("share of utterances that got a transcript", "groups", None, "share", None),
    "max_regression": Metric(
        "WER of everybody or a group less that of the release before, a fraction",
        *("comparison", _DIFFERENCE, "difference", None),
    ),
    "max_gap_growth": Metric(
        "by how many times a group's gap grew since the release before",
        *("comparison", ("gap_ratio", "gap_ratio_low", "gap_ratio_high"), "ratio", False),
    ),
}


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule; empty lists mean everything.

    Attributes:
        metric: one of `METRICS`.
        limit: the highest value allowed (the lowest, of a `min_` metric).
        name: what it is called in messages; the metric by default.
        attributes, groups, conditions, systems: what it looks at.
    """

    metric: str
    limit: float
    name: str = ""
    attributes: list[str] = []
    groups: list[str] = []
    conditions: list[str] = []
    systems: list[str] = []

    def looks_at(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is in its scope."""
        named = ("attribute", self.attributes), ("group", self.groups), ("condition_id", self.conditions)
        inside = all(not wanted or row.get(key) in wanted for key, wanted in named)
        return inside and (not self.systems or "system_id" not in row or row["system_id"] in self.systems)


class GateFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`gate.toml`: `schema_version = 1` and `[[rules]]`."""

    schema_version: int
    rules: list[Rule]


def read_rules(path: Path) -> list[Rule]:
    """Read a file of rules.

    Raises:
        ConfigError: absent, not TOML, an unknown key or metric, a limit out of range.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        found = msgspec.convert(data, GateFile)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a TOML file in UTF-8: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}; a rule has {', '.join(Rule.__struct_fields__)}") from error
    if found.schema_version != 1:
        raise ConfigError(f"{path}: schema_version: {found.schema_version} is not known; this version reads 1")
    return found.rules


def gate(
    run: str | Path,
    rules: Sequence[Rule],
    *,
    against: str | Path | None = None,
    k: int = K_EXPORTED,
) -> Gated:
    """Hold an analysed run to rules.

    Args:
        run: the run folder.
        rules: at least one.
        against: the release before, as for `compare`; needed by rules on regressions.
        k: speakers that a group needs; smaller ones are not looked at, and that is told.

    Raises:
        InputError: no rule, an unknown metric, a limit out of range, a scope that names nothing that there is, no
            analysis.
    """
    folder = Path(run)
    record = read_record(folder)
    _check_rules(rules, against)
    tables = {name: _read(folder, name) for name in ("groups", "disparities")}
    hidden = hidden_groups(record.as_dict(), tables["groups"], k)
    kept = {name: discreet_more(_headline(rows, record), hidden, k) for name, rows in tables.items()}
    if any(METRICS[rule.metric].source == "comparison" for rule in rules):
        kept["comparison"] = _changes(folder, record, against, k)
    decisions: list[Decision] = []
    for rule in rules:
        values = list(_measured(rule, kept))
        if not values:
            raise InputError(f"rule {rule.name or rule.metric}: {_scope(rule)} is not in {folder}, or is withheld")
        name = rule.name or rule.metric
        decisions += decide(name, rule.limit, values, is_floor=rule.metric.startswith("min_"))
    return Gated(decisions, len(hidden), k, record.run_id, None if against is None else str(against))


def _check_rules(rules: Sequence[Rule], against: str | Path | None) -> None:
    """Refuse rules that say nothing.

    Raises:
        InputError: naming the rule.
    """
    if not rules:
        raise InputError("no rule: give a limit, such as --max-ratio 1.5, or --rules gate.toml")
    for rule in rules:
        if rule.metric not in METRICS:
            raise InputError(f"metric {rule.metric!r} is not known; there are {', '.join(METRICS)}")
        top = 1.0 if rule.metric == "min_completion" else float("inf")
        if not 0.0 <= rule.limit <= top:
            raise InputError(f"{rule.metric}: the limit {rule.limit} is not between 0 and {top:g}")
        if METRICS[rule.metric].source == "comparison" and against is None:
            raise InputError(f"{rule.metric}: needs the release before: --against RUN")


def _scope(rule: Rule) -> str:
    """What a rule looks at."""
    named = {"attribute": rule.attributes, "group": rule.groups, "condition": rule.conditions, "system": rule.systems}
    return "; ".join(f"{key} {', '.join(names)}" for key, names in named.items() if names) or "what it looks at"


def _read(folder: Path, name: str) -> list[Row]:
    """The rows of a table of the run.

    Raises:
        RunFolderError: it is absent or damaged.
    """
    path = folder / f"{name}.parquet"
    if not path.exists():
        raise RunFolderError(f"{folder}: not analysed yet: asrfair analyze {folder}")
    with readable(path, "asrfair analyze"):
        table = pq.ParquetFile(path).read()
        check_table(table.schema, name, str(path))
    rows: list[Row] = table.to_pylist()
    return rows


def _headline(rows: Sequence[Row], record: RunRecord) -> list[Row]:
    """The rows of the headline normaliser."""
    headline = record.normalizers[0].name if record.normalizers else ""
    return [row for row in rows if not headline or row["normalizer"] == headline]


def _changes(folder: Path, record: RunRecord, against: str | Path | None, k: int) -> list[Row]:
    """What changed since the release before, for every system of the run that it has too."""
    before, _, named = str(against).partition(":") if not Path(str(against)).exists() else (str(against), "", "")
    known = [system.system_id for system in read_record(Path(before)).systems]
    found: list[Row] = []
    for system in record.systems:
        other = named or (system.system_id if system.system_id in known else known[0] if len(known) == 1 else None)
        if other is None:
            raise InputError(f"--against {against}: has no system {system.system_id!r}; say which: {before}:SYSTEM")
        rows = compare(f"{before}:{other}", f"{folder}:{system.system_id}", k=k).rows
        found += [{"system_id": system.system_id} | row for row in rows]
    return _headline(found, record)


def _measured(rule: Rule, tables: Mapping[str, Sequence[Row]]) -> Iterator[Measured]:
    """The values that a rule looks at."""
    metric = METRICS[rule.metric]
    for row in tables[metric.source]:
        if not rule.looks_at(row) or metric.of_all not in (None, row["attribute"] == ALL):
            continue
        place = (row["system_id"], row["condition_id"], row["normalizer"], row["attribute"], row["group"])
        baseline = row.get("baseline")
        if metric.columns is None:
            n, failed = row["n_utterances"] or 0, row["n_failed"] or 0
            yield Measured(place, (n - failed) / n if n else None, scale=metric.scale, is_exact=True)
        elif metric.scale != "ratio" or baseline is not None:
            value, low, high = (row[name] for name in metric.columns)
            df = row["df"] if metric.source != "comparison" or metric.scale != "ratio" else None
            is_change = rule.metric == "max_regression"
            is_exact = is_change and UNCHANGED in row["flags"]
            yield Measured(place, value, low, high, df, metric.scale, None if is_change else baseline, is_exact)
