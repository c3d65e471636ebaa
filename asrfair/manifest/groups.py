"""From the values of an attribute to its groups, and which attributes and intersections can be asked for."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asrfair.errors import InputError
from asrfair.manifest.dataset import Attribute
from asrfair.manifest.labels import bin_labels
from asrfair.records import ALL


def groupable(attribute: Attribute) -> bool:
    """Whether an attribute has groups: a numeric one has them only with bins."""
    return attribute.bins is not None or not attribute.numeric


def group_column(values: pa.ChunkedArray, attribute: Attribute) -> pa.ChunkedArray:
    """The group of each row.

    Args:
        values: a column of a manifest or scores table: text, or float64 for a numeric attribute.
        attribute: what the column means.

    Returns:
        Text of the same length: bin labels for a numeric attribute, else the values as they are (several joined by
        `|`); missing stays null.

    Raises:
        InputError: the attribute is numeric and has no bins.

    >>> snr = Attribute(kind="acoustic", provenance="measured", unit="dB", bins=(10, 20))
    >>> group_column(pa.chunked_array([[5.0, 10.0, None, 30.0]]), snr).to_pylist()
    ['<10', '10-20', None, '>=20']
    """
    if not groupable(attribute):
        raise InputError("a numeric attribute without bins has no groups: give it bins in dataset.toml")
    if attribute.bins is None:
        return values.cast(pa.string())
    labels = pa.array(bin_labels(attribute.bins))
    numbers = values.combine_chunks().cast(pa.float64()) if isinstance(values, pa.ChunkedArray) else values
    places = np.searchsorted(np.array(attribute.bins), numbers.fill_null(0.0).to_numpy(), side="right")
    indices = pa.array(places, mask=numbers.is_null().to_numpy(zero_copy_only=False))
    return pa.chunked_array([labels.take(indices)], type=pa.string())


def _why_not(name: str, attributes: Mapping[str, Attribute], undeclared: Collection[str]) -> str:
    """Why one attribute cannot be grouped by, with a remedy."""
    if name in attributes:
        return f"{name} is numeric and has no bins: give [attributes.{name}] bins = [...] in dataset.toml"
    if name in undeclared:
        return (
            f"{name} is a column that dataset.toml does not declare: add [attributes.{name}] with kind and provenance"
        )
    close = difflib.get_close_matches(name, attributes, n=1)
    return f"{name!r} is no attribute of this manifest" + (f": did you mean {close[0]!r}?" if close else "")


def parse_by(
    specs: Sequence[str], attributes: Mapping[str, Attribute], undeclared: Collection[str] = ()
) -> list[tuple[str, ...]]:
    """Check what was asked to group by.

    Args:
        specs: attributes (`accent`) and intersections (`accent*gender`); none asks for every attribute that has groups.
        attributes: the declared attributes.
        undeclared: columns that are carried along but not declared, for the message.

    Returns:
        The attributes of each spec, in the order given, without repeats.

    Raises:
        InputError: something cannot be grouped by; says why, and what can.

    >>> accent = Attribute(kind="accent", provenance="self_reported")
    >>> parse_by(["accent*device", "accent"], {"accent": accent, "device": accent})
    [('accent', 'device'), ('accent',)]
    """
    available = [name for name, attribute in attributes.items() if groupable(attribute)]
    if not specs:
        return [(name,) for name in available]
    wrong, parsed = [], []
    for spec in specs:
        names = tuple(part.strip() for part in spec.split("*"))
        if names == (ALL,):
            continue
        wrong += [_why_not(name, attributes, undeclared) for name in names if name not in available]
        if len(set(names)) < len(names):
            wrong.append(f"{spec!r} names an attribute twice")
        parsed.append(names)
    if wrong:
        can = (
            f"can be grouped by: {', '.join(available)}" if available else "this manifest declares nothing to group by"
        )
        raise InputError(f"{'; '.join(dict.fromkeys(wrong))}. {can[0].upper()}{can[1:]}")
    return list(dict.fromkeys(parsed))


def observed_groups(column: pa.ChunkedArray) -> list[str]:
    """The groups that occur in a group column, sorted, each of a multi-valued row by itself; missing is left out.

    >>> observed_groups(pa.chunked_array([["b", "a|b", None]]))
    ['a', 'b']
    """
    distinct = pc.unique(column).drop_null().to_pylist()
    return sorted({group for value in distinct for group in value.split("|")})
