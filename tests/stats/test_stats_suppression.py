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


def test_a_withheld_group_cannot_be_added_up_from_its_parts():
    """Irish speakers are withheld because of the Thai ones; their women and men would give both away."""
    crossed = {"thai*f": 4, "thai*m": 4, "irish*f": 6, "irish*m": 6}
    crossed |= {"welsh*f": 5, "welsh*m": 20, "scots*f": 20, "scots*m": 5}
    sizes = accents(thai=8, irish=12, welsh=25, scots=25) | {("gender", "f"): 35, ("gender", "m"): 35}
    sizes |= {("accent*gender", name): n for name, n in crossed.items()}
    found = withheld(sizes, 5, [("accent", "thai")])
    assert ("accent", "irish") in found
    assert not {("accent*gender", "irish*f"), ("accent*gender", "irish*m")}.isdisjoint(found)


def test_a_cell_of_three_attributes_is_protected_against_the_totals_of_one():
    cells = {"north*f*old": 4, "north*m*old": 20, "north*f*young": 20, "north*m*young": 20}
    cells |= {"south*f*old": 20, "south*m*old": 20, "south*f*young": 20, "south*m*young": 4}
    found = withheld(accents(north=64, south=64) | {("accent*gender*age", name): n for name, n in cells.items()}, 5)
    assert [sum(group.startswith(side) for _, group in found) for side in ("north", "south")] == [2, 2]


def test_who_is_missing_from_an_intersection_is_not_what_is_left_of_a_total():
    """One Irish speaker gave no gender: all Irish less women and men would be that speaker."""
    sizes = accents(irish=21, welsh=45) | {("gender", "f"): 30, ("gender", "m"): 30, ("gender", "missing"): 6}
    crossed = {"irish*f": 10, "irish*m": 10, "welsh*f": 20, "welsh*m": 20, "missing": 6}
    found = withheld(sizes | {("accent*gender", name): n for name, n in crossed.items()}, 5)
    assert not {("accent*gender", "irish*f"), ("accent*gender", "irish*m")}.isdisjoint(found)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=9), st.integers(3, 10))
def test_what_is_hidden_is_nobody_or_at_least_two_groups_of_k_together(sizes, k):
    groups = {("accent", str(i)): n for i, n in enumerate(sizes)}
    found = withheld({ALL: sum(sizes)} | groups, k)
    hidden = [groups[g] for g in found if g != ALL]
    assert all(n == 0 or n >= k or g in found for g, n in groups.items())
    if hidden and ALL not in found:
        shown = [n for g, n in groups.items() if g not in found and n]
        assert not shown or (len(hidden) > 1 and sum(hidden) >= k)
