"""The verb export: the published numbers of a run, written for another tool."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import msgspec

from asrfair.files import made_folder
from asrfair.pipeline.numbers import stated_file


def export(
    run: str | Path,
    *,
    to: str,
    options: Mapping[str, str] | None = None,
    out: str | Path | None = None,
    k: int | None = None,
) -> list[str]:
    """Write the published numbers of a run for another tool.

    Args:
        run: a run folder that was analysed.
        to: name of an exporter, as `asrfair export --list` tells them.
        options: option of the exporter -> value.
        out: the file or the folder to write; the exporter's own in the run folder by default.
        k: speakers that a group needs to be published, at least 3; by default that of the last report, else 5.

    Returns:
        What was written and where.

    Raises:
        InputError: no such exporter or option, a run that cannot be read, or a place that refuses it.
        MissingExtraError: a library is not installed.
    """
    from asrfair.report import load_stated
    from asrfair.report.exporters import load_exporter
    from asrfair.report.published import published
    from asrfair.report.service import make_service

    exporter, folder = load_exporter(to, options or {}), Path(run)
    shown = published(folder, k=k)
    if (path := stated_file(folder, None)) is not None:
        service = make_service(shown.card, shown.run, load_stated(path))
        shown = dataclasses.replace(shown, card=msgspec.structs.replace(shown.card, service=service))
    target = folder / exporter.file if out is None else Path(out)
    made_folder(target.parent)
    return exporter.write(shown, target)


def exporters_text() -> str:
    """Every exporter with what it writes, what it takes, and what is missing here."""
    from asrfair.report.exporters import render_exporters

    return render_exporters()
