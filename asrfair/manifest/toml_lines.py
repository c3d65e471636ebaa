"""Where in a TOML file a key stands: the parser of the standard library does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*\[\[?\s*(?P<path>[^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(
    r"""^\s*(?P<path>(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*="""
)


def _parts(path: str) -> tuple[str, ...]:
    """The keys of a dotted path, quoted or not; empty if it is none."""
    try:
        nested: object = tomllib.loads(f"{path} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts = []
    while isinstance(nested, dict):
        ((key, nested),) = nested.items()
        parts.append(key)
    return tuple(parts)


def line_of(text: str, path: Sequence[str]) -> int:
    r"""The 1-based line on which a key or a table is set.

    Args:
        text: the TOML file.
        path: the keys from the root, e.g. `("attributes", "accent", "kind")`.

    Returns:
        The line of the key; else of the innermost table around it that is found; else 0.

    >>> line_of('a = 1\n[t.u]\nb = 2', ("t", "u", "b"))
    3
    """
    wanted = tuple(path)
    table: tuple[str, ...] = ()
    best, found = 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            here = table = _parts(header["path"])
        elif key := _KEY.match(line):
            here = table + _parts(key["path"])
        else:
            continue
        if here and here == wanted[: len(here)] and len(here) > found:
            best, found = number, len(here)
    return best
