"""The verb gate: holds a run to rules, and to the release before it; for a pipeline that must stop when a gap grew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from asrfair.errors import InputError, RunFolderError
from asrfair.files import made_folder, write_aside
from asrfair.pipeline.comparing import compare
from asrfair.pipeline.gate_rules import METRICS, Rule, check_rules, read_rules
from asrfair.provenance import RunRecord, read_record
from asrfair.records import ALL, CLEAN
from asrfair.report.discretion import discreet_more, hidden_groups
from asrfair.report.gating import Gated
from asrfair.stats.comparison import UNCHANGED
from asrfair.stats.gate import Decision, Measured, decide
from asrfair.stats.suppression import K_EXPORTED
from asrfair.tables import check_table, readable

Row = dict[str, Any]

NOBODY = "group that may be told"
"""What stands for a group where none has enough speakers, or there is none to compare."""


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
    check_rules(rules, against)
    tables = {name: _read(folder, name) for name in ("groups", "disparities")}
    hidden = hidden_groups(record.as_dict(), tables["groups"], k)
    kept = {name: discreet_more(_headline(rows, record), hidden, k) for name, rows in tables.items()}
    if any(METRICS[rule.metric].source == "comparison" for rule in rules):
        kept["comparison"] = _changes(folder, record, against, k)
    decisions: list[Decision] = []
    for rule in rules:
        values = list(_measured(rule, kept)) or _nothing(rule, tables, record, folder)
        name = rule.name or rule.metric
        decisions += decide(name, rule.limit, values, is_floor=rule.metric.startswith("min_"))
    return Gated(decisions, len(hidden), k, record.run_id, None if against is None else str(against))


def gate_run(
    run: str | Path,
    limits: Mapping[str, float],
    *,
    rules_file: str | Path | None = None,
    attributes: Sequence[str] = (),
    conditions: Sequence[str] = (),
    against: str | Path | None = None,
    k: int = K_EXPORTED,
    junit: str | Path | None = None,
) -> Gated:
    """As `gate`, with limits by metric and rules from a file.

    Args:
        run: the run folder.
        limits: metric -> limit.
        rules_file: further rules.
        attributes: what the limits look at; all if empty. Rules of the file have scopes of their own.
        conditions: as attributes.
        against: the release before.
        k: speakers that a group needs.
        junit: where JUnit XML is written to.

    Raises:
        InputError: as for `gate`; a file that cannot be read or written.
    """
    rules = [] if rules_file is None else read_rules(Path(rules_file))
    for metric, limit in limits.items():
        of_all = METRICS[metric].of_all
        named = [] if of_all else list(attributes)
        rules.append(Rule(metric=metric, limit=limit, attributes=named, conditions=list(conditions)))
    gated = gate(run, rules, against=against, k=k)
    if junit is not None:
        made_folder(Path(junit).absolute().parent)
        write_aside(Path(junit), gated.as_junit())
    return gated


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


def _nothing(rule: Rule, tables: Mapping[str, Sequence[Row]], record: RunRecord, folder: Path) -> list[Measured]:
    """What stands for values that may not be told, or that there are none of: one a system, of which nothing is known.

    Args:
        rule: that found nothing to look at.
        tables: with what is withheld.
        record: of the run.
        folder: of the run.

    Raises:
        InputError: the rule names what does not occur.
    """
    named = any((rule.attributes, rule.groups, rule.conditions, rule.systems))
    if named and not any(rule.looks_at(row) for row in (*tables["groups"], *tables["disparities"])):
        raise InputError(f"rule {rule.name or rule.metric}: {rule.scope} is not in {folder}")
    scale, normalizer = METRICS[rule.metric].scale, record.normalizers[0].name if record.normalizers else ""
    systems = [s.system_id for s in record.systems if not rule.systems or s.system_id in rule.systems]
    heard = rule.conditions[0] if rule.conditions else next((c.condition_id for c in record.conditions), CLEAN)
    return [Measured((name, heard, normalizer, "any", NOBODY), None, scale=scale) for name in systems]


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
