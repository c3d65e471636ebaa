"""Any transform of audiomentations (Jordal et al.; MIT) that turns mono audio into audio, by its name.

    [[steps]]
    type = "audiomentation"
    transform = "AirAbsorption"
    parameters = { min_distance = 20.0, max_distance = 20.0 }

The library draws from the global generators of `random` and `numpy.random`. Both are seeded from the utterance's own
generator for the time of one call and put back afterwards, also after an error; a lock of the process keeps two calls
apart, as the library is not thread-safe. A transform is built anew for each call, so that nothing is carried over from
one utterance to another, and with `p = 1`: a condition that is there by chance is no condition.

Refused are transforms that read files (`AddBackgroundNoise`, `AddShortNoises`, `ApplyImpulseResponse`), because the
environment could not tell whether their files have changed: the families of asrfair do that; those that are made of
other transforms or of a function; `Resample`, which does not say what rate it leaves; and whatever does not do the same
for the same seed, as `RoomSimulator` with ray tracing, which draws in C++: each is tried when its file is loaded.
An SNR of audiomentations is over the whole file, pauses included: for noise at a level there are other families.
"""

from __future__ import annotations

import importlib
import inspect
import random
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from asrfair.errors import AudioError, MissingExtraError
from asrfair.records import Waveform
from asrfair.seeds import rng_for
from asrfair.stress._base import Stressor
from asrfair.stress.mix import turned_down
from asrfair.stress.scene import Scene

NOT_WITH_FILES = frozenset({"AddBackgroundNoise", "AddShortNoises", "ApplyImpulseResponse"})
NOT_PLAIN = frozenset({"Compose", "OneOf", "SomeOf", "Lambda", "Resample"})
TRIAL_HZ = 48_000
"""Half a second at this rate is put through a transform when its environment is loaded."""

FAILURES = (ValueError, TypeError, ArithmeticError, AssertionError, LookupError, AttributeError, RuntimeError, OSError)
"""What audiomentations raises for values that it cannot work with."""

_ONE_AT_A_TIME = threading.Lock()


class Audiomentation(Stressor, frozen=True):
    """A transform of audiomentations.

    Attributes:
        transform: the name of its class.
        parameters: arguments of its constructor; `p` is always 1.
        level: a number that is put in place of `level_parameters`; usually the level of the condition.
        level_parameters: the arguments that it is put in place of, e.g. `min_snr_db` and `max_snr_db`.
    """

    transform: str
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    level: float | None = None
    level_parameters: tuple[str, ...] = ()

    def libraries(self) -> tuple[str, ...]:
        """The transforms are audiomentations'."""
        return ("audiomentations",)

    def __post_init__(self) -> None:
        super().__post_init__()
        known = _transforms(_library())
        both = (self.level is None) == (not self.level_parameters)
        rules = {
            f"transform {self.transform!r} must be one of {', '.join(known)}": self.transform in known,
            "level and level_parameters must be given together": both,
        }
        self.refuse(rules)
        self._check_parameters(known[self.transform])
        sound = np.float32(0.1) * rng_for(0, "audiomentation", "trial").standard_normal(TRIAL_HZ // 2, np.float32)
        same = np.array_equal(self._tried(sound), self._tried(sound), equal_nan=True)
        self.refuse({f"transform {self.transform} must do the same for the same seed: it draws from elsewhere": same})

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The audio through the transform, turned down as a whole if it would be beyond full scale.

        Raises:
            AudioError: the transform cannot work with this audio, or leaves something that is no audio.
        """
        with _seeded(int(rng.integers(2**32))):
            try:
                heard = self._made()(waveform.samples.copy(), waveform.sample_rate_hz)
            except FAILURES as error:
                raise AudioError(f"audiomentations {self.transform}: {_said(error)}") from error
        samples = np.array(heard, dtype=np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise AudioError(f"audiomentations {self.transform}: what it leaves is not one channel of finite numbers")
        turned_down(samples, scene)
        return Waveform(samples, waveform.sample_rate_hz)

    def _made(self) -> Any:
        """The transform."""
        level = dict.fromkeys(self.level_parameters, self.level)
        return _transforms(_library())[self.transform](**(self.parameters | level | {"p": 1.0}))

    def _check_parameters(self, transform: Any) -> None:
        """Refuse arguments that the constructor does not have."""
        names = [name for name in inspect.signature(transform).parameters if name != "p"]
        for given in {*self.parameters, *self.level_parameters} - {"p"}:
            has = ", ".join(names)
            self.refuse({f"parameters: {given!r} must be one of {has}, which {self.transform} has": given in names})

    def _tried(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """A sound through the transform.

        Raises:
            ValueError: it cannot be built, or does not work: a value out of range, a library that it needs.
        """
        try:
            with _seeded(0):
                return np.array(self._made()(samples.copy(), TRIAL_HZ))
        except ImportError as error:
            raise ValueError(f"transform {self.transform} needs another library: {_said(error)}") from error
        except FAILURES as error:
            raise ValueError(f"parameters of {self.transform}: {_said(error)}") from error


def _library() -> ModuleType:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Its docstrings have escapes that Python warns of when it compiles them.
            return importlib.import_module("audiomentations")
    except ImportError as error:
        raise MissingExtraError("the step type 'audiomentation'", "stress") from error


def _transforms(library: ModuleType) -> dict[str, Any]:
    """Its transforms that can be used, by name."""
    core = importlib.import_module("audiomentations.core.transforms_interface")
    return {
        name: member
        for name, member in sorted(vars(library).items())
        if inspect.isclass(member) and issubclass(member, core.BaseWaveformTransform)
        if name not in NOT_WITH_FILES | NOT_PLAIN
    }


def _said(error: BaseException) -> str:
    """What an exception says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The global generators in a known state, and afterwards as they were; what the library warns of is not shown."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - the library draws from it
        try:
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            yield
        finally:
            random.setstate(plain)
            np.random.set_state(arrays)  # noqa: NPY002
