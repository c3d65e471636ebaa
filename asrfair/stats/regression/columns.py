"""What a regression is given, checked and made into numbers at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.records import MISSING
from asrfair.stats.atoms import Codes, Vocabulary
from asrfair.stats.ordering import group_key
from asrfair.stats.regression.design import Factor, Floats, totals

Column: TypeAlias = Sequence[Any] | NDArray[Any] | pa.Array | pa.ChunkedArray
"""One value a row; None is missing."""


def counts(values: ArrayLike, name: str) -> Floats:
    """Errors or words of each utterance: finite, not negative.

    Raises:
        InputError: anything else; names the first row.
    """
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not a list of numbers, one an utterance") from error
    if found.ndim != 1:
        raise InputError(f"{name}: {found.ndim} dimensions; give a list of numbers, one an utterance")
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"{name}[{at}]: {found[at]} is not a finite number that is not negative")
    return found


def encode(values: Column, name: str) -> tuple[Codes, list[str]]:
    """Numbers for texts, in order of appearance, -1 for missing (None, NaN, empty), and the texts.

    Raises:
        InputError: a value is no text.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        words = Vocabulary()
        codes = words.encode(values) - 1
        texts: list[Any] = words.labels[1:]
    else:
        known: dict[Any, int] = {}
        plain = values.tolist() if isinstance(values, np.ndarray) else values
        try:
            codes = np.fromiter((known.setdefault(value, len(known)) for value in plain), np.int64, len(plain))
        except TypeError as error:
            raise InputError(f"{name}: a value is no text; give strings, and None where it is missing") from error
        texts = list(known)
    present = [text for text in texts if not (text is None or text == "" or text != text)]
    wrong = [text for text in present if not isinstance(text, str)]
    if wrong:
        raise InputError(f"{name}: {wrong[0]!r} is no text; give strings, and None where it is missing")
    number = {text: i for i, text in enumerate(present)}
    renumbered = np.array([*(number.get(text, -1) for text in texts), -1], dtype=np.int64)
    found: Codes = renumbered[codes]
    return found, [str(text) for text in present]


def speaker_codes(values: Column) -> Codes:
    """A number >= 0 for each speaker; integers are taken as they are.

    Raises:
        InputError: a row has no speaker.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        codes: Codes = values.astype(np.int64)
    elif not isinstance(values, pa.Array | pa.ChunkedArray) and all(type(value) is int for value in values):
        codes = np.asarray(values, dtype=np.int64)
    else:
        codes = encode(values, "speakers")[0]
    if (codes < 0).any():
        raise InputError(
            f"speakers[{int(np.argmax(codes < 0))}]: no speaker; the unit of inference is the speaker, so leave out "
            "utterances whose speaker is not known"
        )
    return codes


def is_numeric(values: Column) -> bool:
    """Whether a covariate is a number (an SNR), rather than a name (a site)."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return bool(pa.types.is_floating(values.type) or pa.types.is_integer(values.type))
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return values.dtype.kind in "iuf"
    first = next((value for value in values if value is not None and value == value), None)
    return isinstance(first, int | float | np.number) and not isinstance(first, bool)


def numbers(values: Column, name: str) -> Floats:
    """A covariate of numbers; NaN where it is missing.

    Raises:
        InputError: a value is no number, or infinite.
    """
    plain = values if isinstance(values, np.ndarray) and values.dtype.kind != "O" else list(_listed(values))
    try:
        found = np.array(plain, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not all numbers; give numbers (None where missing), or texts only") from error
    if np.isinf(found).any():
        at = int(np.argmax(np.isinf(found)))
        raise InputError(f"{name}[{at}]: {found[at]} is infinite; give a finite number, or None where it is missing")
    return found


def factor_of(values: Column, name: str, words: Floats) -> Factor:
    """A categorical covariate: `missing` is a level of its own; the reference is the level with most words.

    Raises:
        InputError: no value at all, or one that is no text.
    """
    codes, texts = encode(values, name)
    if not texts:
        raise InputError(f"{name}: missing everywhere; leave this covariate out")
    if (codes < 0).any():
        if MISSING not in texts:
            texts = [*texts, MISSING]
        codes = np.where(codes < 0, texts.index(MISSING), codes)
    return first_level(Factor(name, codes, tuple(texts)), words)


def first_level(factor: Factor, words: Floats, first: str | None = None) -> Factor:
    """Put the levels in the order of a table, with the one named, else the one with most words, as the reference."""
    size = totals(factor.codes, words, len(factor.levels))
    order = sorted(range(len(size)), key=lambda i: group_key(factor.levels[i]))
    reference = factor.levels.index(first) if first is not None else max(order, key=lambda i: size[i])
    order = [reference, *(i for i in order if i != reference)]
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return Factor(factor.name, rank[factor.codes], tuple(factor.levels[i] for i in order))


def check_lengths(columns: Mapping[str, int]) -> int:
    """The one length of all columns.

    Raises:
        InputError: they differ, or there are no rows.
    """
    n = next(iter(columns.values()))
    if len(set(columns.values())) > 1:
        said = ", ".join(f"{name} {length}" for name, length in columns.items())
        raise InputError(f"columns of different lengths ({said}): give one value an utterance in each")
    if not n:
        raise InputError("no utterances")
    return n


def _listed(values: Column) -> Sequence[Any]:
    """Python values, NaN for None."""
    plain = values.to_pylist() if isinstance(values, pa.Array | pa.ChunkedArray) else values
    return [np.nan if value is None else value for value in plain]
