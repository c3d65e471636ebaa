"""What a request asks for: its parameters, held to the contract at the door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from asrfair.errors import InputError

ERRORS = ("", "any", "substitution", "deletion", "insertion", "failed", "perfect")
ORDERS = ("errors", "rate", "id")
IN = "in."
LIMIT, MOST_ROWS = 200, 1_000
MOST_WORDS, MOST_FIELDS = 20, 200

SPACES = re.compile("[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
"""What stands between words in the page's own search: white space as JavaScript knows it."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which results, in which order; empty is any.

    Attributes:
        groups: attribute and group, sorted.
        words: in lower case.
    """

    system: str = ""
    condition: str = ""
    groups: tuple[tuple[str, str], ...] = ()
    errors: str = ""
    words: tuple[str, ...] = ()
    order: str = "errors"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a filter: `limit` from `offset` on."""

    filter: Filter = field(default_factory=Filter)
    offset: int = 0
    limit: int = LIMIT


def fields_of(query: str, allowed: tuple[str, ...]) -> dict[str, str]:
    """The parameters of an address.

    Args:
        query: what stands behind the question mark.
        allowed: their names; `in.` allows every name that begins so.

    Raises:
        InputError: not UTF-8, too many, one given twice or not known.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise InputError(f"the parameters cannot be read: {error}; give names and values in UTF-8") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed and not (IN in allowed and name.startswith(IN)):
            raise InputError(f"no parameter {name!r}; there are: {', '.join(allowed)}")
        if name in found:
            raise InputError(f"{name} is given twice; give it once")
        found[name] = value
    return found


def page_of(query: str) -> Page:
    """What a request for rows asks for.

    Raises:
        InputError: a parameter is not as the contract has it.
    """
    given = fields_of(query, ("system", "condition", IN, "errors", "words", "order", "offset", "limit"))
    words = tuple(dict.fromkeys(part for part in SPACES.split(given.get("words", "").lower()) if part))
    if len(words) > MOST_WORDS:
        raise InputError(f"words: {len(words)} are more than the {MOST_WORDS} that are looked for together")
    groups = sorted((name.removeprefix(IN), group) for name, group in given.items() if name.startswith(IN) and group)
    chosen = Filter(
        system=given.get("system", ""),
        condition=given.get("condition", ""),
        groups=tuple(groups),
        errors=_one_of(given, "errors", ERRORS, ""),
        words=words,
        order=_one_of(given, "order", ORDERS, "errors"),
    )
    return Page(chosen, _whole(given, "offset", 0), _whole(given, "limit", LIMIT, most=MOST_ROWS))


def _one_of(given: Mapping[str, str], name: str, values: tuple[str, ...], default: str) -> str:
    """A parameter with few values."""
    value = given.get(name) or default
    if value not in values:
        raise InputError(f"{name}: {value!r} is none of {', '.join(filter(None, values))}")
    return value


def _whole(given: Mapping[str, str], name: str, default: int, *, most: int = 10**12) -> int:
    """A parameter that counts."""
    value = given.get(name) or str(default)
    if not re.fullmatch("[0-9]{1,13}", value) or int(value) > most:
        raise InputError(f"{name}: {value[:40]!r} is no whole number from 0 to {most}")
    return int(value)
