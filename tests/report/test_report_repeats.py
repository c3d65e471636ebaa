"""A gap that the decoding alone could make is warned of at the top of the card."""

import pyarrow as pa
from report_tables import gap, group, run_record, tables

from asrfair.report import make_card
from asrfair.tables import REPEATS

SIZES = {"n_repeats": 3, "n_utterances": 60, "n_failed": 0, "n_speakers": 12, "n_ref_words": 1000}
RATES = {"wers": [0.2, 0.3, 0.2], "wer_mean": 0.7 / 3, "wer_min": 0.2, "wer_max": 0.3, "wer_sd": 0.058}
MOVED = {"gap": 0.05, "gap_sd": 0.03, "gap_sd_share": 0.6, "half_width": 0.04, "half_width_share": 0.75}


def row(attribute, name, baseline=None, flags=(), **more):
    cell = {"system_id": "engine", "condition_id": "clean", "normalizer": "minimal", "attribute": attribute}
    return (
        cell | {"group": name, "baseline": baseline, "share_changed": 0.1, "flags": list(flags)} | SIZES | RATES | more
    )


def card(*rows):
    found = [group("accent", "US", n_speakers=20), group("accent", "Thai", n_speakers=20)]
    further = {"repeats": pa.Table.from_pylist(list(rows), schema=REPEATS)}
    return make_card(run_record(coverage={}), *tables(found, [gap("accent", "Thai")]), further)


def test_decoding_noise_that_could_make_a_gap_is_a_warning():
    noisy = row("accent", "Thai", "US", ["decoding_noise"], **MOVED)
    found = card(row("all", "all", n_speakers=40), row("accent", "US"), noisy)
    (warning,) = found.warnings
    assert warning.startswith("One run does not carry the gap of Thai speakers to US (clean audio): it is 5.0 points")
    assert "moves by 3.0 from one time to the next, 75 % of the half width" in warning
    (section,) = [part for part in found.sections if part.id == "repeats"]
    assert section.rows[2][-3:] == ["5.0", "3.00 (60 %)", "75"]


def test_calm_decoding_is_told_and_warns_of_nothing():
    calm = MOVED | {"gap_sd": 0.004, "half_width_share": 0.1}
    found = card(row("all", "all", n_speakers=40), row("accent", "US"), row("accent", "Thai", "US", **calm))
    assert not found.warnings
    (section,) = [part for part in found.sections if part.id == "repeats"]
    assert "No gap moves by more than 10 % of its interval's half width" in section.sentences[0]


def test_a_group_that_is_small_among_what_was_compared_is_withheld():
    """Failures left three of twenty speakers; everybody less the others would give them away."""
    small = row("accent", "Thai", "US", n_speakers=3)
    found = card(row("all", "all", n_speakers=40), row("accent", "US", n_speakers=37), small)
    assert {r["group"] for r in found.tables["repeats"]} == {"all"}
