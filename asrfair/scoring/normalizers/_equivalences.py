"""Equivalence classes: words and phrases that a user holds to be the same, on both sides alike.

`find_normalizer("minimal+dialect.txt")` normalises by `minimal`, then puts the first member of its class in place of
every member that occurs. Reference and hypothesis go the same way, so a class can only take errors away that lie
between its own members: `'em` said and `them` written is as right as the other way round. A one-way correction of a
dialect to a standard is not possible here (METHODS section 1).

The file is UTF-8, one class a line, members parted by `=`; `#` at the start of a line or after white space begins a
comment:

    them = 'em
    going to = gonna = gon    # as many members as you like

Members are themselves normalised by the base, each as if it were alone, so case and punctuation need no thought.
Matching is over whole words, left to right, the longest member first, and what was put in is not looked at again. A
first member of another length changes the number of reference words: rates of two normalisers have each their own
denominator.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from asrfair.errors import Fault, InputError
from asrfair.scoring.normalizers._base import Normalizer

VERSION = "1"
"""Changes whenever the matching does."""

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")

Replacements = dict[str, list[tuple[list[str], list[str]]]]
"""First word of a member -> the members that begin with it (longest first), each with its class's first member. First
members are among them: `going to` must be found as a whole where `going` is a member too."""


def read_classes(path: str) -> str:
    """The text of a list of classes.

    Raises:
        InputError: the file is absent, cannot be read or is not UTF-8.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        remedy = "give the path of a list of equivalence classes, one a line: them = 'em"
        raise InputError(f"{path}: {error.strerror}; {remedy}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(str(Fault(path, line, "", "not UTF-8; save the list as UTF-8"))) from error


def with_classes(base: Normalizer, path: str, text: str) -> Normalizer:
    """A normaliser that goes on where `base` ends.

    Args:
        base: what comes first, and normalises the members.
        path: where the list is, for messages and for the name.
        text: its content.

    Raises:
        InputError: the list has faults; the message has all of them, with file, line and remedy.

    >>> from asrfair.scoring.normalizers.minimal import MinimalNormalizer
    >>> found = with_classes(MinimalNormalizer(), "lists/dialect.txt", "going to = gonna = gon")
    >>> found.name, found.normalize(["I'm gon sing, she's gonna dance."])
    ('minimal+dialect.txt', ["i'm going to sing she's going to dance"])
    """
    replacements = _replacements(base, path, text)

    class EquivalenceNormalizer(Normalizer):
        """The base, then the classes of one list."""

        name = f"{base.name}+{Path(path).name}"
        version = f"{base.version}.{VERSION}"

        def rules(self) -> Sequence[str]:
            """The base's digest and the list as it is."""
            return base.digest, text

        def normalize(self, texts: Sequence[str]) -> list[str]:
            """See `Normalizer.normalize`."""
            return [_replaced(done, replacements) for done in base.normalize(texts)]

    return EquivalenceNormalizer()


def _replaced(text: str, replacements: Replacements) -> str:
    """The text with the first member of its class for every member; untouched where there is none."""
    words = text.split()
    if replacements.keys().isdisjoint(words):
        return text
    done: list[str] = []
    at = 0
    while at < len(words):
        for member, first in replacements.get(words[at], ()):
            if words[at : at + len(member)] == member:
                done += first
                at += len(member)
                break
        else:
            done.append(words[at])
            at += 1
    return text if done == words else " ".join(done)


def _replacements(base: Normalizer, path: str, text: str) -> Replacements:
    """The members of every class by their first word, or an `InputError` with all faults."""
    faults: list[Fault] = []
    lines: dict[str, int] = {}
    found: Replacements = {}
    for number, line in enumerate(text.split("\n"), start=1):
        content = _COMMENT.sub("", line).strip()
        if not content:
            continue
        members = base.normalize(content.split("="))
        faults += [Fault(path, number, "", message) for message in _faults(content, members, lines, base.name)]
        for member in dict.fromkeys(filter(None, members)):
            lines.setdefault(member, number)
            words = member.split()
            found.setdefault(words[0], []).append((words, members[0].split()))
    if not lines and not faults:
        faults.append(Fault(path, 0, "", "there is no class in it; write one a line: them = 'em"))
    if faults:
        raise InputError("\n".join(map(str, faults)))
    for entries in found.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return found


def _faults(content: str, members: list[str], lines: dict[str, int], base: str) -> list[str]:
    """What is wrong with one class; `lines` has the members of the classes before it."""
    if len(members) == 1:
        return ["a class of one; write its members with = between them: them = 'em"]
    messages = []
    for written, member in zip(content.split("="), members, strict=True):
        if not written.strip():
            messages.append("an empty member; take out the = that has nothing beside it")
        elif not member.strip():
            messages.append(f"{written.strip()!r} is empty after {base!r}; take it out, that normalizer drops it")
    messages += [
        f"{member!r} is in the class of line {lines[member]} already; join the two classes, or take it out of one"
        for member in dict.fromkeys(members)
        if member in lines
    ]
    return messages
