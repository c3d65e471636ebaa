"""The only room that joins rooms: one function a verb, each reads the file before it and writes the file after it."""

from asrfair.pipeline.analysis import analyze
from asrfair.pipeline.comparing import compare
from asrfair.pipeline.gating import gate, gate_run
from asrfair.pipeline.hypotheses import ingest
from asrfair.pipeline.numbers import report, score
from asrfair.pipeline.plan import plan, plan_text
from asrfair.pipeline.results import Audit, Checked, Outcome
from asrfair.pipeline.systems import systems
from asrfair.pipeline.transcribing import dry_run, transcribe
from asrfair.pipeline.whole import audit, check, demo, environments, estimate, listen, run

__all__ = [
    "Audit",
    "Checked",
    "Outcome",
    "analyze",
    "audit",
    "check",
    "compare",
    "demo",
    "dry_run",
    "environments",
    "estimate",
    "gate",
    "gate_run",
    "ingest",
    "listen",
    "plan",
    "plan_text",
    "report",
    "run",
    "score",
    "systems",
    "transcribe",
]
