"""The distribution-free bound: its worked value, that it holds, and that it says nothing for few speakers."""

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats.bounds import hoeffding_gap_bound


def test_fifty_against_fifty_is_vacuous():
    found = hoeffding_gap_bound([1] * 50, [10] * 50, [3] * 50, [10] * 50)
    assert found.half_width == pytest.approx(0.41866, abs=1e-4)
    assert found.gap == pytest.approx(-0.2)
    assert found.vacuous


def test_thousands_of_speakers_are_needed():
    sizes = (500, 3000, 4000)
    assert [hoeffding_gap_bound([1] * m, [9] * m, [1] * m, [9] * m).vacuous for m in sizes] == [True, True, False]


def test_the_bound_holds_for_the_worst_of_distributions():
    """Speakers at WER 0 or 1: the bound of 95 % holds far more often than that."""
    rng = np.random.Generator(np.random.Philox(key=1))
    held = 0
    for _ in range(300):
        a, b = rng.random(30) < 0.5, rng.random(20) < 0.3
        found = hoeffding_gap_bound(a, np.ones(30), b, np.ones(20))
        held += found.low <= 0.2 <= found.high
    assert held >= 285


def test_what_is_cut_is_counted():
    found = hoeffding_gap_bound([30, 5, 1], [10, 10, 0], [0], [10])
    assert found.n_clipped == 1
    assert found.gap == pytest.approx(0.75)
    assert hoeffding_gap_bound([1], [0], [1], [9]).gap is None


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="delta"):
        hoeffding_gap_bound([1], [1], [1], [1], delta=0)
    with pytest.raises(InputError):
        hoeffding_gap_bound([-1], [1], [1], [1])
