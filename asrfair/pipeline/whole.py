"""Several verbs at once, and what there is to choose from."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from asrfair import config as configuration
from asrfair.errors import AudioError, InputError, ManifestError
from asrfair.manifest import coverage, load_manifest
from asrfair.pipeline.analysis import analyze
from asrfair.pipeline.hypotheses import Hypotheses, ingest
from asrfair.pipeline.numbers import check_stated, report, score
from asrfair.pipeline.results import Audit, Checked, Outcome
from asrfair.pipeline.transcribing import Progress, dry_run, transcribe
from asrfair.provenance import read_record
from asrfair.records import CLEAN
from asrfair.stats.suppression import K_EXPORTED

DEMO_ROOMS = ("machine-hum", "babble", "pink-noise")
DEMO_LEVELS = (20, 10, 5, 0)
DEMO_PROBES = 3
QUICK_CONDITIONS = ("machine-hum@10dB", "machine-hum@5dB", "machine-hum@0dB")
"""What the demo is heard in: three environments at four levels, or one at three."""

QUIETEST_DBFS = -80.0
"""What is below is no sound but the idle noise of a codec."""


def check(path: str | Path) -> Checked:
    """Validate a manifest with its audio, and count who is in it."""
    try:
        manifest = load_manifest(path, audio="readable")
    except ManifestError as error:
        return Checked(error.faults, None)
    return Checked(manifest.warnings, coverage(manifest))


def audit(
    manifest: str | Path,
    hypotheses: Hypotheses,
    *,
    out: str | Path | None = None,
    normalizer: Sequence[str] = (),
    costs: str = "levenshtein",
    by: Sequence[str] = (),
    baseline: Sequence[str] | Mapping[str, str] = (),
    k: int = K_EXPORTED,
    card: str | Path | None = None,
    **analysis: Any,
) -> Audit:
    """Score, analyze and report in one, for transcripts made elsewhere: no audio, no engine, no GPU.

    Args:
        manifest: folder or rows file.
        hypotheses: system name -> file (JSONL, CSV, TSV or sclite trn).
        out: the run folder; without one, the tables are returned and no file is kept.
        normalizer: as for `score`.
        costs: as for `score`.
        by: as for `analyze`.
        baseline: as for `analyze`.
        k: as for `report`.
        card: as for `report`.
        **analysis: further options of `analyze`: `deep`, `adjust`, `confirm`, `screening` and so on.

    Raises:
        InputError: anything that cannot be used, with its place and remedy.
    """
    options: dict[str, Any] = {"normalizer": normalizer, "costs": costs, "by": by, "baseline": baseline, "k": k}
    options["card"] = card
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            made = audit(manifest, hypotheses, out=folder, **options, **analysis)
            return replace(made, run_folder=None, files=())
    ingest(manifest, hypotheses, out)
    return from_hypotheses(out, **options, **analysis)


def _transcription(wanted: configuration.RunConfig, limit: int | None) -> dict[str, Any]:
    """What a configuration says of transcribing."""
    names = ("workers", "retries", "timeout_s", "probes", "repeats", "gpus", "budget", "breaker", "executor", "address")
    return {
        "systems": wanted.systems,
        "conditions": wanted.conditions,
        "limit": limit or wanted.limit,
        "seed": wanted.seed,
        "prices": wanted.prices,
        **{name: getattr(wanted, name) for name in names},
    }


def estimate(path: str | Path, *, limit: int | None = None) -> str:
    """What the systems of a configuration would be asked for, and what it would cost; nothing is asked or written.

    Raises:
        InputError: a faulty configuration, or anything that `transcribe` refuses.
    """
    wanted = configuration.load_config(Path(path))
    return dry_run(wanted.manifest, wanted.out, **_transcription(wanted, limit))


def run(path: str | Path, *, limit: int | None = None, progress: Progress | None = None) -> Outcome:
    """Everything from one configuration file; run it again and it continues.

    Raises:
        InputError: a faulty configuration, or anything that one of its verbs refuses.
    """
    wanted = configuration.load_config(Path(path))
    if wanted.hypotheses:
        ingest(wanted.manifest, {spec.name: spec.file for spec in wanted.hypotheses}, wanted.out)
    if wanted.systems:
        how = _transcription(wanted, limit)
        done = transcribe(
            wanted.manifest,
            wanted.out,
            **how,
            save_audio=wanted.save_audio,
            store=wanted.store,
            progress=progress,
        )
        if done.interrupted:
            return done
    made = from_hypotheses(
        wanted.out,
        normalizer=wanted.normalizers,
        costs=wanted.costs,
        k=wanted.k,
        card=wanted.card,
        include={
            "include_transcripts": wanted.include_transcripts,
            "include_audio": wanted.include_audio,
            "include_ids": wanted.include_ids,
        },
        by=wanted.by,
        baseline=wanted.baselines,
        families=wanted.families,
        adjust=wanted.adjust,
        deep=wanted.deep,
        terms=wanted.terms,
        empty_ref=wanted.empty_ref,
        design_effect=wanted.design_effect,
        threshold=wanted.threshold,
        real=wanted.real,
        difficulty=wanted.difficulty,
    )
    return made.outcome(max_failed=wanted.max_failed)


def demo(
    out: str | Path, *, quick: bool = False, workers: int | None = None, progress: Progress | None = None
) -> Outcome:
    """The whole way on voices synthesised on the spot, with the embedded engine.

    Raises:
        MissingExtraError: the parts of the extra `demo` are not installed.
        InputError: the run folder is in use.
    """
    from asrfair.manifest.corpora.demo import GRAMMAR_FILE, build_demo_corpus

    folder = Path(out)
    corpus = build_demo_corpus(folder / ("corpus-quick" if quick else "corpus"), quick=quick)
    system = configuration.SystemSpec(
        engine="pocketsphinx", id="pocketsphinx", options={"grammar": str(corpus / GRAMMAR_FILE)}
    )
    full = tuple(f"{room}@{level}dB" for room in DEMO_ROOMS for level in DEMO_LEVELS)
    conditions = [CLEAN, *(QUICK_CONDITIONS if quick else full)]
    done = transcribe(
        corpus,
        out,
        systems=[system],
        conditions=conditions,
        workers=workers,
        probes=0 if quick else DEMO_PROBES,
        progress=progress,
    )
    return done if done.interrupted else from_hypotheses(out).outcome()


def from_hypotheses(
    out: str | Path,
    *,
    normalizer: Sequence[str] = (),
    costs: str = "levenshtein",
    k: int = K_EXPORTED,
    card: str | Path | None = None,
    include: Mapping[str, bool] | None = None,
    **analysis: Any,
) -> Audit:
    """Score, analyze and report a run that has hypotheses; `analysis` are the options of `analyze`.

    `include` are those options of `report` that let utterances into the page.

    An audit never hangs on one normaliser: where one is given, a second that fits any language is scored beside it.
    """
    check_stated(out, card)
    score(out, normalizer=with_a_second(normalizer), costs=costs)
    made = analyze(out, **analysis)
    files = report(out, k=k, card=card, **(include or {}))
    return replace(made, run=read_record(Path(out)).as_dict(), files=files)


def with_a_second(normalizers: Sequence[str]) -> list[str]:
    """The normalisers of an audit: as given, with `minimal` (or `none`) beside a lone one.

    >>> with_a_second(["whisper-en"]), with_a_second(["minimal+ward.txt"]), with_a_second([])
    (['whisper-en', 'minimal'], ['minimal+ward.txt', 'minimal'], [])
    """
    names = list(normalizers)
    return names if len(names) != 1 else [*names, "none" if names == ["minimal"] else "minimal"]


def environments() -> str:
    """The environments with their levels, and what is missing for those that cannot be used here."""
    from asrfair.stress import available_environments, load_environment

    lines = []
    for name in available_environments():
        found = load_environment(name)
        levels = f" Levels: {', '.join(found.levels)}." if found.levels else ""
        missing = found.missing_libraries()
        needs = f" Not here: needs {', '.join(missing)} (pip install 'asrfair[stress]')." if missing else ""
        lines.append(f"{found.name}: {found.description}{levels}{needs}")
    return "\n".join(lines)


def listen(condition: str, wav: str | Path, *, seconds: float, rate_hz: int, seed: int = 0) -> str:
    """Write what an environment sounds like when nobody speaks, against speech of the nominal level (-26 dBFS).

    Args:
        condition: `ENV@LEVEL`, or `ENV`.
        wav: the file to write, WAV of 16 bits.
        seconds: its length.
        rate_hz: its sample rate.
        seed: of the noise.

    Raises:
        InputError: clean audio, an environment that is made of a manifest's speakers or that only changes speech, a
            file that cannot be written.
    """
    import numpy as np
    import soundfile

    from asrfair.audio import rms_dbfs
    from asrfair.records import Waveform
    from asrfair.stress import Scene, parse_condition

    parsed, environment = parse_condition(condition, seed)
    if environment is None:
        raise InputError("clean audio is silent when nobody speaks; name an environment")
    silence = Waveform(np.zeros(round(seconds * rate_hz), dtype=np.float32), rate_hz)
    try:
        heard = environment.apply(silence, parsed, "listen", Scene("listen", seed=seed, is_speech=False))
        if (rms_dbfs(heard.samples) or -math.inf) < QUIETEST_DBFS:
            raise InputError(
                f"{condition}: makes no sound of its own, so that nothing is heard when nobody speaks; hear it around "
                "speech: asrfair transcribe ... --save-audio"
            )
        Path(wav).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(wav, heard.samples, rate_hz, subtype="PCM_16", format="WAV")
    except (AudioError, OSError, soundfile.LibsndfileError) as error:
        raise InputError(f"{condition}: {error}") from error
    return str(wav)
