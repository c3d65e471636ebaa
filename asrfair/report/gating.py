"""What a gate decided: for a terminal, as JSON, as JUnit XML, and as annotations of GitHub Actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import msgspec

from asrfair.records import ALL, REST
from asrfair.report.columns import cleaned, wrapped
from asrfair.report.wording import condition, count, interval, isolated, number, percent, percent_interval
from asrfair.stats.gate import CANNOT_TELL, KEPT, VIOLATED, Decision, verdict

MARKS = {VIOLATED: "FAIL", CANNOT_TELL: "????", KEPT: "pass"}


@dataclass(frozen=True, slots=True)
class Gated:
    """All decisions of a gate.

    Attributes:
        decisions: one a rule and value.
        withheld: groups that were not looked at, because they have too few speakers.
        k: speakers that a group needs.
        run_id: of the run.
        against: the release before; None without.
    """

    decisions: Sequence[Decision]
    withheld: int
    k: int
    run_id: str
    against: str | None

    @property
    def outcome(self) -> str:
        """`violated`, `cannot tell` or `kept`."""
        return verdict(self.decisions)

    def as_text(self) -> str:
        """For a terminal: what is violated, what cannot be told, and how much is kept."""
        lines = []
        for outcome in (VIOLATED, CANNOT_TELL):
            lines += [
                wrapped(_sentence(d), first=f"{MARKS[outcome]}  ") for d in self.decisions if d.outcome == outcome
            ]
        kept = sum(d.outcome == KEPT for d in self.decisions)
        lines.append(f"{MARKS[KEPT]}  {count(kept, 'value')} within {'their' if kept != 1 else 'its'} limit")
        if self.withheld:
            lines.append(wrapped(f"{count(self.withheld, 'group')} of fewer than {self.k} speakers not looked at."))
        told = {
            VIOLATED: "The gate fails: a violation is shown.",
            CANNOT_TELL: "The gate cannot tell: too little data to show a violation or to rule one out.",
            KEPT: "The gate passes: every value is within its limit, interval and all.",
        }
        return "\n".join([*lines, told[self.outcome]])

    def as_json(self) -> str:
        """For machines; rates are fractions."""
        data = {
            "schema_version": 1,
            "outcome": self.outcome,
            "run_id": self.run_id,
            "against": self.against,
            "k_anonymity": self.k,
            "withheld": self.withheld,
            "decisions": [
                {
                    "rule": d.rule,
                    "limit": d.limit,
                    "outcome": d.outcome,
                    **dict(
                        zip(
                            ("system_id", "condition_id", "normalizer", "attribute", "group"),
                            d.measured.place,
                            strict=True,
                        )
                    ),
                    "value": d.measured.value,
                    "low": d.measured.low,
                    "high": d.measured.high,
                    "bound": d.bound,
                    "comparisons": d.comparisons,
                }
                for d in self.decisions
            ],
        }
        return msgspec.json.format(msgspec.json.encode(data)).decode()

    def as_junit(self) -> bytes:
        """As JUnit XML: a suite a rule, a case a value; what cannot be told is an error, not a failure."""
        root = ElementTree.Element("testsuites", name="asrfair gate")
        for rule in dict.fromkeys(d.rule for d in self.decisions):
            mine = [d for d in self.decisions if d.rule == rule]
            counts = {
                "tests": str(len(mine)),
                "failures": str(sum(d.outcome == VIOLATED for d in mine)),
                "errors": str(sum(d.outcome == CANNOT_TELL for d in mine)),
            }
            suite = ElementTree.SubElement(root, "testsuite", {"name": _plain(rule), **counts})
            for d in mine:
                system, heard, normalizer, attribute, group = map(_plain, d.measured.place)
                name = f"{attribute}={group} [{heard}, {normalizer}]"
                case = ElementTree.SubElement(suite, "testcase", classname=f"{_plain(rule)}.{system}", name=name)
                if d.outcome != KEPT:
                    kind = "failure" if d.outcome == VIOLATED else "error"
                    told = ElementTree.SubElement(case, kind, message=_plain(_sentence(d)), type=d.outcome)
                    told.text = _plain(_sentence(d))
        ElementTree.indent(root)
        return str(ElementTree.tostring(root, encoding="unicode")).encode("utf-8") + b"\n"

    def as_annotations(self) -> str:
        """As workflow commands of GitHub Actions; nothing for what is kept."""
        return "\n".join(self._annotations())

    def _annotations(self) -> Iterator[str]:
        for d in self.decisions:
            if d.outcome != KEPT:
                level = "error" if d.outcome == VIOLATED else "warning"
                yield f"::{level} title={_command(f'asrfair gate: {d.rule}', also=',:')}::{_command(_sentence(d))}"


def _sentence(d: Decision) -> str:
    """One decision: group, value, interval, limit."""
    system, heard, _, attribute, group = d.measured.place
    who = "everybody" if attribute == ALL else f"{attribute} {isolated(group)}"
    baseline = d.measured.baseline
    against = "" if baseline is None else f" against {'everybody else' if baseline == REST else isolated(baseline)}"
    value, spread, limit = _shown(d)
    said = f"{d.rule}: {isolated(system)}, {condition(heard)}, {who}{against}: {value}"
    said += f" ({spread})" if spread else ""
    said += f", limit {limit}"
    if d.outcome != CANNOT_TELL:
        return said
    if d.bound is None:
        return f"{said}; too few speakers, or no errors, for an interval"
    bound = f"{number(d.bound)} times" if d.measured.scale == "ratio" else f"{percent(d.bound)} %"
    among = f" over {count(d.comparisons, 'comparison')}" if d.comparisons > 1 else ""
    return f"{said}; it is above {bound} at 95 %{among}, which decides nothing"


def _shown(d: Decision) -> tuple[str, str, str]:
    """Value, interval and limit as people read them."""
    m = d.measured
    if m.scale == "ratio":
        return f"{number(m.value)} times", _or_nothing(interval(m.low, m.high)), f"{number(d.limit)} times"
    unit = "points" if m.scale == "difference" else "%"
    return f"{percent(m.value)} {unit}", _or_nothing(percent_interval(m.low, m.high)), f"{percent(d.limit)} {unit}"


def _or_nothing(text: str) -> str:
    """An interval, or nothing where there is none."""
    return text if any(c.isdigit() for c in text) else ""


def _plain(text: str) -> str:
    """What XML can hold: no control characters."""
    return "".join(c for c in cleaned(text) if c in "\t\n" or (ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000))


def _command(text: str, also: str = "") -> str:
    """A text within a workflow command of GitHub Actions."""
    text = _plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for character in also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
