"""The rules of a gate: what they can look at, from the command line or from a file.

    schema_version = 1

    [[rules]]
    metric = "max_ratio"               # see METRICS
    limit = 1.5
    attributes = ["accent"]            # optional, as groups, conditions, systems and name

Unknown keys and metrics are refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from asrfair.errors import ConfigError, InputError


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

    @property
    def scope(self) -> str:
        """What it looks at, in words."""
        named = {"attribute": self.attributes, "group": self.groups, "condition": self.conditions}
        named["system"] = self.systems
        told = (f"{key} {', '.join(names)}" for key, names in named.items() if names)
        return "; ".join(told) or "what it looks at"

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


def check_rules(rules: Sequence[Rule], against: str | Path | None) -> None:
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
