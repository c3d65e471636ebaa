"""Writing the report of a run: `card.json`, `card.md`, `card.html` and `report.html`, each whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from asrfair.files import write_aside
from asrfair.report.card import make_card
from asrfair.report.card_page import render_card_page
from asrfair.report.explorer import Drill
from asrfair.report.markdown import render_markdown
from asrfair.report.page import render_page
from asrfair.report.stated import Stated
from asrfair.stats.suppression import K_EXPORTED


def write_report(
    run_folder: Path,
    run: Mapping[str, Any],
    groups: pa.Table,
    disparities: pa.Table,
    further: Mapping[str, pa.Table] | None = None,
    *,
    k: int = K_EXPORTED,
    stated: Stated | None = None,
    drill: Drill | None = None,
) -> list[Path]:
    """Write the four files.

    Args:
        run_folder: where to.
        run: the contents of `run.json`.
        groups: `tables.GROUPS`.
        disparities: `tables.DISPARITIES`.
        further: name -> the other tables of the analysis, those that there are.
        k: speakers that a group needs to be published.
        stated: what a person said of the service in `card.toml`.
        drill: the utterances for the page; None for none.

    Returns:
        Their paths.

    Raises:
        RunFolderError: a file cannot be written.
    """
    card = make_card(run, groups, disparities, further, k=k, stated=stated)
    files = {
        "card.json": msgspec.json.format(msgspec.json.encode(card), indent=2),
        "card.md": render_markdown(card).encode(),
        "card.html": render_card_page(card).encode(),
        "report.html": render_page(card, drill).encode(),
    }
    for name, data in files.items():
        write_aside(run_folder / name, data)
    return [run_folder / name for name in files]
