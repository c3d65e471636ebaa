"""One long tidy CSV: a row a number, with its cell and its signature. Rates are fractions.

Texts that a spreadsheet would take as a formula get an apostrophe in front (`asrfair.report.spreadsheet`).
"""

from __future__ import annotations

from pathlib import Path

from asrfair.files import write_aside
from asrfair.report.exporters._base import Exporter, exact
from asrfair.report.published import Published
from asrfair.report.spreadsheet import csv_text

COLUMNS = (
    *("metric", "value", "system_id", "condition_id", "normalizer", "attribute", "group"),
    *("baseline", "verdict", "signature", "run_id"),
)


class Csv(Exporter):
    """Writes `COLUMNS`."""

    about = "one long CSV, a row a number"
    file = "numbers.csv"

    def write(self, shown: Published, out: Path) -> list[str]:
        """See `Exporter.write`."""
        write_aside(out, numbers_csv(shown).encode())
        return [str(out)]


def numbers_csv(shown: Published) -> str:
    """The numbers as CSV, with a header."""
    run_id = shown.run.get("run_id")
    rows = ([n.metric, exact(n), *(getattr(n, c) for c in COLUMNS[2:-1]), run_id] for n in shown.numbers())
    return csv_text(COLUMNS, rows)
