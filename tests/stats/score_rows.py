"""Score rows made by hand, for the tests of this room."""

import pyarrow as pa

from asrfair.stats import analyze_scores
from asrfair.tables import SCORES

COUNTS = ("hits", "substitutions", "deletions", "insertions", "n_ref_chars", "char_errors")


def row(speaker, errors=1, words=10, *, failed=False, system="s", condition="clean", normalizer="none", **values):
    counts = dict(zip(COUNTS, (words - errors, errors, 0, 0, 5 * words, errors), strict=True))
    made = {"system_id": system, "condition_id": condition, "normalizer": normalizer, "speaker_id": speaker}
    made |= {"status": "failed"} | dict.fromkeys(COUNTS) if failed else {"status": "ok"} | counts
    return made | values


def tables(rows):
    scores = pa.Table.from_pylist([{"utterance_id": str(i)} | r for i, r in enumerate(rows)], schema=SCORES)
    names = dict.fromkeys(name for r in rows for name in r if name not in SCORES.names)
    return scores, {name: pa.chunked_array([[r.get(name) for r in rows]], pa.string()) for name in names}


def analyze(rows, by, baselines=None):
    groups, disparities = analyze_scores(*tables(rows), by, baselines)
    return groups.to_pylist(), disparities.to_pylist()


def people(group, m, errors=2, prefix=None, **values):
    """m speakers of a group with 100 words each and slightly different rates."""
    return [row(f"{prefix or group}{s}", errors * 10 + s % 3, 100, accent=group, **values) for s in range(m)]


def find(rows, group, attribute="accent"):
    (found,) = [r for r in rows if r["group"] == group and r["attribute"] == attribute]
    return found


def sums_of(rows):
    """Errors and words by speaker, from the rows."""
    by_speaker = {}
    for r in rows:
        e, n = by_speaker.get(r["speaker_id"], (0, 0))
        by_speaker[r["speaker_id"]] = (e + r["substitutions"], n + r["hits"] + r["substitutions"])
    return tuple(zip(*by_speaker.values(), strict=True))
