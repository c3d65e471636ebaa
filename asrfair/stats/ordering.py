"""The order of rows in a table: the same for the same content, and the one a reader expects.

Numbers inside names count as numbers (`hum@5dB` before `hum@10dB`), `clean` comes before every other condition, the
baseline before every other group, bins follow their edges, and `prefer not to say` and `missing` come last.
"""

from __future__ import annotations

import re

from asrfair.records import CLEAN, MISSING

PREFER_NOT_TO_SAY = "prefer not to say"

_NUMBER = re.compile(r"((?<=@)-?\d+(?:\.\d+)?|^-?\d+(?:\.\d+)?|\d+(?:\.\d+)?)")
_BIN = re.compile(r"(<|>=)(-?\d+(?:\.\d+)?)")

Key = tuple[tuple[float, str], ...]


def natural_key(text: str) -> Key:
    """Sort key with numbers as numbers; a minus sign counts at the start and after `@`.

    >>> sorted(["hum@10dB", "hum@-5dB", "hum@5dB", "fan"], key=natural_key)
    ['fan', 'hum@-5dB', 'hum@5dB', 'hum@10dB']
    """
    parts = _NUMBER.split(text)
    # Odd places are numbers. Text sorts after numbers where the two meet, by its infinity.
    pairs = ((float(p), p) if i % 2 else (float("inf"), p.casefold()) for i, p in enumerate(parts) if p)
    return (*pairs, (float("-inf"), text))


def condition_key(condition_id: str) -> tuple[bool, Key]:
    """Sort key of conditions: clean first.

    >>> sorted(["a", "clean"], key=condition_key)
    ['clean', 'a']
    """
    return condition_id != CLEAN, natural_key(condition_id)


def group_key(group: str, baseline: str | None = None) -> tuple[int, tuple[tuple[float, int, Key], ...]]:
    """Sort key of the groups of one attribute or intersection.

    >>> sorted(["missing", ">=20", "<10", "10-20"], key=group_key)
    ['<10', '10-20', '>=20', 'missing']
    >>> sorted(["b", "prefer not to say", "c", "a"], key=lambda g: group_key(g, baseline="c"))
    ['c', 'a', 'b', 'prefer not to say']
    """
    parts = group.split("*")
    if group == MISSING:
        rank = 3
    elif any(part.casefold() == PREFER_NOT_TO_SAY for part in parts):
        rank = 2
    else:
        rank = 0 if group == baseline else 1
    return rank, tuple(_bin_key(part) for part in parts)


def _bin_key(text: str) -> tuple[float, int, Key]:
    """Bins by their edge, the open ones around the closed one with the same edge; other names after all bins."""
    key = natural_key(text)
    edge = _BIN.fullmatch(text)
    if edge:
        return float(edge[2]), -1 if edge[1] == "<" else 1, key
    return (key[0][0], 0, key) if text else (float("inf"), 0, key)
