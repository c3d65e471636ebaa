"""Other harms than word errors, from `harms`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import REST
from asrfair.report.sections._base import Context, Row, Section
from asrfair.report.wording import condition, interval, isolated, listed, many, number, p_value, people

TABLE = "harms"
NAMES = {
    "failures": "no transcript, per 100 utterances",
    "insertion_runs": "made-up words in runs, per 1,000 words",
    "words_on_silence": "words where nobody spoke, per hour",
    "deletion_runs": "skipped words in runs, per 1,000 words",
    "keyword_misses": "missed terms, per 100",
    "typical_latency": "wait, seconds",
    "real_time_factor": "seconds of work per second of audio",
}
PER_HUNDRED = ("failures", "keyword_misses")


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """A sentence for every harm that is shown to hit a group more or less, and the table."""
    shown = [row for row in rows if row["verdict"] in ("higher", "lower")]
    told = [row for row in rows if row["rate"] is not None]
    if not told:
        return None
    met = {row["harm"] for row in told if row["rate"]}
    none = list(dict.fromkeys(_name(row).split(",")[0] for row in told if row["harm"] not in met))
    return Section(
        id="harms",
        title="Other harms than word errors",
        about=(
            "Utterances without a transcript, words made up in runs of three or more or written where nobody spoke, "
            "speech skipped in runs of three words or more, missed terms of the list, and waiting. By speaker, with "
            "the same intervals; p is the larger of two tests' (harms come in bursts: speakers are also dealt anew), "
            "adjusted by Holm over all harms and groups of a system and condition."
        ),
        sentences=[
            *(_sentence(row, context) for row in shown),
            *([f"Nobody met any of these: {listed(none)}."] if none else []),
        ],
        header=[
            "system",
            "condition",
            "harm",
            "group",
            "against",
            "speakers",
            "rate",
            "95 % interval",
            "times",
            "adjusted p",
        ],
        rows=[_line(row) for row in told if row["harm"] in met],
    )


def _name(row: Row) -> str:
    """A harm in words."""
    return NAMES.get(row["harm"], str(row["harm"]))


def _scaled(row: Row, *names: str) -> list[float | None]:
    """Rates as they are told."""
    factor = 100.0 if row["harm"] in PER_HUNDRED else 1.0
    return [None if row[name] is None else row[name] * factor for name in names]


def _sentence(row: Row, context: Context) -> str:
    """One harm that is shown."""
    who, whom = (people(row["attribute"], row[name], context.attributes) for name in ("group", "baseline"))
    (rate,) = _scaled(row, "rate")
    harm, more = _name(row), "more" if row["verdict"] == "higher" else "less"
    within = interval(row["ratio_low"], row["ratio_high"])
    return (
        f"{harm[:1].upper()}{harm[1:]}: {number(rate)} for {who}, {number(row['ratio'])} times that of {whom}, that is "
        f"{more} (95 % interval {within}; adjusted p {p_value(row['p_adjusted'])}), {row['system_id']}, "
        f"{condition(row['condition_id'])}."
    )


def _line(row: Row) -> list[str]:
    """One harm of one group."""
    own = row["group"] == row["baseline"]
    rate, low, high = _scaled(row, "rate", "low", "high")
    return [
        row["system_id"],
        condition(row["condition_id"]),
        _name(row),
        f"{row['attribute']}: {isolated(row['group'])}",
        "" if own else "everybody else" if row["baseline"] == REST else isolated(row["baseline"]),
        many(row["n_speakers"]),
        number(rate),
        interval(low, high),
        "" if own else number(row["ratio"]),
        "" if own else p_value(row["p_adjusted"]),
    ]
