"""Whether the shipped statistics keep what they promise, by simulation.

    python benchmarks/validity                 a minute: the tier of the tests, printed
    python benchmarks/validity --tier full     under an hour: written to benchmarks/VALIDITY.md
    python benchmarks/validity --ivie FOLDER   also 200 audits of real transcripts with shuffled labels

Everything runs through the code that users run. A figure outside its bounds by more than three standard errors of the
simulation makes the exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import studies
from last_mile import last_mile
from null_audits import null_audits
from screens import screens
from studies import Line

from asrfair import __version__

TIERS = {
    "quick": {"coverage": 400, "two_groups": 300, "permutations": 100, "two_systems": 300, "power": 300},
    "full": {
        "coverage": 10_000,
        "bootstrap_coverage": 2_000,
        "two_groups": 10_000,
        "permutations": 4_000,
        "two_systems": 10_000,
        "power": 4_000,
    },
}
SCREENS = {"quick": 3, "full": 400}
AUDITS = {"quick": 3, "full": 200}
ROOMS = {"quick": 5, "full": 200}
SLACK = 3.0
RESULTS = Path(__file__).parents[1] / "VALIDITY.md"


def lines(tier: str, ivie: Path | None = None) -> Iterator[Line]:
    """All figures of a tier."""
    for name, n in TIERS[tier].items():
        yield from getattr(studies, name)(n)
    yield from screens(SCREENS[tier])
    yield from last_mile(ROOMS[tier])
    yield from null_audits(AUDITS[tier])
    if ivie is not None:
        yield from null_audits(AUDITS[tier], ivie)


def as_markdown(found: list[Line], tier: str) -> str:
    """The tables, with the standard error of each figure."""
    text = [
        "# Validity of the shipped statistics\n\nMade by `python benchmarks/validity --tier " + tier + "`: "
        f"asrfair {__version__}, {datetime.now(UTC):%Y-%m-%d}. Shares of simulations, with their Monte-Carlo standard "
        "errors; the nominal levels are 95 % for intervals and 5 % for tests. What the regimes are is said in "
        "`validity/regimes.py`.\n"
    ]
    for study in dict.fromkeys(line.study for line in found):
        text.append(f"\n## {study[:1].upper()}{study[1:]}\n\n| case | measured | promised | simulations |")
        text.append("|---|---:|---:|---:|")
        text += [_row(line) for line in found if line.study == study]
    return "\n".join(text) + "\n"


def _row(line: Line) -> str:
    low, high = (None if b is None else f"{b * 100:g}" for b in (line.lowest, line.highest))
    promised = f"{low} to {high} %" if low and high else f"at most {high} %" if high else "told"
    mark = "" if line.keeps(SLACK) else " **missed**"
    return f"| {line.case} | {line.measured * 100:.1f} ({line.error * 100:.1f}) %{mark} | {promised} | {line.n:,} |"


def main() -> None:
    """Run a tier."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=sorted(TIERS), default="quick")
    parser.add_argument("--ivie", type=Path)
    asked = parser.parse_args()
    found = []
    for line in lines(asked.tier, asked.ivie):
        print(f"{line.study}, {line.case}: {line.measured:.3f} ({line.error:.3f})", flush=True)
        found.append(line)
    if asked.tier == "full":
        RESULTS.write_text(as_markdown(found, asked.tier), encoding="utf-8")
    missed = [line for line in found if not line.keeps(SLACK)]
    for line in missed:
        print(f"outside its bounds: {line}", file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
