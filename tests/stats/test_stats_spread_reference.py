"""Spread and distances against the slow reference code of the methods, on its worked values and on random data."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from asrfair.stats.distances import barycentre_cost, energy_distance, wasserstein_1
from asrfair.stats.inequality import between_group_variance, generalised_entropy, gini
from asrfair.stats.kernel_distances import mmd2, sinkhorn_divergence

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


@pytest.fixture(scope="module")
def worked():
    return json.loads((REFERENCE / "worked_examples.json").read_text(encoding="utf-8"))


def test_the_worked_values_of_inequality(worked):
    rates, ses, words = (0.10, 0.12, 0.20, 0.15), (0.01, 0.02, 0.03, 0.02), (400, 300, 100, 200)
    between, expected = between_group_variance(rates, ses), worked["E"]
    found = {
        "var_naive": between.naive,
        "var_corrected": between.corrected,
        "sd_corrected": between.sd,
        "theil_T_equal": generalised_entropy(rates),
        "theil_T_words": generalised_entropy(rates, words),
        "mld_words": generalised_entropy(rates, words, 0),
        "ge2_words": generalised_entropy(rates, words, 2),
        "gini_words": gini(rates, words),
        "gini_equal": gini(rates),
    }
    assert found == pytest.approx({name: expected[name] for name in found}, abs=1e-9)


def test_the_worked_values_of_distances(worked):
    x, y, (z, w), expected = [0, 0.2, 0.4], [0.2, 0.4, 0.6], ([0, 0.5], [30, 10]), worked["F"]
    found = {
        "W1": wasserstein_1(x, y),
        "bary1_cost": barycentre_cost([(x, None), (y, None)]),
        "bary2_cost": barycentre_cost([(x, None), (y, None)], order=2),
        "W1_unequal": wasserstein_1(x, z, None, w),
        "bary1_unequal_p75": barycentre_cost([(x, None), (z, w)], [0.75, 0.25]),
        "bary2_unequal_p75": barycentre_cost([(x, None), (z, w)], [0.75, 0.25], order=2),
        "energy2": energy_distance(x, y),
        "mmd2_unbiased_bw02": mmd2(x, y, bandwidth=0.2),
        "sinkhorn_eps01": sinkhorn_divergence(x, y, epsilon=0.1),
        "sinkhorn_eps001": sinkhorn_divergence(x, y, epsilon=0.001),
    }
    assert found == pytest.approx({name: expected[name] for name in found}, abs=1e-9)


def test_random_data_agree(refimpl):
    rng = np.random.Generator(np.random.Philox(key=51))
    for _ in range(40):
        k = int(rng.integers(2, 9))
        rates, ses, weights = rng.uniform(0.01, 1, k), rng.uniform(0, 0.2, k), rng.uniform(1, 9, k)
        found = between_group_variance(rates, ses, weights)
        assert (found.naive, found.corrected) == pytest.approx(refimpl.between_group(rates, ses, weights), abs=1e-12)
        for alpha in (-1, 0, 0.5, 1, 2):
            expected = refimpl.gen_entropy(rates, weights, alpha)
            assert generalised_entropy(rates, weights, alpha) == pytest.approx(expected, abs=1e-12)
        assert gini(rates, weights) == pytest.approx(refimpl.gini(rates, weights), abs=1e-12)
        groups = [(rng.random(n).round(1), rng.integers(1, 9, n)) for n in rng.integers(2, 20, k)]
        for order in (1, 2):
            expected = refimpl.barycenter_cost(groups, weights, order)[0]
            assert barycentre_cost(groups, weights, order=order) == pytest.approx(expected, abs=1e-9)
        (x, p), (y, q) = groups[:2]
        assert wasserstein_1(x, y, p, q) == pytest.approx(refimpl.w1(x, p, y, q), abs=1e-12)
        assert energy_distance(x, y) == pytest.approx(refimpl.energy_dist2(x, y), abs=1e-12)
        assert mmd2(x, y, bandwidth=0.3) == pytest.approx(refimpl.mmd2_u(x, y, 0.3), abs=1e-12)
        expected = refimpl.sinkhorn_div(x, y, 0.5, p / p.sum(), q / q.sum())
        assert sinkhorn_divergence(x, y, p, q, epsilon=0.5) == pytest.approx(expected, abs=1e-9)
