"""The room around the speech: environments, made of steps, one stressor family a file in `steps/`."""

from asrfair.stress._base import Filter, Noise, Stressor
from asrfair.stress.banks import Banks
from asrfair.stress.conditions import parse_condition
from asrfair.stress.environment import Environment, available_environments, load_environment
from asrfair.stress.mix import mix_at_snr, noise_gain
from asrfair.stress.scene import Mixed, Scene, Voice, Voices

__all__ = [
    "Banks",
    "Environment",
    "Filter",
    "Mixed",
    "Noise",
    "Scene",
    "Stressor",
    "Voice",
    "Voices",
    "available_environments",
    "load_environment",
    "mix_at_snr",
    "noise_gain",
    "parse_condition",
]
