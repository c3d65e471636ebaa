"""The validity study of `benchmarks/validity`, in its tier of half a minute: no figure is outside its bounds."""

import subprocess
import sys
from pathlib import Path

STUDY = Path(__file__).parents[1] / "benchmarks" / "validity"


def test_the_shipped_statistics_keep_what_they_promise():
    """Coverage, type-I error, family-wise error, FDR, power, and audits of null data through the command line."""
    done = subprocess.run([sys.executable, str(STUDY)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "coverage of group intervals, conversation, 5 speakers: 0.9" in done.stdout
    assert "audits of null data" in done.stdout
    assert "noise hurts b twice: amplifies" in done.stdout
