"""Evaluation results for the Hugging Face Hub: the `model-index` of a model card, made with its own library.

One metric `wer` (a fraction) a group, everybody included. Its `args` say what it depends on: normalizer, condition,
attribute, group, interval ([low, high] at 95 %, or null), speakers and signature. One card is of one model, so of one
system. The format is that of the Hub's model-card metadata, https://github.com/huggingface/hub-docs.

Nothing is sent unless `push` names a repository; the token is the one that the library finds by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from asrfair.errors import InputError, MissingExtraError
from asrfair.files import write_aside
from asrfair.records import ALL
from asrfair.report.cells import CellPart, GroupRow
from asrfair.report.exporters._base import Exporter, plain, slug
from asrfair.report.markdown import escaped
from asrfair.report.published import Published

TASK = "automatic-speech-recognition"
PLACE = ("normalizer", "condition", "attribute", "group")


class HuggingFace(Exporter):
    """Writes a model card.

    Args:
        system: the system whose results they are; needed where the run has several.
        model: the name of the model; the system's unless given.
        dataset: the identifier of the data set on the Hub; made of the manifest's name unless given.
        push: a repository on the Hub whose model card gets the results.
    """

    about = "Hugging Face model card with evaluation results (model-index)"
    extra = "hub"
    needs = ("huggingface_hub",)
    file = "model-card.md"

    def __init__(
        self,
        *,
        system: str | None = None,
        model: str | None = None,
        dataset: str | None = None,
        push: str | None = None,
    ) -> None:
        self._system, self._model, self._dataset, self._push = system, model, dataset, push

    def write(self, shown: Published, out: Path) -> list[str]:
        """See `Exporter.write`."""
        try:
            from huggingface_hub import EvalResult, ModelCard, ModelCardData
        except ImportError as error:
            raise MissingExtraError("the exporter hf", self.extra) from error

        system = self._one_system(shown)
        cells = [cell for cell in shown.cells if cell.system_id == system]
        found = [EvalResult(**fields) for fields in self._results(shown, cells)]
        if not found:
            raise InputError(f"{system}: no word error rate of this run may be published; nothing was written")
        data = ModelCardData(model_name=plain(self._model or system), eval_results=found)
        card = ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_body(shown, system)}")
        write_aside(out, str(card).encode())
        return [str(out), *([_pushed(self._push, card)] if self._push else [])]

    def _one_system(self, shown: Published) -> str:
        """The system whose card it is."""
        names = list(dict.fromkeys(cell.system_id for cell in shown.cells))
        if self._system is None and len(names) == 1:
            return names[0]
        if self._system not in names:
            said = "a model card is of one system" if self._system is None else f"no system {self._system!r}"
            raise InputError(f"{said}: --option system=NAME, one of {', '.join(map(plain, names))}")
        return self._system

    def _results(self, shown: Published, cells: Sequence[CellPart]) -> Iterator[dict[str, Any]]:
        """The fields of each result."""
        name = plain(str(shown.card.dataset.get("name") or "a data set"))
        dataset = {
            "task_type": TASK,
            "dataset_type": self._dataset or slug(name),
            "dataset_name": name,
            "dataset_revision": (shown.run.get("manifest") or {}).get("digest"),
        }
        for cell in cells:
            rows = [(ALL, cell.overall), *((part.attribute, row) for part in cell.attributes for row in part.groups)]
            for attribute, row in rows:
                if row.wer is not None:
                    yield dataset | _metric(cell, attribute, row)


def _metric(cell: CellPart, attribute: str, row: GroupRow) -> dict[str, Any]:
    """The metric of one group."""
    place = [plain(text) for text in (cell.normalizer, cell.condition_id, attribute, row.group)]
    whose = "everybody" if attribute == ALL else f"{place[2]}: {place[3]}"
    known = row.wer_low is not None and row.wer_high is not None
    return {
        "metric_type": "wer",
        "metric_value": row.wer,
        "metric_name": f"Word error rate, {whose}, {place[1]}",
        "metric_args": dict(zip(PLACE, place, strict=True))
        | {"interval": [row.wer_low, row.wer_high] if known else None}
        | {"n_speakers": row.n_speakers, "signature": cell.signature},
    }


def _body(shown: Published, system: str) -> str:
    """What a reader of the card sees below its metadata."""
    return (
        f"# {escaped(plain(system))}\n\nWord error rates by group of speakers, measured by asrfair on "
        f"{escaped(plain(str(shown.card.dataset.get('name') or 'a data set')))}. Rates are fractions; intervals are of "
        f"95 %, from the speakers. Groups of fewer than {shown.k} speakers are not published.\n"
    )


def merged(old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    """The results of a card that is there with new ones: a new one takes the place of that of the same group.

    Args:
        old: `EvalResult`s of the card that is there.
        new: those to put in.
    """
    places = {_place(result) for result in new}
    return [*(result for result in old if _place(result) not in places), *new]


def _place(result: Any) -> tuple[Any, ...]:
    """What a result is of."""
    args = result.metric_args if isinstance(result.metric_args, dict) else {}
    named = tuple(str(args.get(key)) for key in PLACE)
    return result.task_type, result.dataset_type, result.metric_type, named


def _pushed(repo: str, card: Any) -> str:
    """Put the results into the card of a repository, which keeps everything else that it says.

    Raises:
        InputError: the Hub refuses it or cannot be reached.
    """
    from huggingface_hub import ModelCard, constants
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

    try:
        try:
            there = ModelCard.load(repo)
        except EntryNotFoundError:
            there = card
        else:
            there.data.model_name = there.data.model_name or card.data.model_name
            there.data.eval_results = merged(there.data.eval_results or [], card.data.eval_results)
        there.push_to_hub(repo, commit_message="Add error rates by group of speakers")
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise InputError(
            f"push={repo}: the Hub did not take it ({type(error).__name__}); log in with hf auth login"
        ) from error
    return f"{constants.ENDPOINT}/{repo}"
