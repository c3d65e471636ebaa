"""What the verbs give back: rich results that print themselves through `report` alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from asrfair.errors import Fault
from asrfair.manifest import Coverage
from asrfair.records import ALL

MAX_FAILED = 0.05
"""The share of failed utterances above which a run ends with exit code 4."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A manifest that was checked: every fault in file order, and who is in it (None if it is faulty)."""

    faults: Sequence[Fault]
    coverage: Coverage | None

    @property
    def is_faulty(self) -> bool:
        """Whether there is a fault that is more than a warning."""
        return any(not fault.warning for fault in self.faults)

    def as_json(self) -> str:
        """For machines."""
        found = self.coverage.as_dict() if self.coverage else None
        data = {"ok": not self.is_faulty, "faults": msgspec.to_builtins(list(self.faults)), "coverage": found}
        return msgspec.json.format(msgspec.json.encode(data)).decode()

    def as_text(self) -> str:
        """For people."""
        from asrfair.report import render_coverage

        return render_coverage(self.coverage.as_dict()) if self.coverage else "The manifest cannot be used."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verb did that may meet failures.

    Attributes:
        text: what to show.
        run: the contents of `run.json`; its failures decide the exit code.
        interrupted: true if the user stopped it.
        max_failed: the share of failed utterances that this run allows, a fraction.
    """

    text: str
    run: Mapping[str, Any] = field(repr=False)
    interrupted: bool = False
    max_failed: float = MAX_FAILED

    def _sum(self, key: str) -> int:
        return sum(entry[key] for entry in self.run["failures"] if entry["attribute"] == ALL)

    @property
    def n_rows(self) -> int:
        """Rows of all systems and conditions."""
        return self._sum("n_utterances")

    @property
    def n_failed(self) -> int:
        """Rows of all systems and conditions that have no transcript."""
        return self._sum("n_failed")

    @property
    def failed_share(self) -> float:
        """`n_failed / n_rows`; 0 if there are no rows."""
        return self.n_failed / self.n_rows if self.n_rows else 0.0

    @property
    def strangers(self) -> dict[str, int]:
        """System -> transcripts of its file that are of no utterance of the manifest; they were not used."""
        taken = [verb["not_in_manifest"] for verb in self.run["verbs"] if "not_in_manifest" in verb]
        return {name: n for name, n in taken[-1].items() if n} if taken else {}

    def failures_text(self) -> str:
        """Who was hit by the failures, by group."""
        from asrfair.report import render_failures

        return render_failures(self.run["failures"])


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit: its tables, and the run folder where they and the card are.

    Attributes:
        groups: `tables.GROUPS`, one row per system x condition x normaliser x attribute x group.
        disparities: `tables.DISPARITIES`, one row per gap with its test.
        measures: `tables.MEASURES`, how far the groups of each attribute lie apart.
        normalizer_gaps: `tables.NORMALIZER_GAPS`, how much of a gap the normaliser makes.
        system_gaps: `tables.SYSTEM_GAPS`, systems against each other.
        further: the tables that were asked for (`adjusted`, `matched`), by name.
        run: the contents of `run.json`.
        run_folder: where the files are; None if the audit was made without one.
        files: the card and the page, where they were written.
    """

    groups: pa.Table
    disparities: pa.Table
    measures: pa.Table
    normalizer_gaps: pa.Table
    system_gaps: pa.Table
    run: Mapping[str, Any] = field(repr=False)
    further: Mapping[str, pa.Table] = field(default_factory=dict)
    run_folder: Path | None = None
    files: Sequence[Path] = ()

    def as_text(self) -> str:
        """The disparity tables, the findings in plain words and the files."""
        from asrfair.report import render_table

        further = {"system_gaps": self.system_gaps, "normalizer_gaps": self.normalizer_gaps, **self.further}
        table = render_table(self.groups, self.disparities, dict(self.run), further)
        return "\n".join([table, *map(str, self.files)])

    def __str__(self) -> str:
        return self.as_text()

    def outcome(self, *, interrupted: bool = False, max_failed: float = MAX_FAILED) -> Outcome:
        """What the command line shows of it."""
        return Outcome(self.as_text(), self.run, interrupted, max_failed)
