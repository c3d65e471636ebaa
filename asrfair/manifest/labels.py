"""What names and values may be: of attributes, groups and languages. Each rule returns what is wrong, or nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from asrfair.manifest.faults import show
from asrfair.records import ALL, MISSING, REST
from asrfair.tables import MANIFEST, SCORES

PREFER_NOT_TO_SAY = "prefer not to say"
"""A value of its own, allowed in every vocabulary."""

CONTRACT_COLUMNS = frozenset({*MANIFEST.names, *SCORES.names, "reference"})
"""Columns that an attribute may not be called after."""

_RESERVED = {MISSING: "leave the value empty", ALL: "name the group otherwise", REST: "name the group otherwise"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LANGUAGE = re.compile(
    r"""(?: [A-Za-z]{2,3} (?: -[A-Za-z]{3} ){0,3}                  # language, extended language
            (?: -[A-Za-z]{4} )? (?: -(?: [A-Za-z]{2} | [0-9]{3} ) )?  # script, region
            (?: -(?: [A-Za-z0-9]{5,8} | [0-9][A-Za-z0-9]{3} ) )*      # variants
            (?: -[0-9A-WY-Za-wy-z] (?: -[A-Za-z0-9]{2,8} )+ )*        # extensions
            (?: -[Xx] (?: -[A-Za-z0-9]{1,8} )+ )?                     # private use
          | [Xx] (?: -[A-Za-z0-9]{1,8} )+ )""",
    re.VERBOSE,
)


def tidy(value: str) -> str:
    r"""A value without surrounding space, in Unicode normal form C.

    >>> tidy(" Zoe\u0308 ")
    'Zoë'
    """
    value = value.strip()
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def _edge(edge: float) -> str:
    return str(int(edge)) if edge == int(edge) else repr(edge)


def bin_labels(bins: Sequence[float]) -> list[str]:
    """The groups that increasing edges cut a numeric attribute into; a value on an edge is in the upper one.

    >>> bin_labels([10, 20.5])
    ['<10', '10-20.5', '>=20.5']
    >>> bin_labels([-5, 0, 5])
    ['<-5', '-5 to 0', '0 to 5', '>=5']
    """
    edges = [_edge(edge) for edge in bins]
    join = " to " if any(edge < 0 for edge in bins) else "-"
    between = [f"{low}{join}{high}" for low, high in pairwise(edges)]
    return [f"<{edges[0]}", *between, f">={edges[-1]}"]


def language_fault(tag: str) -> str | None:
    """What is wrong with the shape of a BCP 47 language tag, or None.

    >>> language_fault("en-GB") is None
    True
    >>> language_fault("en_GB")
    "'en_GB' is not a BCP 47 tag: write 'en-GB'"
    """
    if _LANGUAGE.fullmatch(tag):
        return None
    mended = tag.strip().replace("_", "-").partition(".")[0]
    remedy = mended if _LANGUAGE.fullmatch(mended) else "en or en-GB"
    return f"{show(tag)} is not a BCP 47 tag: write {show(remedy) if remedy == mended else remedy}"


def label_fault(value: str) -> str | None:
    """What is wrong with a (tidied) group value, or None.

    >>> label_fault("Missing")
    "'Missing' is reserved: leave the value empty"
    """
    if not value:
        return "an empty value is no group: leave it out"
    if _CONTROL.search(value):
        return f"{show(value)} has control characters: remove them"
    if "|" in value:
        return f"{show(value)} has a |, which joins several values: write several values as a list"
    if "*" in value:
        return f"{show(value)} has a *, which joins attributes: write it without"
    remedy = _RESERVED.get(value.casefold())
    return f"{show(value)} is reserved: {remedy}" if remedy else None


def attribute_name_fault(name: str) -> str | None:
    """What is wrong with the name of an attribute, or None."""
    if name in CONTRACT_COLUMNS or name in (ALL, "references"):
        return f"{show(name)} is a column of asrfair's own: give the attribute's column another name"
    if not name.strip() or name != tidy(name) or _CONTROL.search(name):
        return f"{show(name)} is empty, or has surrounding space or control characters: rename the column"
    if set("*|=,") & set(name):
        return f"{show(name)} has one of * | = , which have a meaning on the command line: rename the column"
    return None
