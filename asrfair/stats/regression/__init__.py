"""Disparities with other things held equal: regression by speaker, mixed models, matched prompts."""

from asrfair.stats.regression.adjusted import adjust
from asrfair.stats.regression.adjusted_result import Adjusted, AdjustedGroup
from asrfair.stats.regression.overlap import meaning

__all__ = ["Adjusted", "AdjustedGroup", "adjust", "meaning"]
