"""Log-mel features of a batch on the device, as Whisper hears them (Radford et al. 2022): the door to torchaudio.

80 mel bands (Slaney's scale and norm, 0 to 8 kHz) of the power spectrum of Hann windows of 25 ms every 10 ms, centred,
the last frame dropped; the decimal logarithm, nothing below 1e-10, nothing more than 8 below the row's largest value,
then `(x + 4) / 4`. The same as transformers' `WhisperFeatureExtractor` within 5e-5 (the rounding of float32); that one
takes 8 ms of CPU per 10 s clip, more than ten conditions of it.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

from asrfair.errors import InputError, MissingExtraError
from asrfair.stress.batch import Batch
from asrfair.stress.tensors import Tensor, torch_for

RATE_HZ = 16_000
WINDOW, HOP = 400, 160
N_MELS = 80
"""large-v3 and its turbo have 128."""

WHISPER_S = 30.0
FLOOR, RANGE = 1e-10, 8.0


def log_mel(batch: Batch, *, n_mels: int = N_MELS, padded_s: float | None = WHISPER_S) -> Tensor:
    """Whisper's features of a batch, without leaving the device.

    Args:
        batch: of `Batched.apply`, at 16 kHz.
        n_mels: bands, 80 or 128 for the models that there are.
        padded_s: seconds that each row is cut or filled up with silence to; None for the longest of the batch.

    Returns:
        torch.Tensor on the device of the batch, float32, shape (rows, n_mels, frames of 10 ms).

    Raises:
        InputError: another sample rate.
        MissingExtraError: torch or torchaudio is not installed.
    """
    if batch.sample_rate_hz != RATE_HZ:
        raise InputError(f"these features are of {RATE_HZ} samples a second, not of {batch.sample_rate_hz}: resample")
    torch = torch_for("log-mel features")
    n = batch.samples.shape[1] if padded_s is None else round(padded_s * RATE_HZ)
    samples = torch.nn.functional.pad(batch.samples[:, :n], (0, max(0, n - batch.samples.shape[1])))
    window = torch.hann_window(WINDOW, device=samples.device)
    power = torch.stft(samples, WINDOW, HOP, window=window, return_complex=True)[..., :-1].abs().square_()
    mel = (_bands(n_mels, str(samples.device)).T @ power).clamp_(min=FLOOR).log10_()
    return (torch.maximum(mel, mel.amax((1, 2), keepdim=True) - RANGE) + 4.0) / 4.0


@functools.lru_cache(maxsize=8)
def _bands(n_mels: int, device: str) -> Tensor:
    """The mel bands, shape (WINDOW // 2 + 1, n_mels)."""
    try:
        functional: Any = importlib.import_module("torchaudio.functional")
    except ImportError as error:
        raise MissingExtraError("log-mel features", "torch") from error
    bands = functional.melscale_fbanks(
        WINDOW // 2 + 1, 0.0, RATE_HZ / 2, n_mels, RATE_HZ, norm="slaney", mel_scale="slaney"
    )
    return bands.to(device)
