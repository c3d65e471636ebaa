"""What the words of the card mean, once, for every form of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

METHODS = {
    "holm": "Holm",
    "bh": "Benjamini-Hochberg behind an omnibus test",
    "by": "Benjamini-Yekutieli behind an omnibus test",
    "two-stage": "groups first, then inside them, behind an omnibus test",
    "max-t": "against the largest of the family over permuted speakers",
}
DEFINITIONS = {
    "Word error rate (WER)": (
        "Substituted, deleted and inserted words per word that was said, summed over all utterances of a group, then "
        "divided. It can exceed 100 %."
    ),
    "95 % interval": (
        "Where the rate of people like these may lie. The speaker is the unit: delete-one-speaker jackknife on the "
        "log scale, with degrees of freedom for few and unequal speakers."
    ),
    "Lowest and highest group": (
        "Picked after looking, so the span between them is wider than the truth. It describes; the tests are below."
    ),
    "Speaker mean": "The mean of the speakers' own rates: what a random speaker meets, however much they talk.",
    "Character error rate (CER)": "The same as the word error rate, on characters (grapheme clusters, without spaces).",
    "Times the baseline": (
        "The group's rate divided by that of the baseline group, or of everybody else where no baseline was named, "
        "with its 95 % interval."
    ),
    "Adjusted p": (
        "The probability of a gap at least this large if there were none, adjusted by Holm's method for all groups "
        "that were compared for one system and condition."
    ),
    "More errors, fewer errors": "The adjusted p is below 0.05.",
    "Not shown": (
        "No gap was shown. That is not equality: beside it stands what it would take, the smallest ratio that these "
        "speakers would have shown with 80 % probability, had it been the only comparison."
    ),
    "Cannot tell": "Too few speakers, no errors, or speakers unknown: no test can be given.",
    "Not reported": (
        "Too few speakers (see the signature for how many a group needs): a rate would describe persons, not a group. "
        "A larger group is withheld with them where totals would give them away."
    ),
    "Normaliser": (
        "The rules that make spellings comparable before words are counted. The same audit under a second one stands "
        "beside the first: where the two differ much, the numbers hang on spelling rules."
    ),
    "Failed": "The system gave no transcript. Failures are counted by group and are in no error rate.",
    "Missing": "The manifest says nothing for these utterances. They are shown and never compared.",
}

STRESSED = {
    "Condition, environment, level": (
        "Clean is the audio as it was recorded. An environment is a room, a line or a machine that the same recordings "
        "are put through; its level says how hard, as a signal-to-noise ratio over the time that is spoken where the "
        "unit is dB."
    ),
    "Loses more, loses less": (
        "The room takes more (less) from the group than from its baseline both in points and in times the errors in "
        "clean audio: both 95 % intervals lie on that side, and the adjusted p is below 0.05."
    ),
    "Depends on the scale": (
        "The two ways of counting a loss do not both say so. From 10 to 20 % and from 20 to 40 % are the same in "
        "times and not in points; from 10 to 20 % and from 20 to 30 % are the same in points and not in times."
    ),
    "Ceiling": "Above 80 % errors there is little left to lose, so gaps close without anything being better.",
}


def definitions(run: Mapping[str, Any], *, stressed: bool = False) -> dict[str, str]:
    """The words of one card: with families declared, p is adjusted in them.

    Args:
        run: the contents of `run.json`.
        stressed: whether environments were analysed.
    """
    families = declared(run)
    words = DEFINITIONS | (STRESSED if stressed else {})
    if families is None:
        return words
    text = (
        "The probability of a gap at least this large if there were none, adjusted for the other comparisons of its "
        f"family under the same normaliser. Declared before looking: {families}. What none of them claims is screened."
    )
    return words | {"Adjusted p": text}


def declared(run: Mapping[str, Any]) -> str | None:
    """The declared families and how each is adjusted; None where all groups of a system and condition are one."""
    families: Sequence[Mapping[str, Any]] = (run.get("config") or {}).get("families") or ()
    return "; ".join(f"{f['name']} ({METHODS.get(f['method'], f['method'])})" for f in families) or None
