"""A plan for a terminal: how many speakers a gap takes, or what the speakers that there are can show."""

from __future__ import annotations

from asrfair.records import REST, Plan, PlannedGroup
from asrfair.report.columns import text_table, wrapped
from asrfair.report.wording import NONE, number, percent


def render_plan(plan: Plan) -> str:
    """The assumptions in a sentence, then the table.

    Args:
        plan: what was assumed and found.
    """
    source = "Measured where the run tells, else assumed" if plan.measured else "Assumed"
    assumed = (
        f"{source}: word error rate {percent(plan.wer)} %, speakers' log rates spread by {number(plan.sigma)} (sigma), "
        f"errors dispersed by {number(plan.phi)} within a speaker (phi), words per speaker varying by "
        f"{number(plan.cv)} (cv); a gap is to be shown with {percent(plan.power, 0)} % chance at a level of "
        f"{percent(plan.alpha)} % (each comparison)."
    )
    parts = [wrapped(assumed), _groups(plan) if plan.groups else _ratios(plan)]
    if plan.enough_words is not None:
        parts.append(
            wrapped(
                f"Beyond about {round(10 * plan.enough_words, -1):,.0f} words of each speaker more words help "
                "little: recruit more speakers."
            )
        )
    return "\n\n".join(parts)


def _ratios(plan: Plan) -> str:
    """Speakers per group for each ratio."""
    rows = [
        [f"{number(ratio)} times the errors", "over a million" if n is None else f"{n:,}"]
        for ratio, n in zip(plan.ratios, plan.speakers, strict=True)
    ]
    return text_table(["to show", "speakers in each group"], rows)


def _groups(plan: Plan) -> str:
    """What each group can show, by attribute."""
    ratio = number(plan.groups[0].ratio)
    header = ["group", "speakers", "baseline's", "words a speaker", "shows a ratio of", f"speakers for {ratio}"]
    rows: list[list[str]] = []
    seen = ""
    for group in plan.groups:
        if group.attribute != seen:
            seen = group.attribute
            rows.append([f"{seen} against {'everybody else' if group.baseline == REST else group.baseline}"])
        rows.append(_row(group))
    return text_table(header, rows)


def _row(group: PlannedGroup) -> list[str]:
    """One group."""
    shows = number(group.mde_ratio) if group.mde_ratio is not None else "same speakers" if group.shared else NONE
    return [
        f"  {group.group}",
        f"{group.n_speakers:,}",
        f"{group.baseline_speakers:,}",
        NONE if group.words_per_speaker is None else f"{group.words_per_speaker:,.0f}",
        shows,
        NONE if group.needed_speakers is None else f"{group.needed_speakers:,}",
    ]
