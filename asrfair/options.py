"""The options that several verbs of the command line share; what each verb does is in `cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def several(*names: str, **kwargs: Any) -> Callable[[Any], Any]:
    """An option that may be given several times."""
    return click.option(*names, multiple=True, **kwargs)


OUT = click.option("--out", required=True, metavar="RUN", help="Folder of the run; made if absent.")
HYPOTHESES = several(
    "--hypotheses", metavar="NAME=FILE", help="Transcripts made elsewhere: JSONL, CSV, TSV or sclite trn."
)
NORMALIZERS = several("--normalizer", metavar="N", help="whisper-en, open-asr, minimal, none; the first leads.")
COSTS = click.option("--costs", type=click.Choice(["levenshtein", "sclite"]), default="levenshtein", show_default=True)
BY = several("--by", metavar="ATTR|A*B", help="Attribute or intersection; every attribute unless given.")
BASELINE = several("--baseline", metavar="ATTR=GROUP", help="Compare with this group instead of the manifest's choice.")
K = click.option(
    "--k", type=int, default=5, show_default=True, metavar="K", help="Publish groups of K speakers or more."
)
CARD = click.option(
    "--card", metavar="FILE", help="card.toml: what a person says of the service; RUN/card.toml unless given."
)
LIMIT = click.option("--limit", type=click.IntRange(min=1), metavar="N", help="A seeded sample, stratified by group.")
SEED = click.option("--seed", type=int, default=0, show_default=True, help="Of the sample and of the noise.")
WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Parallel workers; one a core unless given."
)
MAX_FAILED = click.option(
    "--max-failed",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    metavar="SHARE",
    help="Exit with 4 if more than this share of the utterances failed.",
)


def of_analysis(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of an analysis."""
    for option in reversed(ANALYSIS):
        command = option(command)
    return command


ANALYSIS = (
    BY,
    BASELINE,
    several("--adjust", metavar="ATTR", help="Hold these equal in a model beside the total disparities."),
    click.option("--deep", is_flag=True, help="Also measure utterance by utterance, and read the transcripts."),
    click.option("--terms", metavar="FILE", help="With --deep: words or phrases whose recall is told by group."),
    several("--confirm", metavar="ATTR", help="These in clean audio are one family (Holm); screen the rest."),
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
    several("--real", metavar="SIM=REAL", help="Compare a condition with another, or with ATTR=GROUP: the real room."),
    click.option("--difficulty", metavar="FILE", help="CSV condition_id,difficulty: also tell WERD by difficulty."),
)


def of_transcription(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a transcription, besides what is to be transcribed."""
    for option in reversed(TRANSCRIPTION):
        command = option(command)
    return command


DRY_RUN = click.option("--dry-run", is_flag=True, help="Tell requests, minutes and cost by system; ask for nothing.")

TRANSCRIPTION = (
    WORKERS,
    click.option(
        "--gpus",
        type=click.IntRange(min=1),
        metavar="N",
        help="One engine process on each of N GPUs; on all unless given.",
    ),
    click.option(
        "--executor", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where workers run."
    ),
    click.option(
        "--address", metavar="auto|ray://HOST:PORT", help="Of the Ray cluster; begun on this machine unless given."
    ),
    click.option("--retries", type=click.IntRange(min=0), default=4, show_default=True, help="Of what may pass."),
    click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=0, min_open=True),
        default=300.0,
        show_default=True,
        help="Seconds for one call.",
    ),
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


LIMITS = {
    "max_wer": ("--max-wer", "Word error rate of everybody, 0.15 for 15 %."),
    "max_group_wer": ("--max-group-wer", "Word error rate of any group."),
    "max_gap": ("--max-gap", "WER of a group less that of its baseline or of everybody else, 0.05 for 5 points."),
    "max_ratio": ("--max-ratio", "WER of a group divided by that of its baseline or of everybody else."),
    "min_completion": ("--min-completion", "Share of utterances that got a transcript, of everybody and any group."),
    "max_regression": ("--max-regression", "WER less that of the release before (--against), 0.01 for a point."),
    "max_gap_growth": ("--max-gap-growth", "By how many times a gap may have grown since the release before."),
}
"""Rule -> its option and what it says."""


def of_limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """The limits of a gate."""
    for name, (option, about) in reversed(LIMITS.items()):
        command = click.option(option, name, type=float, metavar="X", help=about)(command)
    return command
