"""The index of a run for `asrfair view`: its scores beside its texts, held together as they are read.

What may be told of speakers and values is decided as for the page (`drill_down`). The counts are those of
`scores.parquet`; they must be of these very texts, which the numbers of words on both sides tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from asrfair.errors import RunFolderError
from asrfair.manifest import Manifest
from asrfair.pipeline.drill_down import choose_wordings, heard_texts, in_order, scored_with, told_values
from asrfair.pipeline.joints import SCORES_FILE, places, selected
from asrfair.provenance import RunRecord
from asrfair.report.discretion import hidden_groups
from asrfair.scoring import Normalizer, find_normalizer
from asrfair.scoring.edits import DELETION, find_edits
from asrfair.tables import readable
from asrfair.view import About, CellRows, IndexWriter, SharedAttribute
from asrfair.view.answers import Align, Step

COUNTS = ("hits", "substitutions", "deletions", "insertions")
Place = tuple[str, str]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Said:
    """The references of a run.

    Attributes:
        written: as they were written; first one of each utterance, then the further wordings.
        words: as the normaliser writes them, single spaces between words.
        lengths: words of each.
        owners: the utterance of each further wording.
    """

    written: list[str]
    words: list[str]
    lengths: Integers
    owners: list[int]


def write_index(
    path: Path, folder: Path, record: RunRecord, manifest: Manifest, groups: pa.Table, k: int, *, with_ids: bool
) -> None:
    """Write the index of a run.

    Args:
        path: the file to make.
        folder: the run folder.
        record: its record.
        manifest: of the run.
        groups: `tables.GROUPS` of the run; its single attributes can be filtered by.
        k: speakers that share every combination of values that is told.
        with_ids: whether utterances keep their names.

    Raises:
        RunFolderError: the manifest, the normaliser or the transcripts are not those that were scored.
    """
    metadata = scored_with(folder, manifest)
    normalizer = scored_normalizer(folder, metadata["normalizers"][0])
    hidden = hidden_groups(record.as_dict(), groups.to_pylist(), k)
    rows, ids = in_order(selected(manifest, record.limit, record.seed), with_ids=with_ids)
    values, speakers = told_values(rows, manifest, groups, hidden, k)
    cells = places(record)
    shared = [SharedAttribute(name, told, int(np.sum(codes == 0))) for name, (told, codes) in values.items()]
    about = About(n=len(rows), cells=cells, normalizer=normalizer.name, costs=metadata["costs"], k=k, attributes=shared)
    said = _said(rows["references"].to_pylist(), normalizer)
    names = {"name": rows["utterance_id"], **{name: rows[name] for name in ("audio", "offset_s", "duration_s")}}
    with IndexWriter(path, about, [codes for _, codes in values.values()]) as writer:
        writer.utterances({"id": pa.array(ids, pa.string()), "speaker": speakers.astype(np.uint32), **names})
        writer.wordings(said.written)
        for place in cells:
            texts = heard_texts(folder, place, rows["utterance_id"])
            scores = _scores(folder / SCORES_FILE, place, normalizer.name, rows["utterance_id"])
            writer.cell(_cell((folder, place), texts, scores, said, (normalizer, metadata["costs"])))


def scored_normalizer(folder: Path, signed: Mapping[str, str]) -> Normalizer:
    """The normaliser that a run was scored with.

    Args:
        folder: the run folder.
        signed: its `name` and `digest` in the scores.

    Raises:
        RunFolderError: its rules are others now.
    """
    found = find_normalizer(signed["name"])
    if found.digest != signed["digest"]:
        raise RunFolderError(f"{folder}: the rules of {found.name} were others when it was scored: asrfair score")
    return found


def aligner(normalizer: Normalizer, costs: str) -> Align:
    """What aligns texts as they were written, in the words of the normaliser."""

    def align(references: Sequence[str], hypotheses: Sequence[str | None]) -> list[list[Step]]:
        said = normalizer.normalize(list(references))
        made = normalizer.normalize([text or "" for text in hypotheses])
        heard = [None if text is None else words for text, words in zip(hypotheses, made, strict=True)]
        edits = find_edits(said, heard, np.arange(len(said)), costs=costs)
        words = edits.words
        starts = np.append(0, np.cumsum(edits.lengths)).tolist()
        ends = np.append(0, np.cumsum(edits.n_steps)).tolist()
        steps = list(zip(edits.kinds.tolist(), edits.places.tolist(), edits.heard.tolist(), strict=True))
        return [
            _steps([words[at] for at in edits.spoken[starts[i] : starts[i + 1]]], steps[ends[i] : ends[i + 1]], words)
            if text is not None
            else [("=", words[at], "") for at in edits.spoken[starts[i] : starts[i + 1]]]
            for i, text in enumerate(heard)
        ]

    return align


def _steps(reference: Sequence[str], steps: Sequence[tuple[int, int, int]], words: Sequence[str]) -> list[Step]:
    """All steps of a pair, from those that are no hits."""
    found: list[Step] = []
    place = 0
    for kind, to, number in steps:
        found += (("=", word, word) for word in reference[place:to])
        is_insertion = kind > DELETION
        said = "" if is_insertion else reference[to]
        found.append(("sdi"[kind], said, "" if kind == DELETION else words[number]))
        place = to if is_insertion else to + 1
    return found + [("=", word, word) for word in reference[place:]]


def _said(wordings: Sequence[Sequence[str]], normalizer: Normalizer) -> _Said:
    """The references, the first of each utterance in front."""
    further = [(at, text) for at, texts in enumerate(wordings) for text in texts[1:]]
    written = [texts[0] for texts in wordings] + [text for _, text in further]
    words = [" ".join(text.split()) for text in normalizer.normalize(written)]
    return _Said(written, words, _lengths(words), [at for at, _ in further])


def _lengths(words: Sequence[str]) -> Integers:
    """Words of each text; single spaces stand between them."""
    texts = pa.array(words, pa.large_string())
    spaces = pc.count_substring(texts, " ").to_numpy().astype(np.int64)
    found: Integers = spaces + pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    return found


def _scores(path: Path, place: Place, normalizer: str, ids: pa.ChunkedArray) -> pa.Table:
    """Status and counts of each utterance in one cell, null where it was not scored."""
    columns = dict(zip(("system_id", "condition_id", "normalizer"), (*place, normalizer), strict=True))
    wanted = [(name, "==", value) for name, value in columns.items()]
    with readable(path, "asrfair score"):
        rows = pq.read_table(path, columns=["utterance_id", "status", *COUNTS], filters=wanted)
    return rows.take(pc.index_in(ids.combine_chunks(), value_set=rows["utterance_id"].combine_chunks()))


def _cell(
    signed: tuple[Path, Place], texts: list[str | None], scores: pa.Table, said: _Said, how: tuple[Normalizer, str]
) -> CellRows:
    """The results of one cell, if the scores are of these texts.

    Raises:
        RunFolderError: they are of others.
    """
    normalizer, costs = how
    heard = [" ".join(text.split()) for text in normalizer.normalize([text or "" for text in texts])]
    failed = np.array([text is None for text in texts], np.bool_)
    wordings = np.arange(len(texts))
    choose_wordings(
        wordings,
        said.words,
        [None if text is None else words for text, words in zip(texts, heard, strict=True)],
        said.owners,
        costs,
    )
    counts = {name: pc.fill_null(scores[name], 0).to_numpy().astype(np.int64) for name in COUNTS}
    words = said.lengths[wordings]
    is_ok = pc.fill_null(pc.equal(scores["status"], "ok"), False).to_numpy()
    spoken = counts["hits"] + counts["substitutions"] + counts["deletions"]
    recognised = counts["hits"] + counts["substitutions"] + counts["insertions"]
    same = (is_ok != failed) & (failed | ((spoken == words) & (recognised == _lengths(heard))))
    if scores["status"].null_count or not same.all():
        folder, (system, condition) = signed
        raise RunFolderError(
            f"{folder}: {system} ({condition}): the transcripts are not those that were scored: run asrfair score again"
        )
    del counts["hits"]
    return CellRows(failed, counts, words, wordings, texts, [said.words[at] for at in wordings.tolist()], heard)
