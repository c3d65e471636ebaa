"""What every part of a profile is: data whose numbers are finite and that keeps its own rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a profile; refuses numbers that are not finite and what its own rules say."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not all(math.isfinite(number) for number in _numbers(getattr(self, name))):
                raise ValueError(f"{name} must be finite numbers")
        for rule, holds in self.rules().items():
            if not holds:
                raise ValueError(rule)

    def rules(self) -> Mapping[str, bool]:
        """What must hold, and whether it does."""
        return {}


def _numbers(value: Any) -> list[float]:
    """The numbers of a field that is a number, a row or a mapping of those."""
    if isinstance(value, float):
        return [value]
    if isinstance(value, Mapping):
        return [number for one in value.values() for number in _numbers(one)]
    if isinstance(value, tuple):
        return [number for one in value for number in _numbers(one)]
    return []
