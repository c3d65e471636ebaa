"""Matched prompts take the difficulty of the text out of a gap, and say what they are conditional on."""

import math

import numpy as np
import pytest
from regression_data import rng_of, speech

from asrfair.errors import InputError
from asrfair.stats import compare_groups
from asrfair.stats.regression import compare_matched


def readings(key, *, n_prompts=30, n_speakers=24, gap=0.0, per_speaker=15, prompt_sd=0.5, prompt_gap_sd=0.0):
    """Group B reads the easy prompts more often; prompts differ in difficulty, and in what they do to B."""
    rng = rng_of(key)
    difficulty = np.sort(prompt_sd * rng.standard_normal(n_prompts))
    for_b = prompt_gap_sd * rng.standard_normal(n_prompts)
    words_of = rng.integers(8, 15, n_prompts).astype(float)
    speaker = np.repeat(np.arange(n_speakers), per_speaker)
    in_b = speaker % 2 == 1
    easy = np.linspace(1, 0.1, n_prompts)
    prompt = np.where(
        in_b,
        rng.choice(n_prompts, len(speaker), p=easy / easy.sum()),
        rng.choice(n_prompts, len(speaker), p=easy[::-1] / easy.sum()),
    )
    log_rate = math.log(0.15) + difficulty[prompt] + (gap + for_b[prompt]) * in_b
    errors = speech(rng, log_rate, words_of[prompt], speaker, sigma=0.3)
    names = [f"prompt {k}" for k in prompt]
    return errors, words_of[prompt], speaker, names, np.where(in_b, "B", "A").tolist()


def pooled(errors, words, speaker, group):
    """The gap without matching."""
    sums = []
    for label in ("B", "A"):
        inside = np.array(group) == label
        who = np.unique(speaker[inside])
        sums += [np.bincount(speaker[inside], values[inside])[who] for values in (errors, words)]
    return compare_groups(*sums)


def test_three_speakers_a_group_by_hand():
    """Prompt p: A 6/30, B 3/30; q: A 3/15, B 3/15; r was read in B only: (60 * .1 + 30 * 0) / 90 = 1/15."""
    found = compare_matched(
        [1, 1, 2, 1, 3, 1, 1, 0, 1, 0, 1, 3, 5, 2],
        [10, 5] * 6 + [9, 7],
        list("aabbccddeeffff"),
        [*"pqpqpqpqpqpqr", None],
        list("AAAAAABBBBBBBB"),
        a="A",
        b="B",
    )
    assert found.difference == pytest.approx(1 / 15)
    assert (found.wer_a, found.wer_b) == pytest.approx((0.2, (60 * 0.1 + 30 * 0.2) / 90))
    assert (found.n_prompts, found.n_prompts_left_out, found.n_utterances, found.n_left_out) == (2, 1, 12, 2)
    assert (found.n_speakers_a, found.n_speakers_b) == (3, 3)
    assert found.p is None
    assert "few_speakers" in found.flags
    assert "conditional_on_prompts" in found.flags


def matched_difference(errors, words, prompts, group):
    """The definition, prompt by prompt."""
    prompts, group = np.array(prompts), np.array(group)
    gap = size = 0.0
    for prompt in np.unique(prompts):
        sides = [(prompts == prompt) & (group == label) for label in "BA"]
        if all(words[side].sum() > 0 for side in sides):
            own = sum(words[side].sum() for side in sides)
            gap += own * (
                errors[sides[0]].sum() / words[sides[0]].sum() - errors[sides[1]].sum() / words[sides[1]].sum()
            )
            size += own
    return gap / size


@pytest.mark.parametrize("two_way", [False, True])
def test_the_standard_error_is_the_jackknife_of_the_definition(two_way):
    errors, words, speaker, prompts, group = readings(1, per_speaker=20)
    found = compare_matched(errors, words, speaker, prompts, group, a="B", b="A", two_way=two_way)
    assert found.difference == pytest.approx(matched_difference(errors, words, prompts, group), rel=1e-12)

    def variance(keys):
        changes = []
        for key in sorted(set(keys)):
            kept = np.array([k != key for k in keys])
            rest = ([v for v, k in zip(values, kept, strict=True) if k] for values in (prompts, group))
            changes.append(matched_difference(errors[kept], words[kept], *rest) - found.difference)
        return (len(changes) - 1) / len(changes) * sum(change**2 for change in changes)

    expected = variance(speaker.tolist())
    if two_way:
        pairs = list(zip(speaker.tolist(), prompts, strict=True))
        expected += max(0.0, variance(prompts) - variance(pairs))
    assert found.se == pytest.approx(math.sqrt(expected), rel=1e-9)
    assert (found.low + found.high) / 2 == pytest.approx(found.difference)


def test_the_difficulty_of_the_text_is_taken_out():
    """B reads the easy prompts: pooled rates make it look better; on the same prompts there is nothing to see."""
    errors, words, speaker, prompts, group = readings(2, n_speakers=80, per_speaker=40)
    assert pooled(errors, words, speaker, group).difference_high < 0.0
    found = compare_matched(errors, words, speaker, prompts, group, a="B", b="A")
    assert found.low < 0.0 < found.high
    assert found.p > 0.05


def test_a_gap_on_the_same_prompts_is_found():
    errors, words, speaker, prompts, group = readings(3, n_speakers=80, per_speaker=40, gap=math.log(1.6))
    found = compare_matched(errors, words, speaker, prompts, group, a="B", b="A")
    assert found.p < 0.001
    assert found.low < matched_truth(prompts, words, group) < found.high
    turned = compare_matched(errors, words, speaker, prompts, group, a="A", b="B")
    assert (turned.difference, turned.p) == pytest.approx((-found.difference, found.p))


def matched_truth(prompts, words, group):
    """The difference that `readings(3, ...)` planted: .15 * exp(difficulty) * .6, averaged over the words."""
    difficulty = np.sort(0.5 * rng_of(3).standard_normal(30))
    of_a, of_b = ({p for p, g in zip(prompts, group, strict=True) if g == label} for label in "AB")
    both = of_a & of_b
    own = [
        (0.15 * 0.6 * math.exp(difficulty[int(p.split()[1])]), w)
        for p, w in zip(prompts, words, strict=True)
        if p in both
    ]
    return sum(gap * w for gap, w in own) / sum(w for _, w in own)


def test_other_prompts_make_the_interval_wider_where_prompts_differ_in_what_they_do():
    data = readings(4, n_speakers=40, per_speaker=40, prompt_gap_sd=0.6)
    these, others = (compare_matched(*data, a="B", b="A", two_way=two_way) for two_way in (False, True))
    assert others.se > 1.3 * these.se
    assert others.df <= others.n_prompts - 1
    assert "conditional_on_prompts" in these.flags
    assert "conditional_on_prompts" not in others.flags


def test_fewer_than_20_prompts_say_nothing_of_other_texts():
    data = readings(5, n_prompts=19, n_speakers=30, per_speaker=60)
    found = compare_matched(*data, a="B", b="A", two_way=True)
    assert found.n_prompts == 19
    assert "few_prompts" in found.flags
    assert found.difference is not None
    assert (found.p, found.low, found.se) == (None, None, None)
    assert compare_matched(*data, a="B", b="A").p is not None


def test_speakers_in_both_groups_are_deleted_from_both():
    """The same 12 speakers say every prompt at home and in the car; their own level cancels."""
    rng = rng_of(6)
    speaker, prompt, car = (part.ravel() for part in np.meshgrid(range(12), range(10), range(2), indexing="ij"))
    words = np.full(len(speaker), 12.0)
    errors = speech(rng, np.log(0.15) + 0.3 * car, words, speaker, sigma=0.8)
    place = np.where(car == 1, "car", "home").tolist()
    prompts = [f"{k}" for k in prompt]
    within = compare_matched(errors, words, speaker, prompts, place, a="car", b="home")
    apart = compare_matched(errors, words, speaker + 12 * car, prompts, place, a="car", b="home")
    assert within.difference == pytest.approx(apart.difference)
    assert within.se < 0.7 * apart.se
    assert within.df == 11.0


def test_intervals_cover_a_planted_gap():
    covered = 0
    for key in range(150):
        errors, words, speaker, prompts, group = readings(3000 + key, gap=0.0, per_speaker=20)
        found = compare_matched(errors, words, speaker, prompts, group, a="B", b="A")
        covered += found.low < 0.0 < found.high
    assert 0.90 <= covered / 150 <= 0.99


GOOD = {
    "errors": [1, 2] * 4,
    "words": [10] * 8,
    "speakers": list("abcdefgh"),
    "prompts": ["p"] * 8,
    "group": ["A", "B"] * 4,
    "a": "A",
    "b": "B",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"a": "Z"}, r"\['Z'\]: give two different groups of \['A', 'B'\]"),
        ({"b": "A"}, "give two different groups"),
        ({"prompts": ["p", "q"] * 4}, "no prompt was read in both 'A' and 'B'"),
        ({"prompts": [None] * 8}, "no prompt was read in both"),
        ({"prompts": ["p"] * 7}, "different lengths"),
        ({"words": [0] * 8}, "no prompt was read in both"),
        ({"errors": [math.nan] * 8}, r"errors\[0\]: nan"),
        ({"speakers": [None] * 8}, r"speakers\[0\]: no speaker"),
        ({"confidence": 0.0}, "confidence"),
    ],
)
def test_what_cannot_be_matched_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        compare_matched(**(GOOD | change))
