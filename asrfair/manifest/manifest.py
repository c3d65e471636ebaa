"""A manifest that was read and found sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from asrfair.errors import AudioError, Fault
from asrfair.manifest.cells import scalar_text
from asrfair.manifest.checks import is_uri
from asrfair.manifest.dataset import Attribute, Dataset
from asrfair.records import Utterance
from asrfair.tables import MANIFEST


@dataclass(frozen=True, slots=True)
class Manifest:
    """The utterances of a data set and what is known of their speakers.

    Attributes:
        dataset: the contents of `dataset.toml`.
        rows_path: the rows file.
        digest: SHA-256, hex, over the bytes of `dataset.toml` followed by those of the rows file.
        table: `tables.MANIFEST`, then a column for each declared attribute (text with several values joined by `|`,
            or float64 for a numeric one; null is missing), then each undeclared column as text.
        undeclared: columns that are carried along but cannot be grouped by.
        warnings: what is worth saying although the manifest can be used.
    """

    dataset: Dataset
    rows_path: Path
    digest: str
    table: pa.Table
    undeclared: tuple[str, ...] = ()
    warnings: tuple[Fault, ...] = ()

    @property
    def folder(self) -> Path:
        """What paths of audio are relative to."""
        return self.rows_path.parent

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """The declared attributes."""
        return self.dataset.attributes

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def utterances(self) -> Iterator[Utterance]:
        """The rows as records, in file order, made a batch at a time."""
        names = [name for name in MANIFEST.names if name not in ("licence", "references")]
        for batch in self.table.to_batches(max_chunksize=4096):
            columns = {name: batch.column(name).to_pylist() for name in (*names, "references", *self.attributes)}
            for row in range(batch.num_rows):
                yield Utterance(
                    references=tuple(columns["references"][row]),
                    attributes={
                        name: tuple(value.split("|")) if isinstance(value, str) else (scalar_text(value),)
                        for name in self.attributes
                        if (value := columns[name][row]) is not None
                    },
                    **{name: columns[name][row] for name in names},
                )

    def audio_path(self, audio: str) -> Path:
        """Where a file that a row names lies.

        Args:
            audio: as the row has it.

        Raises:
            AudioError: it is a URI, which this version does not fetch.
        """
        if is_uri(audio):
            raise AudioError(f"{audio} is a URI; this version reads local files: download it first")
        return self.folder / audio
