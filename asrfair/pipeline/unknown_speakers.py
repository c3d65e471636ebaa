"""Intervals for groups whose speakers are not known, under a design effect that the user vouches for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asrfair.manifest import Attribute
from asrfair.pipeline.details import cells
from asrfair.records import ALL, MISSING, REST
from asrfair.stats.design_effect import with_interval, with_ratio_interval
from asrfair.stats.groups import groups_of
from asrfair.stats.rates import RateEstimate, estimate
from asrfair.stats.utterance_level import Utterances

Row = dict[str, Any]


def assume_design_effect(
    tables: Mapping[str, pa.Table],
    path: Path,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    effect: float,
    *,
    empty_ref: str = "count",
) -> dict[str, pa.Table]:
    """`groups` and `disparities` with intervals from utterances where speakers are not known.

    Args:
        tables: as the analysis made them.
        path: the scores file.
        specs: attributes and intersections that were analysed.
        attributes: what the columns mean.
        effect: the design effect.
        empty_ref: as for `analyze`: whether words written where nothing was said are counted.
    """
    rows = {name: tables[name].to_pylist() for name in ("groups", "disparities")}
    single = list(dict.fromkeys(name for spec in specs for name in spec.split("*")))
    for found, _ in cells(path, single, attributes, (), speakers_known=False):
        if empty_ref == "separate":
            found = replace(found, errors=np.where(found.words > 0, found.errors, 0.0))
        members = _members(found, specs)
        rows["groups"] = [
            with_interval(row, members[row["attribute"], row["group"]], effect) if _here(row, found) else row
            for row in rows["groups"]
        ]
        rows["disparities"] = [
            with_ratio_interval(row, _sides(row, members), effect) if _here(row, found) else row
            for row in rows["disparities"]
        ]
    return {name: pa.Table.from_pylist(rows[name], schema=tables[name].schema) for name in rows}


def _here(row: Row, found: Utterances) -> bool:
    """Whether a row is of this cell."""
    return (row["system_id"], row["condition_id"], row["normalizer"]) == found.cell


def _members(found: Utterances, specs: Sequence[str]) -> dict[tuple[str, str], RateEstimate]:
    """The estimate of every group and of its rest (`rest GROUP`), utterances in the place of speakers."""
    made = {(ALL, ALL): estimate(found.errors, found.words)}
    for spec in specs:
        columns = [found.groups[name].tolist() for name in spec.split("*")]
        labels = [groups_of(values) for values in zip(*columns, strict=True)]
        valued = np.array([label != (MISSING,) for label in labels])
        for group in {name for label in labels for name in label}:
            inside = np.array([group in label for label in labels])
            rest = valued & ~inside
            made[spec, group] = estimate(found.errors[inside], found.words[inside])
            made[spec, f"{REST} {group}"] = estimate(found.errors[rest], found.words[rest])
    return made


def _sides(row: Row, members: Mapping[tuple[str, str], RateEstimate]) -> tuple[RateEstimate, RateEstimate]:
    """The estimates of both sides of a comparison."""
    other = f"{REST} {row['group']}" if row["baseline"] == REST else row["baseline"]
    return members[row["attribute"], row["group"]], members[row["attribute"], other]
