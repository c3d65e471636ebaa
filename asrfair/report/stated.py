"""`card.toml`: what only a person can say of a service, in the order of published service cards.

Everything is optional; what is not answered stands on the card as "not stated", and nothing is put in its place.
Unknown keys are refused with their place. `questions` has the file in words.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from asrfair.errors import ConfigError
from asrfair.report.questions import QUESTIONS, Question

CARD_FILE = "card.toml"
SCHEMA_VERSION = 1


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Answers are texts or lists of texts; an empty one says nothing."""


class Overview(_Told, frozen=True, kw_only=True):
    """What the service is."""

    service: str = ""
    version: str = ""
    purpose: str = ""
    effective: str = ""


class IntendedUse(_Told, frozen=True, kw_only=True):
    """Who uses it, for what, and what goes wrong."""

    use_case: str = ""
    stakeholders: list[str] = []
    workflow: str = ""
    error_types: list[str] = []
    consent: str = ""
    unsupported_uses: list[str] = []


class Design(_Told, frozen=True, kw_only=True):
    """What is expected of it, and how it is looked after."""

    performance: str = ""
    fairness: str = ""
    privacy: str = ""
    transparency: str = ""
    governance: str = ""


class Deployment(_Told, frozen=True, kw_only=True):
    """How it is to be used."""

    conditions: str = ""
    human_review: str = ""
    drift: str = ""


class Stated(_Told, frozen=True, kw_only=True):
    """The whole of `card.toml`."""

    schema_version: int = SCHEMA_VERSION
    contact: str = ""
    further_information: list[str] = []
    overview: Overview = Overview()
    intended_use: IntendedUse = IntendedUse()
    design: Design = Design()
    deployment: Deployment = Deployment()


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
