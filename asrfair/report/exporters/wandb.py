"""Weights & Biases: one run with the table of all numbers, and the rates in its summary. Offline unless asked.

An offline run is a folder `wandb/offline-run-...` that `wandb sync` sends later. The code, the machine, the console and
the repository are not recorded. The key of the account is the one that the library finds by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asrfair.errors import InputError, MissingExtraError
from asrfair.files import made_folder
from asrfair.report.exporters._base import Exporter, exact, key, plain, short, slug
from asrfair.report.exporters.csv import COLUMNS
from asrfair.report.published import Published

SUMMARY = ("wer", "wer_low", "wer_high", "wer_difference", "wer_ratio")
TABLE = "numbers"


class WandB(Exporter):
    """Writes a run.

    Args:
        project: its project.
        mode: `offline`, or `online` to send it at once.
    """

    about = "Weights & Biases run, table and summary"
    extra = "wandb"
    needs = ("wandb",)
    file = "."

    def __init__(self, *, project: str = "asrfair", mode: str = "offline") -> None:
        if mode not in ("offline", "online"):
            raise InputError(f"mode={mode}: offline or online")
        self._project, self._is_online = project, mode == "online"

    def write(self, shown: Published, out: Path) -> list[str]:
        """See `Exporter.write`."""
        try:
            import wandb
        except ImportError as error:
            raise MissingExtraError("the exporter wandb", self.extra) from error

        made_folder(out)
        settings = wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            disable_job_creation=True,
            save_code=False,
            host="",
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
        )
        try:
            with wandb.init(
                project=self._project,
                name=short(shown.card.title)[:120],
                mode="online" if self._is_online else "offline",
                dir=str(out),
                config=_config(shown),
                settings=settings,
            ) as run:
                run.log({TABLE: wandb.Table(columns=list(COLUMNS), data=_rows(shown))})
                run.summary.update(_summary(shown))
                folder = Path(run.dir).parent
        except wandb.Error as error:
            raise InputError(f"Weights & Biases did not take it ({type(error).__name__}); see wandb login") from error
        return [str(folder)]


def _config(shown: Published) -> dict[str, Any]:
    """What was measured how."""
    config = {name: shown.run.get(name) for name in ("run_id", "asrfair_version", "costs", "seed", "limit")}
    config["manifest_digest"] = (shown.run.get("manifest") or {}).get("digest")
    config["dataset"] = short(str(shown.card.dataset.get("name") or "a data set"))
    signatures = {f"{slug(cell.system_id)}/{slug(cell.condition_id)}": cell.signature for cell in shown.cells}
    return config | {"k_anonymity": shown.k, "signatures": signatures}


def _rows(shown: Published) -> list[list[Any]]:
    """The table: `COLUMNS`; values as floats, because a column has one type."""
    run_id = shown.run.get("run_id")
    return [
        [
            number.metric,
            float(number.value),
            *(None if (text := getattr(number, c)) is None else plain(text) for c in COLUMNS[2:-1]),
            run_id,
        ]
        for number in shown.numbers()
    ]


def _summary(shown: Published) -> dict[str, float | int]:
    """The rates by name: system, condition, and the name of the metric."""
    return {
        f"{slug(n.system_id)}/{slug(n.condition_id)}/{key(n)}": exact(n) for n in shown.numbers() if n.metric in SUMMARY
    }
