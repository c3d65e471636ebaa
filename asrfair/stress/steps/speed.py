"""Speed and pitch: the same speaker faster, slower, higher or lower. For sensitivity, not for counterfeit speakers.

Tempo changes without pitch by WSOLA (waveform similarity overlap-add; Verhelst and Roelands 1993): frames of 40 ms
(Hann windows, half overlapping) are taken from places that move faster or slower than they are put down, each shifted
by up to 10 ms to where it best goes on (normalised cross-correlation) from the frame before. Pitch changes without
tempo by stretching by `2^(semitones / 12)` and resampling back; formants move with it, as they do not in a voice. A
phase vocoder (librosa, audiomentations) smears onsets, where this may repeat them.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from asrfair.records import Waveform
from asrfair.stress._base import Stressor
from asrfair.stress.scene import Scene

FRAME_S, SHIFT_S = 0.04, 0.01
SLOWEST_PERCENT, FASTEST_PERCENT = -50.0, 100.0
MOST_SEMITONES = 12.0


class Speed(Stressor, frozen=True):
    """Another tempo or pitch.

    Attributes:
        rate_percent: change of tempo, per cent: 25 is a quarter faster, and as much shorter as that makes it.
        pitch_semitones: change of pitch.
    """

    rate_percent: float = 0.0
    pitch_semitones: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = {
            f"rate_percent must be {SLOWEST_PERCENT:g} to {FASTEST_PERCENT:g} %": SLOWEST_PERCENT
            <= self.rate_percent
            <= FASTEST_PERCENT,
            f"pitch_semitones must be -{MOST_SEMITONES:g} to {MOST_SEMITONES:g}": abs(self.pitch_semitones)
            <= MOST_SEMITONES,
        }
        self.refuse(rules)

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The faster, slower, higher or lower speech; the speech itself where nothing changes."""
        rate = waveform.sample_rate_hz
        factor, pitch = 1 + self.rate_percent / 100, 2 ** (self.pitch_semitones / 12)
        if factor == 1 and pitch == 1:
            return waveform
        n = max(1, round(len(waveform.samples) / factor))
        samples = waveform.samples
        if factor != pitch:
            samples = stretched(samples, pitch / factor, rate)
        if pitch != 1:
            samples = soxr.resample(samples, pitch * rate, rate, quality="HQ")
        samples = np.pad(samples[:n], (0, max(0, n - len(samples))))
        return Waveform(np.clip(samples, -1.0, 1.0).astype(np.float32, copy=False), rate)


def stretched(samples: NDArray[np.float32], factor: float, rate_hz: int) -> NDArray[np.float32]:
    """Samples that last `factor` times as long at the same pitch (WSOLA).

    Args:
        samples: float32, shape (n,).
        factor: above 1 for slower.
        rate_hz: samples a second.

    Returns:
        float32, shape (round(n * factor),).
    """
    half, shift = round(FRAME_S * rate_hz / 2), round(SHIFT_S * rate_hz)
    wanted = round(len(samples) * factor)
    n_frames = wanted // half + 2
    # A frame may begin before the first sample, and go on after the last.
    ahead = half + shift
    behind = round(n_frames * half / factor) - len(samples) + 4 * half + 2 * shift
    source = np.pad(samples.astype(np.float64), (ahead, max(behind, 4 * half + 2 * shift)))
    window = np.hanning(2 * half + 1)[:-1]
    heard = np.zeros((n_frames + 1) * half)
    place = shift
    for number in range(n_frames):
        if number:
            # The middle of a frame is to be where its time says; the frame begins half of it earlier.
            first = min(round(number * half / factor), len(source) - 2 * half - 2 * shift)
            place = first + _best(source[first : first + 2 * (half + shift)], source, place + half, half)
        heard[number * half : (number + 2) * half] += window * source[place : place + 2 * half]
    return heard[half : half + wanted].astype(np.float32)


def _best(near: NDArray[np.float64], source: NDArray[np.float64], goes_on: int, half: int) -> int:
    """Where in `near` the frame begins that is most like how the frame before goes on."""
    natural = source[goes_on : goes_on + 2 * half]
    candidates = sliding_window_view(near, 2 * half)[:, : len(natural)]
    energy = np.einsum("ij,ij->i", candidates, candidates)
    return int(np.argmax(candidates @ natural / np.sqrt(energy + 1e-9)))
