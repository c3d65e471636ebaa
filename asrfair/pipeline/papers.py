"""The verbs figures and tables: what a paper shows of a run, each file the same for the same run."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrfair.errors import InputError
from asrfair.files import made_folder, write_aside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from asrfair.report.published import Published

FIGURES_FOLDER, TABLES_FOLDER = "figures", "tables"
METADATA = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
"""Format -> what matplotlib is not to write: a date would make each file another."""

PIXELS_PER_INCH = 200


def figures(
    run: str | Path,
    *,
    out: str | Path | None = None,
    formats: Sequence[str] = ("svg",),
    attributes: Sequence[str] = (),
    k: int | None = None,
) -> list[Path]:
    """Draw the figures of a run: rates and gaps by group, and where there are rooms, maps and curves.

    Args:
        run: a run folder that was analysed.
        out: where to; `RUN/figures` by default.
        formats: `svg`, `pdf` or `png`.
        attributes: only these; all by default.
        k: speakers that a group needs; by default as on the card.

    Returns:
        The files.

    Raises:
        InputError: no run, an unknown attribute or format, a folder that cannot be written.
    """
    from asrfair.report.figures import styled
    from asrfair.report.published import published

    for name in formats:
        if name not in METADATA:
            raise InputError(f"--format {name}: there are {', '.join(METADATA)}")
    shown = published(Path(run), k=k)
    for name in attributes:
        if name not in shown.attributes:
            raise InputError(f"--attribute {name}: there are {', '.join(shown.attributes) or 'none to show'}")
    folder = Path(run) / FIGURES_FOLDER if out is None else Path(out)
    made_folder(folder)
    files = []
    for name, figure in _drawn(shown, attributes or shown.attributes):
        for kind in formats:
            data = io.BytesIO()
            with styled(), warnings.catch_warnings():
                # A script that matplotlib's own font lacks is drawn as boxes in PDF and PNG; SVG keeps the letters.
                warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
                figure.savefig(data, format=kind, metadata=METADATA[kind], dpi=PIXELS_PER_INCH)
            write_aside(folder / f"{name}.{kind}", data.getvalue())
            files.append(folder / f"{name}.{kind}")
    return files


def tables(
    run: str | Path, *, out: str | Path | None = None, formats: Sequence[str] = ("latex",), k: int | None = None
) -> list[Path]:
    """Write the tables of a run for a paper: a row a group, a file an attribute, system and condition.

    Args:
        run: a run folder that was analysed.
        out: where to; `RUN/tables` by default.
        formats: `latex` (for the package booktabs) or `csv`.
        k: speakers that a group needs; by default as on the card.

    Returns:
        The files.

    Raises:
        InputError: no run, an unknown format, a folder that cannot be written.
    """
    from asrfair.report.latex import paper_tables
    from asrfair.report.published import published

    for name in formats:
        if name not in ("latex", "csv"):
            raise InputError(f"--format {name}: there are latex, csv")
    folder = Path(run) / TABLES_FOLDER if out is None else Path(out)
    made = list(paper_tables(published(Path(run), k=k)))
    made_folder(folder)
    files = []
    for table in made:
        if "latex" in formats:
            files.append(folder / f"{table.name}.tex")
            write_aside(files[-1], table.as_latex().encode())
        if "csv" in formats:
            files.append(folder / f"{table.name}.csv")
            write_aside(files[-1], table.as_csv().encode())
    return files


def _drawn(shown: Published, attributes: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Every figure with its name: those of clean audio, and where there are rooms, maps and curves."""
    from asrfair.records import CLEAN
    from asrfair.report import plots
    from asrfair.report.environments import rooms
    from asrfair.report.latex import file_stem

    heard = list(dict.fromkeys(cell.condition_id for cell in shown.cells))
    systems = list(dict.fromkeys(cell.system_id for cell in shown.cells))
    first = CLEAN if CLEAN in heard else heard[0] if heard else CLEAN
    for attribute in attributes:
        for name, draw in (("wer", plots.forest), ("gaps", plots.gap_dots)):
            if (figure := _tried(draw, shown, attribute, condition=first)) is not None:
                yield file_stem(name, attribute), figure
        for system in systems if len(heard) > 1 else ():
            if (figure := _tried(plots.heat_map, shown, attribute, system=system)) is not None:
                yield file_stem("map", attribute, system), figure
            for room in rooms(shown.run.get("conditions") or [], heard):
                if (figure := _tried(plots.wer_curve, shown, room.name, attribute, system=system)) is not None:
                    yield file_stem("curve", attribute, system, room.name), figure


def _tried(draw: Callable[..., Axes], *what: object, **how: object) -> Figure | None:
    """A figure, or None where there is nothing of it that may be shown."""
    try:
        return draw(*what, **how).get_figure(root=True)
    except InputError:
        return None
