"""The frozen types that cross rooms. No room is imported here, and nothing here does any work beyond its own sums.

Units are in the names; `wer` and `cer` are fractions; undefined is `None`, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLEAN = "clean"
"""The `condition_id` of audio as it is."""

MISSING = "missing"
"""The group of utterances that have no value for an attribute: a row of its own in every table, never tested."""

PROBE_S = 10.0
"""Length in seconds of a probe: silence, to see what is written when nobody speaks."""

ALL = "all"
"""The attribute (and its one group) that stands for every utterance."""

REST = "rest"
"""The baseline of a group that is compared with everybody outside it."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One row of a manifest.

    Attributes:
        utterance_id: unique in the manifest.
        audio: path relative to the manifest's folder, or URI; None where only transcripts are scored.
        offset_s: start of the segment in the audio, seconds; None for the start of the file.
        duration_s: length of the segment in seconds; None for "to the end".
        references: what was said; one or more accepted wordings, at least one, possibly an empty string (non-speech).
        language: BCP 47 tag.
        speaker_id: who spoke; None where it is not known.
        attributes: attribute -> its values (several where the utterance counts in several groups); missing is absent.
        audio_sha256: hex digest of the audio file that the manifest promises, if it does.
        prompt_id: what the speaker was asked to say, where prompts were used.
    """

    utterance_id: str
    audio: str | None
    offset_s: float | None
    duration_s: float | None
    references: tuple[str, ...]
    language: str | None
    speaker_id: str | None
    attributes: Mapping[str, tuple[str, ...]]
    audio_sha256: str | None = None
    prompt_id: str | None = None


@dataclass(frozen=True, slots=True)
class Waveform:
    """Mono audio in memory.

    Attributes:
        samples: float32, shape (n,), in [-1, 1].
        sample_rate_hz: samples per second.
    """

    samples: NDArray[np.float32]
    sample_rate_hz: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class Condition:
    """What the audio goes through before the engine hears it: nothing (clean), or an environment at a level.

    Attributes:
        environment: name of the environment; None for clean.
        level: its level with unit, e.g. `5dB`; None for clean or an environment without levels.
        seed: the run's seed, from which every draw under this condition follows.
    """

    environment: str | None = None
    level: str | None = None
    seed: int = 0

    @property
    def condition_id(self) -> str:
        """`clean`, `mri-room` or `mri-room@5dB`."""
        if self.environment is None:
            return CLEAN
        return self.environment if self.level is None else f"{self.environment}@{self.level}"


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word with its time in the utterance (seconds) and confidence (0 to 1), where the engine says."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that an engine returns for one waveform.

    Attributes:
        text: what was recognised; an empty string means that nothing was, never that something failed.
        words: the words, where the engine gives them.
        latency_s: seconds the engine itself needed, where it knows better than a clock around the call.
    """

    text: str
    words: tuple[Word, ...] | None = None
    latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What was tested: everything that changes the output. Part of the cache key and printed on the card.

    Attributes:
        name: the engine.
        version: of the engine and its model.
        options: every option with its value, defaults included, digests in place of files.
        deterministic: false if the same input may give another text (sampling).
    """

    name: str
    version: str
    options: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    deterministic: bool = True


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One row of the hypotheses store: system x condition x utterance, failures included.

    Attributes:
        system_id: the system under test, as it was named for this run.
        condition_id: `clean` or an environment at a level.
        utterance_id: which utterance.
        key: hex digest of audio content + segment + condition + everything in `describe()`.
        status: `ok` or `failed`.
        text: None if failed; an empty string is a real (empty) transcript.
        error: None if ok; else `KIND: what happened`. KIND is audio, missing (nothing to ask for); engine, refused,
            denied, malformed, empty, memory (the engine cannot); rate_limit, server, timeout, connection, transient,
            crash (it may another time); stopped, budget (it was not asked).
        words: where the engine gives them.
        latency_s: engine seconds for this utterance, without retries and start-up.
        audio_sha256: hex digest of the audio file's bytes.
    """

    system_id: str
    condition_id: str
    utterance_id: str
    key: str
    status: str
    text: str | None = None
    error: str | None = None
    words: Sequence[Word] | None = None
    latency_s: float | None = None
    audio_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Mix:
    """What a system heard under a condition other than clean: one row of `tables.MIXES`.

    Attributes:
        system_id, condition_id, utterance_id, key: of the hypothesis that was made from it.
        sample_rate_hz: of the mix.
        duration_s: of the mix, seconds.
        speech_dbfs: active speech level when the first noise came to it; None without noise or without speech.
        activity: share of the time with speech (0 to 1); None with speech_dbfs.
        snr_asked_db, snr_db, noise_dbfs, pieces: of every noise step, in order: asked for, measured on the samples of
            the mix, level, and which piece of a recording.
        gain_db: by how much the mix was turned down as a whole so that it does not clip.
        notes: what a listener should know.
        mix_sha256: hex digest of the float32 samples that the system heard, little endian.
    """

    system_id: str
    condition_id: str
    utterance_id: str
    key: str
    sample_rate_hz: int
    duration_s: float
    speech_dbfs: float | None
    activity: float | None
    snr_asked_db: Sequence[float]
    snr_db: Sequence[float | None]
    noise_dbfs: Sequence[float | None]
    pieces: Sequence[int | None]
    gain_db: float
    notes: Sequence[str]
    mix_sha256: str


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Counts of one alignment or of many: add them in any order, divide last.

    >>> (ErrorCounts(hits=5) + ErrorCounts(substitutions=1)).wer
    0.16666666666666666
    >>> ErrorCounts(insertions=3).wer is None
    True
    """

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: ErrorCounts) -> ErrorCounts:
        return ErrorCounts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        """S + D + I."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def n_ref_words(self) -> int:
        """H + S + D."""
        return self.hits + self.substitutions + self.deletions

    @property
    def n_hyp_words(self) -> int:
        """H + S + I."""
        return self.hits + self.substitutions + self.insertions

    @property
    def wer(self) -> float | None:
        """(S+D+I)/(H+S+D), a fraction that can exceed 1; None without reference words."""
        return self.errors / self.n_ref_words if self.n_ref_words else None

    @property
    def mer(self) -> float | None:
        """Match error rate (S+D+I)/(H+S+D+I) (Morris, Maier & Green 2004); None if there is nothing on either side."""
        total = self.errors + self.hits
        return self.errors / total if total else None

    @property
    def wil(self) -> float | None:
        """Word information lost 1 - (H/N_ref)(H/N_hyp) (Morris, Maier & Green 2004); None if both sides are empty."""
        if not self.n_ref_words and not self.n_hyp_words:
            return None
        if not self.n_ref_words or not self.n_hyp_words:
            return 1.0
        return 1.0 - (self.hits / self.n_ref_words) * (self.hits / self.n_hyp_words)


@dataclass(frozen=True, slots=True)
class Total:
    """All utterances of one system, condition and normaliser.

    Attributes:
        system_id, condition_id, normalizer: which.
        n_utterances: rows, failures included.
        n_failed: rows without a transcript; they are in no count.
        counts: summed error counts; WER, MER and WIL follow from them.
        cer: character error rate from summed counts, a fraction; None without reference characters.
    """

    system_id: str
    condition_id: str
    normalizer: str
    n_utterances: int
    n_failed: int
    counts: ErrorCounts
    cer: float | None


@dataclass(frozen=True, slots=True)
class GroupInterval:
    """The word error rate of one group with its interval (METHODS 0 and 2: log scale, jackknife, Satterthwaite).

    Attributes:
        wer: pooled rate, sum of errors / sum of words; None without reference words.
        low, high: the confidence interval; None where it cannot be estimated.
        se: jackknife standard error on the rate scale; None where it cannot be estimated.
        df: Satterthwaite degrees of freedom; None where they cannot be estimated.
        n_speakers: how many speakers it rests on.
        confidence: nominal level of the interval.
    """

    wer: float | None
    low: float | None
    high: float | None
    se: float | None
    df: float | None
    n_speakers: int
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class GroupResult:
    """One group of one attribute, for one system, condition and normaliser: a row of `groups.parquet`.

    Attributes:
        attribute: e.g. `accent`, `accent*gender` or `all`.
        group: e.g. `Scottish`, `Scottish*female` or `all`.
        n_utterances: rows in the group, failures included.
        n_failed: rows without a transcript; they are in no count and no rate.
        n_speakers: speakers of the transcribed rows; None where speakers are not known.
        counts: summed error counts; None if suppressed.
        interval: pooled rate and interval; its members are None where suppressed or not estimable.
        wer_macro: mean of the speakers' rates (a random speaker's WER).
        cer: character error rate from summed counts.
        flags: machine-readable, from the policy table of METHODS section 0.
    """

    attribute: str
    group: str
    n_utterances: int
    n_failed: int
    n_speakers: int | None
    n_ref_words: int
    counts: ErrorCounts | None
    interval: GroupInterval | None
    wer_macro: float | None
    cer: float | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disparity:
    """Group A against group B (or against the rest).

    Attributes:
        wer_a, wer_b: pooled rates.
        difference, difference_low, difference_high: wer_a - wer_b with its interval (MOVER, Zou & Donner 2008).
        ratio, ratio_low, ratio_high: wer_a / wer_b with its interval (log scale).
        p: two-sided, from the log ratio; None where it cannot be estimated.
        df: degrees of freedom of that test.
        se_log: standard error of log(ratio).
        mde_ratio: smallest ratio that this design shows with 80 % power at 5 %; None where it cannot be estimated.
        paired: true if speakers are shared between A and B, so that the within-speaker contrast was used.
        confidence: nominal level of the intervals.
    """

    wer_a: float | None
    wer_b: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    p: float | None
    df: float | None
    se_log: float | None
    mde_ratio: float | None
    paired: bool = False
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """What the speakers of one group can show against their baseline.

    Attributes:
        attribute, group, baseline: which; the baseline is a group or `rest`.
        n_speakers, baseline_speakers: how many there are.
        words_per_speaker: reference words, on average; None without speakers.
        mde_ratio: smallest ratio that they show with 80 % power; None where speakers are on both sides (compared
            within speakers, which shows smaller gaps) or fewer than two.
        ratio: the gap that was planned for.
        needed_speakers: speakers of each group that show it; None beyond a million.
        shared: whether speakers are on both sides.
    """

    attribute: str
    group: str
    baseline: str
    n_speakers: int
    baseline_speakers: int
    words_per_speaker: float | None
    mde_ratio: float | None
    ratio: float
    needed_speakers: int | None
    shared: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan assumes and finds.

    Attributes:
        wer: the word error rate that is assumed, a fraction.
        words: reference words per speaker; None for a manifest, where each group has its own.
        sigma, phi, cv: spread of speakers (see `stats.planning`).
        power, alpha: of each test, alpha already divided by the number of comparisons.
        ratios: the gaps that were planned for.
        speakers: speakers of each group for each of the ratios (None beyond a million); empty for a manifest.
        enough_words: words per speaker at which both parts of the variance are equal; None without spread.
        groups: what a manifest can show, group by group.
        measured: whether rate and spread were measured on a run.
    """

    wer: float
    words: float | None
    sigma: float
    phi: float
    cv: float
    power: float
    alpha: float
    ratios: tuple[float, ...]
    speakers: tuple[int | None, ...] = ()
    enough_words: float | None = None
    groups: tuple[PlannedGroup, ...] = ()
    measured: bool = False
