"""The reference of every file format, `docs/files.md`, from the schemas and classes that read and write the files.

    python docs/mkdocs/formats.py          write it anew

Columns and their types are those of `asrfair.tables`, keys those of the classes; a column or key whose meaning nobody
has said is refused. `tests/test_docs_site.py` compares the page with what this makes.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from asrfair.adapters.scripted import _Line
from asrfair.config import FamilySpec, HypothesesSpec, RunConfig, SystemSpec
from asrfair.manifest.dataset import Attribute, Dataset
from asrfair.pipeline.gate_rules import METRICS, GateFile, Rule
from asrfair.provenance import ConditionRecord, ManifestRecord, NormalizerRecord, RunRecord, SystemRecord
from asrfair.report.card import Card
from asrfair.report.cells import AttributePart, CellPart, GroupRow
from asrfair.report.findings import Finding
from asrfair.report.questions import QUESTIONS
from asrfair.report.sections import Section
from asrfair.report.service._base import Paragraph, ServicePart, ServiceTable, Source
from asrfair.store.home import StoreFile
from asrfair.stress.environment import _File
from asrfair.tables import OPEN_ENDED, SCHEMAS
from asrfair.transcribe.meter import Usage
from asrfair.transcribe.prices import Price, PriceTable

sys.path.insert(0, str(Path(__file__).parent))
from columns import TABLES, meaning
from keys import KEYS

PAGE = Path(__file__).parents[1] / "files.md"
PROSE = Path(__file__).with_name("formats.md")
ATTRIBUTES = re.compile(r"^Attributes:\n(.*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)
STRUCTS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "run.json": (RunRecord, ManifestRecord, SystemRecord, ConditionRecord, NormalizerRecord),
    "meter.json": (Usage,),
    "store.json": (StoreFile,),
    "run config": (RunConfig, SystemSpec, HypothesesSpec, FamilySpec),
    "dataset.toml": (Dataset, Attribute),
    "environment.toml": (_File,),
    "gate.toml": (GateFile, Rule),
    "prices.toml": (PriceTable, Price),
    "script": (_Line,),
    "card.json": (
        *(Card, Finding, CellPart, AttributePart, GroupRow, Section),
        *(ServicePart, Paragraph, ServiceTable, Source),
    ),
}
TITLES = {"_File": "Environment", "_Line": "Line"}


def render() -> str:
    """The whole page: the prose of `formats.md`, with a table wherever it says `[[NAME]]` on a line of its own."""
    blocks = {name: "\n\n".join(_struct(s) for s in structs) for name, structs in STRUCTS.items()}
    blocks |= {"tables": "\n\n".join(map(_table, SCHEMAS)), "metrics": _metrics(), "questions": _questions()}
    text = PROSE.read_text(encoding="utf-8")
    return re.sub(r"^\[\[(.+?)\]\]$", lambda found: blocks[found[1]], text, flags=re.MULTILINE)


def _table(name: str) -> str:
    """A table of a run folder: its columns with types and meanings."""
    rows = [(f"`{field.name}`", _arrow(field.type), meaning(name, field.name)) for field in SCHEMAS[name]]
    more = [("*attribute*", "text, or number", "value of the attribute")] if name in OPEN_ENDED else []
    return f"### {name}\n\n{TABLES[name]}\n\n{_grid(('column', 'type', 'meaning'), rows + more)}"


def _struct(struct: type[msgspec.Struct]) -> str:
    """The keys of a class, with types, defaults and meanings."""
    told = _attributes(struct)
    hints = typing.get_type_hints(struct)
    rows = []
    for field in msgspec.structs.fields(struct):
        key = f"{struct.__name__}.{field.name}"
        text = told.get(field.name) or KEYS.get(key) or _elsewhere(struct, field.name)
        if text is None:
            raise KeyError(f"{key}: say in docs/mkdocs/keys.py what it means")
        rows.append((f"`{field.encode_name}`", _hint(hints[field.name]), _default(field), text))
    title = TITLES.get(struct.__name__, struct.__name__)
    return f"**{title}**\n\n{_grid(('key', 'type', 'default', 'meaning'), rows)}"


def _elsewhere(struct: type[msgspec.Struct], name: str) -> str | None:
    """What a key means that comes from another file."""
    if struct is GroupRow:
        return "as in the tables `groups` and `disparities`"
    return KEYS.get(f"Dataset.{name}") if struct is ManifestRecord else None


def _attributes(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The section `Attributes` of a docstring: key -> meaning."""
    found = ATTRIBUTES.search(inspect.cleandoc(struct.__doc__ or ""))
    told: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", found[1].rstrip()) if found else ():
        names, _, text = " ".join(entry.split()).partition(": ")
        told |= dict.fromkeys(names.split(", "), text.rstrip("."))
    return told


def _metrics() -> str:
    """What a rule of a gate can look at."""
    return _grid(("metric", "holds to a limit"), [(f"`{name}`", metric.about) for name, metric in METRICS.items()])


def _questions() -> str:
    """The keys of `card.toml`."""
    rows = [(f"`{q.key}`", "list of text" if q.is_list else "text", q.text) for q in QUESTIONS]
    return _grid(("key", "type", "question"), [("`schema_version`", "whole number", "1"), *rows])


def _grid(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _arrow(kind: pa.DataType) -> str:
    """A type of Arrow in words."""
    if pa.types.is_list(kind):
        return f"list of {_arrow(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "(" + ", ".join(f"`{kind.field(i).name}`" for i in range(kind.num_fields)) + ")"
    return {"string": "text", "double": "float64"}.get(str(kind), str(kind))


def _hint(hint: Any) -> str:
    """A type of Python in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(_hint(argument) for argument in arguments))
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is dict:
        return f"table of {_hint(arguments[1])}"
    if origin is tuple and Ellipsis not in arguments:
        return "pair of " + " and ".join(dict.fromkeys(map(_hint, arguments)))
    if origin in (list, tuple):
        return f"list of {_hint(arguments[0])}"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null", Any: "any"}
    return names.get(hint) or TITLES.get(hint.__name__, hint.__name__)


def _default(field: msgspec.structs.FieldInfo) -> str:
    """What a key is where it is left out."""
    made = field.default_factory is not msgspec.NODEFAULT
    if field.required:
        return "required"
    value = field.default_factory() if made else field.default
    if value in ((), [], {}, "") or isinstance(value, msgspec.Struct):
        return "empty"
    return "none" if value is None else f"`{msgspec.json.encode(value).decode()}`"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
