"""Linked data in JSON: a `Dataset` and its `Observation`s, in the vocabulary of schema.org and no other.

Each metric is a `StatisticalVariable` (https://schema.org/StatisticalVariable), each group of speakers a `Thing` with
the attribute and the group as `PropertyValue`s, each number an `Observation` (https://schema.org/Observation) with
`variableMeasured`, `observationAbout` and `value`; what it depends on is its `additionalProperty`. Rates are fractions.
Identifiers are fragments of the document's own address, so nothing is claimed about another site's things.

`<`, `>` and `&` are escaped, so that the text may stand in the script element of a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from asrfair.files import write_aside
from asrfair.report.exporters._base import INTEGERS, Exporter, exact, plain, slug
from asrfair.report.published import Number, Published

CONTEXT = "https://schema.org/"
ABOUT = {
    "n_utterances": "Utterances",
    "n_failed": "Utterances without a transcript",
    "n_speakers": "Speakers",
    "n_ref_words": "Words of the references of scored utterances",
    "wer": "Word error rate: wrong words divided by words said",
    "wer_low": "Lower end of the 95 % interval of the word error rate",
    "wer_high": "Upper end of the 95 % interval of the word error rate",
    "wer_macro": "Mean of the speakers' word error rates",
    "cer": "Character error rate",
    "wer_difference": "Word error rate less that of the baseline",
    "difference_low": "Lower end of the 95 % interval of the difference",
    "difference_high": "Upper end of the 95 % interval of the difference",
    "wer_ratio": "Word error rate divided by that of the baseline",
    "ratio_low": "Lower end of the 95 % interval of the ratio",
    "ratio_high": "Upper end of the 95 % interval of the ratio",
    "p": "p of the comparison with the baseline",
    "p_adjusted": "p of the comparison, adjusted for the other comparisons",
    "mde_ratio": "Ratio that would have been shown four times in five",
}
PLACE = ("system_id", "condition_id", "normalizer", "baseline", "verdict", "signature")
DATASET = (("version", "version"), ("licence", "license"), ("language", "inLanguage"))


class JsonLd(Exporter):
    """Writes one document with a `@graph`."""

    about = "JSON-LD, schema.org Dataset with Observations"
    file = "numbers.jsonld"

    def write(self, shown: Published, out: Path) -> list[str]:
        """See `Exporter.write`."""
        numbers = list(shown.numbers())
        graph = [_dataset(shown, numbers), *_variables(numbers), *_groups(numbers)]
        graph += [_observation(number, i) for i, number in enumerate(numbers)]
        document = {"@context": CONTEXT, "@graph": graph}
        text = msgspec.json.format(msgspec.json.encode(document), indent=1).decode()
        for sign in "<>&":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        write_aside(out, text.encode())
        return [str(out)]


def _dataset(shown: Published, numbers: Iterable[Number]) -> dict[str, Any]:
    """The run, as a data set of numbers that is based on a data set of speech."""
    said = shown.card.dataset
    speech = {name: plain(str(said[key])) for key, name in DATASET if said.get(key)}
    digest = (shown.run.get("manifest") or {}).get("digest")
    source = {"@type": "Dataset", "name": plain(str(said.get("name") or "a data set"))} | speech
    return {
        "@id": "#run",
        "@type": "Dataset",
        "name": plain(shown.card.title),
        "description": "Error rates of speech recognition by group of speakers. Groups of fewer than "
        f"{shown.k} speakers are not published.",
        "identifier": shown.run.get("run_id"),
        "dateCreated": shown.card.made,
        "creator": {
            "@type": "SoftwareApplication",
            "name": "asrfair",
            "softwareVersion": shown.run.get("asrfair_version"),
        },
        "isBasedOn": source | ({"identifier": digest} if digest else {}),
        "variableMeasured": [{"@id": f"#metric/{metric}"} for metric in dict.fromkeys(n.metric for n in numbers)],
    }


def _variables(numbers: Iterable[Number]) -> list[dict[str, Any]]:
    """The metrics that there is a number of."""
    return [
        {
            "@id": f"#metric/{metric}",
            "@type": "StatisticalVariable",
            "name": metric,
            "description": ABOUT[metric],
            "unitText": "count" if metric in INTEGERS else "fraction",
        }
        for metric in dict.fromkeys(n.metric for n in numbers)
    ]


def _group_id(number: Number) -> str:
    """The identifier of a group in the document."""
    return f"#group/{slug(number.attribute)}/{slug(number.group)}"


def _property(name: str, value: object) -> dict[str, Any]:
    """A name with its value."""
    return {"@type": "PropertyValue", "name": name, "value": value}


def _groups(numbers: Iterable[Number]) -> list[dict[str, Any]]:
    """The groups of speakers that there is a number of."""
    return [
        {
            "@id": place,
            "@type": "Thing",
            "name": f"{attribute}: {group}",
            "identifier": [_property("attribute", attribute), _property("group", group)],
        }
        for place, attribute, group in dict.fromkeys(
            (_group_id(n), plain(n.attribute), plain(n.group)) for n in numbers
        )
    ]


def _observation(number: Number, i: int) -> dict[str, Any]:
    """One number."""
    values = [(name, getattr(number, name)) for name in PLACE]
    return {
        "@id": f"#observation/{i}",
        "@type": "Observation",
        "variableMeasured": {"@id": f"#metric/{number.metric}"},
        "observationAbout": {"@id": _group_id(number)},
        "value": exact(number),
        "additionalProperty": [_property(name, plain(value)) for name, value in values if value is not None],
    }
