"""The parts of a service card that only a person can write, and the commands that test it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from asrfair.report.service._base import Paragraph, ServicePart, Source, asked, method
from asrfair.report.service.again import commands, remarks

if TYPE_CHECKING:
    from asrfair.report.stated import Stated

PRIVACY = (
    "This card has no transcript of anybody's speech, no audio, no speaker id, no path on somebody's machine and no "
    "number of a group that is too small to be told without telling of persons."
)
TRANSPARENCY = (
    "Every number on this card is in card.json too, with the file, the row and the signature that it comes from; its "
    "form is published as a JSON Schema (asrfair card schema). Two numbers may be compared if all parts of their "
    "signatures but the system are the same."
)
AGAIN = (
    "These commands repeat this test on the next release, compare the two runs speaker by speaker, and stop a release "
    "pipeline if a gap grew. MANIFEST, RUN and NEW are the data set, this run and the new one."
)


def intended_use(stated: Stated) -> ServicePart:
    """Who uses it, for what, what goes wrong."""
    keys = ("use_case", "stakeholders", "workflow", "error_types", "consent", "unsupported_uses")
    return ServicePart(
        id="intended-use",
        title="Intended use and limitations",
        paragraphs=asked(stated, *(f"intended_use.{key}" for key in keys)),
    )


def privacy(stated: Stated, k: int | None) -> ServicePart:
    """What is withheld."""
    text = "This card withholds nothing: it is for eyes that see the tables anyway. Do not publish it."
    if k is not None:
        text = f"Groups of fewer than {k} speakers have no numbers here, nor has what would give them away."
    found = Paragraph(text=text, provenance="measured", source=Source(file="run.json", field="verbs"))
    return ServicePart(
        id="privacy",
        title="Privacy",
        paragraphs=[*asked(stated, "design.privacy"), *(method(PRIVACY) if k is not None else []), found],
    )


def transparency(stated: Stated) -> ServicePart:
    """What can be seen of it."""
    paragraphs = [*asked(stated, "design.transparency"), *method(TRANSPARENCY)]
    return ServicePart(id="transparency", title="Transparency", paragraphs=paragraphs)


def governance(stated: Stated) -> ServicePart:
    """Who answers for it."""
    return ServicePart(id="governance", title="Governance", paragraphs=asked(stated, "design.governance"))


def deployment(run: Mapping[str, Any], stated: Stated, k: int | None) -> ServicePart:
    """How to use it, and how to test it again."""
    recorded = Source(file="run.json", field="config")
    lines = [Paragraph(text=line, provenance="measured", form="command", source=recorded) for line in commands(run, k)]
    told = [Paragraph(text=text, provenance="measured", form="item", source=recorded) for text in remarks(run)]
    drift = asked(stated, "deployment.drift")
    return ServicePart(
        id="deployment",
        title="Deployment practices",
        paragraphs=asked(stated, "deployment.conditions", "deployment.human_review"),
        parts=[
            ServicePart(
                id="drift",
                title="Drift, and testing it again",
                paragraphs=[*drift, *(method(AGAIN) if lines else []), *lines, *told],
            )
        ],
    )
