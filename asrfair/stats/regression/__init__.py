"""Disparities with other things held equal: regression by speaker, mixed models, matched prompts."""

from asrfair.stats.regression.adjusted import adjust
from asrfair.stats.regression.adjusted_result import Adjusted, AdjustedGroup
from asrfair.stats.regression.flags import meaning
from asrfair.stats.regression.matched import MatchedContrast, compare_matched
from asrfair.stats.regression.spread import SpeakerSpread, estimate_spread

__all__ = [
    "Adjusted",
    "AdjustedGroup",
    "MatchedContrast",
    "SpeakerSpread",
    "adjust",
    "compare_matched",
    "estimate_spread",
    "meaning",
]
