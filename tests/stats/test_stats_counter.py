"""Random numbers belong to a place: the same compiled or not, in any blocks, by any number of threads."""

import subprocess
import sys

import numpy as np
import pytest

from asrfair.stats import counter, kernels

M = 301


@pytest.fixture
def speakers():
    rng = np.random.Generator(np.random.Philox(key=1))
    return rng.integers(0, 90, M), rng.integers(100, 700, M)


def _both(monkeypatch, function, *arguments):
    """What numpy makes, then what the compiled loop makes."""
    found = []
    for worth in (10**18, 0):
        monkeypatch.setattr(kernels, "WORTH_COMPILING", worth)
        found.append(function(*arguments))
    return found


def test_the_generator_is_splitmix64():
    """The first outputs of the published generator from seed 1234567 (Steele, Lea & Flood's Java code)."""
    state = 1234567 + counter.GOLDEN * np.arange(1, 4, dtype=np.uint64)
    assert counter.mixed(state).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_bootstrap_replicates_are_the_same_compiled_or_not(monkeypatch, speakers):
    numpy, compiled = _both(monkeypatch, kernels.resampled_sums, *speakers, 7, 0, 501)
    assert np.array_equal(numpy, compiled)


def test_permutations_are_the_same_compiled_or_not(monkeypatch, speakers):
    numpy, compiled = _both(monkeypatch, kernels.permuted_sums, *speakers, np.array([100, 1, 200]), 7, 50)
    assert np.array_equal(numpy, compiled)
    assert np.array_equal(np.sum(numpy, axis=2), np.repeat(np.sum(speakers, axis=1)[:, None], 50, axis=1))


@pytest.mark.parametrize("n", [1, 63, 64, 65, 300])
def test_sign_flips_are_the_same_compiled_or_not(monkeypatch, n):
    values = np.random.Generator(np.random.Philox(key=2)).standard_normal(n)
    numpy, compiled = _both(monkeypatch, kernels.flipped_sums, values, 7, 0, 200)
    assert np.allclose(numpy, compiled, atol=1e-10)
    assert abs(numpy.mean()) < 4 * np.sqrt(np.sum(values**2) / 200)


def test_replicates_do_not_depend_on_how_they_are_cut_into_blocks(speakers):
    whole = kernels.resampled_sums(*speakers, 7, 0, 100)
    parts = [kernels.resampled_sums(*speakers, 7, first, 50) for first in (0, 50)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_replicates_do_not_depend_on_the_number_of_threads():
    code = (
        "import numpy as np, numba, sys; from asrfair.stats import kernels; kernels.WORTH_COMPILING = 0\n"
        "numba.set_num_threads(int(sys.argv[1]))\n"
        "e, n = kernels.resampled_sums(np.arange(50), np.arange(50) + 100, 3, 0, 2000)\n"
        "print(hash(e.tobytes() + n.tobytes()))"
    )
    command = [sys.executable, "-c", code]
    run = {"capture_output": True, "text": True, "check": True, "env": {"PYTHONHASHSEED": "0", "PATH": "/usr/bin"}}
    outputs = {subprocess.run([*command, threads], **run).stdout for threads in ("1", "2")}
    assert len(outputs) == 1


def test_sums_that_would_not_fit_the_packing_are_exact():
    errors, words = np.array([2**40, 5]), np.array([2**41, 7])
    sums_e, sums_n = kernels.resampled_sums(errors, words, 1, 0, 64)
    assert {int(n) for n in sums_n} <= {2 * 2**41, 2**41 + 7, 14}
    assert np.all((sums_e == 2**40 + 5) == (sums_n == 2**41 + 7))


def test_draws_and_orders_are_uniform():
    drawn = np.bincount(counter.draws(5, 0, 2000, 7).ravel(), minlength=7)
    assert abs(drawn - 2000).max() < 5 * np.sqrt(2000)
    orders = np.concatenate(list(counter.permutations(5, 6000, 3)))
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 6
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_analysis_does_not_load_numba():
    code = (
        "import sys, asrfair.stats, asrfair.stats.bootstrap, asrfair.stats.permutation; print('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
