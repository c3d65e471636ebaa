"""A simulated room: a box with walls of one material, a talker and a microphone (extra `stress`: pyroomacoustics).

Image sources (Allen and Berkley 1979, J. Acoust. Soc. Am. 65) up to the order at which the last echo within RT60 is
there: `order = c RT60 / R - 1`, R the smallest `ab / sqrt(a^2 + b^2)` over the pairs of walls. Sabine's formula gives
the reverberation time of a box only roughly (at 6 x 5 x 3 m and 1.0 s asked, 1.17 s is measured), so the absorption is
searched for until the Schroeder reverberation time (`asrfair.audio.reverberation_time_s`) of all but the direct sound
is as asked: near the talker the direct sound makes the whole decay look shorter, but the walls are the same at every
distance. The response ends RT60 after the direct sound, has unit energy (the listener's recorder is set for the place)
and leaves the speech where it is.

The talker is at the microphone's height, `distance_m` from it. With `places = 1` both are where they always are: the
microphone at 30 % of the length, 35 % of the width and 40 % of the height, the talker towards the far corner. With
more, that many pairs of places are drawn for the room, 20 cm or more from the walls; each utterance draws one of them.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import reverberation_time_s
from asrfair.errors import MissingExtraError
from asrfair.seeds import rng_for
from asrfair.stress._base import Filter, step_digest
from asrfair.stress.scene import Scene

SPEED_M_S = 343.0
SMALLEST_M, LARGEST_M = 1.5, 100.0
NEAREST_M = 0.1
FROM_WALL_M = 0.2
MOST_PLACES = 64
HIGHEST_ORDER = 180
"""Beyond this the images (4/3 order^3) fill the memory."""

SHORTEST_S = 0.15
"""A shorter decay has too few echoes to measure."""

LEAD = 40
"""Taps kept before the direct sound: half of the fractional delay filter of pyroomacoustics."""

MICROPHONE = (0.3, 0.35, 0.4)
"""Place of the microphone, as shares of length, width and height."""

TRIES = 1000
SEARCH_STEPS = 20
CLOSE = 0.005
"""The search for the absorption ends when the reverberation time is as near to the one asked for as this share."""


class Shoebox(Filter, frozen=True):
    """A simulated room.

    Attributes:
        length_m, width_m, height_m: the room, m.
        rt60_s: reverberation time, s.
        distance_m: from talker to microphone, m.
        places: how many pairs of places are drawn from; 1 for the fixed one.
    """

    length_m: float
    width_m: float
    height_m: float
    rt60_s: float
    distance_m: float
    places: int = 1

    def libraries(self) -> tuple[str, ...]:
        """The image source method is pyroomacoustics'."""
        return ("pyroomacoustics",)

    def __post_init__(self) -> None:
        super().__post_init__()
        sides = {"length_m": self.length_m, "width_m": self.width_m, "height_m": self.height_m}
        rules = {
            f"{k} must be {SMALLEST_M:g} to {LARGEST_M:g} m": SMALLEST_M <= v <= LARGEST_M for k, v in sides.items()
        }
        self.refuse(rules)
        shortest, longest = self._reverberation_range_s()
        farthest = math.dist((0, 0), self._reach())
        rules = {
            f"rt60_s must be {shortest:.2f} to {longest:.2f} s in a room of this size": shortest
            <= self.rt60_s
            <= longest,
            f"distance_m must be {NEAREST_M:g} to {farthest:.2f} m in a room of this size": NEAREST_M
            <= self.distance_m
            <= farthest,
            f"places must be 1 to {MOST_PLACES}": 1 <= self.places <= MOST_PLACES,
        }
        self.refuse(rules)

    @property
    def _sides(self) -> NDArray[np.float64]:
        """The room, m."""
        return np.array([self.length_m, self.width_m, self.height_m])

    def _reach(self) -> tuple[float, float]:
        """From the fixed microphone to the far corner, along length and width, m."""
        return (
            (1 - MICROPHONE[0]) * self.length_m - FROM_WALL_M,
            (1 - MICROPHONE[1]) * self.width_m - FROM_WALL_M,
        )

    def _path_m(self) -> float:
        """By how much the nearest image of the next order is farther, m."""
        return min(float(a * b / math.hypot(a, b)) for a, b in combinations(self._sides.tolist(), 2))

    def _reverberation_range_s(self) -> tuple[float, float]:
        """Sabine's time with walls that absorb everything, and the time at the highest order of images."""
        length, width, height = self._sides.tolist()
        surface = 2 * (length * width + length * height + width * height)
        sabine = 24 * math.log(10) / SPEED_M_S * length * width * height / surface
        longest = (HIGHEST_ORDER + 1) * self._path_m() / SPEED_M_S
        return max(SHORTEST_S, math.ceil(sabine * 100) / 100), math.floor(longest * 100) / 100

    def response(self, rate_hz: int, rng: np.random.Generator, scene: Scene) -> tuple[NDArray[np.float32], int]:
        """The room's response at the fixed place, or at one that the utterance draws."""
        place = 0 if self.places == 1 else int(rng.integers(self.places))
        key = f"{step_digest(self, 'places')} {rate_hz} Hz place {place} of {self.places}"
        return scene.banks.get(key, lambda: self._simulated(rate_hz, place)), LEAD

    def _placed(self, place: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Talker and microphone, m from a corner."""
        reach = np.array(self._reach())
        microphone = np.array(MICROPHONE) * self._sides
        fixed = microphone + np.append(reach / np.linalg.norm(reach), 0.0) * self.distance_m
        if self.places == 1:
            return fixed, microphone
        rng = rng_for(0, step_digest(self, "places"), f"place {place}")
        for _ in range(TRIES):
            drawn = rng.uniform(FROM_WALL_M, self._sides - FROM_WALL_M)
            angle = rng.uniform(0, 2 * np.pi)
            talker = drawn + np.array([math.cos(angle), math.sin(angle), 0.0]) * self.distance_m
            if np.all(talker >= FROM_WALL_M) and np.all(talker <= self._sides - FROM_WALL_M):
                return talker, drawn
        return fixed, microphone

    def _simulated(self, rate_hz: int, place: int) -> NDArray[np.float32]:
        """The response from just before the direct sound to RT60 after it, with unit energy."""
        try:
            import pyroomacoustics
        except ImportError as error:
            raise MissingExtraError("a simulated room (shoebox)", "stress") from error
        # Its sums depend on the number of threads, by default that of the machine, in the last bit.
        pyroomacoustics.constants.set("num_threads", 1)
        talker, microphone = self._placed(place)
        order = math.ceil(SPEED_M_S * self.rt60_s / self._path_m() - 1)
        room = pyroomacoustics.ShoeBox(
            self._sides, fs=rate_hz, materials=pyroomacoustics.Material(0.5), max_order=order, air_absorption=False
        )
        room.add_source(talker)
        room.add_microphone(microphone)
        room.image_source_model()
        source = room.sources[0]
        kept = self._kept(source, microphone, rate_hz)
        source.damping = (kept**source.orders)[np.newaxis].astype(np.float32)
        room.compute_rir()
        heard = np.asarray(room.rir[0][0])
        direct = round(self.distance_m / SPEED_M_S * rate_hz) + LEAD
        taps = heard[direct - LEAD : direct + round(self.rt60_s * rate_hz)]
        return np.asarray(taps / np.linalg.norm(taps), dtype=np.float32)

    def _kept(self, source: Any, microphone: NDArray[np.float64], rate_hz: int) -> float:
        """The amplitude that a reflection keeps, so that the reverberation (all but the direct sound) is as asked.

        Energies of all images of one order that arrive at one sample are summed once; the decay with any material is
        then their sum over orders, weighted by `kept ** (2 order)`.
        """
        distance_m = np.linalg.norm(source.images - microphone[:, np.newaxis], axis=0)
        n, orders = round(self.rt60_s * rate_hz), int(source.orders.max()) + 1
        arrival = np.rint((distance_m - distance_m.min()) / SPEED_M_S * rate_hz).astype(np.int64)
        heard = (arrival < n) & (source.orders > 0)
        cells = source.orders[heard].astype(np.int64) * n + arrival[heard]
        by_order = np.bincount(cells, 1 / distance_m[heard] ** 2, orders * n).reshape(orders, n).astype(np.float32)
        low, high = 0.0, 1.0
        for _ in range(SEARCH_STEPS):
            kept = (low + high) / 2
            energy = (kept ** (2 * np.arange(orders))).astype(np.float32) @ by_order
            measured = reverberation_time_s(np.sqrt(energy), rate_hz) or math.inf
            if abs(measured / self.rt60_s - 1) < CLOSE:
                break
            low, high = (kept, high) if measured < self.rt60_s else (low, kept)
        return kept
