"""Between numpy and Arrow over the buffers, without a copy and without pyarrow's own converters.

Those converters ask whether they were given something of pandas, and import pandas to find out: a second of CPU that
scoring a thousand utterances cannot afford.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def int32_array(values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """An Arrow int32 array.

    Args:
        values: integers, shape (n,).
        valid: false where the result is null, shape (n,); None if nothing is.
    """
    data = pa.py_buffer(np.ascontiguousarray(values, np.int32))
    bitmap = None if valid is None or valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(pa.int32(), len(values), [bitmap, data])


def list_of_texts(column: pa.Array | pa.ChunkedArray | list[str | None] | tuple[str | None, ...]) -> list[str | None]:
    """The strings of a column, or of any sequence, as a list."""
    found: list[str | None] = column.to_pylist() if isinstance(column, pa.Array | pa.ChunkedArray) else list(column)
    return found
