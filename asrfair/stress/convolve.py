"""Convolution by FFT, block by block (overlap-save): what rooms, microphones and band limits come down to.

The audio is cut into blocks that overlap by a history at least as long as the filter; of each block's circular
convolution the part after the history is the linear one (Oppenheim & Schafer, section 8.7). Transforms of one size in
float32 are many times faster than one as long as the audio; a filter of a bank is transformed once per size, and the
clip itself once for all the filters that it goes through (`Scene.spectra`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asrfair.records import Waveform
from asrfair.stress.mix import turned_down
from asrfair.stress.scene import Scene

HISTORIES = (1024, 4096, 16384, 65536)
"""Few sizes, so that filters of different lengths can share the clip's spectrum."""

SHORTEST_BLOCK = 8192
"""Shorter blocks are no faster."""


def convolved(waveform: Waveform, taps: NDArray[np.float32], delay: int, scene: Scene) -> Waveform:
    """Audio through a filter, as long as before and where it was.

    Args:
        waveform: float32, shape (n,).
        taps: the impulse response, float32, shape (taps,).
        delay: the tap that is no delay.
        scene: holds spectra; told if the result had to be turned down.

    Returns:
        The audio from `delay` on, turned down as a whole if it would be beyond full scale.
    """
    from scipy import fft

    n = len(waveform.samples)
    history, size = block_sizes(n, len(taps))
    filtered = scene.banks.derived(taps, f"spectrum {size}", lambda: fft.rfft(taps, size))
    heard = fft.irfft(_spectrum(waveform, history, size, scene) * filtered, size)[:, history:]
    samples = np.ascontiguousarray(heard.reshape(-1)[delay : delay + n], dtype=np.float32)
    turned_down(samples, scene)
    return Waveform(samples, waveform.sample_rate_hz)


def block_sizes(n: int, taps: int) -> tuple[int, int]:
    """The history that blocks overlap by, and their size.

    Args:
        n: samples of the audio.
        taps: length of the filter.

    >>> block_sizes(160_000, 513), block_sizes(160_000, 9_600), block_sizes(8_000, 9_600)
    ((1024, 8192), (16384, 65536), (16384, 32768))
    """
    longest = next((history for history in HISTORIES if taps <= history), 1 << (taps - 1).bit_length())
    whole = 1 << (n + longest - 1).bit_length()
    return longest, min(whole, max(SHORTEST_BLOCK, 4 * longest))


def _spectrum(waveform: Waveform, history: int, size: int, scene: Scene) -> NDArray[np.complex64]:
    """The spectra of the blocks, shape (blocks, size // 2 + 1); the clip's are kept."""
    from scipy import fft

    if waveform is scene.clip and (history, size) in scene.spectra:
        return scene.spectra[history, size]
    n, step = len(waveform.samples), size - history
    count = -(-(n + history) // step)  # What is heard after the last sample is there for a delayed direct sound.
    padded = np.zeros(history + count * step, dtype=np.float32)
    padded[history : history + n] = waveform.samples
    blocks = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
    spectra: NDArray[np.complex64] = fft.rfft(blocks)
    if waveform is scene.clip:
        scene.spectra[history, size] = spectra
    return spectra
