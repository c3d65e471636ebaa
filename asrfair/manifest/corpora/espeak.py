"""Speech from espeak-ng, with the library and data of the pip package `espeakng-loader`: nothing is downloaded.

espeak-ng keeps state: the same text spoken twice by one process gives different samples. So every utterance is spoken
by a process of its own, forked from one that never spoke, and the library's generator (breath, flutter), which starts
from the process id, is given a fixed seed; the samples then depend on text and voice alone. Run as a script, this file
is that process: it imports no more than it needs, reads requests from stdin and writes WAV files.

The library is GPL-3, hence an optional extra that is never part of asrfair.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import wave
from collections.abc import Sequence
from typing import TypedDict

RETRIEVAL = 1
UTF8 = 1
RATE, PITCH = 1, 3
SEED = 1


class Request(TypedDict):
    """One utterance to speak: into `path`, by `voice` (e.g. `en-us+f2`), `rate_wpm` words a minute, `pitch` 0 to 99."""

    path: str
    text: str
    voice: str
    rate_wpm: int
    pitch: int


def speak_all(requests: Sequence[Request]) -> None:
    """Speak utterances into WAV files (16 bit, mono, 22.05 kHz), each in a fresh process.

    Args:
        requests: what, by whom, where to.

    Raises:
        MissingExtraError: espeakng-loader is not installed.
        InputError: the library does not know a voice, or cannot speak.
    """
    from asrfair.errors import InputError, MissingExtraError

    try:
        import espeakng_loader  # noqa: F401 - only to know that the child will find it
    except ImportError as error:
        raise MissingExtraError("speech synthesis for the demo", "demo") from error
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([sys.executable, __file__], input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise InputError(f"espeak-ng failed: {last[0]}")


def _speak(request: Request) -> None:
    """Speak one utterance; never returns to a process that speaks again."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate_hz = library.espeak_Initialize(RETRIEVAL, 0, str(espeakng_loader.get_data_path()).encode(), 0)
    if rate_hz <= 0:
        raise SystemExit("espeak-ng does not start")
    library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
    samples = bytearray()
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

    def take(wav: ctypes.Array[ctypes.c_short], count: int, _events: int) -> int:
        if wav and count > 0:
            samples.extend(ctypes.string_at(wav, 2 * count))
        return 0

    callback = kind(take)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(request["voice"].encode()):
        raise SystemExit(f"espeak-ng has no voice {request['voice']!r}")
    library.espeak_SetParameter(RATE, request["rate_wpm"], 0)
    library.espeak_SetParameter(PITCH, request["pitch"], 0)
    text = request["text"].encode() + b"\0"
    library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 0, 0, UTF8, None, None)
    library.espeak_Synchronize()
    if not samples:
        raise SystemExit(f"espeak-ng said nothing for {request['text']!r}")
    with wave.open(request["path"], "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes(samples))


def _serve() -> int:
    """Speak every request of stdin in a fork of this process, which itself never speaks; some at a time."""
    running = 0
    for line in sys.stdin:
        if running >= (os.cpu_count() or 1):
            if os.wait()[1]:
                return 1
            running -= 1
        if os.fork() == 0:
            _speak(json.loads(line))
            sys.stdout.flush()
            os._exit(0)
        running += 1
    statuses = [os.wait()[1] for _ in range(running)]
    return int(any(statuses))


if __name__ == "__main__":
    sys.exit(_serve())
