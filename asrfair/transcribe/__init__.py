"""The loop that turns utterances into hypotheses: planned, batched, retried, timed, committed as they come."""

from asrfair.transcribe.run import Plan, SystemUnderTest, TranscribeSummary, transcribe
from asrfair.transcribe.source import take_in

__all__ = ["Plan", "SystemUnderTest", "TranscribeSummary", "take_in", "transcribe"]
