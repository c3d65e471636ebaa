"""Who got no transcript: by group, how many and why, in plain words. The same for the text and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asrfair.records import ALL, MISSING
from asrfair.report.wording import NONE, condition, isolated, many, percent

if TYPE_CHECKING:
    from asrfair.report.card import Card
    from asrfair.report.cells import GroupRow

TITLE = "Who got no transcript"
NOBODY = "Every utterance was transcribed by every system under every condition."
ABOUT = (
    "A failure is the system's, the recording's or the run's, never the speaker's: failures are in no word error rate, "
    "and a rate says nothing of those who got no transcript at all. An empty transcript is no failure. The shares "
    "describe; they were not tested."
)
KINDS = {
    "audio": "the recording is absent, broken or empty; the system was not asked",
    "missing": "there was nothing to ask for, or the file of transcripts has none for it",
    "engine": "the engine said that it cannot",
    "refused": "the service would not transcribe it (an answer of 4xx)",
    "denied": "the service did not accept the credentials (401, 403)",
    "malformed": "the service's answer was not what its protocol says",
    "empty": "the service reported success, and its answer held no transcript",
    "memory": "it did not fit the memory of the device, even alone",
    "rate_limit": "the service had been asked too often (429), and still said so after all retries",
    "server": "the service had a fault (5xx), also after all retries",
    "timeout": "no answer came in time, also after all retries",
    "connection": "the connection was refused or cut, also after all retries",
    "transient": "a fault that may pass did not, in all retries",
    "crash": "the engine's process ended while it was at it",
    "stopped": "it was not asked: the system had failed too often in a row",
    "budget": "it was not asked: the budget was used up",
}
"""Kinds of failure (`records.Hypothesis.error`) in plain words."""

HEADER = ("system", "condition", "group", "no transcript", "%", "why")


@dataclass(frozen=True, slots=True)
class Completion:
    """The part of the card about failures.

    Attributes:
        rows: as `HEADER` says; a dash where a group is withheld.
        kinds: the kinds that occur, with what they mean.
    """

    rows: list[list[str]]
    kinds: dict[str, str]


def completion(card: Card) -> Completion:
    """Who got no transcript, with every group of the attributes that any failure hit."""
    places = dict.fromkeys((f["system_id"], f["condition_id"]) for f in card.failures)
    found = [kind for f in card.failures for kind in f.get("kinds") or {}]
    order = [*(kind for kind in KINDS if kind in found), *(kind for kind in found if kind not in KINDS)]
    kinds = {kind: KINDS.get(kind, "as the system calls it") for kind in dict.fromkeys(order)}
    return Completion([row for place in places for row in _rows(card, place)], kinds)


def _rows(card: Card, place: tuple[str, str]) -> Iterator[list[str]]:
    """One system under one condition: everybody first, then attribute by attribute."""
    here = [f for f in card.failures if (f["system_id"], f["condition_id"]) == place]
    parts = [part for cell in card.cells if (cell.system_id, cell.condition_id) == place for part in cell.attributes]
    groups = {part.attribute: part.groups for part in parts}
    for attribute in dict.fromkeys(f["attribute"] for f in here):
        failed = {f["group"]: f for f in here if f["attribute"] == attribute}
        names = [row.group for row in groups.get(attribute, [])]
        for name in dict.fromkeys([*names, *failed]):
            entry = failed.get(name) or _none_failed(groups[attribute], name)
            yield [place[0], condition(place[1]), _whom(attribute, name), *_counts(entry)]


def _none_failed(rows: Sequence[GroupRow], name: str) -> dict[str, Any]:
    """A group that no failure hit; without numbers if it is withheld."""
    (row,) = (row for row in rows if row.group == name)
    return {"n_failed": row.n_failed, "n_utterances": row.n_utterances}


def _whom(attribute: str, group: str) -> str:
    """A group in a table."""
    if attribute == ALL:
        return "everybody"
    return f"{attribute} is missing" if group == MISSING else f"{attribute}: {isolated(group)}"


def _counts(entry: dict[str, Any]) -> list[str]:
    """How many of how many, the share, and why."""
    if entry["n_failed"] is None or not entry["n_utterances"]:
        return [NONE, NONE, ""]
    why = ", ".join(f"{kind} {n}" for kind, n in (entry.get("kinds") or {}).items())
    share = percent(entry["n_failed"] / entry["n_utterances"])
    return [f"{many(entry['n_failed'])} of {many(entry['n_utterances'])}", share, why]
