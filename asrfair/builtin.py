"""Where the manifests, recipes and environments are that come with asrfair."""

from __future__ import annotations

from pathlib import Path


def manifests_folder() -> Path:
    """The folder `manifests`: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "_manifests"
    return installed if installed.is_dir() else package.parent / "manifests"
