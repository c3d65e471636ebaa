"""The keys of `card.toml` in words: the guided form asks them, and the template has them as comments."""

from __future__ import annotations

from dataclasses import dataclass


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
    Question(
        "overview.service", "Service", "What is the service called, and who provides it?", "Ward notes, by Example"
    ),
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
