"""No published total gives a small group away."""

from hypothesis import given
from hypothesis import strategies as st

from asrfair.stats.suppression import withheld

ALL = ("all", "all")


def accents(**sizes):
    return {ALL: sum(sizes.values())} | {("accent", name): n for name, n in sizes.items()}


def test_a_lone_small_group_takes_the_next_smallest_with_it():
    assert withheld(accents(a=2, b=9, c=7, d=30), 5) == {
        ("accent", "a"): "suppressed",
        ("accent", "c"): "complementary",
    }


def test_two_small_groups_that_are_k_together_need_no_third():
    assert set(withheld(accents(a=3, b=4, c=7, d=30), 5)) == {("accent", "a"), ("accent", "b")}


def test_two_small_groups_that_are_fewer_than_k_together_take_a_third():
    """Everybody less the published groups would be the rate of three persons."""
    assert set(withheld(accents(a=1, b=2, c=7, d=30), 5)) == {("accent", "a"), ("accent", "b"), ("accent", "c")}


def test_nothing_is_withheld_where_all_are_large():
    assert withheld(accents(a=5, b=6), 5) == {}


def test_a_group_that_one_speaker_dominates_is_withheld():
    assert withheld(accents(a=8, b=9, c=7), 5, [("accent", "a")])["accent", "a"] == "suppressed"


def test_the_groups_of_an_intersection_are_protected_against_both_margins():
    sizes = accents(north=20, south=20) | {("gender", "f"): 20, ("gender", "m"): 20}
    crossed = {"north*f": 2, "north*m": 18, "south*f": 18, "south*m": 2}
    sizes |= {("accent*gender", name): n for name, n in crossed.items()}
    found = withheld(sizes, 5)
    assert set(found) == {("accent*gender", name) for name in crossed}


def test_missing_is_a_part_of_everybody_too():
    sizes = accents(a=9, b=12) | {("accent", "missing"): 2}
    assert withheld(sizes, 5) == {("accent", "missing"): "suppressed", ("accent", "a"): "complementary"}


@given(st.lists(st.integers(0, 12), min_size=1, max_size=9), st.integers(3, 10))
def test_what_is_hidden_is_nobody_or_at_least_two_groups_of_k_together(sizes, k):
    groups = {("accent", str(i)): n for i, n in enumerate(sizes)}
    found = withheld({ALL: sum(sizes)} | groups, k)
    hidden = [groups[g] for g in found if g != ALL]
    assert all(n == 0 or n >= k or g in found for g, n in groups.items())
    if hidden and ALL not in found:
        shown = [n for g, n in groups.items() if g not in found and n]
        assert not shown or (len(hidden) > 1 and sum(hidden) >= k)
