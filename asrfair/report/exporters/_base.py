"""What every exporter is, and how names from data are made fit for the places that they go to."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from asrfair.report.published import Number, Published

INTEGERS = frozenset({"n_utterances", "n_failed", "n_speakers", "n_ref_words"})
LONGEST = 60
LONGEST_VALUE = 500


class Exporter(ABC):
    """One way out of a run.

    Attributes:
        about: what it writes, in a few words.
        extra: the extra of asrfair that installs what it needs; empty if the base does.
        needs: modules that must be there.
        file: what it writes unless told otherwise, as a path in the run folder.
    """

    about: ClassVar[str]
    extra: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    file: ClassVar[str]

    @abstractmethod
    def write(self, shown: Published, out: Path) -> list[str]:
        """Write the numbers of a run.

        Args:
            shown: what may leave the run.
            out: the file or the folder to write.

        Returns:
            What was written and where, one text a place; never a credential.

        Raises:
            InputError: this run cannot be written so, or the place refuses it.
            MissingExtraError: a library is not installed.
        """


def plain(text: str) -> str:
    """A text from data on one line: control characters and what turns the direction of writing are blanks.

    >>> plain("a" + chr(10) + "b" + chr(0x202E) + "c")
    'a b c'
    """
    return "".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in text)


def short(text: str) -> str:
    """A plain text that fits where long ones are refused."""
    text = plain(text)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}\u2026"


def slug(text: str) -> str:
    """A text as a part of a metric's name: letters, digits, `_` and `-`; the same text gives the same part every time.

    Where anything had to be changed, eight characters of its digest keep two names apart.

    >>> slug("north"), slug("=cmd()")
    ('north', '_cmd__-110f0787')
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", text)[:LONGEST]
    if name == text and name:
        return name
    return f"{name}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def key(number: Number) -> str:
    """The name of a number where names are flat: `wer` for everybody, `wer/accent/north` for a group."""
    if number.attribute == number.group == "all":
        return number.metric
    return f"{number.metric}/{slug(number.attribute)}/{slug(number.group)}"


def exact(number: Number) -> float | int:
    """The value, counts as whole numbers."""
    return int(number.value) if number.metric in INTEGERS else float(number.value)
