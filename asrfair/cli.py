"""The command line: verbs that parse, call `pipeline` and print. Results go to stdout, talk to stderr; no logic here.

Exit codes: 0 done; 1 a gate failed; 2 bad input or usage; 3 cannot tell; 4 too many failed utterances;
130 stopped by Ctrl-C, with what was finished kept.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from asrfair import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from asrfair.pipeline import Outcome
    from asrfair.progress import Progress

BAD_INPUT = 2
TOO_MANY_FAILED = 4
INTERRUPTED = 130


class _Group(click.Group):
    """A group whose verbs turn bad input into exit code 2 and one clear message."""

    def invoke(self, ctx: click.Context) -> Any:
        from asrfair.errors import InputError

        try:
            return super().invoke(ctx)
        except InputError as error:
            click.echo(f"asrfair: {error}", err=True)
            ctx.exit(BAD_INPUT)
        except KeyboardInterrupt:
            click.echo("asrfair: stopped", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except OSError as error:  # A full disk, a folder without permission: nothing that a trace would explain.
            click.echo(f"asrfair: {error}", err=True)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # What could not be written stays so.
            ctx.exit(BAD_INPUT)


def _several(*names: str, **kwargs: Any) -> Callable[[Any], Any]:
    """An option that may be given several times."""
    return click.option(*names, multiple=True, **kwargs)


_OUT = click.option("--out", required=True, metavar="RUN", help="Folder of the run; made if absent.")
_HYPOTHESES = _several(
    "--hypotheses", metavar="NAME=FILE", help="Transcripts made elsewhere: JSONL, CSV, TSV or sclite trn."
)
_NORMALIZERS = _several("--normalizer", metavar="N", help="whisper-en, minimal, none; the first is the headline.")
_COSTS = click.option("--costs", type=click.Choice(["levenshtein", "sclite"]), default="levenshtein", show_default=True)
_BY = _several("--by", metavar="ATTR|A*B", help="Attribute or intersection; every attribute unless given.")
_BASELINE = _several(
    "--baseline", metavar="ATTR=GROUP", help="Compare with this group instead of the manifest's choice."
)
_K = click.option(
    "--k", type=int, default=5, show_default=True, metavar="K", help="Publish groups of K speakers or more."
)
_LIMIT = click.option("--limit", type=click.IntRange(min=1), metavar="N", help="A seeded sample, stratified by group.")
_SEED = click.option("--seed", type=int, default=0, show_default=True, help="Of the sample and of the noise.")
_WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Parallel workers; one a core unless given."
)
_MAX_FAILED = click.option(
    "--max-failed",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    metavar="SHARE",
    help="Exit with 4 if more than this share of the utterances failed.",
)


def _analysis(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of an analysis."""
    for option in reversed(_ANALYSIS):
        command = option(command)
    return command


_ANALYSIS = (
    _BY,
    _BASELINE,
    _several("--adjust", metavar="ATTR", help="Hold these equal in a model beside the total disparities."),
    click.option("--deep", is_flag=True, help="Also measure utterance by utterance, and read the transcripts."),
    click.option("--terms", metavar="FILE", help="With --deep: words or phrases whose recall is told by group."),
    _several("--confirm", metavar="ATTR", help="These in clean audio are one family (Holm); screen the rest."),
    click.option(
        "--screening",
        type=click.Choice(["bh", "by", "two-stage", "holm", "max-t"]),
        help="Adjust what is not confirmatory so, behind the omnibus test.",
    ),
    click.option(
        "--empty-ref",
        type=click.Choice(["count", "separate"]),
        default="count",
        show_default=True,
        help="Words written where nothing was said: errors of the group, or told apart.",
    ),
    click.option(
        "--design-effect",
        type=float,
        metavar="D",
        help="Where speakers are not known: give intervals, with D times the variance of independent utterances.",
    ),
    click.option(
        "--threshold",
        type=float,
        default=0.3,
        show_default=True,
        metavar="RATE",
        help="The word error rate at which the levels of a noise are told.",
    ),
    _several("--real", metavar="SIM=REAL", help="Compare a condition with another, or with ATTR=GROUP: the real room."),
    click.option("--difficulty", metavar="FILE", help="CSV condition_id,difficulty: also tell WERD by difficulty."),
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="asrfair")
def main() -> None:
    """For whom, and in which room, does this speech recogniser fail?

    A run is a folder: transcribe fills it, score, analyze and report read it. demo and audit do it all at once.
    """


@main.command()
@click.option("--out", default="runs/demo", show_default=True, metavar="RUN", help="Folder of the run.")
@click.option("--quick", is_flag=True, help="Fewer voices and sentences: under a minute.")
@_WORKERS
def demo(out: str, quick: bool, workers: int | None) -> None:
    """The whole way on voices synthesised on the spot, with the embedded engine."""
    pipeline = _pipeline()

    click.echo("Synthesising voices. They are no evidence about people; they show what an audit looks like.", err=True)
    with _progress() as progress:
        outcome = pipeline.demo(out, quick=quick, workers=workers, progress=progress)
    _finish(outcome, 0.05)


@main.command()
@click.argument("manifest")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def check(manifest: str, as_json: bool) -> None:
    """Validate a manifest and its audio, and show who is in it."""
    pipeline = _pipeline()

    checked = pipeline.check(manifest)
    for fault in () if as_json else checked.faults:
        click.echo(f"{'warning: ' if fault.warning else ''}{fault}", err=True)
    click.echo(checked.as_json() if as_json else checked.as_text())
    sys.exit(BAD_INPUT if checked.is_faulty else 0)


def _transcription(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a transcription, besides what is to be transcribed."""
    for option in reversed(_TRANSCRIPTION):
        command = option(command)
    return command


_DRY_RUN = click.option("--dry-run", is_flag=True, help="Tell requests, minutes and cost by system; ask for nothing.")

_TRANSCRIPTION = (
    _WORKERS,
    click.option("--gpus", type=click.IntRange(min=1), metavar="N", help="One engine process on each of N GPUs; all."),
    click.option(
        "--executor", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where workers run."
    ),
    click.option("--address", metavar="HOST:PORT", help="Of the Ray cluster; begun on this machine unless given."),
    click.option("--retries", type=click.IntRange(min=0), default=4, show_default=True, help="Of what may pass."),
    click.option("--timeout", "timeout_s", type=float, default=300.0, show_default=True, help="Seconds for one call."),
    click.option("--retry-failed", is_flag=True, help="Try again what failed for good before."),
    click.option(
        "--breaker",
        type=click.IntRange(min=1),
        default=25,
        show_default=True,
        metavar="N",
        help="Stop a system after N failures in a row.",
    ),
    click.option(
        "--budget", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Stop before this is exceeded."
    ),
    click.option("--prices", metavar="FILE", help="A price table of your own; asrfair's is dated."),
    click.option(
        "--probes",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="N",
        help="Also hear ten seconds in which nobody speaks, N times under each condition.",
    ),
    click.option(
        "--repeats",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="K",
        help="Ask K times, to see whether a system says the same.",
    ),
)


@main.command()
@click.argument("manifest")
@_several(
    "--system",
    "systems",
    required=True,
    metavar="NAME[,k=v...]",
    help="Engine with options; id=... names it, concurrency=... and requests_per_s=... pace it.",
)
@_several("--condition", "conditions", default=["clean"], metavar="clean|ENV@LEVEL", help="What the engine hears.")
@_OUT
@_LIMIT
@_SEED
@_transcription
@click.option("--save-audio", is_flag=True, help="Keep what is heard now, to listen to, in RUN/audio.")
@click.option(
    "--store", metavar="URL", help="Keep the hypotheses there, such as s3://bucket/prefix; in RUN by default."
)
@_DRY_RUN
@_MAX_FAILED
def transcribe(manifest: str, out: str, max_failed: float, dry_run: bool, **options: Any) -> None:
    """Transcribe a manifest; run it again and it continues."""
    pipeline = _pipeline()

    if dry_run:
        del options["save_audio"], options["store"]
        click.echo(pipeline.dry_run(manifest, out, **options))
        return
    with _progress() as progress:
        outcome = pipeline.transcribe(manifest, out, progress=progress, **options)
    _finish(outcome, max_failed)


@main.command()
@click.argument("run")
@_HYPOTHESES
@click.option("--out", metavar="RUN", help="Folder of the run, with --hypotheses.")
@_NORMALIZERS
@_COSTS
@_MAX_FAILED
def score(run: str, hypotheses: tuple[str, ...], out: str | None, max_failed: float, **options: Any) -> None:
    """Count errors: score RUN, or score MANIFEST --hypotheses NAME=FILE --out RUN."""
    pipeline = _pipeline()

    if hypotheses:
        if out is None:
            raise click.UsageError("--hypotheses needs --out RUN, the folder to write")
        pipeline.ingest(run, _files(hypotheses), out)
        run = out
    elif out is not None:
        raise click.UsageError("--out goes with --hypotheses; score RUN writes into RUN")
    _finish(pipeline.score(run, **options), max_failed)


@main.command()
@click.argument("run")
@_analysis
def analyze(run: str, **options: Any) -> None:
    """Rates, intervals and disparities by group, from the scores of a run."""
    pipeline = _pipeline()

    click.echo(pipeline.analyze(run, **options).as_text())


@main.command()
@click.argument("run")
@_K
@click.option("--public", is_flag=True, help="For the public: --k 10.")
def report(run: str, k: int, public: bool) -> None:
    """Write the service card (card.json, card.md) and the page (report.html) of a run."""
    pipeline = _pipeline()

    for path in pipeline.report(run, k=max(k, 10) if public else k):
        click.echo(path)


@main.command()
@click.argument("manifest")
@_several("--hypotheses", required=True, metavar="NAME=FILE", help="Transcripts made elsewhere: JSONL, CSV, TSV, trn.")
@_OUT
@_NORMALIZERS
@_COSTS
@_analysis
@_K
@_MAX_FAILED
def audit(manifest: str, hypotheses: tuple[str, ...], out: str, max_failed: float, **options: Any) -> None:
    """Score, analyze and report in one, for transcripts made elsewhere."""
    pipeline = _pipeline()

    made = pipeline.audit(manifest, _files(hypotheses), out=out, **options)
    _finish(made.outcome(max_failed=max_failed), max_failed)


@main.command()
@click.argument("config")
@_LIMIT
@_DRY_RUN
def run(config: str, limit: int | None, dry_run: bool) -> None:
    """Everything from one TOML file; run it again and it continues."""
    pipeline = _pipeline()

    if dry_run:
        click.echo(pipeline.estimate(config, limit=limit))
        return
    with _progress() as progress:
        outcome = pipeline.run(config, limit=limit, progress=progress)
    _finish(outcome, outcome.max_failed)


@main.command()
@click.argument("target", required=False, metavar="[MANIFEST|RUN]")
@click.option("--wer", type=float, metavar="RATE", help="Word error rate expected, 0.15 for 15 %.")
@click.option("--words", type=float, metavar="N", help="Reference words of each speaker.")
@click.option("--ratio", type=float, metavar="R", help="The gap to show; 1.25, 1.5 and 2 unless given.")
@click.option("--sigma", type=float, help="Spread of the speakers' log rates; 0.5 unless measured.")
@click.option("--phi", type=float, help="Dispersion of errors within a speaker; 2 unless measured.")
@click.option("--cv", type=float, help="Variation of the words per speaker; 0.5 unless measured.")
@click.option("--power", type=float, default=0.8, show_default=True, help="The chance to show the gap.")
@click.option("--alpha", type=float, default=0.05, show_default=True, help="Level of all comparisons together.")
@click.option("--comparisons", type=int, default=1, show_default=True, metavar="N", help="How many there will be.")
def plan(target: str | None, **options: Any) -> None:
    """How many speakers a gap takes: plan --wer 0.15 --words 500; or what those of a manifest or a run can show."""
    pipeline = _pipeline()

    click.echo(pipeline.plan_text(pipeline.plan(target, **options)))


@main.command()
@click.argument("recordings", nargs=-1, required=True, metavar="RECORDING...")
@click.option("--out", required=True, metavar="FOLDER", help="Where the environment and its pictures go.")
@click.option("--name", metavar="NAME", help="Of the environment; from the first file unless given.")
@click.option("--seconds", type=float, default=60.0, show_default=True, help="Length of the synthesis.")
@click.option("--rate", "rate_hz", type=int, metavar="HZ", help="Its sample rate; the recording's unless given.")
@click.option("--no-wav", is_flag=True, help="Do not write the synthesis as a WAV file.")
@click.option("--with-recording", is_flag=True, help="Also write an environment of the recording itself, with a copy.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@_SEED
def profile(recordings: tuple[str, ...], no_wav: bool, as_json: bool, **options: Any) -> None:
    """Make an environment of recordings of one room, without speech: a minute is good."""
    pipeline = _pipeline("profile")

    made = pipeline.profile(recordings, synthesise_wav=not no_wav, **options)
    click.echo(made.as_json() if as_json else made.as_text())


@main.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def systems(name: str | None, as_json: bool) -> None:
    """The engines there are, with what each needs, takes and costs; or one of them, with all its prices."""
    pipeline = _pipeline()

    found = pipeline.systems(name)
    click.echo(found.as_json() if as_json else found.as_text())


@main.command()
@click.argument("condition", required=False, metavar="[ENV@LEVEL]")
@click.option("--wav", metavar="FILE", help="Write what ENV@LEVEL sounds like when nobody speaks.")
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=30.0, show_default=True, help="Its length.")
@click.option("--rate", "rate_hz", type=click.IntRange(4000, 192_000), default=16_000, show_default=True, metavar="HZ")
@_SEED
def environments(condition: str | None, wav: str | None, **options: Any) -> None:
    """The environments there are, with their levels; or one of them to listen to, with --wav."""
    if (condition is None) != (wav is None):
        raise click.UsageError("ENV@LEVEL and --wav FILE go together; without both, the environments are listed")
    pipeline = _pipeline()

    click.echo(pipeline.environments() if wav is None else pipeline.listen(condition, wav, **options))


def _pipeline(part: str = "") -> ModuleType:
    """The verbs, or a part of them; loaded when one is called, because they need numpy and pyarrow."""
    import importlib

    from asrfair.startup import keep_pandas_out

    keep_pandas_out()
    return importlib.import_module(f"asrfair.pipeline.{part}" if part else "asrfair.pipeline")


def _files(hypotheses: tuple[str, ...]) -> dict[str, str]:
    """`NAME=FILE` texts as a mapping."""
    from asrfair.config import parse_pair

    pairs = [parse_pair(text, "--hypotheses", "NAME=FILE, such as engine=transcripts.jsonl") for text in hypotheses]
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise click.UsageError(f"--hypotheses: two files are called {name!r}; give each system its own name")
    return dict(pairs)


def _progress() -> Progress:
    """How far a run is, on stderr."""
    from asrfair.progress import Progress

    return Progress()


def _finish(outcome: Outcome, max_failed: float) -> None:
    """Print what came out, and leave with 4 if too much failed, or with 130 if it was stopped."""
    for name, n in outcome.strangers.items():
        click.echo(
            f"asrfair: warning: {n} transcripts of {name} are of no utterance of the manifest: not used", err=True
        )
    click.echo(outcome.text)
    if outcome.interrupted:
        click.echo("asrfair: stopped; what was finished is kept, and the same command continues", err=True)
        sys.exit(INTERRUPTED)
    if outcome.failed_share > max_failed:
        click.echo(outcome.failures_text(), err=True)
        click.echo(
            f"asrfair: {outcome.n_failed} of {outcome.n_rows} utterances failed, more than {max_failed:.1%}", err=True
        )
        sys.exit(TOO_MANY_FAILED)


if __name__ == "__main__":
    main()
