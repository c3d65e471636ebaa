"""What each row must hold by itself: checked a chunk at a time on whole columns, so that sound rows cost little."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asrfair.manifest.columns import CONTRACT, Chunk, Kind, Layout
from asrfair.manifest.faults import FaultList, show, true_rows
from asrfair.manifest.labels import language_fault
from asrfair.manifest.references import reference_lists
from asrfair.manifest.values import GroupValues, numbers
from asrfair.tables import MANIFEST

LONGEST_S = 24 * 3600.0
"""A duration or an offset above a day is a mistake of unit."""

_CONTROL = r"\p{Cc}"
_ODD_PATH = r"^\s|\s$|^[/\\]|^[A-Za-z][A-Za-z0-9+.-]*:|\.\.|\\|\p{Cc}"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DRIVE = re.compile(r"[A-Za-z]:")
_SHA256 = "^[0-9a-f]{64}$"


def is_uri(audio: str) -> bool:
    """Whether `audio` names something by URI (`s3://...`) and not by a path beside the manifest."""
    return _URI.match(audio) is not None


def path_fault(audio: str) -> str | None:
    """What is wrong with a path of `audio`, or None. Decided by its letters alone; symbolic links are not followed.

    >>> path_fault("../secret.wav")
    "'../secret.wav' leaves the manifest's folder: keep audio inside it, or put the manifest above it"
    >>> path_fault("a/../b.wav") is None
    True
    """
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in audio):
        return f"{show(audio)} has control characters: rename the file"
    if audio != audio.strip():
        return _spaced(audio)
    if audio.lower().startswith("file:"):
        return f"{show(audio)} is an absolute path: write it relative to the manifest's folder"
    if is_uri(audio):
        return None
    if audio[0] in "/\\" or _DRIVE.match(audio):
        return f"{show(audio)} is an absolute path: write it relative to the manifest's folder"
    depth = 0
    for part in re.split(r"[/\\]", audio):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return f"{show(audio)} leaves the manifest's folder: keep audio inside it, or put the manifest above it"
    return f"{show(audio)} has a backslash: write / between folders" if "\\" in audio else None


class RowChecks:
    """Checks chunks and turns them into batches of the manifest's table.

    Args:
        layout: which column is read as what.
        language: of the data set, for rows that name none.
        faults: takes everything that is wrong.
    """

    def __init__(self, layout: Layout, language: str | None, faults: FaultList) -> None:
        self._layout = layout
        self._language = language
        self._faults = faults
        self._groups = {
            name: GroupValues(name, attribute) for name, attribute in layout.attributes.items() if not attribute.numeric
        }

    def table(self, chunk: Chunk) -> pa.Table:
        """One chunk, checked: the contract's columns, then those of the attributes and the rest that have a value."""
        lines = chunk.lines
        columns = {name: self._text(name, values) for name, values in chunk.columns.items() if _is_plain(name)}
        columns["references"] = reference_lists(chunk, self._faults)
        for name in ("offset_s", "duration_s"):
            if name in chunk.columns:
                columns[name] = self._seconds(name, chunk.columns[name], lines)
        self._identifiers(columns, lines)
        self._audio(columns, lines)
        self._languages(columns, lines)
        for name, values in chunk.columns.items():
            if name not in CONTRACT:
                columns[name] = self._extra(name, values, lines)
        null = {field.name: pa.nulls(len(lines), field.type) for field in MANIFEST if field.name not in columns}
        columns |= null
        order = [*MANIFEST.names, *(name for name in columns if name not in MANIFEST.names)]
        return pa.table({name: columns[name] for name in order})

    def _text(self, name: str, values: pa.Array) -> pa.Array:
        """Text of the contract: blank is missing. Ids and paths stay as written, the rest is tidied."""
        tidied = pc.utf8_trim_whitespace(values)
        kept = values if name in ("utterance_id", "audio") else pc.utf8_normalize(tidied, form="NFC")
        return pc.if_else(pc.equal(tidied, ""), pa.scalar(None, pa.string()), kept)

    def _extra(self, name: str, values: pa.Array, lines: NDArray[np.int64]) -> pa.Array:
        kind = self._layout.kinds[name]
        if kind is Kind.NUMBER:
            return numbers(values, name, lines, self._faults)
        if kind is Kind.ATTRIBUTE:
            return self._groups[name].column(values, lines, self._faults)
        return self._text(name, values)

    def _flag(
        self,
        name: str,
        values: pa.Array,
        rows: Iterable[int],
        lines: NDArray[np.int64],
        say: Callable[[Any], str | None],
    ) -> None:
        """One fault for each of some rows, where there is something to say about its value."""
        for row in rows:
            if message := say(values[int(row)].as_py()):
                self._faults.add(int(lines[row]), name, message)

    def _seconds(self, name: str, values: pa.Array, lines: NDArray[np.int64]) -> pa.Array:
        finite = numbers(values, name, lines, self._faults)
        low = pc.less(finite, 0.0) if name == "offset_s" else pc.less_equal(finite, 0.0)
        rows = true_rows(pc.or_(low, pc.greater(finite, LONGEST_S)))

        def say(value: float) -> str:
            if value > LONGEST_S:
                return f"{value:g} is more than 24 hours: write seconds (are these milliseconds or samples?)"
            if value < 0:
                return f"{value:g} is negative: write seconds from the start of the file, or leave it out"
            return "0 is no length: write the segment's length in seconds, or leave it out for the whole file"

        self._flag(name, finite, rows, lines, say)
        return finite

    def _identifiers(self, columns: dict[str, pa.Array], lines: NDArray[np.int64]) -> None:
        for name in ("utterance_id", "speaker_id", "prompt_id"):
            if name in columns:
                rows = true_rows(pc.match_substring_regex(columns[name], _CONTROL))
                self._flag(
                    name, columns[name], rows, lines, lambda value: f"{show(value)} has control characters: remove them"
                )
        if "utterance_id" in columns:
            ids = columns["utterance_id"]
            spaced = pc.not_equal(ids, pc.utf8_trim_whitespace(ids))
            self._flag("utterance_id", ids, true_rows(spaced), lines, _spaced)

    def _audio(self, columns: dict[str, pa.Array], lines: NDArray[np.int64]) -> None:
        if "audio" in columns:
            odd = true_rows(pc.match_substring_regex(columns["audio"], _ODD_PATH))
            self._flag("audio", columns["audio"], odd, lines, path_fault)
        if "audio_sha256" in columns:
            digests = columns["audio_sha256"] = pc.utf8_lower(columns["audio_sha256"])
            wrong = true_rows(pc.invert(pc.match_substring_regex(digests, _SHA256)))
            self._flag("audio_sha256", digests, wrong, lines, lambda value: f"{show(value)} is not 64 hex digits")

    def _languages(self, columns: dict[str, pa.Array], lines: NDArray[np.int64]) -> None:
        if "language" in columns:
            encoded = columns["language"].dictionary_encode()
            wrong = [tag for tag in encoded.dictionary.to_pylist() if language_fault(tag)]
            if wrong:
                rows = true_rows(pc.is_in(columns["language"], value_set=pa.array(wrong)))
                self._flag("language", columns["language"], rows, lines, language_fault)
            columns["language"] = columns["language"].fill_null(self._language or "und")
        else:
            columns["language"] = pa.repeat(pa.scalar(self._language, pa.string()), len(lines))


def _spaced(value: str) -> str | None:
    """Surrounding space; where it is a control character, that is said already."""
    return None if re.search(r"[\x00-\x1f\x7f-\x9f]", value) else f"{show(value)} has surrounding space: remove it"


def _is_plain(name: str) -> bool:
    """Whether a column of the contract is text that the checks here take as it is."""
    return CONTRACT.get(name) in (Kind.ID, Kind.TEXT) and name != "reference"
