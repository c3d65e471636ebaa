"""The named column schemas of every table that crosses rooms, and `check_table()`, which holds tables to them.

Column names are a contract with whoever reads a run folder. Attributes of the manifest are further columns of the
`manifest` and `scores` tables: text (several values joined by `|`, null for missing), or float64 where the attribute
is numeric.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from asrfair.errors import RunFolderError

WORD = pa.struct(
    [("text", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64()), ("confidence", pa.float64())]
)

_CELL = [("system_id", pa.string()), ("condition_id", pa.string()), ("normalizer", pa.string())]

MANIFEST = pa.schema(
    [
        ("utterance_id", pa.string()),
        ("audio", pa.string()),
        ("offset_s", pa.float64()),
        ("duration_s", pa.float64()),
        ("audio_sha256", pa.string()),
        ("prompt_id", pa.string()),
        ("licence", pa.string()),
        ("references", pa.list_(pa.string())),
        ("language", pa.string()),
        ("speaker_id", pa.string()),
    ]
)

HYPOTHESES = pa.schema(
    [
        ("system_id", pa.string()),
        ("condition_id", pa.string()),
        ("utterance_id", pa.string()),
        ("key", pa.string()),
        ("status", pa.string()),
        ("text", pa.string()),
        ("error", pa.string()),
        ("words", pa.list_(WORD)),
        ("latency_s", pa.float64()),
        ("audio_sha256", pa.string()),
    ]
)

SCORES = pa.schema(
    [
        ("system_id", pa.string()),
        ("condition_id", pa.string()),
        ("utterance_id", pa.string()),
        ("normalizer", pa.string()),
        ("status", pa.string()),
        ("speaker_id", pa.string()),
        ("hits", pa.int32()),
        ("substitutions", pa.int32()),
        ("deletions", pa.int32()),
        ("insertions", pa.int32()),
        ("n_ref_chars", pa.int32()),
        ("char_errors", pa.int32()),
    ]
)

GROUPS = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("n_utterances", pa.int64()),
        ("n_failed", pa.int64()),
        ("n_speakers", pa.int64()),
        ("n_ref_words", pa.int64()),
        ("hits", pa.int64()),
        ("substitutions", pa.int64()),
        ("deletions", pa.int64()),
        ("insertions", pa.int64()),
        ("wer", pa.float64()),
        ("wer_low", pa.float64()),
        ("wer_high", pa.float64()),
        ("wer_macro", pa.float64()),
        ("cer", pa.float64()),
        ("df", pa.float64()),
        ("flags", pa.list_(pa.string())),
    ]
)

DISPARITIES = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("wer_difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("wer_ratio", pa.float64()),
        ("ratio_low", pa.float64()),
        ("ratio_high", pa.float64()),
        ("p", pa.float64()),
        ("p_adjusted", pa.float64()),
        ("family", pa.string()),
        ("df", pa.float64()),
        ("mde_ratio", pa.float64()),
        ("verdict", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)

MEASURES = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("measure", pa.string()),
        ("group", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("p", pa.float64()),
        ("method", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)

NORMALIZER_GAPS = pa.schema(
    [
        ("system_id", pa.string()),
        ("condition_id", pa.string()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("normalizer", pa.string()),
        ("other_normalizer", pa.string()),
        ("wer_ratio", pa.float64()),
        ("other_wer_ratio", pa.float64()),
        ("induced_ratio", pa.float64()),
        ("induced_low", pa.float64()),
        ("induced_high", pa.float64()),
        ("p", pa.float64()),
        ("df", pa.float64()),
        ("verdict", pa.string()),
        ("other_verdict", pa.string()),
        ("verdict_changes", pa.bool_()),
        ("worst_group", pa.string()),
        ("other_worst_group", pa.string()),
    ]
)

SYSTEM_GAPS = pa.schema(
    [
        ("condition_id", pa.string()),
        ("normalizer", pa.string()),
        ("system_id", pa.string()),
        ("other_system_id", pa.string()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("wer_difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("wer_ratio", pa.float64()),
        ("ratio_low", pa.float64()),
        ("ratio_high", pa.float64()),
        ("p", pa.float64()),
        ("p_adjusted", pa.float64()),
        ("p_sign_flip", pa.float64()),
        ("df", pa.float64()),
        ("interaction_ratio", pa.float64()),
        ("interaction_low", pa.float64()),
        ("interaction_high", pa.float64()),
        ("interaction_p", pa.float64()),
        ("interaction_p_adjusted", pa.float64()),
        ("verdict", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)

_NUMBERS = (
    "wer",
    "total_ratio",
    "total_low",
    "total_high",
    "total_p",
    "total_df",
    "adjusted_ratio",
    "adjusted_low",
    "adjusted_high",
    "adjusted_p",
    "adjusted_df",
    "adjusted_wer",
    "adjusted_wer_low",
    "adjusted_wer_high",
    "median_speaker_ratio",
    "median_speaker_low",
    "median_speaker_high",
)

ADJUSTED = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("covariates", pa.string()),
        ("n_utterances", pa.int64()),
        ("n_left_out", pa.int64()),
        ("n_speakers", pa.int64()),
        ("n_ref_words", pa.int64()),
        *((name, pa.float64()) for name in _NUMBERS),
        ("flags", pa.list_(pa.string())),
        ("note", pa.string()),
    ]
)

MATCHED = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("wer", pa.float64()),
        ("baseline_wer", pa.float64()),
        ("wer_difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("p", pa.float64()),
        ("df", pa.float64()),
        ("n_prompts", pa.int64()),
        ("n_prompts_left_out", pa.int64()),
        ("n_utterances", pa.int64()),
        ("n_speakers", pa.int64()),
        ("flags", pa.list_(pa.string())),
        ("note", pa.string()),
    ]
)

ERROR_TYPES = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("part", pa.string()),
        ("rate", pa.float64()),
        ("baseline_rate", pa.float64()),
        ("difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("df", pa.float64()),
    ]
)

CONFUSIONS = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("reference", pa.string()),
        ("hypothesis", pa.string()),
        ("count", pa.int64()),
        ("n_speakers", pa.int64()),
        ("per_1000_words", pa.float64()),
        ("baseline_per_1000_words", pa.float64()),
        ("ratio", pa.float64()),
        ("ratio_low", pa.float64()),
        ("ratio_high", pa.float64()),
    ]
)

HARMS = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("harm", pa.string()),
        ("unit", pa.string()),
        ("n_speakers", pa.int64()),
        ("events", pa.float64()),
        ("exposure", pa.float64()),
        ("rate", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("ratio", pa.float64()),
        ("ratio_low", pa.float64()),
        ("ratio_high", pa.float64()),
        ("p", pa.float64()),
        ("p_adjusted", pa.float64()),
        ("verdict", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)

CALIBRATION = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("measure", pa.string()),
        ("at", pa.float64()),
        ("n_words", pa.int64()),
        ("n_speakers", pa.int64()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("flags", pa.list_(pa.string())),
    ]
)

MIXES = pa.schema(
    [
        ("system_id", pa.string()),
        ("condition_id", pa.string()),
        ("utterance_id", pa.string()),
        ("key", pa.string()),
        ("sample_rate_hz", pa.int32()),
        ("duration_s", pa.float64()),
        ("speech_dbfs", pa.float64()),
        ("activity", pa.float64()),
        ("snr_asked_db", pa.list_(pa.float64())),
        ("snr_db", pa.list_(pa.float64())),
        ("noise_dbfs", pa.list_(pa.float64())),
        ("pieces", pa.list_(pa.int32())),
        ("gain_db", pa.float64()),
        ("notes", pa.list_(pa.string())),
        ("mix_sha256", pa.string()),
    ]
)
"""What an engine heard under a condition other than clean; one entry of the lists per noise step."""

HEARD = pa.schema(
    [
        ("system_id", pa.string()),
        ("condition_id", pa.string()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("n_utterances", pa.int64()),
        ("n_speakers", pa.int64()),
        ("speech_dbfs", pa.float64()),
        ("activity", pa.float64()),
        ("snr_asked_db", pa.float64()),
        ("snr_db", pa.float64()),
        ("snr_lowest_db", pa.float64()),
        ("snr_highest_db", pa.float64()),
        ("n_turned_down", pa.int64()),
        ("n_noted", pa.int64()),
        ("n_pieces", pa.int64()),
        ("fewest_in_a_piece", pa.int64()),
        ("most_in_a_piece", pa.int64()),
    ]
)
"""What a group was heard at, from `mixes`: whether groups were put into the same noise. SNR of the last noise step."""

DEGRADATION = pa.schema(
    [
        *_CELL,
        ("environment", pa.string()),
        ("level", pa.float64()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("n_pairs", pa.int64()),
        ("n_speakers", pa.int64()),
        ("n_ref_words", pa.int64()),
        ("clean_wer", pa.float64()),
        ("wer", pa.float64()),
        ("wer_difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("wer_ratio", pa.float64()),
        ("ratio_low", pa.float64()),
        ("ratio_high", pa.float64()),
        ("p", pa.float64()),
        ("df", pa.float64()),
        ("flags", pa.list_(pa.string())),
    ]
)
"""What a condition does to a group, over the utterances that were transcribed both in it and clean."""

INTERACTIONS = pa.schema(
    [
        *_CELL,
        ("environment", pa.string()),
        ("level", pa.float64()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("n_pairs", pa.int64()),
        ("n_speakers", pa.int64()),
        ("absolute", pa.float64()),
        ("absolute_low", pa.float64()),
        ("absolute_high", pa.float64()),
        ("absolute_p", pa.float64()),
        ("ratio", pa.float64()),
        ("ratio_low", pa.float64()),
        ("ratio_high", pa.float64()),
        ("ratio_p", pa.float64()),
        ("fixed_effects_ratio", pa.float64()),
        ("fixed_effects_low", pa.float64()),
        ("fixed_effects_high", pa.float64()),
        ("p", pa.float64()),
        ("p_adjusted", pa.float64()),
        ("family", pa.string()),
        ("needed_speakers", pa.int64()),
        ("verdict", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)
"""Whether a condition hurts a group more than its baseline: difference in differences on both scales."""

CURVES = pa.schema(
    [
        ("system_id", pa.string()),
        ("environment", pa.string()),
        ("normalizer", pa.string()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("measure", pa.string()),
        ("at", pa.float64()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("df", pa.float64()),
        ("n_speakers", pa.int64()),
        ("censored", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)
"""Measures over the levels of an environment: isotonic curve, level at a threshold, penalty, area, worst case."""

SENSITIVITY = pa.schema(
    [
        ("system_id", pa.string()),
        ("condition_id", pa.string()),
        ("normalizer", pa.string()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("n_pairs", pa.int64()),
        ("n_speakers", pa.int64()),
        ("sensitivity", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("floor", pa.float64()),
        ("difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("p", pa.float64()),
        ("flags", pa.list_(pa.string())),
    ]
)
"""How far transcripts move when the sound is changed, without references; the floor is already subtracted."""

REALITY = pa.schema(
    [
        ("system_id", pa.string()),
        ("normalizer", pa.string()),
        ("simulated", pa.string()),
        ("real", pa.string()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("n_speakers", pa.int64()),
        ("simulated_wer", pa.float64()),
        ("real_wer", pa.float64()),
        ("wer_difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("wer_ratio", pa.float64()),
        ("ratio_low", pa.float64()),
        ("ratio_high", pa.float64()),
        ("margin", pa.float64()),
        ("verdict", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)
"""Whether a simulated room does what the real one does: `alike`, `differs` or `cannot tell`."""

PROBES = pa.schema(
    [
        ("system_id", pa.string()),
        ("condition_id", pa.string()),
        ("probe", pa.string()),
        ("n_probes", pa.int64()),
        ("n_failed", pa.int64()),
        ("hours", pa.float64()),
        ("n_words", pa.int64()),
        ("words_per_hour", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("share_with_words", pa.float64()),
        ("examples", pa.list_(pa.string())),
    ]
)
"""What a system writes when nobody speaks."""

REPEATS = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("n_repeats", pa.int64()),
        ("n_utterances", pa.int64()),
        ("n_failed", pa.int64()),
        ("n_speakers", pa.int64()),
        ("n_ref_words", pa.int64()),
        ("wers", pa.list_(pa.float64())),
        ("wer_mean", pa.float64()),
        ("wer_min", pa.float64()),
        ("wer_max", pa.float64()),
        ("wer_sd", pa.float64()),
        ("share_changed", pa.float64()),
        ("gap", pa.float64()),
        ("gap_sd", pa.float64()),
        ("gap_sd_share", pa.float64()),
        ("half_width", pa.float64()),
        ("half_width_share", pa.float64()),
        ("flags", pa.list_(pa.string())),
    ]
)
"""How far the rates and the gaps of a system move when it is asked again, over what was transcribed every time."""

COLLECT_NEXT = pa.schema(
    [
        *_CELL,
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("rank", pa.int64()),
        ("n_speakers", pa.int64()),
        ("needed_speakers", pa.int64()),
        ("possible_gap", pa.float64()),
        ("reason", pa.string()),
    ]
)
"""The group x condition cells where more speakers would teach most."""

ERROR_COUNTS = pa.schema(
    [("hits", pa.int32()), ("substitutions", pa.int32()), ("deletions", pa.int32()), ("insertions", pa.int32())]
)

COMPARISON = pa.schema(
    [
        ("condition_id", pa.string()),
        ("normalizer", pa.string()),
        ("attribute", pa.string()),
        ("group", pa.string()),
        ("baseline", pa.string()),
        ("n_pairs", pa.int64()),
        ("n_speakers", pa.int64()),
        ("n_ref_words", pa.int64()),
        ("old_wer", pa.float64()),
        ("wer", pa.float64()),
        ("wer_difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("wer_ratio", pa.float64()),
        ("ratio_low", pa.float64()),
        ("ratio_high", pa.float64()),
        ("p", pa.float64()),
        ("p_adjusted", pa.float64()),
        ("df", pa.float64()),
        ("verdict", pa.string()),
        ("gap_change", pa.float64()),
        ("gap_change_low", pa.float64()),
        ("gap_change_high", pa.float64()),
        ("gap_ratio", pa.float64()),
        ("gap_ratio_low", pa.float64()),
        ("gap_ratio_high", pa.float64()),
        ("gap_p", pa.float64()),
        ("gap_p_adjusted", pa.float64()),
        ("gap_verdict", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)

SCHEMAS: Mapping[str, pa.Schema] = {
    "manifest": MANIFEST,
    "hypotheses": HYPOTHESES,
    "scores": SCORES,
    "groups": GROUPS,
    "disparities": DISPARITIES,
    "measures": MEASURES,
    "normalizer_gaps": NORMALIZER_GAPS,
    "system_gaps": SYSTEM_GAPS,
    "adjusted": ADJUSTED,
    "matched": MATCHED,
    "error_types": ERROR_TYPES,
    "confusions": CONFUSIONS,
    "harms": HARMS,
    "calibration": CALIBRATION,
    "mixes": MIXES,
    "heard": HEARD,
    "degradation": DEGRADATION,
    "interactions": INTERACTIONS,
    "curves": CURVES,
    "sensitivity": SENSITIVITY,
    "reality": REALITY,
    "probes": PROBES,
    "repeats": REPEATS,
    "collect_next": COLLECT_NEXT,
    "error_counts": ERROR_COUNTS,
    "comparison": COMPARISON,
}

OPEN_ENDED = frozenset({"manifest", "scores"})
"""Tables that have one more column per attribute."""


def check_table(schema: pa.Schema, name: str, place: str) -> None:
    """Hold a table that enters a room to its named schema.

    Args:
        schema: the schema of the table at hand.
        name: key of `SCHEMAS`.
        place: the file it came from, for the message.

    Raises:
        RunFolderError: a column is absent, has another type, or is not part of the contract.
    """
    wanted = SCHEMAS[name]
    faults = []
    for column in wanted:
        index = schema.get_field_index(column.name)
        if index < 0:
            faults.append(f"column {column.name} is absent")
        elif schema.field(index).type != column.type:
            faults.append(f"column {column.name} is {schema.field(index).type}, not {column.type}")
    if name not in OPEN_ENDED:
        faults += [f"column {extra} is unknown" for extra in schema.names if extra not in wanted.names]
    if faults:
        raise RunFolderError(f"{place}: not a {name} table of this version: {'; '.join(faults)}; make it again")


@contextmanager
def readable(path: Path, verb: str) -> Iterator[None]:
    """Say of a file that cannot be read what it is and how to make it again, wherever in it the damage is met.

    Args:
        path: the Parquet file that is read inside.
        verb: what writes it, such as `asrfair score`.

    Raises:
        RunFolderError: it is absent, cannot be opened or is damaged.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise RunFolderError(f"{path}: not there; make it with {verb}") from error
    except (OSError, pa.ArrowException) as error:
        why = " ".join(str(error).split())
        raise RunFolderError(f"{path}: cannot be read or is damaged ({why}); make it again with {verb}") from error


def csv_bytes(table: pa.Table) -> bytes:
    """A table as CSV in UTF-8: numbers in full precision, null as empty, flags joined by `;`.

    Args:
        table: columns of text, numbers or lists of either.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    columns = [column.to_pylist() for column in table.columns]
    for row in zip(*columns, strict=True):
        writer.writerow([";".join(map(str, value)) if isinstance(value, list) else value for value in row])
    return text.getvalue().encode()
