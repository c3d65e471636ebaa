"""Words from the pieces that a decoder writes: SentencePiece units, letters with blanks between, or byte pairs.

A piece that begins with a blank or with SentencePiece's mark begins a word. A word begins where its first piece does.
Where it ends is said only if the engine says how long its pieces last: the begin of the next word would make every
pause a part of the word before it. A word's confidence is the product of its pieces' probabilities, which is the
probability that the model gives to the whole word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from asrfair.records import Word

BEGINS = (" ", "\u2581")


def words_of(
    pieces: Sequence[str],
    starts_s: Sequence[float],
    durations_s: Sequence[float] | None = None,
    log_probabilities: Sequence[float] | None = None,
) -> tuple[Word, ...]:
    """Join pieces to words.

    Args:
        pieces: as they were written, blanks or marks included.
        starts_s: where each begins, seconds.
        durations_s: how long each lasts, seconds; None or another number of them if the engine does not say.
        log_probabilities: natural logarithms; None or another number of them if the engine does not say.

    Returns:
        The words that are not blank, in order.

    >>> [w.text for w in words_of([" he", "llo", " ", "w", "orld"], [0.0, 0.1, 0.5, 0.6, 0.7])]
    ['hello', 'world']
    """
    if len(starts_s) != len(pieces):
        return ()
    has_durations = durations_s is not None and len(durations_s) == len(pieces)
    has_logs = log_probabilities is not None and len(log_probabilities) == len(pieces)
    groups: list[list[int]] = []
    for number, piece in enumerate(pieces):
        if not groups or piece.startswith(BEGINS):
            groups.append([])
        groups[-1].append(number)
    found = []
    for group in groups:
        spoken = [n for n in group if pieces[n].strip("".join(BEGINS))]
        if not spoken:
            continue
        end_s = starts_s[spoken[-1]] + durations_s[spoken[-1]] if has_durations and durations_s else None
        logs = sum(log_probabilities[n] for n in group) if has_logs and log_probabilities else None
        found.append(
            Word(
                "".join(pieces[n] for n in group).strip("".join(BEGINS)),
                round(float(starts_s[spoken[0]]), 3),
                None if end_s is None else round(float(end_s), 3),
                None if logs is None or math.isnan(logs) else min(1.0, math.exp(logs)),
            )
        )
    return tuple(found)
