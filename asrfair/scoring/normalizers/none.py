"""`none`: the text as it is; words are what stands between white space. Case, punctuation and spelling all count."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.scoring.normalizers._base import Normalizer


class NoNormalizer(Normalizer):
    """Changes nothing.

    >>> NoNormalizer().normalize(["Er, 20 “clocks”."])
    ['Er, 20 “clocks”.']
    """

    name = "none"
    version = "1"

    def rules(self) -> Sequence[str]:
        """There are none."""
        return ()

    def normalize(self, texts: Sequence[str]) -> list[str]:
        """The same texts."""
        return list(texts)
