"""The command line: verbs that parse, call `pipeline` and print. Results go to stdout, talk to stderr; no logic here.

Exit codes: 0 done; 1 a gate failed; 2 bad input or usage; 3 cannot tell; 4 too many failed utterances;
130 stopped by Ctrl-C, with what was finished kept.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asrfair import __version__
from asrfair.options import (
    BASELINE,
    BY,
    CARD,
    COSTS,
    DRY_RUN,
    HYPOTHESES,
    LIMIT,
    LIMITS,
    MAX_FAILED,
    NORMALIZERS,
    OUT,
    SEED,
    WORKERS,
    K,
    of_analysis,
    of_limits,
    of_transcription,
    several,
)

if TYPE_CHECKING:
    from types import ModuleType

    from asrfair.pipeline import Outcome
    from asrfair.progress import Progress

GATE_FAILED = 1
BAD_INPUT = 2
CANNOT_TELL = 3
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


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="asrfair")
def main() -> None:
    """For whom, and in which room, does this speech recogniser fail?

    A run is a folder: transcribe fills it, score, analyze and report read it. demo and audit do it all at once.
    """


@main.command()
@click.option("--out", default="runs/demo", show_default=True, metavar="RUN", help="Folder of the run.")
@click.option("--quick", is_flag=True, help="Fewer voices and sentences: under a minute.")
@WORKERS
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


@main.command()
@click.argument("manifest")
@several(
    "--system",
    "systems",
    required=True,
    metavar="NAME[,k=v...]",
    help="Engine with options; id=... names it, concurrency=... and requests_per_s=... pace it.",
)
@several("--condition", "conditions", default=["clean"], metavar="clean|ENV@LEVEL", help="What the engine hears.")
@OUT
@LIMIT
@SEED
@of_transcription
@click.option("--save-audio", is_flag=True, help="Keep what is heard now, to listen to, in RUN/audio.")
@click.option(
    "--store", metavar="URL", help="Keep the hypotheses there, such as s3://bucket/prefix; in RUN by default."
)
@DRY_RUN
@MAX_FAILED
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
@HYPOTHESES
@click.option("--out", metavar="RUN", help="Folder of the run, with --hypotheses.")
@NORMALIZERS
@COSTS
@MAX_FAILED
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
@of_analysis
def analyze(run: str, **options: Any) -> None:
    """Rates, intervals and disparities by group, from the scores of a run."""
    pipeline = _pipeline()

    click.echo(pipeline.analyze(run, **options).as_text())


@main.command()
@click.argument("run")
@K
@click.option("--public", is_flag=True, help="For the public: --k 10.")
@CARD
@click.option("--include-transcripts", is_flag=True, help="Show single utterances in the page, aligned word by word.")
@click.option("--include-audio", is_flag=True, help="Let them be heard: with --include-transcripts.")
@click.option("--include-ids", is_flag=True, help="Call them by their names in the manifest.")
def report(run: str, k: int, public: bool, **options: Any) -> None:
    """Write the service card (card.json, card.md, card.html) and the page (report.html) of a run."""
    pipeline = _pipeline()

    for path in pipeline.report(run, k=max(k, 10) if public else k, **options):
        click.echo(path)


@main.command()
@click.argument("manifest")
@several("--hypotheses", required=True, metavar="NAME=FILE", help="Transcripts made elsewhere: JSONL, CSV, TSV, trn.")
@OUT
@NORMALIZERS
@COSTS
@of_analysis
@K
@CARD
@MAX_FAILED
def audit(manifest: str, hypotheses: tuple[str, ...], out: str, max_failed: float, **options: Any) -> None:
    """Score, analyze and report in one, for transcripts made elsewhere."""
    pipeline = _pipeline()

    made = pipeline.audit(manifest, _files(hypotheses), out=out, **options)
    _finish(made.outcome(max_failed=max_failed), max_failed)


@main.command()
@click.argument("config")
@LIMIT
@DRY_RUN
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
@SEED
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
@SEED
def environments(condition: str | None, wav: str | None, **options: Any) -> None:
    """The environments there are, with their levels; or one of them to listen to, with --wav."""
    if (condition is None) != (wav is None):
        raise click.UsageError("ENV@LEVEL and --wav FILE go together; without both, the environments are listed")
    pipeline = _pipeline()

    click.echo(pipeline.environments() if wav is None else pipeline.listen(condition, wav, **options))


@main.command()
@click.argument("old", metavar="OLD[:SYSTEM]")
@click.argument("new", metavar="NEW[:SYSTEM]")
@BY
@BASELINE
@several("--condition", "conditions", metavar="CONDITION", help="Only these; all that both have unless given.")
@K
@click.option("--out", metavar="FOLDER", help="Write comparison.parquet, .csv, .json and .md there.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def compare(old: str, new: str, as_json: bool, baseline: tuple[str, ...], **options: Any) -> None:
    """Two releases, or two systems, on the same people: what got better, and for whom worse."""
    from asrfair.config import parse_pair

    pipeline = _pipeline()
    chosen = dict(parse_pair(text, "--baseline", "ATTR=GROUP, such as accent=us") for text in baseline)
    found = pipeline.compare(old, new, baseline=chosen, **options)
    click.echo(found.as_json() if as_json else found.as_text())


@main.command()
@click.argument("run")
@of_limits
@click.option("--rules", metavar="FILE", help="Rules for some attributes, groups, conditions or systems (TOML).")
@click.option("--against", metavar="RUN[:SYSTEM]", help="The release before.")
@several("--attribute", "attributes", metavar="ATTR", help="Only these attributes, in the limits given here.")
@several("--condition", "conditions", metavar="CONDITION", help="Only these conditions, in the limits given here.")
@K
@click.option("--junit", metavar="FILE", help="Also write JUnit XML.")
@click.option("--github", is_flag=True, help="Also print annotations of GitHub Actions.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def gate(run: str, rules: str | None, junit: str | None, github: bool, as_json: bool, **options: Any) -> None:
    """Stop a release: 0 if every limit is kept, 1 if a violation is shown, 3 if that cannot be told."""
    pipeline = _pipeline()

    limits = {name: limit for name in LIMITS if (limit := options.pop(name)) is not None}
    gated = pipeline.gate_run(run, limits, rules_file=rules, junit=junit, **options)
    if github and (lines := gated.as_annotations()):
        click.echo(lines, err=as_json)
    click.echo(gated.as_json() if as_json else gated.as_text())
    sys.exit({"violated": GATE_FAILED, "cannot tell": CANNOT_TELL}.get(gated.outcome, 0))


@main.command()
@click.argument("run", required=False)
@click.option("--to", metavar="NAME", help="The exporter.")
@several("--option", "pairs", metavar="NAME=VALUE", help="An option of the exporter.")
@click.option("--out", metavar="PATH", help="The file or folder to write; in RUN unless given.")
@click.option("--k", type=int, metavar="K", help="Publish groups of K speakers or more; as the last report, else 5.")
@click.option("--list", "lists", is_flag=True, help="The exporters there are, what they take, what is missing.")
def export(run: str | None, to: str | None, pairs: tuple[str, ...], lists: bool, **options: Any) -> None:
    """Write the published numbers of RUN for another tool."""
    from asrfair.config import parse_pair

    if not lists and (run is None or to is None):
        raise click.UsageError("give RUN and --to NAME, or --list")
    pipeline = _pipeline("exporting")

    if lists:
        click.echo(pipeline.exporters_text())
        return
    chosen = dict(parse_pair(text, "--option", "NAME=VALUE, such as system=engine") for text in pairs)
    for place in pipeline.export(run, to=to, options=chosen, **options):
        click.echo(place)


@main.command()
@click.argument("run")
@click.option("--out", metavar="FOLDER", help="Where to; RUN/figures unless given.")
@several("--format", "formats", default=["svg"], metavar="svg|pdf|png", help="One or several; svg unless given.")
@several("--attribute", "attributes", metavar="ATTR", help="Only these attributes.")
@click.option("--k", type=int, metavar="K", help="Publish groups of K speakers or more; as the last report, else 5.")
def figures(run: str, **options: Any) -> None:
    """Figures for papers: rates, gaps, maps and curves, as files."""
    for path in _pipeline("papers").figures(run, **options):
        click.echo(path)


@main.command()
@click.argument("run")
@click.option("--out", metavar="FOLDER", help="Where to; RUN/tables unless given.")
@several("--format", "formats", default=["latex"], metavar="latex|csv", help="One or both; latex unless given.")
@click.option("--k", type=int, metavar="K", help="Publish groups of K speakers or more; as the last report, else 5.")
def tables(run: str, **options: Any) -> None:
    """Tables for papers: a row a group, in LaTeX or CSV."""
    for path in _pipeline("papers").tables(run, **options):
        click.echo(path)


@main.group()
def card() -> None:
    """The service card: what a person says of the service, the schema of card.json, and the print."""


@card.command()
@click.option("--out", default="card.toml", show_default=True, metavar="FILE", help="The file to write.")
@click.option("--template", is_flag=True, help="Do not ask: write the questions as comments.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(out: str, template: bool, force: bool) -> None:
    """Ask what only a person can say, and write card.toml; without a terminal, write it to be filled in."""
    pipeline = _pipeline("card")

    asks = not template and sys.stdin.isatty()
    pipeline.check_absent(Path(out), force=force)
    click.echo(pipeline.card_init(out, _answers() if asks else {}, force=force))


@card.command()
def schema() -> None:
    """The JSON Schema of card.json."""
    pipeline = _pipeline("card")

    click.echo(pipeline.card_schema_text())


@card.command()
@click.argument("run")
@click.option("--out", metavar="FILE", help="The file to write; RUN/card.pdf unless given.")
@click.option("--browser", metavar="PROGRAM", help="A Chromium or Chrome; the first on PATH unless given.")
def pdf(run: str, out: str | None, browser: str | None) -> None:
    """Print RUN/card.html to a PDF with a Chromium or Chrome of this machine, without a network."""
    pipeline = _pipeline("card")

    click.echo(pipeline.card_pdf(run, out=out, browser=browser))


@main.command()
@click.argument("run")
@K
@CARD
@click.option("--include-audio", is_flag=True, help="Let utterances be heard.")
@click.option("--include-ids", is_flag=True, help="Call them by their names in the manifest.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="One that is free unless given.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def view(run: str, no_browser: bool, **options: Any) -> None:
    """Look at the utterances behind the numbers in a browser, however many there are; on this machine alone."""
    import webbrowser

    pipeline = _pipeline("viewing")
    with pipeline.view(run, **options) as server:
        click.echo(pipeline.NOTICE, err=True)
        click.echo(server.url)
        if not no_browser:
            webbrowser.open(server.url)
        server.wait()


def _answers() -> dict[str, str | list[str]]:
    """Ask every question on a terminal; Ctrl-D ends, with what was answered kept."""
    from asrfair.report import QUESTIONS

    click.echo(
        'Nothing has to be answered: an empty line leaves "not stated". Ctrl-D ends and keeps what was said.', err=True
    )
    found: dict[str, str | list[str]] = {}
    for number, question in enumerate(QUESTIONS, 1):
        click.echo(f"\n{number} of {len(QUESTIONS)}. {question.label}. {question.text}", err=True)
        click.echo(f"   For example: {question.example}", err=True)
        try:
            found[question.key] = _several_lines() if question.is_list else _line()
        except click.Abort:
            break
    return found


def _line() -> str:
    """One answer."""
    return str(click.prompt(">", default="", show_default=False, prompt_suffix=" ", err=True)).strip()


def _several_lines() -> list[str]:
    """One answer a line, until an empty one."""
    click.echo("   One a line; an empty line ends.", err=True)
    return list(iter(_line, ""))


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
