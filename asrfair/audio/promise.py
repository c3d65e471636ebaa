"""Holding a file to the length that its own container promises: libsndfile reads a cut WAV or Ogg file without a word.

- WAV (`RIFF`, `RIFX`, `RF64`, `BW64`): the `data` chunk may not be longer than the file; in RF64 and BW64 its length is
  in `ds64` (EBU Tech 3306, ITU-R BS.2088). Lengths that recorders write before they know (0, all ones) promise nothing.
- Ogg (RFC 3533): the last page may not be longer than the file. A stream that is cut exactly between two pages looks
  like one that its writer did not close, and passes; the manifest's `duration_s` finds that.

FLAC and MP3 (with a Xing header) announce their samples; the decoder's own count is held to it elsewhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal

from asrfair.errors import AudioError

_UNKNOWN_SIZES = frozenset({0, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF})
"""What programs write into a WAV header when they do not know the length yet (streams)."""

_OGG_HEADER = 27
_LONGEST_OGG_PAGE = _OGG_HEADER + 255 + 255 * 255


def check_length_promised(path: Path) -> None:
    """Refuse a WAV or Ogg file that is shorter than it says; other formats pass.

    Raises:
        AudioError: it is truncated.
    """
    with path.open("rb") as file:
        head = file.read(12)
        size = os.fstat(file.fileno()).st_size
        if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:] == b"WAVE":
            _check_wav(path, file, size, "big" if head[:4] == b"RIFX" else "little")
        elif head[:4] == b"OggS":
            _check_ogg(path, file, size)


def _check_wav(path: Path, file: BinaryIO, size: int, order: Literal["little", "big"]) -> None:
    """Hold the data chunk to the file."""
    long_length = 0
    while len(chunk := file.read(8)) == 8:
        length = int.from_bytes(chunk[4:], order)
        begins = file.tell()
        if chunk[:4] == b"ds64":
            long_length = int.from_bytes(file.read(16)[8:], "little")
        elif chunk[:4] == b"data":
            promised = long_length if length == 0xFFFFFFFF and long_length else length
            held = size - begins
            if promised not in _UNKNOWN_SIZES and held < promised:
                raise AudioError(
                    f"{path.name} is truncated: its header promises {promised} bytes of sound, it has {held}"
                )
            return
        file.seek(begins + length + length % 2)
    raise AudioError(f"{path.name} is truncated: a WAV file without sound")


def _check_ogg(path: Path, file: BinaryIO, size: int) -> None:
    """Hold the last page to the file."""
    file.seek(max(0, size - 2 * _LONGEST_OGG_PAGE))
    tail = file.read()
    begins = tail.rfind(b"OggS")
    if begins < 0:
        return
    page = tail[begins:]
    n_segments = page[26] if len(page) >= _OGG_HEADER else 0
    body = _OGG_HEADER + n_segments
    if len(page) < body + sum(page[_OGG_HEADER:body]):
        raise AudioError(f"{path.name} is truncated: its last Ogg page is not whole")
