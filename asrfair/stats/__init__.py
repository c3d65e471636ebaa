"""Rates with honest intervals, disparities with honest tests: functions of sums by speaker, and nothing smaller."""

from asrfair.stats.analyze import Analysis, SpeakerSums, analyze_scores
from asrfair.stats.atoms import SCORE_COLUMNS
from asrfair.stats.disparity import compare_groups, compare_paired
from asrfair.stats.families import Family
from asrfair.stats.multiplicity import holm
from asrfair.stats.policy import is_confounded_with_speaker, meaning
from asrfair.stats.rates import group_interval, macro_interval

__all__ = [
    "SCORE_COLUMNS",
    "Analysis",
    "Family",
    "SpeakerSums",
    "analyze_scores",
    "compare_groups",
    "compare_paired",
    "group_interval",
    "holm",
    "is_confounded_with_speaker",
    "macro_interval",
    "meaning",
]
