"""The page of a room: one HTML file that needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asrfair.report.room_text import room_sentences

TEMPLATES = Path(__file__).parent / "templates"


def render_room_page(
    profile: Mapping[str, Any],
    match: Mapping[str, Any],
    name: str,
    picture: str,
    files: Sequence[str],
    command: str,
) -> str:
    """The whole page.

    Args:
        profile: as in `NAME.json`.
        match: as in `NAME.json`.
        name: of the environment.
        picture: an SVG element, from `figures.svg`.
        files: names of what was written beside the page.
        command: what to run next.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    bands = zip(match["band_hz"], match["original_dbfs"], match["synthesis_dbfs"], match["relevant"], strict=True)
    return environment.get_template("room.html.j2").render(
        name=name,
        profile=profile,
        said=room_sentences(profile, match),
        picture=Markup(picture),
        bands=list(bands),
        files=files,
        command=command,
    )
