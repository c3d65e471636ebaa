"""The worked examples of METHODS section 11 that concern groups, comparisons and Holm, at 1e-6."""

import pytest

from asrfair.stats import compare_groups, compare_paired, group_interval, holm, macro_interval
from asrfair.stats.rates import estimate, speaker_sums

E_A, N_A = (5, 8, 3, 10), (50, 40, 60, 50)
E_B, N_B = (2, 4, 6, 1, 5), (50, 80, 40, 30, 50)


def near(value):
    return pytest.approx(value, abs=1e-6)


def test_group_a():
    found = group_interval(E_A, N_A)
    assert found.wer == near(0.13)
    assert found.se == near(0.0399331)
    assert found.df == near(2.850304)
    assert (found.low, found.high) == (near(0.0474777), near(0.3559563))
    assert found.n_speakers == 4
    assert macro_interval(E_A, N_A).wer == near(0.1375)
    assert estimate(*speaker_sums(E_A, N_A)).effective_speakers == near(3.921569)


def test_group_b():
    found = group_interval(E_B, N_B)
    assert found.wer == near(0.072)
    assert found.se == near(0.0193643)
    assert found.df == near(3.078560)
    assert (found.low, found.high) == (near(0.0309687), near(0.1673949))


def test_a_against_b():
    found = compare_groups(E_A, N_A, E_B, N_B)
    assert found.difference == near(0.058)
    assert found.ratio == near(1.8055556)
    assert found.se_log == near(0.4082787)
    assert found.df == near(5.760891)
    assert (found.ratio_low, found.ratio_high) == (near(0.6581704), near(4.9531717))
    assert found.p == near(0.1999739)
    assert (found.difference_low, found.difference_high) == (near(-0.0681353), near(0.2876515))
    assert not found.paired


def test_two_systems_on_the_same_speakers():
    words = (100, 90, 80, 100, 120, 60)
    found = compare_paired((10, 12, 7, 9, 20, 6), words, (8, 13, 5, 6, 14, 6), words, p_from="difference")
    assert found.difference == near(0.0218182)
    assert found.df == 5
    assert found.p == near(0.0755994)
    assert (found.difference_low, found.difference_high) == (near(-0.0032655), near(0.0469018))
    assert found.paired


def test_clean_against_noisy_within_speakers():
    """Both halves of the difference-in-differences example: log changes of A and B, and their standard error."""
    a = compare_paired((20, 15, 18, 22), (100, 80, 90, 110), (10, 6, 8, 12), (100, 80, 90, 110))
    b = compare_paired((9, 11, 7, 12, 9), (100, 100, 80, 120, 90), (4, 5, 3, 6, 5), (100, 100, 80, 120, 90))
    assert a.ratio / b.ratio == near(0.9982638)  # exp(-.0017376)
    assert (a.se_log**2 + b.se_log**2) ** 0.5 == near(0.0795352)
    assert a.difference - b.difference == near(0.0516112)


def test_holm():
    assert holm([0.001, 0.011, 0.02, 0.04, 0.3]) == near([0.005, 0.044, 0.06, 0.08, 0.3])
