"""The GPUs of this machine, without loading a library that would hold on to them."""

from __future__ import annotations

import os
import shutil
import subprocess

from asrfair.errors import InputError

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> list[str]:
    """What `CUDA_VISIBLE_DEVICES` may name, in order: what it names now, else all that nvidia-smi lists."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        return [name for name in map(str.strip, named.split(",")) if name and name != "-1"]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    asked = [program, "--query-gpu=index", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.split() if done.returncode == 0 else []


def chosen_gpus(count: int | None) -> list[str]:
    """The GPUs that a run uses.

    Args:
        count: how many; None for all.

    Raises:
        InputError: there are not so many.
    """
    there = visible_gpus()
    if count is not None and count > len(there):
        seen = f"{len(there)} ({', '.join(there)})" if there else "none"
        raise InputError(f"--gpus {count}: this machine shows {seen}; {VISIBLE} chooses which")
    return there[:count]
