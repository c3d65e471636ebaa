"""Numbers and names as people read them. Only this room turns fractions into percentages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.records import CLEAN, MISSING, REST

NONE = "-"
"""What stands where a number cannot be given; the flags say why."""

SPEAKER_KINDS = frozenset({"accent", "dialect", "first_language", "demographic"})
VERDICTS = {
    "higher": "more errors",
    "lower": "fewer errors",
    "not shown": "not shown",
    "cannot tell": "cannot tell",
    "suppressed": "not reported",
}


def percent(rate: float | None, digits: int = 1) -> str:
    """A fraction in per cent.

    >>> percent(0.1234)
    '12.3'
    """
    return NONE if rate is None else f"{rate * 100:.{digits}f}"


def percent_interval(low: float | None, high: float | None) -> str:
    """An interval of fractions in per cent.

    >>> percent_interval(0.1, 0.25)
    '10.0 to 25.0'
    """
    return NONE if low is None or high is None else f"{percent(low)} to {percent(high)}"


def number(value: float | None, digits: int = 2) -> str:
    """A ratio or another plain number.

    >>> number(1.8056), number(1234.5)
    ('1.81', '1234')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.{digits}f}"


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """An interval of plain numbers."""
    return NONE if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"


def p_value(p: float | None) -> str:
    """A p-value, never 0.

    >>> p_value(0.00001), p_value(0.0312)
    ('<0.001', '0.031')
    """
    if p is None:
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def count(n: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "speaker"), count(1200, "word")
    ('1 speaker', '1,200 words')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def condition(condition_id: str) -> str:
    """A condition in words.

    >>> condition("machine-hum@5dB")
    'machine-hum at 5 dB'
    """
    if condition_id == CLEAN:
        return "clean audio"
    name, _, level = condition_id.partition("@")
    digits = "".join(c for c in level if c in "-+.0123456789")
    return f"{name} at {digits} {level[len(digits) :]}".strip() if level else name


def people(attribute: str, group: str, attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """Who is in a group, as the subject of a sentence.

    >>> people("accent", "Scottish", {"accent": {"kind": "accent"}})
    'Scottish speakers'
    >>> people("snr_db", "<10", {"snr_db": {"kind": "acoustic", "unit": "dB"}})
    'utterances with snr_db <10 dB'
    """
    if group == REST:
        return "everybody else"
    names, groups = attribute.split("*"), group.split("*")
    if len(names) != len(groups):
        return f"{attribute} {group}"
    if all(attributes.get(name, {}).get("kind") in SPEAKER_KINDS for name in names) and MISSING not in groups:
        return f"{', '.join(groups)} speakers"
    parts = []
    for name, part in zip(names, groups, strict=True):
        unit = attributes.get(name, {}).get("unit")
        parts.append(f"{name} {part}{f' {unit}' if unit and part != MISSING else ''}")
    return f"utterances with {listed(parts)}"
