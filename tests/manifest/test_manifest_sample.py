from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.manifest.sample import sample_rows

IDS = [f"u{i}" for i in range(1000)]
STRATA = [("us" if i % 10 else "scottish", "f" if i % 2 else "m") for i in range(1000)]


def test_a_sample_has_the_manifest_s_proportions():
    rows = sample_rows(IDS, STRATA, 200, seed=3)
    shares = Counter(STRATA[row][0] for row in rows)
    assert len(rows) == 200
    assert shares["scottish"] == pytest.approx(20, abs=2)


def test_no_group_is_left_out_of_a_small_sample():
    rows = sample_rows(IDS, STRATA, 3, seed=3)
    assert {STRATA[row][0] for row in rows} == {"us", "scottish"}


@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 5))
def test_a_larger_limit_contains_every_smaller_one(limit, more, seed):
    small, large = (set(sample_rows(IDS[:90], STRATA[:90], n, seed)) for n in (limit, limit + more))
    assert small <= large
    assert len(small) == min(limit, 90)


@given(st.permutations(range(30)))
def test_the_sample_does_not_depend_on_the_order_of_the_rows(order):
    chosen = {IDS[row] for row in sample_rows(IDS[:30], STRATA[:30], 10, seed=1)}
    ids, strata = [IDS[i] for i in order], [STRATA[i] for i in order]
    # Which member of a stratum stands for a group may not depend on order either.
    assert {ids[row] for row in sample_rows(ids, strata, 10, seed=1)} == chosen


def test_another_seed_gives_another_sample():
    assert sample_rows(IDS, STRATA, 50, seed=1) != sample_rows(IDS, STRATA, 50, seed=2)


def test_a_limit_below_one_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        sample_rows(IDS, STRATA, 0, seed=1)
