"""`dataset.toml`: what the columns of a manifest mean, who the speakers are and what they agreed to.

Every fault of the file is found in one pass. A `demographic` attribute whose provenance is `inferred` is refused:
race, gender or age read from a voice is not data.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from asrfair.manifest.faults import FaultList, show
from asrfair.manifest.labels import attribute_name_fault, bin_labels, label_fault, language_fault, tidy
from asrfair.manifest.toml_lines import line_of

DATASET_FILE = "dataset.toml"
SCHEMA_VERSION = 1

MINIMAL = """\
schema_version = 1
name = "..."          # what the data set is called
version = "..."
licence = "..."
language = "en-US"    # BCP 47
collection = "How speakers were found, what they read, on what."
consent = "What they agreed to."

[attributes.accent]   # one table for each column to group by
kind = "accent"
provenance = "self_reported"
"""

Kind = Literal["accent", "dialect", "first_language", "acoustic", "demographic", "content"]
Provenance = Literal["self_reported", "annotated", "recorded", "measured", "inferred"]


class Attribute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one column of the manifest means.

    Attributes:
        kind: what sort of property it is.
        provenance: how it came to be known.
        baseline: the group that others are compared with; None compares each group with the rest.
        vocabulary: the values that are allowed; None allows any.
        bins: increasing edges that cut a numeric attribute into groups.
        unit: of a numeric attribute.
        description: in words.
    """

    kind: Kind
    provenance: Provenance
    baseline: str | None = None
    vocabulary: tuple[str, ...] | None = None
    bins: tuple[float, ...] | None = None
    unit: str | None = None
    description: str | None = None

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers: it has a unit or bins."""
        return self.unit is not None or self.bins is not None


class Dataset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of `dataset.toml`; `attributes` maps a column to its meaning."""

    schema_version: Literal[1]
    name: str
    version: str
    licence: str
    language: str
    collection: str
    consent: str
    notes: str | None = None
    attributes: dict[str, Attribute] = {}


def _expected(kind: Any, error: msgspec.ValidationError) -> str:
    """What would have been right, in words."""
    if get_origin(kind) is Literal:
        return "write " + " or ".join(map(repr, get_args(kind)))
    return str(error)[0].lower() + str(error)[1:]


def _increasing(bins: Sequence[float]) -> bool:
    """Whether bins are at least one finite edge, each above the one before."""
    return bool(bins) and all(map(math.isfinite, bins)) and all(low < high for low, high in pairwise(bins))


class _Reader:
    """One pass over a parsed `dataset.toml` that notes every fault with its place."""

    def __init__(self, text: str, faults: FaultList) -> None:
        self._text = text
        self._faults = faults

    def fault(self, path: Sequence[str], message: str) -> None:
        self._faults.add(line_of(self._text, path), ".".join(path), message)

    def fields(self, data: Mapping[str, Any], struct: type[msgspec.Struct], path: tuple[str, ...]) -> dict[str, Any]:
        """The fields of a struct that can be read; the others are faults."""
        known = {field.name: field for field in msgspec.structs.fields(struct)}
        for key in data:
            if key not in known:
                self.fault((*path, key), f"is not a known key; known are {', '.join(known)}")
        values = {}
        for name, field in known.items():
            if name not in data:
                if field.required:
                    self.fault((*path, name), "is missing: it is required")
            elif name != "attributes":  # read apart
                try:
                    values[name] = msgspec.convert(data[name], field.type)
                except msgspec.ValidationError as error:
                    self.fault((*path, name), f"{show(data[name])} is refused: {_expected(field.type, error)}")
                    continue
                if isinstance(values[name], str) and not values[name].strip():
                    self.fault((*path, name), "is empty: say it in words")
        return values

    def attribute(self, name: str, data: object) -> Attribute | None:
        path = ("attributes", name)
        if message := attribute_name_fault(name):
            self.fault(path, message)
        if not isinstance(data, dict):
            self.fault(path, f"{show(data)} is not a table: write [attributes.{name}] with kind and provenance")
            return None
        values = self.fields(data, Attribute, path)
        self._vocabulary(values, path)
        self._bins(values, path)
        if values.get("baseline") is not None:
            values["baseline"] = tidy(values["baseline"])
        if values.get("kind") == "demographic" and values.get("provenance") == "inferred":
            self.fault(
                (*path, "provenance"),
                "a demographic attribute that was inferred is refused: race, gender or age read from a voice, name or "
                "face is not data; ask the speakers (self_reported) or leave the attribute out",
            )
        if "kind" not in values or "provenance" not in values:
            return None
        attribute = Attribute(**values)
        self._baseline(attribute, path)
        return attribute

    def _vocabulary(self, values: dict[str, Any], path: tuple[str, ...]) -> None:
        vocabulary = values.get("vocabulary")
        if vocabulary is None:
            return
        place = (*path, "vocabulary")
        if values.get("unit") is not None or values.get("bins") is not None:
            self.fault(place, "a numeric attribute (it has a unit or bins) has no vocabulary: drop one of them")
        if not vocabulary:
            self.fault(place, "is empty: list the allowed values, or leave it out to allow any")
        tidied = [tidy(value) for value in vocabulary]
        for value in tidied:
            if message := label_fault(value):
                self.fault(place, message)
        for value in sorted({value for value in tidied if tidied.count(value) > 1}):
            self.fault(place, f"{show(value)} is listed twice")
        values["vocabulary"] = tuple(tidied)

    def _bins(self, values: dict[str, Any], path: tuple[str, ...]) -> None:
        bins = values.get("bins")
        if bins is None:
            return
        if not _increasing(bins):
            self.fault((*path, "bins"), f"{show(list(bins))} are not increasing finite edges, such as [10, 20]")

    def _baseline(self, attribute: Attribute, path: tuple[str, ...]) -> None:
        place, baseline = (*path, "baseline"), attribute.baseline
        if baseline is None:
            return
        if attribute.numeric and attribute.bins is None:
            self.fault(place, "a numeric attribute without bins has no groups: give bins, or drop the baseline")
            return
        if attribute.bins is not None:
            allowed: Sequence[str] | None = bin_labels(attribute.bins) if _increasing(attribute.bins) else None
        else:
            allowed = attribute.vocabulary
        if message := label_fault(baseline):
            self.fault(place, f"{message} (without a baseline, each group is compared with the rest)")
        elif allowed is not None and baseline not in allowed:
            self.fault(place, f"{show(baseline)} is none of the groups {', '.join(map(show, allowed))}")

    def attributes(self, tables: object) -> dict[str, Attribute]:
        """The attributes that can be made, each with its faults noted."""
        if not isinstance(tables, dict):
            self.fault(("attributes",), "is not a table: write one [attributes.NAME] for each column to group by")
            return {}
        read = {name: self.attribute(name, table) for name, table in tables.items()}
        # One that is called after a column of asrfair's own is not held against the rows.
        return {name: item for name, item in read.items() if item is not None and not attribute_name_fault(name)}

    def dataset(self, data: Mapping[str, Any], attributes: dict[str, Attribute]) -> Dataset | None:
        """The whole, if it can be made."""
        values = self.fields(data, Dataset, ())
        language = values.get("language", "").strip()
        if language and (message := language_fault(language)):
            self.fault(("language",), message)
        required = {field.name for field in msgspec.structs.fields(Dataset) if field.required}
        return Dataset(**values, attributes=attributes) if required <= values.keys() else None


def _text(path: Path, faults: FaultList) -> str | None:
    """The file as text; None, with a fault, if it cannot be had."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        faults.add(0, "", f"is missing: it says what the columns mean. A minimal one:\n\n{MINIMAL}")
    except OSError as error:
        faults.add(0, "", f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        faults.add(0, "", "is not UTF-8: save it as UTF-8")
    return None


def read_dataset(path: Path, faults: FaultList) -> tuple[Dataset | None, dict[str, Attribute]]:
    """Read and check a `dataset.toml`.

    Args:
        path: the file.
        faults: takes every fault found.

    Returns:
        The data set, or None if it is too faulty to be made; and the attributes that can be made in either case, so
        that rows can still be held to them.
    """
    text = _text(path, faults)
    if text is None:
        return None, {}
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        line = message.rpartition("(at line ")[2].partition(",")[0]
        faults.add(int(line) if line.isdecimal() else 0, "", f"is not valid TOML: {message}")
        return None, {}
    except RecursionError:
        faults.add(0, "", "is not valid TOML: its lists or tables are nested too deeply")
        return None, {}
    reader = _Reader(text, faults)
    attributes = reader.attributes(data.get("attributes", {}))
    return reader.dataset(data, attributes), attributes
