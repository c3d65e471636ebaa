"""A comparison of two releases or two systems: as sentences and tables for people, as JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from asrfair.records import ALL, REST
from asrfair.report.columns import text_table, wrapped
from asrfair.report.markdown import escaped
from asrfair.report.wording import (
    condition,
    count,
    interval,
    isolated,
    number,
    p_value,
    percent,
    percent_interval,
)

HEADER = (
    "group",
    "speakers",
    "old WER %",
    "new WER %",
    "change, points",
    "95 % interval",
    "p",
    "",
    "gap",
    "its change",
)
ABOUT = (
    "Both sides on the same utterances of the same people; the interval is of the change, paired by speaker; p is "
    "adjusted by Holm over all groups of a condition. Gap: of the group to its baseline or to everybody else, as a "
    "ratio of ratios, above 1 where it grew."
)
WORDS = {"better": "better", "worse": "worse", "not shown": "not shown", "cannot tell": "cannot tell"}
LOST = {
    "only_new": "only the new side has",
    "only_old": "only the old side has",
    "failed_in_one": "one side failed",
    "other_reference": "have another reference",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Attributes:
        folder: of the run.
        system_id: which system of it.
        version: name and version that the engine gives itself.
        options: of the engine.
        run_id: of the run.
        manifest_digest: of the data.
    """

    folder: str
    system_id: str
    version: str
    options: Mapping[str, Any]
    run_id: str
    manifest_digest: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of everybody and of every group.

    Attributes:
        old, new: the sides.
        table: `tables.COMPARISON`, without withheld groups.
        differences: what the numbers of both sides depend on and is not the same, a sentence each.
        lost: condition -> why -> utterances that are not compared.
        signature: how it was made.
    """

    old: Side
    new: Side
    table: pa.Table
    differences: Sequence[str]
    lost: Mapping[str, Mapping[str, int]]
    signature: Mapping[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table, row by row."""
        found: list[dict[str, Any]] = self.table.to_pylist()
        return found

    def sentences(self) -> list[str]:
        """What got better, and for whom worse: everybody first, then groups whose change or gap was shown."""
        rows = [row for row in self.rows if row["normalizer"] == self.rows[0]["normalizer"]] if len(self.table) else []
        told = [_everybody(row) for row in rows if row["attribute"] == ALL]
        told += [_group(row) for row in rows if row["attribute"] != ALL and row["verdict"] in ("better", "worse")]
        told += [_gap(row) for row in rows if row["gap_verdict"] in ("grew", "shrank")]
        unsure = sum(row["verdict"] == "cannot tell" for row in rows if row["attribute"] != ALL)
        if unsure:
            told.append(f"For {count(unsure, 'group')} nothing can be told: too few speakers.")
        return told

    def as_text(self) -> str:
        """For a terminal."""
        parts = [_title(self), *(wrapped(text, first="- Mind: ") for text in self.differences)]
        parts += ["\n".join(wrapped(text, first="- ") for text in self.sentences()) or "- nothing was compared"]
        for name, header, rows in _tables(self):
            parts.append(f"{name}\n" + text_table(header, rows))
        return "\n\n".join([*parts, *_lost(self), wrapped(ABOUT)])

    def as_markdown(self) -> str:
        """As a page; what changed in the systems is told too (a diff of their cards)."""
        parts = [f"# {escaped(_title(self))}", escaped(ABOUT)]
        parts += ["\n".join(f"- {escaped(text)}" for text in [*self.differences, *self.sentences(), *_changed(self)])]
        for name, header, rows in _tables(self):
            lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
            lines += ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
            parts += [f"## {escaped(name)}", "\n".join(lines)]
        signed = "; ".join(
            f"{name}: run {side.run_id}, data {side.manifest_digest}"
            for name, side in (("old", self.old), ("new", self.new))
        )
        return "\n\n".join([*parts, *(escaped(text) for text in _lost(self)), f"Signature: {escaped(signed)}"]) + "\n"

    def as_json(self) -> str:
        """For machines; rates are fractions."""
        data = {
            "schema_version": 1,
            "old": msgspec.to_builtins(self.old),
            "new": msgspec.to_builtins(self.new),
            "differences": list(self.differences),
            "sentences": self.sentences(),
            "rows": self.rows,
            "lost": {name: dict(why) for name, why in self.lost.items()},
            "signature": dict(self.signature),
        }
        return msgspec.json.format(msgspec.json.encode(data)).decode()


def _title(found: Comparison) -> str:
    return f"{isolated(found.new.system_id)} (new) against {isolated(found.old.system_id)} (old)"


def _changed(found: Comparison) -> Iterator[str]:
    """What is not the same of the systems themselves."""
    if found.old.version != found.new.version:
        yield f"Version: {found.old.version} before, {found.new.version} now."
    for key in sorted({*found.old.options, *found.new.options}):
        before, now = found.old.options.get(key), found.new.options.get(key)
        if before != now:
            yield f"Option {key}: {before} before, {now} now."


def _everybody(row: Mapping[str, Any]) -> str:
    """What became of everybody, whatever the verdict."""
    told = {"better": "fewer errors than before", "worse": "more errors than before"}.get(row["verdict"])
    told = told or "no change was shown" if row["verdict"] != "cannot tell" else "cannot tell whether it changed"
    return f"Everybody, {condition(row['condition_id'])}: {told}; {_rates(row)}."


def _rates(row: Mapping[str, Any]) -> str:
    """Both rates and the change."""
    return (
        f"WER {percent(row['old_wer'])} % before, {percent(row['wer'])} % now, a change of "
        f"{percent(row['wer_difference'])} points ({percent_interval(row['difference_low'], row['difference_high'])})"
    )


def _group(row: Mapping[str, Any]) -> str:
    """One group whose change was shown."""
    told = {"better": "better", "worse": "WORSE"}[row["verdict"]]
    who = f"{row['attribute']} {isolated(row['group'])}"
    return f"{who}, {condition(row['condition_id'])}: {told}; {_rates(row)}, p {p_value(row['p_adjusted'])}."


def _gap(row: Mapping[str, Any]) -> str:
    """One gap whose change was shown."""
    other = "everybody else" if row["baseline"] == REST else isolated(row["baseline"])
    return (
        f"The gap of {row['attribute']} {isolated(row['group'])} to {other}, {condition(row['condition_id'])}, "
        f"{row['gap_verdict']}: by {percent(row['gap_change'])} points "
        f"({percent_interval(row['gap_change_low'], row['gap_change_high'])}), {number(row['gap_ratio'])} times "
        f"({interval(row['gap_ratio_low'], row['gap_ratio_high'])}), p {p_value(row['gap_p_adjusted'])}."
    )


def _tables(found: Comparison) -> Iterator[tuple[str, Sequence[str], list[list[str]]]]:
    """A table for each condition, normaliser and attribute."""
    keys = dict.fromkeys((r["condition_id"], r["normalizer"], r["attribute"]) for r in found.rows)
    for key in keys:
        rows = [r for r in found.rows if (r["condition_id"], r["normalizer"], r["attribute"]) == key]
        name = "everybody" if key[2] == ALL else key[2]
        yield f"{name}, {condition(key[0])}, normaliser {key[1]}", HEADER, [_cells(row) for row in rows]


def _cells(row: Mapping[str, Any]) -> list[str]:
    """One group as cells."""
    gap = row["gap_verdict"] or ""
    return [
        "everybody" if row["attribute"] == ALL else isolated(row["group"]),
        "" if row["n_speakers"] is None else str(row["n_speakers"]),
        percent(row["old_wer"]),
        percent(row["wer"]),
        percent(row["wer_difference"]),
        percent_interval(row["difference_low"], row["difference_high"]),
        p_value(row["p_adjusted"]),
        WORDS.get(row["verdict"], row["verdict"]),
        ""
        if row["baseline"] is None
        else f"{number(row['gap_ratio'])} ({interval(row['gap_ratio_low'], row['gap_ratio_high'])})",
        gap,
    ]


def _lost(found: Comparison) -> list[str]:
    """What is not compared."""
    told = []
    for name, why in found.lost.items():
        parts = [f"{n} {LOST[key]}" for key, n in why.items() if n]
        if parts:
            told.append(f"Not compared, {condition(name)}: {', '.join(parts)}.")
    if withheld := found.signature.get("withheld"):
        told.append(f"{count(withheld, 'group')} withheld: fewer than {found.signature['k_anonymity']} speakers.")
    return told
