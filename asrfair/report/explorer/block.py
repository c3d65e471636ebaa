"""The block of utterances in the page: columns with dictionaries, deflated, in base64.

A hypothesis is the steps from its reference to it, so a text that was recognised well takes no room; words are numbers,
the frequent ones small. What the page may not say is not in here: values that are withheld have the code 0, speakers
are pseudonyms, ids are digests unless they were asked for.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

VERSION = 1
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The utterances of a run as the page may show them: n utterances, and a result of each in every cell.

    Attributes:
        cells: system and condition of each.
        normalizer: by which the words were made.
        k: speakers that share every combination of values.
        ids: n names of utterances, in the order of the page.
        speakers: the pseudonym of each utterance's speaker, from 1, 0 where it is not known; shape (n,).
        attributes: name -> the values that occur, each one group or several; and the code of each utterance's value,
            from 1, 0 where it is withheld; shape (n,).
        words: the distinct words by their number; number 0 is no word.
        lengths: words per reference, shape (n_references,); the first n are the utterances', the others are further
            wordings.
        spoken: the words of the references one after the other.
        written: the references as they were written, n_references texts.
        against: the reference that each result was counted against, cell by cell, shape (n_cells * n,).
        heard_written: the hypotheses as they were written, n_cells * n texts; None where recognition failed.
        same: whether a text of `written` and then of `heard_written` is its words joined by spaces.
        n_steps: steps from the reference to each hypothesis, shape (n_cells * n,).
        kinds: 0 substitution, 1 deletion, 2 insertion, of each step.
        places: which word of the reference, from 0; for an insertion the word that it stands before.
        heard: the word in its place, 0 in a deletion.
    """

    cells: Sequence[tuple[str, str]]
    normalizer: str
    k: int
    ids: Sequence[str]
    speakers: Integers
    attributes: Mapping[str, tuple[Sequence[Sequence[str]], Integers]]
    words: Sequence[str]
    lengths: Integers
    spoken: NDArray[np.int32]
    written: Sequence[str]
    against: Integers
    heard_written: Sequence[str | None]
    same: NDArray[np.bool_]
    n_steps: Integers
    kinds: Integers
    places: Integers
    heard: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Drill:
    """The utterances in the page itself.

    Attributes:
        block: of `embedded`.
        audio: utterance id -> condition -> a data URI, as JSON that may stand in a script element; None for none.
    """

    block: str
    audio: str | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """The utterances at a server, which also serves the page: `url` is relative to it, such as `api/`."""

    url: str


def embedded(transcripts: Transcripts) -> str:
    """The block as text for a script element of a type that no browser runs.

    Args:
        transcripts: what may be shown.

    Returns:
        Base64 of the zlib stream of JSON in UTF-8; its keys are told in `templates/explorer/source.js`.
    """
    packed = zlib.compress(msgspec.json.encode(_columns(transcripts)), 6)
    return base64.b64encode(packed).decode()


def _columns(t: Transcripts) -> dict[str, Any]:
    """The columns, words numbered by how often they occur."""
    uses = np.bincount(t.spoken, minlength=len(t.words)) + np.bincount(t.heard, minlength=len(t.words))
    uses[0] = uses.max(initial=0) + 1
    order = np.argsort(-uses, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    same = t.same.tolist()
    return {
        "version": VERSION,
        "normalizer": t.normalizer,
        "k": t.k,
        "cells": t.cells,
        "ids": t.ids,
        "speakers": t.speakers.tolist(),
        "attributes": [
            {"name": name, "values": values, "codes": codes.tolist()} for name, (values, codes) in t.attributes.items()
        ],
        "words": ["", *(t.words[number] for number in order[1:].tolist())],
        "lengths": t.lengths.tolist(),
        "spoken": rank[t.spoken].tolist(),
        "written": [0 if alike else text for text, alike in zip(t.written, same[: len(t.written)], strict=True)],
        "results": _results(t, rank, same[len(t.written) :]),
    }


def _results(t: Transcripts, rank: NDArray[np.int64], same: Sequence[bool]) -> list[dict[str, Any]]:
    """One part a cell."""
    n = len(t.ids)
    ends = np.append(0, np.cumsum(t.n_steps))
    steps, own = t.places * 3 + t.kinds, np.arange(n)
    parts = []
    for first in range(0, n * len(t.cells), n or 1):
        of_cell = slice(int(ends[first]), int(ends[first + n]))
        heard, against = t.heard[of_cell], t.against[first : first + n]
        texts = zip(t.heard_written[first : first + n], same[first : first + n], strict=True)
        other = np.flatnonzero(against != own)
        parts.append(
            {
                "counts": t.n_steps[first : first + n].tolist(),
                "steps": steps[of_cell].tolist(),
                "heard": rank[heard[t.kinds[of_cell] != 1]].tolist(),
                "written": [0 if alike else text for text, alike in texts],
                "against": [[int(at), int(against[at])] for at in other],
            }
        )
    return parts
