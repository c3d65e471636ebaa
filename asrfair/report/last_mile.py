"""The last mile in one or two sentences a system, for the top of the card: whom a room hits harder, if anybody."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.sections import Context, Row
from asrfair.report.sections._base import headline
from asrfair.report.sections.interactions import loss, losses, once, strongest, would_show
from asrfair.report.wording import condition, count, isolated, people


def last_mile(rows: Sequence[Row], context: Context, *, withheld: bool) -> list[str]:
    """The strongest of what was shown, or what would have been.

    Args:
        rows: of `tables.INTERACTIONS`, without withheld groups.
        context: what the card knows.
        withheld: whether there were more rows, of groups that may not be reported.
    """
    mine = once(context.ordered(headline(rows, context)))
    systems = dict.fromkeys(row["system_id"] for row in mine)
    who = "no group that may be reported" if withheld else "no group"
    return [_system([row for row in mine if row["system_id"] == system], context, who) for system in systems]


def _system(rows: Sequence[Row], context: Context, nobody: str) -> str:
    """One system."""
    name = isolated(rows[0]["system_id"])
    row = strongest(rows, "amplifies")
    if row is not None:
        others = sum(other["verdict"] == "amplifies" for other in rows) - 1
        more = f" So it is in {count(others, 'other comparison')} too, less strongly." if others else ""
        return f"{name}, {condition(row['condition_id'])}: {loss(row, losses(context), context)}.{more}"
    told = [other for other in rows if other["verdict"] not in ("cannot tell", "suppressed")]
    if not told:
        return f"{name}: whether a room hits any group harder cannot be told: too few speakers, or too many errors."
    by_scale = strongest(rows, "scale-dependent")
    text = f"{name}: {nobody} was shown to lose more in any room than its baseline."
    if by_scale is not None:
        who = people(by_scale["attribute"], by_scale["group"], context.attributes)
        where = condition(by_scale["condition_id"])
        text += f" For {who}, {where}, it depends on the scale: they lose more or less by one way of counting only."
    return text + would_show(told)
