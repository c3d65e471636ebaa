"""The part of analyze that reads transcripts: what the errors are, other harms than errors, and confidences.

It takes the hypotheses of one system and condition at a time, with the headline normaliser, and leaves out utterances
whose speaker is not known. Of several references that with the fewest errors counts, as in the scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asrfair.errors import InputError
from asrfair.manifest import Attribute
from asrfair.pipeline.harm_rows import calibration_rows, harm_rows, type_rows
from asrfair.pipeline.joints import check_confidences, group_columns
from asrfair.scoring import Normalizer, count_errors, find_normalizer
from asrfair.scoring.confidences import WordConfidences, word_confidences
from asrfair.scoring.events import error_events, words_in_runs
from asrfair.scoring.keywords import keyword_counts
from asrfair.stats.errors_by_group import ErrorWords, confusions
from asrfair.stats.multiplicity import holm
from asrfair.stats.policy import BASELINE_PREFIX, SUPPRESSED, verdict
from asrfair.stats.rates import Sums
from asrfair.stats.sides import Rows
from asrfair.store import read_hypotheses
from asrfair.tables import CALIBRATION, CONFUSIONS, ERROR_TYPES, HARMS

SCHEMAS = {"error_types": ERROR_TYPES, "confusions": CONFUSIONS, "harms": HARMS, "calibration": CALIBRATION}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a run's texts are compared by.

    Attributes:
        utterances: the manifest's rows of the run whose speaker is known.
        attributes: attribute -> the group of each row, null where missing.
        baselines: attribute -> the group to compare with.
        normalizer: name of the headline normaliser.
        costs: of the alignment.
        language: BCP 47, of the manifest.
        terms: words or phrases whose recall is asked for.
        empty_ref: whether words written where nothing was said are errors of a gap (`count`) or not (`separate`).
    """

    utterances: pa.Table
    attributes: Mapping[str, Sequence[str | None]]
    baselines: Mapping[str, str]
    normalizer: str
    costs: str
    language: str
    terms: Sequence[str] = ()
    empty_ref: str = "count"


def read_terms(path: Path) -> list[str]:
    """Terms from a text file, one a line; `#` begins a comment.

    Raises:
        InputError: the file cannot be read, or holds no term.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--terms {path}: cannot be read as text in UTF-8: {error}") from error
    found = [line.partition("#")[0].strip() for line in lines]
    if not any(found):
        raise InputError(f"--terms {path}: no term; give one a line")
    return list(dict.fromkeys(filter(None, found)))


def spoken_of(rows: pa.Table, attributes: Mapping[str, Attribute], specs: Sequence[str], **options: Any) -> Spoken:
    """The utterances with a speaker, and their groups in every single attribute that is analysed."""
    known = rows.filter(pc.is_valid(rows["speaker_id"]))
    columns = group_columns(known, {name: attributes[name] for name in specs if "*" not in name})
    return Spoken(known, {name: column.to_pylist() for name, column in columns.items()}, **options)


def text_tables(folder: Path, places: Sequence[tuple[str, str]], spoken: Spoken) -> dict[str, pa.Table]:
    """The tables of everything that texts tell.

    Args:
        folder: the run folder.
        places: system and condition of every cell.
        spoken: what was said, by whom.

    Raises:
        InputError: a term that normalises to nothing, or to the same as another.
    """
    rows: dict[str, list[Row]] = {name: [] for name in SCHEMAS}
    for place in places:
        cell = dict(zip(("system_id", "condition_id"), place, strict=True)) | {"normalizer": spoken.normalizer}
        heard = _Heard(spoken, read_hypotheses(folder, system_id=place[0], condition_id=place[1]))
        harms: list[Row] = []
        for attribute in spoken.attributes:
            base = cell | {"attribute": attribute}
            rows["error_types"] += (base | row for row in heard.error_types(attribute))
            rows["confusions"] += (base | row for row in heard.confusions(attribute))
            harms += (base | row for row in heard.harms(attribute))
            rows["calibration"] += (base | row for row in heard.calibration(attribute))
        rows["harms"] += _judged(harms)
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def _judged(rows: list[Row]) -> list[Row]:
    """Rows with p adjusted by Holm over all harms and groups of a cell, and a verdict."""
    adjusted = holm([row["p"] for row in rows])
    return [
        row | {"p_adjusted": p, "verdict": None if row["group"] == row["baseline"] else _verdict(row, p)}
        for row, p in zip(rows, adjusted, strict=True)
    ]


def _verdict(row: Row, p_adjusted: float | None) -> str:
    """What may be said of one harm of one group."""
    hidden = not {SUPPRESSED, BASELINE_PREFIX + SUPPRESSED}.isdisjoint(row["flags"])
    return verdict(row["ratio"], p_adjusted, suppressed=hidden)


class _Heard:
    """The transcripts of one system under one condition, beside what was said."""

    def __init__(self, spoken: Spoken, hypotheses: pa.Table) -> None:
        self._spoken = spoken
        where = pc.index_in(spoken.utterances["utterance_id"].combine_chunks(), value_set=hypotheses["utterance_id"])
        found = hypotheses.take(where)
        self._ok = pc.fill_null(pc.equal(found["status"], "ok"), False).to_numpy(zero_copy_only=False)
        self._kept = np.flatnonzero(self._ok)
        self._table = found.take(pa.array(self._kept))
        self._said = spoken.utterances.take(pa.array(self._kept))
        normalizer = find_normalizer(spoken.normalizer)
        self._hypotheses = normalizer.normalize(self._table["text"].to_pylist())
        self._raw = _closest(self._said["references"].to_pylist(), self._hypotheses, normalizer, spoken.costs)
        self._references = normalizer.normalize(self._raw)
        self._counts = count_errors(self._references, self._hypotheses, costs=spoken.costs)
        options = {"costs": spoken.costs, "language": spoken.language.split("-")[0]}
        self._events = error_events(self._references, self._hypotheses, **options)
        self._words = self._sum("hits", "substitutions", "deletions")
        self._confidences = self._word_confidences(normalizer)
        self._terms = self._keywords(normalizer)

    def _sum(self, *names: str) -> Sums:
        found: Sums = np.sum([self._counts[name].to_numpy().astype(np.float64) for name in names], axis=0)
        return found

    def _word_confidences(self, normalizer: Normalizer) -> WordConfidences | None:
        """Confidences of the words, where the engine gives any."""
        if self._table["words"].null_count == len(self._table):
            return None
        words = [
            None if given is None else [(word["text"], word["confidence"]) for word in given]
            for given in self._table["words"].to_pylist()
        ]
        check_confidences(words, self._table)
        found = word_confidences(
            self._raw, self._table["text"].to_pylist(), words, normalizer, costs=self._spoken.costs
        )
        return found if len(found.rows) else None

    def _keywords(self, normalizer: Normalizer) -> tuple[np.ndarray, np.ndarray] | None:
        """Terms found and said in each utterance, if terms were given."""
        if not self._spoken.terms:
            return None
        terms = normalizer.normalize(list(self._spoken.terms))
        try:
            counts = keyword_counts(self._references, self._hypotheses, terms, costs=self._spoken.costs)
        except InputError as error:
            raise InputError(f"--terms, as {self._spoken.normalizer} writes them: {error}") from error
        return counts.by_pair(len(self._references))

    def _rows(self, attribute: str, at: np.ndarray | None = None) -> Rows:
        """Speakers and groups of the transcribed utterances, or of some of all."""
        place = self._kept if at is None else at
        labels = self._spoken.attributes[attribute]
        speakers = self._spoken.utterances["speaker_id"].to_pylist()
        chosen = [labels[i] for i in place.tolist()]
        baseline = self._spoken.baselines.get(attribute)
        there = {name for label in chosen if label for name in label.split("|")}
        return Rows.from_labels(
            [speakers[i] for i in place.tolist()], chosen, baseline=baseline if baseline in there else None
        )

    def error_types(self, attribute: str) -> Iterator[Row]:
        """Where the gap sits: kinds of error, then classes of words."""
        counted = (self._words > 0) | (self._spoken.empty_ref == "count")
        kinds = {n: self._counts[n].to_numpy() * counted for n in ("substitutions", "deletions", "insertions")}
        rows = self._events["row"].to_numpy()
        classes = np.array(self._events["error_class"].to_pylist(), dtype=object)
        by_class = {
            str(name): np.bincount(rows[classes == name], minlength=len(self._references)) * counted
            for name in sorted(set(classes.tolist()))
        }
        yield from type_rows([kinds, by_class], self._words, self._rows(attribute))

    def confusions(self, attribute: str) -> Iterator[Row]:
        """The most frequent confusions of each group that at least three of its speakers met."""
        words = ErrorWords(self._events["row"].to_numpy(), self._events["reference"], self._events["hypothesis"])
        for found in confusions(words, self._words, self._rows(attribute)):
            yield {name: getattr(found, name) for name in CONFUSIONS.names if hasattr(found, name)}

    def harms(self, attribute: str) -> Iterator[Row]:
        """Completion, hallucination, skipped speech, keywords, latency."""
        everyone = self._rows(attribute, np.arange(len(self._ok)))
        latencies = self._table["latency_s"].to_pylist()
        timed = np.array([seconds is not None for seconds in latencies])
        durations = self._said["duration_s"].to_pylist()
        yield from harm_rows(
            (self._ok.astype(float), everyone),
            self._rows(attribute),
            words=self._words,
            insertions=self._counts["insertions"].to_numpy(),
            run_insertions=words_in_runs(self._events, len(self._references), "insertion"),
            run_deletions=words_in_runs(self._events, len(self._references), "deletion"),
            durations=durations,
            keywords=self._terms,
            latencies=None
            if not timed.any()
            else (
                [s for s in latencies if s is not None],
                [d for d, known in zip(durations, timed.tolist(), strict=True) if known],
                self._rows(attribute, self._kept[timed]),
            ),
        )

    def calibration(self, attribute: str) -> Iterator[Row]:
        """What confidences are worth to each group."""
        found = self._confidences
        if found is None:
            return
        rows = self._rows(attribute, self._kept[found.rows])
        yield from calibration_rows(found.confidences, found.correct, rows)


def _closest(
    references: Sequence[Sequence[str]], hypotheses: Sequence[str], normalizer: Normalizer, costs: str
) -> list[str]:
    """Of each utterance's references the one with the fewest errors; of several, the first."""
    chosen = [texts[0] for texts in references]
    for row in (at for at, texts in enumerate(references) if len(texts) > 1):
        wordings = normalizer.normalize(list(references[row]))
        counts = count_errors(wordings, [hypotheses[row]] * len(wordings), costs=costs)
        errors = [sum(counts[name][i].as_py() for name in counts.column_names[1:]) for i in range(len(wordings))]
        chosen[row] = references[row][errors.index(min(errors))]
    return chosen
