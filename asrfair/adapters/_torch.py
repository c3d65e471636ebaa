"""What the engines that run in torch share: device, precision, weights' identity, and what its failures mean.

Nothing here is set for the whole process (threads, deterministic algorithms, seeds): that is the user's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from asrfair.errors import AdapterError, InputError, TooLargeError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from asrfair.records import Waveform

T = TypeVar("T")

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
NO_MEMORY = re.compile(
    r"out of memory|can't allocate memory|not enough memory|CUBLAS_STATUS_ALLOC_FAILED", re.IGNORECASE
)


def choose_device(engine: str, device: str) -> torch.device:
    """The device of `auto`, `cpu` or `cuda` (the first that this process sees: the runner gives each its own).

    Raises:
        InputError: another word, or `cuda` where there is none.
    """
    import torch

    if device not in DEVICES:
        raise InputError(f"the engine {engine}: device={device} is not one of {', '.join(DEVICES)}")
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise InputError(f"the engine {engine}: device=cuda, but torch sees no GPU here: use device=auto or device=cpu")
    return torch.device("cuda" if has_cuda and device != "cpu" else "cpu")


def choose_precision(engine: str, dtype: str, device: torch.device) -> torch.dtype:
    """The number format of the weights: `auto` is bfloat16 on a GPU that has it (else float16), float32 on the CPU.

    Raises:
        InputError: a format that is not float32, bfloat16 or float16 (short: fp32, bf16, fp16).
    """
    import torch

    if dtype == "auto":
        if device.type == "cpu":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    name = PRECISIONS.get(dtype, dtype)
    if name not in PRECISIONS.values():
        known = ", ".join(["auto", *PRECISIONS.values(), *PRECISIONS])
        raise InputError(f"the engine {engine}: dtype={dtype} is not one of {known}")
    found: torch.dtype = getattr(torch, name)
    return found


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor on the device; a copy to a GPU leaves from pinned memory, so that nothing waits for it."""
    if tensor.device.type == device.type:
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


def padded(batch: Sequence[Waveform], length: int | None = None) -> NDArray[np.float32]:
    """The samples of a batch, zeros after each; shape (waveforms, samples).

    Args:
        batch: one waveform or more.
        length: samples a row, at least the longest; None for the longest.
    """
    rows = np.zeros((len(batch), length or max(len(waveform.samples) for waveform in batch)), np.float32)
    for row, waveform in zip(rows, batch, strict=True):
        row[: len(waveform.samples)] = waveform.samples
    return rows


def run_guarded(engine: str, work: Callable[[], T]) -> T:
    """Run a model, with its failures turned into the contract's.

    Raises:
        TooLargeError: the memory of the device was not enough; what the attempt took is given back first.
        AdapterError: anything else that torch or the model's code raises.
    """
    import torch

    try:
        with torch.inference_mode():
            return work()
    except torch.OutOfMemoryError as error:
        message, is_memory = _first_line(error), True
    except (RuntimeError, ValueError, IndexError, TypeError, KeyError, AttributeError, MemoryError) as error:
        message = _first_line(error)
        is_memory = isinstance(error, MemoryError) or NO_MEMORY.search(str(error)) is not None
    # Outside of the handler: the traceback, which holds the tensors of the attempt, is gone now.
    if not is_memory:
        raise AdapterError(f"{engine} failed: {message}")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    raise TooLargeError(f"{engine}: {message}")


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[0]}"


def files_sha256(path: Path) -> str:
    """Digest of a file, or of the files of a folder with their places in it (hidden ones are left out)."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for found in sorted(path.rglob("*")):
        place = found.relative_to(path)
        if found.is_file() and not any(part.startswith(".") for part in place.parts):
            with found.open("rb") as file:
                whole.update(f"{place.as_posix()}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\0".encode())
    return whole.hexdigest()
