"""The script of the page: its files as one, and the digest by which the page allows it and nothing else."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "templates" / "explorer"
FILES = ("dom.js", "state.js", "source.js", "numbers.js", "list.js", "aligned.js", "utterances.js", "start.js")
"""In the order in which they stand in the page."""


@functools.lru_cache(maxsize=1)
def explorer_script() -> str:
    """The whole script: strict, and with no name in the page's global scope."""
    parts = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in FILES)
    return f'(() => {{\n"use strict";\n{parts}\n}})();'


def script_digest(script: str) -> str:
    """A script as a Content-Security-Policy names it.

    >>> script_digest("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
