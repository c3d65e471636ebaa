"""The slow reference code of the methods, on random data, where it is at hand."""

import sys
from pathlib import Path

import numpy as np
import pytest

from asrfair.stats import compare_groups, compare_paired, group_interval, holm
from asrfair.stats.rates import satterthwaite_df

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
pytestmark = pytest.mark.skipif(not (REFERENCE / "refimpl.py").exists(), reason="no reference code beside the checkout")


@pytest.fixture(scope="module")
def refimpl():
    sys.path.insert(0, str(REFERENCE))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    import refimpl

    yield refimpl
    sys.dont_write_bytecode = written
    sys.path.remove(str(REFERENCE))


def _cases(seed, n=150):
    rng = np.random.Generator(np.random.Philox(key=seed))
    for _ in range(n):
        m = int(rng.integers(2, 60))
        words = np.maximum(1, np.rint(rng.lognormal(5, rng.choice([0.1, 0.6, 1.2]), m)))
        yield 1.0 + rng.poisson(words * 0.15 * rng.lognormal(0, 0.5, m)), words


def test_group_intervals_agree(refimpl):
    for errors, words in _cases(1):
        found = group_interval(errors, words)
        assert found.se == pytest.approx(refimpl.jack_var(errors, words) ** 0.5, rel=1e-9)
        assert found.df == pytest.approx(refimpl.satt_df(words), rel=1e-6)
        assert (found.low, found.high) == pytest.approx(refimpl.group_ci(errors, words), rel=1e-6)


def test_comparisons_agree(refimpl):
    cases = list(_cases(2))
    for (e_a, n_a), (e_b, n_b) in zip(cases[::2], cases[1::2], strict=True):
        found, expected = compare_groups(e_a, n_a, e_b, n_b), refimpl.compare(e_a, n_a, e_b, n_b)
        for name, key in (("ratio", "ratio"), ("p", "p"), ("df", "df"), ("difference", "diff")):
            assert getattr(found, name) == pytest.approx(expected[key], rel=1e-6), name
        assert (found.ratio_low, found.ratio_high) == pytest.approx(expected["ratio_ci"], rel=1e-6)
        assert (found.difference_low, found.difference_high) == pytest.approx(expected["diff_ci"], rel=1e-6)


def test_the_paired_comparison_is_the_general_jackknife(refimpl):
    for errors, words in _cases(3, 40):
        other = errors[::-1] + 1.0

        def log_ratio(keep, a=errors, b=other, n=words):
            return np.log(a[keep].sum() / n[keep].sum()) - np.log(b[keep].sum() / n[keep].sum())

        _, variance, _ = refimpl.jackknife(log_ratio, words)
        assert compare_paired(errors, words, other, words).se_log == pytest.approx(variance**0.5, rel=1e-9)


def test_holm_agrees(refimpl):
    rng = np.random.Generator(np.random.Philox(key=4))
    for _ in range(50):
        p = rng.random(int(rng.integers(1, 30))) ** 3
        assert holm(list(p)) == pytest.approx(list(refimpl.holm(p)), rel=1e-12)


def test_equal_words_agree_exactly_with_the_closed_form_of_the_methods(refimpl):
    assert satterthwaite_df(np.full(12, 77.0)) == pytest.approx(refimpl.satt_df(np.full(12, 77.0)), rel=1e-12)
