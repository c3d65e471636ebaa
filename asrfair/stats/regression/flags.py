"""What must be said beside an adjusted or matched comparison, as data; the policy's own flags are in `stats.policy`."""

from __future__ import annotations

from collections.abc import Mapping

from asrfair.stats import policy

MIN_PROMPTS = 20
"""Prompts that both groups must have read before anything is said of other texts."""

CONFOUNDED = "confounded_with_"

_MEANINGS: Mapping[str, str] = {
    "separated": "no errors in this group: no ratio",
    "poor_overlap": "the group hardly occurs where the others often do: the adjusted ratio extrapolates",
    "rests_on_one_speaker": "without one of the speakers the adjusted ratio is not defined: no interval and no test",
    "glmm_not_converged": "the mixed model found no solution: no median-speaker ratio",
    "conditional_on_prompts": "the conclusion holds for these prompts; nothing is said of other texts",
    "few_prompts": f"fewer than {MIN_PROMPTS} prompts in both groups: too few to say anything of other texts",
}


def meaning(flag: str) -> str:
    """A flag in plain words, the policy's flags included; unknown flags are returned as they are.

    >>> meaning("confounded_with_site")
    'the group is nearly one value of site, or has one to itself: the data cannot tell there which of them matters'
    >>> meaning("baseline_poor_overlap")
    'baseline: the group hardly occurs where the others often do: the adjusted ratio extrapolates'
    """
    own = flag.removeprefix(policy.BASELINE_PREFIX)
    if own.startswith(CONFOUNDED):
        what = own.removeprefix(CONFOUNDED)
        said = (
            f"the group is nearly one value of {what}, or has one to itself: the data cannot tell there which of them "
            "matters"
        )
    elif own in _MEANINGS:
        said = _MEANINGS[own]
    else:
        return policy.meaning(flag)
    return said if own == flag else f"baseline: {said}"
