"""Hand-made tables and run records for the tests of the report room: what it is given, row by row."""

import pyarrow as pa

from asrfair.tables import DISPARITIES, GROUPS

EVIL = "--><script>alert(1)</script>"
RTL = "עברית"


def group(attribute, name, *, wer=0.1, n_speakers=12, words=1000, flags=(), **more):
    """One row of groups, with an interval from 0.8 to 1.3 times its rate."""
    errors = None if wer is None else round(wer * words)
    row = {"system_id": "engine", "condition_id": "clean", "normalizer": "minimal", "attribute": attribute}
    row |= {"group": name, "n_utterances": 60, "n_failed": 0, "n_speakers": n_speakers, "n_ref_words": words}
    row |= {"hits": None if wer is None else words - errors, "substitutions": errors}
    row |= {"deletions": None if wer is None else 0, "insertions": None if wer is None else 0}
    row |= {"wer": wer, "wer_macro": wer, "cer": wer and wer / 2, "df": 9.0, "flags": list(flags)}
    has_interval = bool(wer) and "no_spread" not in flags
    row |= {"wer_low": wer * 0.8 if has_interval else None, "wer_high": wer * 1.3 if has_interval else None}
    return row | more


def gap(attribute, name, *, baseline="US", ratio=2.0, p=0.003, verdict=None, flags=(), **more):
    """One row of disparities, with an interval from 0.7 to 1.4 times its ratio."""
    found = verdict or (
        "cannot tell" if p is None else "not shown" if p >= 0.05 else "higher" if ratio > 1 else "lower"
    )
    row = {"system_id": "engine", "condition_id": "clean", "normalizer": "minimal", "attribute": attribute}
    row |= {"group": name, "baseline": baseline, "wer_ratio": ratio, "p": p, "p_adjusted": p, "verdict": found}
    row |= {"ratio_low": ratio and ratio * 0.7, "ratio_high": ratio and ratio * 1.4, "mde_ratio": 1.7}
    row |= {"wer_difference": 0.05, "difference_low": 0.01, "difference_high": 0.09, "family": "f", "df": 9.0}
    return row | {"flags": list(flags)} | more


def tables(groups, gaps=()):
    """The two tables, with a row for everybody under every system, condition and normaliser."""
    keys = ("system_id", "condition_id", "normalizer")
    places = dict.fromkeys(tuple(row[key] for key in keys) for row in groups) or {("engine", "clean", "minimal"): None}
    everybody = [
        group("all", "all", n_speakers=40, words=4000) | dict(zip(keys, place, strict=True)) for place in places
    ]
    return (
        pa.Table.from_pylist([*everybody, *groups], schema=GROUPS),
        pa.Table.from_pylist(list(gaps), schema=DISPARITIES),
    )


def under(row, condition_id="machine-hum@5dB", system_id="engine", **more):
    """The same row under another condition, system or normaliser."""
    return row | {"condition_id": condition_id, "system_id": system_id} | more


def run_record(**more):
    """A whole `run.json`; `manifest` adds to the manifest's part."""
    attributes = {"accent": {"kind": "accent", "provenance": "self_reported", "baseline": "US"}}
    attributes |= {"gender": {"kind": "demographic", "provenance": "self_reported"}}
    manifest = {"path": "/private/rows.jsonl", "name": "Set", "version": "1", "digest": "d" * 64, "language": "en"}
    manifest |= {"licence": "CC0-1.0", "collection": "asked", "consent": "given", "notes": None}
    manifest |= {"n_utterances": 240, "n_speakers": 40, "attributes": attributes, "undeclared": []}
    return {
        "asrfair_version": "0.1.0",
        "run_id": "r1",
        "created": "2026-01-01T00:00:00Z",
        "manifest": manifest | more.pop("manifest", {}),
        "systems": [{"system_id": "engine", "name": "engine", "version": "1", "options": {}, "deterministic": True}],
        "conditions": [{"condition_id": "clean"}],
        "normalizers": [{"name": "minimal", "version": "1", "digest": "n" * 64}],
        "costs": "levenshtein",
        "seed": 0,
    } | more
