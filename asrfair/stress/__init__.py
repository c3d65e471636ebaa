"""The room around the speech: environments, made of steps, one stressor family a file."""

from asrfair.stress._base import Stressor
from asrfair.stress.environment import Environment, available_environments, load_environment, parse_condition
from asrfair.stress.mix import mix_at_snr, noise_gain

__all__ = [
    "Environment",
    "Stressor",
    "available_environments",
    "load_environment",
    "mix_at_snr",
    "noise_gain",
    "parse_condition",
]
