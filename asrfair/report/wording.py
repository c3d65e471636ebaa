"""Numbers and names as people read them. Only this room turns fractions into percentages."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.records import CLEAN, MISSING, REST
from asrfair.stats.policy import ALPHA

NONE = "\N{EM DASH}"
"""What stands where a number cannot be given; the notes beside it say why."""

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


def ratio_digits(*values: float | None) -> int:
    """Decimals that a ratio and its interval need, so that none reads as 1.0 or 0.0 by rounding.

    >>> ratio_digits(2.1, 1.4, 3.3), ratio_digits(1.9, 1.02, 3.5)
    (1, 2)
    """
    return 2 if any(v is not None and (0.95 <= v < 1.05 or v < 0.1) for v in values) else 1


def p_value(p: float | None) -> str:
    """A p-value, never 0, and on the same side of the level as it is unrounded.

    >>> p_value(0.00001), p_value(0.0312), p_value(0.04981), p_value(0.05002)
    ('<0.001', '0.031', '0.0498', '0.05002')
    """
    if p is None:
        return NONE
    if p < 0.001:
        return "<0.001"
    for digits in (3, 4, 5):
        text = f"{p:.{digits}f}"
        if float(text) != ALPHA:
            return text
    return f"{p:.6g}"


def isolated(name: str) -> str:
    """A name that may stand in a sentence of the other direction: right-to-left names in Unicode isolates.

    >>> isolated("Welsh"), len(isolated("\u05d0")) - len("\u05d0")
    ('Welsh', 2)
    """
    turned = any(unicodedata.bidirectional(c) in ("R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO") for c in name)
    return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" if turned else name


def count(n: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "speaker"), count(1200, "word")
    ('1 speaker', '1,200 words')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def many(n: int | None) -> str:
    """A number of things, or a dash where it may not be said.

    >>> many(1200)
    '1,200'
    """
    return NONE if n is None else f"{n:,}"


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
    names, groups = attribute.split("*"), [isolated(part) for part in group.split("*")]
    if len(names) != len(groups):
        return f"{attribute} {isolated(group)}"
    if all(attributes.get(name, {}).get("kind") in SPEAKER_KINDS for name in names) and MISSING not in groups:
        return f"{', '.join(groups)} speakers"
    parts = []
    for name, part in zip(names, groups, strict=True):
        unit = attributes.get(name, {}).get("unit")
        parts.append(f"{name} {part}{f' {unit}' if unit and part != MISSING else ''}")
    return f"utterances with {listed(parts)}"
