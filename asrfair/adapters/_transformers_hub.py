"""Where a model of transformers comes from: a folder, or a repository of the Hugging Face hub at one commit.

The commit is found first, and everything else is loaded at it, so that weights, tokenizer and features belong together
and the record says which. No code of a repository is ever run (`trust_remote_code` stays false), nothing is told to
the hub but what to send, and no conversion of weights is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from asrfair.adapters._torch import files_sha256
from asrfair.errors import InputError

T = TypeVar("T")

SNAPSHOT = re.compile(r"[\\/]snapshots[\\/]([0-9a-f]{40})[\\/]")


@dataclass(frozen=True, slots=True)
class Source:
    """A model as it was found.

    Attributes:
        given: as the user named it.
        commit: of the hub; None for a folder.
        sha256: digest of the folder's files; None for the hub.
        local_files_only: whether the hub may be asked.
    """

    given: str
    commit: str | None
    sha256: str | None
    local_files_only: bool

    @property
    def arguments(self) -> dict[str, Any]:
        """What every `from_pretrained` gets."""
        return {
            "revision": self.commit,
            "local_files_only": self.local_files_only,
            "trust_remote_code": False,
        }

    def load(self, loader: Callable[..., T], **more: Any) -> T:
        """Call a `from_pretrained`.

        Raises:
            InputError: it cannot be loaded.
        """
        arguments = {key: value for key, value in self.arguments.items() if value is not None}
        try:
            return loader(self.given, **arguments, **more)
        except (OSError, ValueError, ImportError, KeyError, RuntimeError, TypeError, AttributeError) as error:
            raise _unusable(self.given, error) from error


def quiet_import() -> Any:
    """The library, with its telemetry and its background conversion of weights off; what the user set stays.

    Raises:
        ImportError: it is not installed.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    import transformers

    library: Any = transformers
    library.utils.logging.disable_progress_bar()
    return library


def find_source(model: str, revision: str | None, local_files_only: bool) -> Source:
    """Find a model.

    Args:
        model: a folder with `config.json`, or a repository of the hub, e.g. `openai/whisper-large-v3`.
        revision: branch, tag or commit of the repository; None for its main branch.
        local_files_only: use what was downloaded before and ask nobody.

    Raises:
        InputError: a folder without a model, a revision of a folder, or a repository that cannot be had.
    """
    from transformers.utils.hub import cached_file

    if Path(model).is_dir():
        if revision is not None:
            raise InputError(
                f"the engine transformers: revision={revision} is for models of the hub, but {model} is a folder"
            )
        if not Path(model, "config.json").is_file():
            raise InputError(f"the engine transformers: model={model} has no config.json: give a model's folder")
        return Source(model, None, files_sha256(Path(model)), True)
    try:
        found = cached_file(model, "config.json", revision=revision, local_files_only=local_files_only)
    except (OSError, ValueError) as error:
        raise _unusable(model, error) from error
    commit = SNAPSHOT.search(str(found))
    if commit is None:
        raise InputError(f"the engine transformers: model={model}: the hub does not say which commit {found} is of")
    return Source(model, commit[1], None, local_files_only)


def _unusable(model: str, error: Exception) -> InputError:
    """What to do about a model that cannot be loaded."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return InputError(
        f"the engine transformers: model={model} cannot be loaded: {first}. Give a folder that exists or a repository "
        "of the hub (owner/name); for a gated one accept its terms there and run `hf auth login`; without a network "
        "download it before (`hf download owner/name`) and say local_files_only=true"
    )
