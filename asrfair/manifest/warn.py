"""What is worth saying of a manifest that can be used: probable slips, and what will be missing from the results."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asrfair.manifest.columns import Layout
from asrfair.manifest.dataset import Attribute
from asrfair.manifest.faults import WarningList, show, true_rows
from asrfair.manifest.groups import group_column, groupable, observed_groups
from asrfair.manifest.whole import meant_by

LONGEST_REFERENCE_WORDS = 10_000

_MISSING_LOOKS = frozenset({"nan", "none", "null", "na", "n/a", "#n/a", "nil", "unknown", "undefined", "-", "--", "?"})
_SPACING = re.compile(r"(?<=\w)[\s_-]+(?=\w)")


def _n(count: int, what: str = "row") -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


class Warner:
    """Goes over a sound manifest and notes what is worth saying.

    Args:
        table: all rows.
        lines: where each begins in the file.
        layout: the columns of the file.
        warnings: takes what is worth saying.
    """

    def __init__(self, table: pa.Table, lines: NDArray[np.int64], layout: Layout, warnings: WarningList) -> None:
        self._table = table
        self._lines = lines
        self._layout = layout
        self._warnings = warnings

    def everything(self, dataset_file: str) -> None:
        """All that follows; what concerns a declaration is placed in `dataset_file`."""
        self.undeclared()
        self.speakers()
        self.segments()
        self.references()
        for name, attribute in self._layout.attributes.items():
            self.attribute(name, attribute, dataset_file)

    def undeclared(self) -> None:
        """Columns that cannot be grouped by."""
        for name in self._layout.undeclared:
            meant = meant_by(name)
            remedy = f" (if it is {meant}, rename it)" if meant else ""
            message = "is not declared: it is carried along but cannot be grouped by; to group by it, declare "
            self._warnings.add(0, name, f"{message}[attributes.{name}] in dataset.toml{remedy}")
        for name, reason in self._layout.left_out.items():
            self._warnings.add(0, name, f"{reason}: write text, numbers or lists")

    def speakers(self) -> None:
        """Utterances of nobody, and names that only look like one."""
        speakers = self._table["speaker_id"]
        n_missing = speakers.null_count
        if n_missing:
            of = "every row" if n_missing == len(speakers) else f"{n_missing:,} of {_n(len(speakers))}"
            line = 0 if n_missing == len(speakers) else int(self._lines[pc.index(speakers.is_null(), True).as_py()])
            message = f"is missing in {of}: without speakers no interval and no test can be given"
            self._warnings.add(line, "speaker_id", message)
        self._slips("speaker_id", frozenset())

    def segments(self) -> None:
        """The same stretch of the same file under two names."""
        audio = self._table["audio"]
        if len(pc.unique(audio.drop_null())) == len(audio) - audio.null_count:
            return
        rows = self._table.select(["audio", "offset_s", "duration_s"]).append_column("row", pa.array(self._lines))
        rows = rows.filter(rows["audio"].is_valid())
        cells = rows.group_by(["audio", "offset_s", "duration_s"]).aggregate([("row", "count"), ("row", "min")])
        repeated = cells.filter(pc.greater(cells["row_count"], 1)).sort_by("row_min")
        if repeated.num_rows:
            first = repeated.slice(0, 1).to_pylist()[0]
            extra = pc.sum(repeated["row_count"]).as_py() - repeated.num_rows
            message = f"{show(first['audio'])} is in {_n(first['row_count'])} with the same segment"
            more = f"; {_n(extra)} repeat audio in all" if extra > 1 else ""
            self._warnings.add(first["row_min"], "audio", f"{message}{more}: an utterance should count once")

    def references(self) -> None:
        """References too long to be one utterance."""
        row, first, found = 0, 0, 0
        for chunk in self._table["references"].chunks:
            texts = pc.list_element(chunk, 0)
            for long in true_rows(pc.greater(pc.binary_length(texts), 2 * LONGEST_REFERENCE_WORDS)):
                if len(texts[int(long)].as_py().split()) > LONGEST_REFERENCE_WORDS:
                    first = first or int(self._lines[row + int(long)])
                    found += 1
            row += len(chunk)
        if found:
            message = f"is over {LONGEST_REFERENCE_WORDS:,} words in {_n(found)}: cut long recordings into utterances"
            self._warnings.add(first, "reference", message)

    def attribute(self, name: str, attribute: Attribute, dataset_file: str) -> None:
        """Declarations that no row bears out, and values that look like slips."""
        column = self._table[name]
        place = f"attributes.{name}"
        if column.null_count == len(column):
            message = "is declared, but no row has a value: is the column called otherwise?"
            self._warnings.add(0, place, message, file=dataset_file)
            return
        if attribute.baseline is not None and groupable(attribute):
            groups = observed_groups(group_column(column, attribute))
            if attribute.baseline not in groups:
                listed = ", ".join(map(show, groups[:8])) + (", ..." if len(groups) > 8 else "")
                message = f"no row has {show(attribute.baseline)}: the groups are {listed}"
                self._warnings.add(0, f"{place}.baseline", message, file=dataset_file)
        if not attribute.numeric:
            self._slips(name, frozenset(attribute.vocabulary or ()))

    def _slips(self, name: str, known: frozenset[str]) -> None:
        """Values that look like a missing one, or like each other."""
        counts = self._counts(name)
        alike: dict[str, list[str]] = defaultdict(list)
        for value, count in counts.items():
            alike[_SPACING.sub(" ", value.casefold()).strip()].append(value)
            if value.casefold() in _MISSING_LOOKS and value not in known:
                message = (
                    f"{show(value)} in {_n(count)} is taken as a value: if it means missing, leave the field empty"
                )
                self._warnings.add(self._line_of_part(name, value), name, message)
        for values in alike.values():
            if len(values) > 1 and not known.issuperset(values):
                listed = ", ".join(f"{show(value)} ({_n(counts[value])})" for value in sorted(values))
                rarest = min(values, key=lambda value: (counts[value], value))
                message = f"{listed} differ only in case or spacing: are they one?"
                self._warnings.add(self._line_of_part(name, rarest), name, message)

    def _counts(self, name: str) -> Mapping[str, int]:
        """How many rows have each single value."""
        found: dict[str, int] = defaultdict(int)
        for item in pc.value_counts(self._table[name].drop_null()).to_pylist():
            for value in item["values"].split("|") if name in self._layout.attributes else [item["values"]]:
                found[value] += item["counts"]
        return found

    def _line_of_part(self, name: str, value: str) -> int:
        """The first line with a value, alone or among several."""
        column = self._table[name]
        row = pc.index(column, value).as_py()
        if row < 0:
            several = pc.match_substring_regex(column, rf"(^|\|){re.escape(value)}(\||$)")
            row = pc.index(several, True).as_py()
        return int(self._lines[row])
