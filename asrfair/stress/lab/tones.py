"""Tones: narrow peaks of the long-term spectrum, and the harmonic series that they form.

The floor is the running median of the spectrum over 5 % of the frequency, at least 20 Hz, to either side. A tone is a
local maximum `PROMINENCE_DB` above the floor, most of the time; its frequency is that of the parabola through the
logarithms of three bins (exact to a few hundredths of a bin for a Hann window), its level the power above the floor. A
machine that is switched on and off gives each tone side lines at multiples of the repetition rate; those belong to the
tone. Peaks that stand in a comb at the repetition rate with no summit are the pulse itself, not tones. A recording has
a harmonic series where three tones or more are multiples of a common fundamental.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.stress.lab.bands import LOWEST_HZ, Numbers, decibels
from asrfair.stress.lab.spectrum import Spectrum

PROMINENCE_DB = 10.0
STAYS_DB = 3.0
"""A tone is there most of the time: the median over windows stands out nearly as far as their mean."""

SUMMIT_DB = 6.0
"""How far a tone stands out of a spectrum that is smoothed over two repetition rates, where there is repetition."""

SIBLING_DB = 12.0
SKIRT_HZ, SKIRT_DB = 12.0, 15.0
EDGE_HZ, EDGE_POWER = 100.0, 10**-2.5
"""The edges of pulses put skirts around a tone, far and weak."""

MOST_TONES = 120
FLOOR_SHARE, FLOOR_HZ = 0.05, 20.0
LOBE_BINS = 3
MOST_HARMONICS = 60
TOLERANCE = 0.004


@dataclass(frozen=True, slots=True)
class FoundTone:
    """A tone: frequency, power relative to full scale, how far its peak stands over the floor, and its bins."""

    hz: float
    power: float
    prominence_db: float
    bins: slice


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """A harmonic series: its fundamental, which multiples are there, and its share of the power of all tones."""

    hz: float
    numbers: tuple[int, ...]
    share: float


def noise_floor(spectrum: Spectrum) -> Numbers:
    """The density without its narrow peaks, shape (bins,)."""
    hz, density = spectrum.hz, np.maximum(spectrum.density, 1e-30)
    reach = np.maximum(FLOOR_SHARE * hz, FLOOR_HZ) / spectrum.step_hz
    # Medians at places a quarter of a reach apart; between them straight lines in dB.
    places = [1.0]
    while places[-1] < len(hz) - 1:
        places.append(places[-1] + max(1.0, reach[int(places[-1])] / 4))
    at = np.unique(np.minimum(np.round(places), len(hz) - 1).astype(int))
    first = int(np.ceil(LOWEST_HZ / spectrum.step_hz))
    medians = [
        np.median(density[max(first, int(i - reach[i])) : max(first, int(i + reach[i])) + 1]) for i in at.tolist()
    ]
    floor: Numbers = 10 ** np.interp(np.arange(len(hz)), at, np.log10(medians))
    return floor


def find_tones(spectrum: Spectrum, repetition_hz: float | None = None, pulse_s: float | None = None) -> list[FoundTone]:
    """The tones of a spectrum, the strongest `MOST_TONES` of them, by frequency.

    Args:
        spectrum: long-term spectrum.
        repetition_hz: rate at which the machine is switched, if it is.
        pulse_s: how long it is on each time.
    """
    floor = noise_floor(spectrum)
    peaks = _peaks(spectrum, floor)
    spread = 0.0
    if repetition_hz is not None:
        spread = min(2.0 / (pulse_s or 1 / repetition_hz), 40.0)
        peaks = _without_side_lines(spectrum, floor, peaks, repetition_hz, spread)
    peaks = _without_skirts(spectrum, peaks)
    peaks = sorted(sorted(peaks, key=lambda i: -spectrum.density[i])[:MOST_TONES])
    tones = []
    for number, peak in enumerate(peaks):
        gaps = [abs(other - peak) for other in (*peaks[:number][-1:], *peaks[number + 1 :][:1])]
        reach = max(LOBE_BINS, round(spread / spectrum.step_hz))
        reach = max(1, min([reach, *(gap // 2 for gap in gaps)]))
        near = slice(max(0, peak - reach), peak + reach + 1)
        power = float(np.sum(spectrum.density[near] - floor[near])) * spectrum.step_hz
        if power > 0:
            hz = _vertex(spectrum, peak)
            prominence = float(decibels(spectrum.density[peak])) - float(decibels(floor[peak]))
            tones.append(FoundTone(hz, power, prominence, near))
    return tones


def without_tones(spectrum: Spectrum, tones: list[FoundTone]) -> Spectrum:
    """The spectrum with the floor in the place of each tone: what is left is as much as the tones have not taken."""
    floor, density = noise_floor(spectrum), spectrum.density.copy()
    for tone in tones:
        density[tone.bins] = floor[tone.bins]
    return Spectrum(density, spectrum.typical, spectrum.step_hz)


def _peaks(spectrum: Spectrum, floor: Numbers) -> list[int]:
    """Local maxima over two bins to either side that stand out of the floor and are narrow."""
    density = spectrum.density
    inner = density[2:-2]
    is_top = (inner > density[1:-3]) & (inner >= density[3:-1]) & (inner > density[:-4]) & (inner >= density[4:])
    least = floor[2:-2] * 10 ** (PROMINENCE_DB / 10)
    stays = spectrum.typical[2:-2] > least * 10 ** (-STAYS_DB / 10)
    places = np.flatnonzero(is_top & (inner > least) & stays) + 2
    return [int(i) for i in places if i * spectrum.step_hz > LOWEST_HZ]


def _without_skirts(spectrum: Spectrum, peaks: list[int]) -> list[int]:
    """Peaks that are not the skirt of a much stronger one nearby, which one that comes and goes has."""
    reach = round(SKIRT_HZ / spectrum.step_hz)
    strongest = [spectrum.density[max(0, peak - reach) : peak + reach + 1].max() for peak in peaks]
    least = 10 ** (-SKIRT_DB / 10)
    return [i for i, top in zip(peaks, strongest, strict=True) if spectrum.density[i] >= top * least]


def _without_side_lines(
    spectrum: Spectrum, floor: Numbers, peaks: list[int], repetition_hz: float, spread_hz: float
) -> list[int]:
    """Peaks that are not side lines of a stronger one, nor teeth of the comb of a pulse."""
    step = spectrum.step_hz
    width = 2 * round(repetition_hz / step) + 1
    smooth = np.convolve(spectrum.density, np.ones(width) / width, mode="same")
    around = np.array([np.median(smooth[max(0, i - 6 * width) : i + 6 * width + 1]) for i in peaks])
    side = round(repetition_hz / step)
    chosen: list[int] = []
    for peak, usual in sorted(zip(peaks, around, strict=True), key=lambda item: -spectrum.density[item[0]]):
        is_summit = smooth[peak] > 10 ** (SUMMIT_DB / 10) * max(usual, floor[peak])
        is_alone = all(
            spectrum.density[max(0, at - 2) : at + 3].max(initial=0.0)
            < spectrum.density[peak] * 10 ** (-SIBLING_DB / 10)
            for at in (peak - side, peak + side)
            if at < len(spectrum.density)
        )
        is_side = any(
            abs(peak - other) * step < spread_hz + repetition_hz
            or (abs(peak - other) * step < EDGE_HZ and spectrum.density[peak] < spectrum.density[other] * EDGE_POWER)
            for other in chosen
        )
        if (is_summit or is_alone) and not is_side:
            chosen.append(peak)
    return chosen


def _vertex(spectrum: Spectrum, peak: int) -> float:
    """Where the parabola through three bins, in dB, is highest."""
    before, top, after = np.log(np.maximum(spectrum.density[peak - 1 : peak + 2], 1e-30))
    curve = before - 2 * top + after
    shift = 0.0 if curve == 0 else 0.5 * (before - after) / curve
    return float((peak + np.clip(shift, -0.5, 0.5)) * spectrum.step_hz)


def find_series(tones: list[FoundTone], step_hz: float) -> FoundSeries | None:
    """The harmonic series that explains most of the tones; None where fewer than three are multiples of anything.

    Args:
        tones: by frequency.
        step_hz: distance between the bins that they were found in.
    """
    if len(tones) < 3:
        return None
    hz, power = np.array([tone.hz for tone in tones]), np.array([tone.power for tone in tones])
    weight = np.sqrt(power / power.max())
    strongest = np.argsort(power)[::-1][:8]
    candidates = [hz[i] / k for i in strongest for k in range(1, 13) if hz[i] / k > LOWEST_HZ]
    candidates += [abs(float(b - a)) for a, b in itertools.pairwise(hz) if b - a > LOWEST_HZ]
    best: tuple[float, FoundSeries] | None = None
    for candidate in candidates:
        fit = _fitted(hz, candidate, step_hz)
        if fit is None:
            continue
        base, is_member, numbers = fit
        # A fundamental too low explains everything, with most of its multiples missing.
        present = len(set(numbers.tolist())) / numbers.max()
        score = float(weight[is_member].sum() / weight.sum() * np.sqrt(present))
        if best is None or score > best[0] + 1e-9:
            share = float(power[is_member].sum() / power.sum())
            best = score, FoundSeries(base, tuple(sorted(set(numbers.tolist()))), share)
    return None if best is None else best[1]


def _fitted(hz: Numbers, base: float, step_hz: float) -> tuple[float, NDArray[np.bool_], NDArray[np.int64]] | None:
    """A fundamental, refined by least squares over the tones that are its multiples."""
    for _ in range(3):
        numbers = np.maximum(1, np.round(hz / base)).astype(np.int64)
        near = np.abs(hz - numbers * base) < np.minimum(TOLERANCE * hz + 0.5 * step_hz, 0.2 * base)
        is_member = near & (numbers <= MOST_HARMONICS)
        if np.count_nonzero(is_member) < 3 or len(set(numbers[is_member].tolist())) < 3:
            return None
        k = numbers[is_member]
        base = float(np.sum(k * hz[is_member]) / np.sum(k * k))
    return base, is_member, k
