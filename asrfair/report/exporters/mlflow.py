"""MLflow: one parent run for the run, one run below it for each system and condition.

Metrics are called as in `asrfair.report.exporters._base.key`; params say what was measured how; tags carry the
signature; the card (card.json, card.md, card.html, drawn anew for the k that is asked for) and all numbers as CSV are
artifacts of the parent. The store is the one that the user gives: `sqlite:///FILE` needs no server and no network. The
client sends no usage data from here. A plain folder is refused by MLflow since 3.17.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from asrfair.errors import InputError, MissingExtraError
from asrfair.report.card_page import render_card_page
from asrfair.report.cells import CellPart
from asrfair.report.exporters._base import Exporter, key, short
from asrfair.report.exporters.csv import numbers_csv
from asrfair.report.markdown import render_markdown
from asrfair.report.published import Published

SETTINGS = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
"""What MLflow is told unless the environment says otherwise: its own number of retries is minutes of silence."""

A_BATCH = 500
SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")


class MlFlow(Exporter):
    """Writes to a tracking store.

    Args:
        tracking: the URI of the store, such as `sqlite:///mlflow.db` or `https://HOST`.
        experiment: its name; made if it is not there.
    """

    about = "MLflow runs, with the card as artifacts (--out: where they are kept beside an SQL store)"
    extra = "mlflow"
    needs = ("mlflow", "sqlalchemy", "alembic")
    file = "mlflow-artifacts"

    def __init__(self, *, tracking: str, experiment: str = "asrfair") -> None:
        if re.split(r"[:+]", tracking)[0] not in SCHEMES or ":" not in tracking:
            raise InputError("tracking: no store that MLflow writes to; give sqlite:///FILE or https://HOST")
        self._tracking, self._experiment = tracking, experiment

    def write(self, shown: Published, out: Path) -> list[str]:
        """See `Exporter.write`."""
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise MissingExtraError("the exporter mlflow", self.extra) from error

        try:
            client = MlflowClient(tracking_uri=self._tracking)
            return [f"{_without_secrets(self._tracking)} run {self._logged(client, shown, out)}"]
        except ImportError as error:
            raise MissingExtraError("the exporter mlflow with an SQL store", self.extra) from error
        except _refusals() as error:
            why = _scrubbed(str(error), self._tracking)
            raise InputError(f"{_without_secrets(self._tracking)}: MLflow did not take it: {why}") from error

    def _logged(self, client: Any, shown: Published, out: Path) -> str:
        """Log everything, and tell the id of the parent run."""
        experiment = _experiment(client, self._experiment, None if self._is_server() else out)
        parent = client.create_run(experiment, run_name=short(shown.card.title), tags=_tags(shown)).info.run_id
        with tempfile.TemporaryDirectory() as folder:
            for name, text in _files(shown):
                (Path(folder) / name).write_text(text, encoding="utf-8")
            client.log_artifacts(parent, folder)
        _log(client, parent, params=_params(shown))
        for cell in shown.cells:
            tags = _tags(shown) | _tags_of(cell) | {"mlflow.parentRunId": parent}
            name = short(f"{cell.system_id}, {cell.condition_id}")
            child = client.create_run(experiment, run_name=name, tags=tags).info.run_id
            _log(client, child, metrics=_metrics(shown, cell), params=_params(shown) | _params_of(cell))
            client.set_terminated(child)
        client.set_terminated(parent)
        return str(parent)

    def _is_server(self) -> bool:
        """Whether a server says where artifacts go."""
        return self._tracking.startswith(("http", "databricks"))


def _refusals() -> tuple[type[Exception], ...]:
    """What MLflow raises, and what the database below it does."""
    from mlflow.exceptions import MlflowException

    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:  # Not needed with a server.
        return (MlflowException,)
    return MlflowException, SQLAlchemyError


def _without_secrets(uri: str) -> str:
    """A URI as it may be shown: without user, password and what follows `?`."""
    return re.sub(r"//[^/]*@", "//", uri).partition("?")[0]


def _scrubbed(text: str, uri: str) -> str:
    """The beginning of a message, without what is secret in the URI."""
    user = re.search(r"//([^/]*)@", uri)
    for secret in (uri.partition("?")[2], *(user[1].split(":") if user else ())):
        text = text.replace(secret, "...") if secret else text
    return " ".join(text.split())[:300]


def _experiment(client: Any, name: str, out: Path | None) -> str:
    """The id of the experiment, made if it is not there."""
    found = client.get_experiment_by_name(name)
    if found is None:
        location = None if out is None else out.resolve().as_uri()
        return str(client.create_experiment(name, artifact_location=location))
    return str(found.experiment_id)


def _tags(shown: Published) -> dict[str, str]:
    """What the runs are found by."""
    tags = {"asrfair.run_id": shown.run.get("run_id"), "asrfair.version": shown.run.get("asrfair_version")}
    tags["asrfair.manifest_digest"] = (shown.run.get("manifest") or {}).get("digest")
    return {name: short(str(value)) for name, value in tags.items() if value is not None}


def _tags_of(cell: CellPart) -> dict[str, str]:
    """What the run of a cell is found by."""
    return {
        "asrfair.system_id": short(cell.system_id),
        "asrfair.condition_id": short(cell.condition_id),
        "asrfair.signature": cell.signature,
    }


def _params(shown: Published) -> dict[str, str]:
    """How everything was measured."""
    params = {"dataset": shown.card.dataset.get("name"), "dataset_version": shown.card.dataset.get("version")}
    params |= {name: shown.run.get(name) for name in ("costs", "seed", "limit")} | {"k_anonymity": shown.k}
    return {name: short(str(value)) for name, value in params.items() if value is not None}


def _params_of(cell: CellPart) -> dict[str, str]:
    """What a cell is of."""
    return {name: short(getattr(cell, name)) for name in ("system_id", "condition_id", "normalizer")}


def _metrics(shown: Published, cell: CellPart) -> dict[str, float]:
    """The numbers of a cell."""
    place = (cell.system_id, cell.condition_id, cell.normalizer)
    return {key(n): float(n.value) for n in shown.numbers() if (n.system_id, n.condition_id, n.normalizer) == place}


def _files(shown: Published) -> Iterator[tuple[str, str]]:
    """The artifacts: name and content."""
    yield "card.json", msgspec.json.format(msgspec.json.encode(shown.card), indent=2).decode()
    yield "card.md", render_markdown(shown.card)
    yield "card.html", render_card_page(shown.card)
    yield "numbers.csv", numbers_csv(shown)


def _log(client: Any, run: str, *, params: dict[str, str], metrics: dict[str, float] | None = None) -> None:
    """Log what one request may not hold in several."""
    from mlflow.entities import Metric, Param

    client.log_batch(run, params=[Param(name, value) for name, value in params.items()])
    now = int(time.time() * 1000)
    made = [Metric(name, value, now, 0) for name, value in (metrics or {}).items()]
    for start in range(0, len(made), A_BATCH):
        client.log_batch(run, metrics=made[start : start + A_BATCH])
