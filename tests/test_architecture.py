"""Who may import whom (DESIGN section 2): imports follow the flow, and a forbidden one fails here."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "asrfair"
FOUNDATION = {"", "errors", "records", "seeds", "tables", "files", "builtin"}
"""What every room may import; "" is the package itself (its version)."""

ROOMS = {
    "manifest": set(),
    "audio": set(),
    "stress": {"audio"},
    "adapters": set(),
    "store": set(),
    "transcribe": {"audio", "stress", "adapters", "store"},
    "scoring": set(),
    "stats": set(),
    "report": {"stats"},
    "view": set(),
    "provenance": set(),
    "config": set(),
    "options": set(),
    "progress": set(),
    "startup": set(),
}
SEES_EVERYTHING = {"pipeline", "cli", "__main__"}
HEAVY = {
    "torch",
    "transformers",
    "librosa",
    "pandas",
    "scipy",
    "matplotlib",
    "datasets",
    "jinja2",
    "stamina",
    "tqdm",
    "duckdb",
}


def _modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield path, parts[0] if parts != ("__init__",) else ""


def _imports(path, *, top_level_only=False):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            if node.module == "asrfair":
                yield from (f"asrfair.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("path", "room"), [pytest.param(*m, id=str(m[0].relative_to(PACKAGE))) for m in _modules()])
def test_imports_follow_the_flow(path, room):
    if room in SEES_EVERYTHING:
        return
    allowed = set(FOUNDATION) if room in FOUNDATION else FOUNDATION | ROOMS[room] | {room}
    for name in _imports(path):
        if name == "asrfair" or name.startswith("asrfair."):
            wanted = [*name.split("."), ""][1]
            if wanted.startswith("__"):
                continue
            assert wanted in allowed, f"{path.name} of room {room!r} may not import {name}"


def test_no_adapter_imports_another():
    folder = PACKAGE / "adapters"
    engines = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    for path in folder.glob("*.py"):
        for name in _imports(path):
            wanted = name.removeprefix("asrfair.adapters.")
            assert wanted == name or wanted not in engines, f"{path.name} imports the adapter {name}"


def test_heavy_libraries_are_never_imported_at_module_level():
    for path, _ in _modules():
        for name in _imports(path, top_level_only=True):
            assert name.split(".")[0] not in HEAVY, f"{path.relative_to(PACKAGE)} imports {name} at module level"


def test_there_is_no_drawer_for_odd_things():
    assert not [p for p in PACKAGE.rglob("*.py") if p.stem in {"utils", "helpers", "misc", "common"}]


SEEDS_A_LIBRARY = PACKAGE / "stress" / "steps" / "audiomentation.py"
"""audiomentations draws from the global generators and takes no other: this file seeds them for one call, under a lock,
and puts them back (tests/stress/test_stress_audiomentation.py)."""


def test_nothing_uses_the_global_random_generators():
    for path, _ in _modules():
        if path == SEEDS_A_LIBRARY:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {name.split(".")[0] for name in _imports(path)}
        assert "random" not in names, f"{path.name} imports random"
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                is_global = node.value.attr == "random" and node.attr not in {"Generator", "Philox", "SeedSequence"}
                assert not is_global, f"{path.name}:{node.lineno} uses numpy.random.{node.attr}"


def _modules_after(statement):
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_help_needs_no_library_but_click():
    loaded = _modules_after("import asrfair.cli")
    assert not loaded & (HEAVY | {"numpy", "pyarrow", "msgspec", "rapidfuzz", "regex", "soundfile"})


def test_scoring_and_analysis_need_no_heavy_library():
    loaded = _modules_after("import asrfair.scoring, asrfair.stats, asrfair.manifest, asrfair.store, asrfair.pipeline")
    assert not loaded & HEAVY
