"""The index of a run's results: one DuckDB file with counts, values, texts, two orders, and the results of every word.

A result is what one system under one condition made of one utterance; its number is `cell * n + utterance`, cells in
the order of the run, utterances in that of the page. Tables:

- `about`: one row of JSON (`About`).
- `utterances`: `number`, `id` as it is shown, `name` as the manifest has it, `speaker` (a pseudonym, 0 unknown), and
  where its audio is.
- `wordings`: `number`, `text`: the references as they were written, first those of the utterances.
- `results`: `number`, `cell`, `failed`, `words` (of the reference), `substitutions`, `deletions`, `insertions`,
  `wording` (which reference it was counted against), `text` (null where it failed), and `a0`, `a1`, ...: the code of
  the utterance's value of each attribute, 0 where it is withheld.
- `orders`: the numbers of all results by `errors` and by `rate`, the most first, of the same by number.
- `words`: `word` in lower case, and `numbers`: the results that have it in reference or hypothesis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.errors import MissingExtraError, RunFolderError
from asrfair.view.postings import Postings

VERSION = 1
"""Of the tables above."""

SAFE: dict[str, Any] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
"""No other file, no network, whatever a statement says."""

Integers = NDArray[np.int64]


class SharedAttribute(msgspec.Struct, frozen=True):
    """An attribute: its values, each one group or several, of the codes from 1; and how many utterances have none."""

    name: str
    values: list[list[str]]
    withheld: int


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of all results.

    Attributes:
        n: utterances.
        cells: system and condition of each.
        normalizer: by which words were made and counted.
        costs: of the alignment.
        k: speakers that share every combination of values.
        attributes: in the order of the columns `a0`, `a1`, ...
    """

    n: int
    cells: list[tuple[str, str]]
    normalizer: str
    costs: str
    k: int
    attributes: list[SharedAttribute]


@dataclass(frozen=True, slots=True)
class CellRows:
    """The results of one cell, n utterances in the order of the page.

    Attributes:
        failed: whether there is no transcript, shape (n,).
        counts: `substitutions`, `deletions`, `insertions` -> shape (n,) each, 0 where it failed.
        words: words of the reference, shape (n,).
        wordings: number of the reference, shape (n,).
        texts: what was recognised, as it was written; None where it failed.
        said: the words of the references that were counted against, joined by spaces.
        heard: those of the hypotheses; empty where it failed.
    """

    failed: NDArray[np.bool_]
    counts: Mapping[str, Integers]
    words: Integers
    wordings: Integers
    texts: Sequence[str | None]
    said: Sequence[str]
    heard: Sequence[str]


def check_installed() -> None:
    """Refuse to begin without DuckDB.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import duckdb  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("asrfair view", "duckdb") from error


def connect(path: Path, *, read_only: bool) -> Any:
    """Open an index.

    Raises:
        duckdb.Error: the file is no index, or cannot be read or written.
    """
    import duckdb

    return duckdb.connect(str(path), read_only=read_only, config=SAFE)


class IndexWriter:
    """Writes an index; use it as a context, utterances and wordings first, then the cells in their order.

    Args:
        path: the file to make.
        about: what is said of all.
        codes: the code of each utterance's value of each attribute of `about`, shape (n,) each.
    """

    def __init__(self, path: Path, about: About, codes: Sequence[Integers]) -> None:
        self._connection = connect(path, read_only=False)
        self._path, self._about, self._codes = path, about, codes
        self._postings = Postings()
        self._errors: list[Integers] = []
        self._rates: list[NDArray[np.float64]] = []
        self._insert("about", {"json": [msgspec.json.encode(about).decode()]})

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        import duckdb

        try:
            if kind is None:
                self._finish()
        finally:
            with suppress(duckdb.Error):
                self._connection.close()

    def utterances(self, columns: Mapping[str, Any]) -> None:
        """Write `id`, `name`, `speaker`, `audio`, `offset_s` and `duration_s` of n utterances."""
        self._insert("utterances", {"number": np.arange(self._about.n, dtype=np.uint32), **columns})

    def wordings(self, written: Sequence[str]) -> None:
        """Write the references as they were written."""
        texts = pa.array(written, pa.string())
        self._insert("wordings", {"number": np.arange(len(written), dtype=np.uint32), "text": texts})

    def cell(self, rows: CellRows) -> None:
        """Write the results of the next cell."""
        number, first = len(self._errors), len(self._errors) * self._about.n
        errors = rows.counts["substitutions"] + rows.counts["deletions"] + rows.counts["insertions"]
        columns = {
            "number": np.arange(first, first + self._about.n, dtype=np.uint32),
            "cell": np.full(self._about.n, number, np.uint32),
            "failed": rows.failed,
            "words": rows.words.astype(np.uint32),
            **{name: counts.astype(np.uint32) for name, counts in rows.counts.items()},
            "wording": rows.wordings.astype(np.uint32),
            "text": pa.array(rows.texts, pa.string()),
            **{f"a{at}": codes.astype(np.uint32) for at, codes in enumerate(self._codes)},
        }
        self._insert("results", columns)
        self._postings.add(first, rows.said, rows.heard)
        self._errors.append(errors)
        self._rates.append(np.divide(errors, rows.words, out=np.full(len(errors), -1.0), where=rows.words > 0))

    def _finish(self) -> None:
        """Write what is known once all cells are there."""
        none = np.empty(0)
        keys = {"errors": np.concatenate([none, *self._errors]), "rate": np.concatenate([none, *self._rates])}
        self._insert("orders", {name: np.argsort(-key, kind="stable").astype(np.uint32) for name, key in keys.items()})
        self._insert("words", self._postings.columns())

    def _insert(self, table: str, columns: Mapping[str, Any]) -> None:
        """Add rows to a table, which the first of them make."""
        import duckdb

        self._connection.register("added", pa.table(dict(columns)))
        try:
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM added LIMIT 0")
            self._connection.execute(f"INSERT INTO {table} SELECT * FROM added")
        except duckdb.Error as error:
            raise RunFolderError(f"{self._path}: the index cannot be written: {error}; nothing was changed") from error
        finally:
            self._connection.unregister("added")
