"""What MkDocs does besides: pages that lie elsewhere in the repository, and links to them, as on GitHub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "manifests/README.md": "manifests.md",
    "manifests/environments/README.md": "environments.md",
    "benchmarks/VALIDITY.md": "validity.md",
}
"""Files of the repository that are pages of the site, and what they are called there."""

LINK = re.compile(r"(?<=\]\()(?!https?:)([^)#\s]+)(?=[)#])")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie elsewhere."""
    for path, name in ELSEWHERE.items():
        files.append(File.generated(config, name, content=(ROOT / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    names = {(ROOT / path).resolve(): name for path, name in {**ELSEWHERE, "README.md": "index.md"}.items()}
    own = {name: ROOT / path for path, name in ELSEWHERE.items()}
    folder = own.get(page.file.src_uri, ROOT / "docs" / page.file.src_uri).parent

    def moved(link: re.Match[str]) -> str:
        target = (folder / link[0]).resolve()
        if target in names:
            return names[target]
        pages = ROOT / "docs"
        return target.relative_to(pages).as_posix() if target.is_relative_to(pages) else link[0]

    return LINK.sub(moved, markdown)
