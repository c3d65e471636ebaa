"""`card.toml`: what only a person can say of a service, in the order of published service cards.

Everything is optional; what is not answered stands on the card as "not stated", and nothing is put in its place.
Unknown keys are refused with their place. `QUESTIONS` is the file in words: the guided form asks them, and the template
has them as comments.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from asrfair.errors import ConfigError

CARD_FILE = "card.toml"
SCHEMA_VERSION = 1


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Answers are texts or lists of texts; an empty one says nothing."""


class Overview(_Told):
    """What the service is."""

    service: str = ""
    version: str = ""
    purpose: str = ""
    effective: str = ""


class IntendedUse(_Told):
    """Who uses it, for what, and what goes wrong."""

    use_case: str = ""
    stakeholders: list[str] = []
    workflow: str = ""
    error_types: list[str] = []
    consent: str = ""
    unsupported_uses: list[str] = []


class Design(_Told):
    """What is expected of it, and how it is looked after."""

    performance: str = ""
    fairness: str = ""
    privacy: str = ""
    transparency: str = ""
    governance: str = ""


class Deployment(_Told):
    """How it is to be used."""

    conditions: str = ""
    human_review: str = ""
    drift: str = ""


class Stated(_Told):
    """The whole of `card.toml`."""

    schema_version: int = SCHEMA_VERSION
    contact: str = ""
    further_information: list[str] = []
    overview: Overview = Overview()
    intended_use: IntendedUse = IntendedUse()
    design: Design = Design()
    deployment: Deployment = Deployment()


@dataclass(frozen=True, slots=True)
class Question:
    """One key of the file.

    Attributes:
        key: e.g. `overview.purpose`.
        label: what stands before the answer on the card.
        text: the question in plain words.
        example: an answer that somebody could give.
        is_list: whether the answer is a list, one text a line.
    """

    key: str
    label: str
    text: str
    example: str
    is_list: bool = False


QUESTIONS = (
    Question("contact", "Contact", "Whom does a reader write to?", "speech-card@example.org"),
    Question(
        "further_information",
        "Further reading",
        "Where can a reader learn more? Documentation, data sheets, papers.",
        "Data sheet of the recordings: example.org/ward-7",
        True,
    ),
    Question("overview.service", "Service", "What is the service called, and who provides it?", "Ward notes, by Example"),
    Question("overview.version", "Version", "Which version or release is this card about?", "2026-11"),
    Question(
        "overview.purpose",
        "Intended purpose",
        "What is the service for?",
        "Turns dictated ward notes into text that a nurse checks before it is saved.",
    ),
    Question(
        "overview.effective",
        "What effective means here",
        "When does it work well enough for this purpose, for every group? Name the errors that matter and the limit.",
        "Fewer than 1 in 10 words wrong for every group, and no wrong medicine or dose.",
    ),
    Question(
        "intended_use.use_case", "Use case", "In which situation is it used?", "Dictation at the bedside on a tablet."
    ),
    Question(
        "intended_use.stakeholders",
        "Stakeholders",
        "Who uses it, who is spoken about, who answers for it?",
        "Nurses who dictate",
        True,
    ),
    Question(
        "intended_use.workflow",
        "Workflow",
        "What happens before and after recognition? Who sees the text, who can correct it?",
        "The nurse reads the text aloud, corrects it and signs it.",
    ),
    Question(
        "intended_use.error_types",
        "Error types, the gravest first",
        "Which errors are there, ranked by the harm they do?",
        "A wrong dose that looks plausible",
        True,
    ),
    Question(
        "intended_use.consent",
        "Consent",
        "How do those who are recorded know and agree, and how can they refuse?",
        "A sign at the bed; dictation can be switched off, typing remains.",
    ),
    Question(
        "intended_use.unsupported_uses",
        "Unsupported uses",
        "What must it not be used for?",
        "Deciding about a person by how they speak",
        True,
    ),
    Question(
        "design.performance",
        "What is expected",
        "Which error rate, speed and availability does the provider promise, and under which conditions?",
        "Under 10 % of words wrong in a quiet room.",
    ),
    Question(
        "design.fairness",
        "What is done about gaps",
        "Which gap between groups is too wide, and what is done about those that were found?",
        "No group above 1.25 times the baseline; until then its notes are reviewed twice.",
    ),
    Question(
        "design.privacy",
        "How speech is handled",
        "Where do audio and text go, who can hear or read them, when are they erased?",
        "Audio stays on the device and is erased after an hour.",
    ),
    Question(
        "design.transparency",
        "What users are told",
        "How do users learn that a machine wrote the text, and how sure it was?",
        "Unsure words are underlined.",
    ),
    Question(
        "design.governance",
        "Who answers for it",
        "Who approves a release, who keeps this card, how often is it renewed?",
        "The safety board, every quarter.",
    ),
    Question(
        "deployment.conditions",
        "Conditions of use",
        "In which rooms, on which devices, for which languages and speakers may it be used?",
        "Quiet rooms, headset, English.",
    ),
    Question(
        "deployment.human_review",
        "Human review",
        "Which texts does a person check, and how are they chosen?",
        "All of them before they are signed.",
    ),
    Question(
        "deployment.drift",
        "Drift",
        "When is it tested again? New versions, new rooms, new speakers, a calendar.",
        "Before every release and every six months.",
    ),
)


def answer(stated: Stated, key: str) -> list[str]:
    """What a person said, as a list of texts; empty where nothing was.

    Args:
        stated: the file.
        key: of a question.

    >>> answer(Stated(contact=" a@b "), "contact"), answer(Stated(), "design.privacy")
    (['a@b'], [])
    """
    found: Any = stated
    for name in key.split("."):
        found = getattr(found, name)
    texts = [found] if isinstance(found, str) else found
    return [text.strip() for text in texts if text.strip()]


def load_stated(path: Path) -> Stated:
    """Read a `card.toml`.

    Raises:
        ConfigError: it cannot be read, is not TOML, has an unknown key, or a value of the wrong type.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; asrfair card init makes one") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a TOML file in UTF-8: {error}") from error
    try:
        stated = msgspec.convert(data, Stated)
    except msgspec.ValidationError as error:
        known = ", ".join(question.key for question in QUESTIONS)
        raise ConfigError(f"{path}: {error}; the keys are schema_version, {known}") from error
    if stated.schema_version != SCHEMA_VERSION:
        raise ConfigError(f"{path}: schema_version: {stated.schema_version} is not known; this version reads 1")
    return stated


def written(answers: Mapping[str, str | list[str]]) -> str:
    """The file as text: answers as they are given, other keys as comments with their questions.

    Args:
        answers: key -> answer; those that are missing or empty are left to be filled in.
    """
    lines = [
        "# What only a person can say of the service: asrfair report RUN --card card.toml prints it on the card.",
        '# Every key is optional. What is left out stands on the card as "not stated".',
        f"schema_version = {SCHEMA_VERSION}",
    ]
    table = ""
    for question in QUESTIONS:
        name, _, key = question.key.rpartition(".")
        if name != table:
            lines += ["", f"[{name}]"]
            table = name
        lines += ["", f"# {question.label}. {question.text}", *_assigned(key, question, answers.get(question.key))]
    return "\n".join(lines) + "\n"


def _assigned(key: str, question: Question, given: str | list[str] | None) -> Iterator[str]:
    """One key: its answer, or an example in a comment."""
    if given:
        yield f"{key} = {_quoted(given)}"
    else:
        example = [question.example] if question.is_list else question.example
        yield f"# {key} = {_quoted(example)}"


def _quoted(value: str | list[str]) -> str:
    """A TOML value. JSON's escapes are TOML's but for DEL, which goes with the other control characters."""
    if isinstance(value, list):
        return "[" + ", ".join(_quoted(text) for text in value) + "]"
    plain = "".join(c for c in value if c.isprintable() or c in "\n\t")
    return msgspec.json.encode(plain).decode()
