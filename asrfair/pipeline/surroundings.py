"""What the utterances of a run are heard in: its conditions, the turns of its speakers, the voices of its babble."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import pyarrow as pa

from asrfair.audio import file_duration_s, file_sha256
from asrfair.errors import AudioError, InputError
from asrfair.manifest import Manifest, group_column, groupable
from asrfair.records import Condition
from asrfair.seeds import stable_hash
from asrfair.stress import Voice, Voices, parse_condition
from asrfair.stress.voices import LONGEST_S, MOST_SPEAKERS, check_voices
from asrfair.transcribe.jobs import Surroundings

if TYPE_CHECKING:
    from asrfair.stress import Environment

BANKS_FOLDER = ".banks"
"""In the run folder while it is transcribed: sounds that its workers share."""

BALANCED_OVER = ("accent", "dialect", "first_language", "demographic")
"""Babble is balanced over the groups of the first attribute of the first of these kinds that the manifest has."""

Parsed = Sequence[tuple[Condition, "Environment | None"]]


def parse_conditions(texts: Sequence[str], seed: int) -> list[tuple[Condition, Environment | None]]:
    """Read conditions as they are asked for.

    Args:
        texts: `clean`, `ENV@LEVEL` or `ENV`; a condition that is named twice is one.
        seed: of the noise.

    Raises:
        InputError: no such environment or level; two environments of one name.
    """
    parsed = [parse_condition(text, seed) for text in dict.fromkeys(texts)]
    found: dict[str, Environment] = {}
    for _, environment in parsed:
        if environment is None:
            continue
        known = found.setdefault(environment.name, environment)
        if known.digest != environment.digest:
            raise InputError(
                f"two environments are called {environment.name!r}: give one of the files another `name`, by which "
                "its conditions are told apart"
            )
    return list({condition.condition_id: (condition, environment) for condition, environment in parsed}.values())


def surroundings(manifest: Manifest, parsed: Parsed, seed: int) -> Surroundings:
    """What the utterances of a manifest are heard in.

    Args:
        manifest: all of it: a sample is heard as it would be in the whole.
        parsed: the conditions with their environments.
        seed: of the choice of voices.

    Raises:
        InputError: an environment is made of other speakers, and the manifest does not have them.
    """
    environments = {e.name: e for _, e in parsed if e is not None}
    needy = [e for e in environments.values() if e.needs_voices]
    return Surroundings(
        conditions=[condition for condition, _ in parsed],
        environments=environments,
        voices=_voices(manifest, needy[0].name, seed) if needy else None,
        turns=_turns(manifest) if any(e.goes_in_turn for e in environments.values()) else {},
    )


def _turns(manifest: Manifest) -> dict[str, int]:
    """utterance_id -> how many utterances of the same speaker come before it."""
    seen: defaultdict[str | None, int] = defaultdict(int)
    turns = {}
    ids, speakers = (manifest.table[name].to_pylist() for name in ("utterance_id", "speaker_id"))
    for utterance_id, speaker_id in zip(ids, speakers, strict=True):
        turns[utterance_id] = seen[speaker_id]
        seen[speaker_id] += 1
    return turns


def _voices(manifest: Manifest, environment: str, seed: int) -> Voices:
    """Speakers of all groups in equal numbers, with some seconds of each.

    Raises:
        InputError: the manifest does not say who speaks or of which group.
    """
    attribute = _balanced_attribute(manifest, environment)
    groups = group_column(manifest.table[attribute], manifest.attributes[attribute]).to_pylist()
    by_speaker: dict[tuple[str, str], list[int]] = {}
    speakers = manifest.table["speaker_id"].to_pylist()
    if None in speakers:
        raise InputError(
            f"environment {environment}: babble must not be mixed with its own speaker, and "
            f"{speakers.count(None)} rows of the manifest have no speaker_id"
        )
    for row, (speaker, group) in enumerate(zip(speakers, groups, strict=True)):
        if group is not None and "|" not in group:
            by_speaker.setdefault((group, speaker), []).append(row)
    in_order = sorted(by_speaker, key=lambda who: stable_hash(seed, "babble", who[1]))
    queues = [[who for who in in_order if who[0] == group] for group in sorted({group for group, _ in by_speaker})]
    chosen = [who for turn in zip_longest(*queues) for who in turn if who is not None][:MOST_SPEAKERS]
    found = Voices(attribute, [v for who in chosen for v in _some_of(manifest, who, by_speaker[who], seed)])
    check_voices(found)
    return found


def _balanced_attribute(manifest: Manifest, environment: str) -> str:
    """The attribute over whose groups babble is balanced.

    Raises:
        InputError: there is none.
    """
    for kind in BALANCED_OVER:
        for name, attribute in manifest.attributes.items():
            if attribute.kind == kind and groupable(attribute):
                return name
    raise InputError(
        f"environment {environment}: babble is made of speakers of several groups, and the manifest declares no "
        f"attribute of kind {', '.join(BALANCED_OVER)}"
    )


def _some_of(manifest: Manifest, who: tuple[str, str], rows: Sequence[int], seed: int) -> Iterator[Voice]:
    """Recordings of one speaker, up to some seconds; those that cannot be read fail as utterances, not here."""
    names = ("utterance_id", "audio", "offset_s", "duration_s")
    chosen = manifest.table.select(names).take(pa.array(rows)).to_pylist()
    seconds = 0.0
    for row in sorted(chosen, key=lambda r: stable_hash(seed, "babble", r["utterance_id"])):
        if seconds >= LONGEST_S:
            return
        path = manifest.folder / row["audio"]
        try:
            digest = file_sha256(path)
            length = row["duration_s"] or file_duration_s(path) - (row["offset_s"] or 0.0)
        except AudioError:
            continue
        seconds += length
        yield Voice(who[1], who[0], path, row["offset_s"], row["duration_s"], digest)
