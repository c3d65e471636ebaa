"""Taking in transcripts that somebody else made: no audio, no engine, columns all the way."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from asrfair.adapters import TranscriptSource
from asrfair.records import CLEAN
from asrfair.store import MERGED_ROWS, HypothesisStore
from asrfair.tables import HYPOTHESES

NO_TRANSCRIPT = "missing: no transcript in the file"
NO_TEXT = "missing: the file says null, no text"


def take_in(
    source: TranscriptSource, system_id: str, utterance_ids: pa.ChunkedArray, store: HypothesisStore
) -> list[str]:
    """Write the rows of one system, condition clean; rows that the store has as they are are left alone.

    Args:
        source: the transcripts.
        system_id: what the run calls the system.
        utterance_ids: of the manifest; one without a transcript becomes a failed row, never an empty hypothesis.
        store: where rows go, open.

    Returns:
        The ids of transcripts that the manifest does not know; they are not stored.
    """
    rows, digest = source.table(), str(source.describe().options.get("file_sha256") or source.describe().version)
    ids, theirs = utterance_ids.combine_chunks(), rows["utterance_id"].combine_chunks()
    where = pc.index_in(ids, value_set=theirs)
    text = rows["text"].combine_chunks()
    known = store.known(system_id, CLEAN)
    for start in range(0, len(ids), MERGED_ROWS):
        some = ids.slice(start, MERGED_ROWS)
        at = where.slice(start, MERGED_ROWS)
        found = _rows(text.take(at), rows["words"].take(at), at, some, (system_id, digest))
        if known:
            keys = zip(some.to_pylist(), found["key"].to_pylist(), strict=True)
            found = found.filter(pa.array([known.get(i, ("",))[0] != key for i, key in keys], pa.bool_()))
        store.append_table(found, part_rows=MERGED_ROWS)
    store.compact()
    strangers = pc.is_null(pc.index_in(theirs, value_set=ids))
    named: list[str] = rows["utterance_id"].filter(strangers).to_pylist()
    return named


def _rows(text: pa.Array, words: pa.ChunkedArray, where: pa.Array, ids: pa.Array, signed: tuple[str, str]) -> pa.Table:
    """The hypotheses of some utterances, with their places among the transcripts (null: there is none)."""
    system_id, digest = signed
    is_missing = pc.is_null(text)
    error = pc.if_else(pc.is_null(where), NO_TRANSCRIPT, NO_TEXT)
    columns = {
        "system_id": pa.repeat(pa.scalar(system_id), len(ids)),
        "condition_id": pa.repeat(pa.scalar(CLEAN), len(ids)),
        "utterance_id": ids,
        "key": pc.binary_join_element_wise(digest, ids, ":"),
        "status": pc.if_else(is_missing, "failed", "ok"),
        "text": text,
        "error": pc.if_else(is_missing, error, pa.scalar(None, pa.string())),
        "words": words,
        "latency_s": pa.nulls(len(ids), pa.float64()),
        "audio_sha256": pa.nulls(len(ids), pa.string()),
    }
    return pa.table([columns[field.name] for field in HYPOTHESES], schema=HYPOTHESES)
