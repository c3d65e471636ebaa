"""The normaliser contract, whole. A normaliser is one file in this folder, or an entry point `asrfair.normalizers`.

A normaliser decides what counts as the same word, and with that can make or hide a disparity (METHODS section 1). So
it is a value with a name, a version and a digest of its rules; the same one goes over references and hypotheses, over
every system and every group; and results carry its signature.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar


class Normalizer(ABC):
    """One way to write a text so that spellings of the same words compare equal.

    The constructor takes no argument. A file defines one concrete subclass; its name is the file's, with `-` for `_`.

    Attributes:
        name: how it is asked for, e.g. `whisper-en`.
        version: changes whenever a rule changes.
    """

    name: ClassVar[str]
    version: ClassVar[str]

    @abstractmethod
    def rules(self) -> Sequence[str]:
        """Everything that decides the output, as text: tables, patterns, constants. It is hashed, not read."""

    @abstractmethod
    def normalize(self, texts: Sequence[str]) -> list[str]:
        """Normalise each text as if it were alone.

        Args:
            texts: any Unicode strings.

        Returns:
            One string per text, in order. Words are what stands between white space.
        """

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over name, version and rules."""
        digest = hashlib.sha256()
        for part in (self.name, self.version, *self.rules()):
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        return digest.hexdigest()

    @property
    def signature(self) -> str:
        """`name@version+digest`, the digest cut to 12 digits: what results are signed with."""
        return f"{self.name}@{self.version}+{self.digest[:12]}"
