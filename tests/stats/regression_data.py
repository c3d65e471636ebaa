"""Speech made for the regression tests: speakers differ, errors come in bursts, and what is planted is known."""

import numpy as np


def rng_of(key):
    return np.random.Generator(np.random.Philox(key=key))


def speech(rng, log_rate, words, speaker, *, sigma=0.4, shape=8.0):
    """Errors of each utterance: log-normal speakers, negative binomial utterances, mean `words exp(log_rate)`."""
    voices = sigma * rng.standard_normal(int(speaker.max()) + 1) - sigma**2 / 2
    bursts = rng.gamma(shape, 1 / shape, len(words))
    return rng.poisson(words * np.exp(log_rate + voices[speaker]) * bursts).astype(float)


def utterances(key, n_speakers=40, n=800):
    """Three groups of speakers, three sites met by everybody, an SNR; nothing planted but the SNR."""
    rng = rng_of(key)
    speaker = np.append(np.arange(n_speakers), rng.integers(0, n_speakers, n - n_speakers))
    group, site, snr = speaker % 3, rng.integers(0, 3, n), rng.standard_normal(n)
    words = rng.integers(3, 30, n).astype(float)
    errors = speech(rng, np.log(0.15) - 0.2 * snr, words, speaker)
    return errors, words, speaker, group, site, snr


def dense(fit):
    """The design matrix as a matrix."""
    design = fit.design
    matrix = np.zeros((len(design.cell), len(fit.columns) + 1))
    for places in design.places:
        matrix[np.arange(len(matrix)), places[design.cell]] = 1.0
    matrix = matrix[:, :-1]
    if len(design.slopes):
        matrix[:, -len(design.slopes) :] = design.slopes.T
    return matrix
