"""What the command line does before its first verb, so that small jobs stay quick."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec


class _NoPandas:
    """A finder that says that pandas is not installed."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Refuse pandas; leave everything else to the finders that follow."""
        if name == "pandas":
            raise ModuleNotFoundError(name)
        return None


def keep_pandas_out() -> None:
    """Have pyarrow look for pandas once, in vain.

    pyarrow imports pandas (0.9 s) the first time it makes a scalar or an array, only to know whether an object is a
    data frame. asrfair hands it none. Code that calls `to_pandas()` later still gets it; where pandas is loaded
    already, nothing is done.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        import pyarrow as pa

        pa.scalar("")
    finally:
        sys.meta_path.remove(_NoPandas)
