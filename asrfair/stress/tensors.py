"""What the batched path needs of torch: float32 tensors of shape (rows, longest), zero beyond each row's length.

The formulas are those of `mix`, `convolve` and `asrfair.audio.level`, row by row at once; sums of squares and the
envelope of the active level are in float64.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import ActiveLevel
from asrfair.audio.level import THRESHOLDS, TIME_CONSTANT_S, envelope_blocks, level_of_counts
from asrfair.errors import MissingExtraError

Tensor = Any
"""A torch.Tensor: torch is not there wherever this is checked."""

_FORGOTTEN = 40
"""After so many time constants the envelope has forgotten a sample (40 exp(-40) < 1e-15)."""


def torch_for(what: str) -> Any:
    """The library.

    Args:
        what: needs it, for the message.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise MissingExtraError(what, "torch") from error


def within(samples: Tensor, lengths: Sequence[int]) -> Tensor:
    """Which places of rows are of the sound, bool, shape (rows, longest)."""
    torch = importlib.import_module("torch")
    place = torch.arange(samples.shape[1], device=samples.device)
    return place < torch.as_tensor(lengths, device=samples.device)[:, None]


def turned_down(samples: Tensor) -> Tensor:
    """Turn rows down in place that are beyond full scale; the factors, shape (rows,), 1 where they are not."""
    torch = importlib.import_module("torch")
    peak = torch.maximum(samples.amax(1), -samples.amin(1))
    factor = (1.0 / peak.double()).float()
    factor = torch.where(peak > 1.0, torch.nextafter(factor, torch.zeros_like(factor)), torch.ones_like(factor))
    samples *= factor[:, None]
    return factor


def mixed(speech: Tensor, noise: Tensor, gains: Sequence[float]) -> tuple[Tensor, NDArray[np.float64], list[float]]:
    """Rows with their noises.

    Args:
        speech: shape (rows, longest).
        noise: of the same shape; used up.
        gains: of the noises, one a row.

    Returns:
        The mixes; the factors by which they were turned down; the energies of the noises in the mixes.
    """
    torch = importlib.import_module("torch")
    noise *= torch.as_tensor(np.array(gains, dtype=np.float32), device=speech.device)[:, None]
    noise += speech
    kept = turned_down(noise)
    heard = noise - kept[:, None] * speech
    told = torch.stack([kept.double(), heard.square_().sum(1, dtype=torch.float64)]).cpu().numpy()
    return noise, told[0], told[1].tolist()


def convolved(samples: Tensor, spectra: Tensor, size: int, delays: Sequence[int]) -> Tensor:
    """Rows through their filters.

    Args:
        samples: shape (rows, longest).
        spectra: of the filters, complex64, shape (rows, size // 2 + 1).
        size: of the transform, at least longest + taps - 1.
        delays: the tap that is no delay, one a row.

    Returns:
        Shape (rows, longest), each row from its delay on.
    """
    torch = importlib.import_module("torch")
    longest = samples.shape[1]
    heard = torch.fft.irfft(torch.fft.rfft(samples, size) * spectra, size)
    if len(set(delays)) == 1:
        return heard[:, delays[0] : delays[0] + longest].contiguous()
    place = torch.arange(longest, device=samples.device) + torch.as_tensor(delays, device=samples.device)[:, None]
    return heard.gather(1, place)


def active_levels(samples: Tensor, lengths: Sequence[int], rate_hz: int) -> list[ActiveLevel | None]:
    """The active speech level of each row (ITU-T P.56, as `asrfair.audio.active_speech_level`); None for silence.

    Args:
        samples: shape (rows, longest), zero beyond the lengths.
        lengths: samples of each row.
        rate_hz: samples a second.
    """
    torch = importlib.import_module("torch")
    block, hangover = envelope_blocks(rate_hz)
    peak = samples.abs().amax(1)
    scaled = samples / torch.where(peak > 0, peak, torch.ones_like(peak))[:, None]
    power = scaled.square().sum(1, dtype=torch.float64)
    envelope = _envelope(scaled.abs_(), block, rate_hz)
    inside = within(envelope, [-(-n // block) for n in lengths])
    place = torch.arange(envelope.shape[1], device=samples.device).expand_as(envelope)
    counts = []
    for threshold in THRESHOLDS:
        above = (envelope >= threshold) & inside
        latest = torch.where(above, place, torch.full_like(place, -hangover - 1)).cummax(1).values
        counts.append(((place - latest <= hangover) & inside).sum(1))
    told = torch.stack([peak.double(), power, *(count.double() for count in counts)], 1).cpu().tolist()
    return [
        None if top == 0 else level_of_counts((min(n, block * int(count)) for count in row), total, n, top)
        for n, (top, total, *row) in zip(lengths, told, strict=True)
    ]


def _envelope(magnitude: Tensor, block: int, rate_hz: int) -> Tensor:
    """Means of blocks, averaged exponentially twice: by FFT, as a recursion is no work for a device."""
    torch = importlib.import_module("torch")
    n_blocks = -(-magnitude.shape[1] // block)
    padded = torch.nn.functional.pad(magnitude, (0, n_blocks * block - magnitude.shape[1]))
    means = padded.view(len(magnitude), n_blocks, block).sum(2, dtype=torch.float64) / block
    decay = block / (rate_hz * TIME_CONSTANT_S)
    time = torch.arange(min(n_blocks, math.ceil(_FORGOTTEN / decay)), device=magnitude.device, dtype=torch.float64)
    kernel = (1 - math.exp(-decay)) ** 2 * (time + 1) * torch.exp(-decay * time)
    size = n_blocks + len(time)
    return torch.fft.irfft(torch.fft.rfft(means, size) * torch.fft.rfft(kernel, size), size)[:, :n_blocks]
