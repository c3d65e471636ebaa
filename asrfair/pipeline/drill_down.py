"""The utterances of a run as its page may show them: aligned as they were counted, without what is withheld.

Ids are digests under a salt that is drawn anew for every report and kept nowhere, and the rows stand in the order of
those digests, so that neither tells the place in the manifest. Whoever has the transcripts can still find an utterance
by its words: that is what asking for transcripts means.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asrfair.errors import InputError, RunFolderError
from asrfair.manifest import Manifest
from asrfair.pipeline.joints import SCORES_FILE, cell_rows, check_transcripts, group_columns, places, selected
from asrfair.provenance import RunRecord
from asrfair.records import ALL, MISSING
from asrfair.report.explorer import Transcripts
from asrfair.scoring import Normalizer, count_errors, find_normalizer
from asrfair.scoring.edits import find_edits
from asrfair.scoring.writer import read_metadata
from asrfair.stats.row_suppression import shared_values

MOST_RESULTS = 1_000_000
"""Utterances times systems and conditions that a page may hold; a browser takes no more in a moment."""

FEW_NAMES = 20_000
FEW_BYTES, MANY_BYTES = 5, 8
"""Of a digest, for so few names or for more; two of a million would share one of 5 bytes every third time."""

Integers = NDArray[np.int64]
Hidden = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows, and the manifest's rows in the order of the page."""

    transcripts: Transcripts
    rows: pa.Table


def shown_transcripts(
    folder: Path, record: RunRecord, manifest: Manifest, groups: pa.Table, hidden: Hidden, k: int, *, with_ids: bool
) -> Shown:
    """The utterances of a run.

    Args:
        folder: the run folder.
        record: its record.
        manifest: of the run.
        groups: `tables.GROUPS` of the run; its single attributes are shown.
        hidden: groups that are withheld.
        k: speakers that share every combination of values that is shown.
        with_ids: whether utterances keep their names.

    Raises:
        RunFolderError: the manifest or the transcripts are not those that were scored.
        InputError: more than a page can hold.
    """
    metadata = scored_with(folder, manifest)
    rows = selected(manifest, record.limit, record.seed)
    cells = places(record)
    if len(rows) * len(cells) > MOST_RESULTS:
        raise InputError(
            f"{len(rows) * len(cells):,} results are more than the {MOST_RESULTS:,} that a page can hold: report "
            "without --include-transcripts, or transcribe with --limit"
        )
    check_transcripts(folder, record, rows["utterance_id"])
    rows, ids = in_order(rows, with_ids=with_ids)
    values, speakers = told_values(rows, manifest, groups, hidden, k)
    normalizer = find_normalizer(metadata["normalizers"][0]["name"])
    heard = [text for place in cells for text in heard_texts(folder, place, rows["utterance_id"])]
    texts = _texts(rows["references"].to_pylist(), heard, normalizer, metadata["costs"])
    shown = Transcripts(
        cells=cells, normalizer=normalizer.name, k=k, ids=ids, speakers=speakers, attributes=values, **texts
    )
    return Shown(shown, rows)


def scored_with(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """What the scores of a run say of themselves.

    Raises:
        RunFolderError: there are none, or they are of another state of the manifest.
    """
    metadata = read_metadata(folder / SCORES_FILE)
    if manifest.digest != metadata["manifest_digest"]:
        raise RunFolderError(f"{folder}: its manifest {manifest.rows_path} was changed after scoring: asrfair score")
    return metadata


def in_order(rows: pa.Table, *, with_ids: bool) -> tuple[pa.Table, list[str]]:
    """The rows in the order of the page, and the name of each there."""
    names = rows["utterance_id"].to_pylist()
    if with_ids:
        return rows, names
    digests = _digests(names)
    order = sorted(range(len(digests)), key=digests.__getitem__)
    return rows.take(pa.array(order, pa.int64())), [digests[at] for at in order]


def _digests(names: Sequence[str]) -> list[str]:
    """A digest of each name, under a salt that nobody knows."""
    salt, size = secrets.token_bytes(32), FEW_BYTES if len(names) <= FEW_NAMES else MANY_BYTES
    return [hashlib.blake2b(name.encode(), digest_size=size, key=salt).hexdigest() for name in names]


def told_values(
    rows: pa.Table, manifest: Manifest, groups: pa.Table, hidden: Hidden, k: int
) -> tuple[dict[str, tuple[list[list[str]], Integers]], Integers]:
    """The values of each attribute with the code of each row, and the pseudonym of each row's speaker."""
    asked = [
        name for name in dict.fromkeys(groups["attribute"].to_pylist()) if name != ALL and name in rows.schema.names
    ]
    columns = group_columns(rows, {name: manifest.attributes[name] for name in asked})
    known = rows["speaker_id"].combine_chunks().dictionary_encode()
    numbers = known.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    salted = _digests(known.dictionary.to_pylist())
    rank = np.argsort(np.argsort(salted)) + 1
    pseudonyms = np.append(rank, 0)[numbers].astype(np.int64)
    members = np.where(pseudonyms > 0, pseudonyms, -1 - np.arange(len(rows)))
    coded = {name: _coded(name, column, hidden) for name, column in columns.items()}
    kept = shared_values([codes for _, codes in coded.values()], members, k)
    found = {name: _used(values, codes) for (name, (values, _)), codes in zip(coded.items(), kept, strict=True)}
    return found, pseudonyms


def _coded(attribute: str, column: pa.ChunkedArray, hidden: Hidden) -> tuple[list[list[str]], Integers]:
    """The values of one attribute, each as its groups that may be told, and the code of each row."""
    labels = pc.fill_null(column.combine_chunks(), MISSING).dictionary_encode()
    values: list[list[str]] = []
    code_of = []
    for label in labels.dictionary.to_pylist():
        told = [name for name in label.split("|") if (attribute, name) not in hidden]
        if told and told not in values:
            values.append(told)
        code_of.append(values.index(told) + 1 if told else 0)
    codes = np.array(code_of, np.int64)[labels.indices.to_numpy(zero_copy_only=False)]
    return values, codes


def _used(values: list[list[str]], codes: Integers) -> tuple[list[list[str]], Integers]:
    """The values that still occur, by name, so that nothing tells of one that does not."""
    used = sorted((value for value in np.unique(codes).tolist() if value), key=lambda code: values[code - 1])
    rank = np.zeros(len(values) + 1, np.int64)
    rank[used] = np.arange(1, len(used) + 1)
    return [values[code - 1] for code in used], rank[codes]


def heard_texts(folder: Path, place: tuple[str, str], ids: pa.ChunkedArray) -> list[str | None]:
    """What one system under one condition made of each utterance; None where it failed."""
    rows = cell_rows(folder, place)
    where = pc.index_in(ids.combine_chunks(), value_set=rows["utterance_id"].combine_chunks())
    found = rows.take(where)
    is_ok = pc.fill_null(pc.equal(found["status"], "ok"), False)
    texts: list[str | None] = pc.if_else(is_ok, found["text"], pa.scalar(None, found["text"].type)).to_pylist()
    return texts


def _texts(
    wordings: Sequence[Sequence[str]], heard: list[str | None], normalizer: Normalizer, costs: str
) -> dict[str, Any]:
    """The columns of the texts and of the steps between them."""
    n = len(wordings)
    written = [texts[0] for texts in wordings]
    further = [(at, text) for at, texts in enumerate(wordings) for text in texts[1:]]
    written += [text for _, text in further]
    references = normalizer.normalize(written)
    said = normalizer.normalize([text or "" for text in heard])
    hypotheses = [None if text is None else made for text, made in zip(heard, said, strict=True)]
    against = np.tile(np.arange(n), len(heard) // n if n else 0)
    for place in range(0, len(heard), n or 1):
        choose_wordings(
            against[place : place + n], references, hypotheses[place : place + n], [at for at, _ in further], costs
        )
    found = find_edits(references, hypotheses, against, costs=costs)
    same = [
        raw == " ".join((made or "").split())
        for raw, made in zip([*written, *heard], [*references, *hypotheses], strict=True)
    ]
    return {
        "words": found.words,
        "lengths": found.lengths,
        "spoken": found.spoken,
        "written": written,
        "against": against,
        "heard_written": heard,
        "same": np.array(same, np.bool_) & np.array([text is not None for text in [*written, *heard]], np.bool_),
        "n_steps": found.n_steps,
        "kinds": found.kinds,
        "places": found.places,
        "heard": found.heard,
    }


def choose_wordings(
    against: Integers, references: Sequence[str], hypotheses: Sequence[str | None], owners: Sequence[int], costs: str
) -> None:
    """Count results of one cell against the wording with the fewest errors, in place; of several, the first."""
    if not owners:
        return
    n = len(against)
    rows = [*dict.fromkeys(owners), *owners]
    of = [*dict.fromkeys(owners), *range(n, n + len(owners))]
    counts = count_errors([references[at] for at in of], [hypotheses[row] for row in rows], costs=costs)
    kinds = [pc.fill_null(counts[name], 0).to_numpy() for name in ("substitutions", "deletions", "insertions")]
    errors = np.sum(kinds, axis=0)
    best: dict[int, int] = {}
    for row, reference, n_errors in zip(rows, of, errors.tolist(), strict=True):
        if row not in best or n_errors < best[row]:
            best[row], against[row] = n_errors, reference
