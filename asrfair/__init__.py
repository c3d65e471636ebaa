"""asrfair: for whom, and in which room, does this speech recogniser fail?

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Audit": "asrfair.pipeline",
    "Disparity": "asrfair.records",
    "ErrorCounts": "asrfair.records",
    "GroupInterval": "asrfair.records",
    "Manifest": "asrfair.manifest",
    "audit": "asrfair.pipeline",
    "compare_groups": "asrfair.stats",
    "count_errors": "asrfair.scoring",
    "group_interval": "asrfair.stats",
    "load_manifest": "asrfair.manifest",
    "normalize": "asrfair.scoring",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'asrfair' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
