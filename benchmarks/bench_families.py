"""What one step of each stressor family costs on a clip of 10 s at 16 kHz.

    python benchmarks/bench_families.py

Every family in `asrfair/stress/steps` is put into an environment of its own with the keys below and applied to a clip
whose level is known, after a first time that fills the banks. CPU milliseconds, the median of five utterances, and the
first time beside it. A family without an example here is named: give it one.
"""

from __future__ import annotations

import pkgutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from stress_work import RATE_HZ, cpu_s, machine, room, speech_like, written

from asrfair.audio import ActiveLevel, active_speech_level, file_sha256
from asrfair.errors import InputError
from asrfair.records import Condition, Waveform
from asrfair.stress import Banks, Environment, Scene, Voice, Voices, load_environment, steps

GOAL_MS, ROUNDS, TALKERS = 100.0, 5, 8
HEAD = 'schema_version = 1\nname = "{name}"\nversion = "1"\ndescription = "d"\nsource = "s"\n'

EXAMPLES = {
    "audiomentation": 'transform = "AirAbsorption"',
    "babble": "snr_db = 5\ntalkers = 6",
    "band": "low_hz = 300\nhigh_hz = 3400",
    "bit-depth": "bits = 8",
    "clipping": "over_active_db = 6.0",
    "codec: g711": 'codec = "g711-mulaw"',
    "codec: gsm": 'codec = "gsm"',
    "codec: g722": 'codec = "g722"',
    "codec: amr-nb": 'codec = "amr-nb"\nbitrate_kbps = 12.2',
    "codec: opus": 'codec = "opus"\nbitrate_kbps = 16',
    "codec: mp3": 'codec = "mp3"\nbitrate_kbps = 32',
    "coloured": 'snr_db = 5\ncolour = "pink"',
    "dropouts": "rate_per_minute = 20\nlength_ms = 50",
    "gain": "gain_db = -6",
    "impulse-response": 'file = "room.wav"',
    "microphone": "frequencies_hz = [100, 1000, 4000]\ngains_db = [-12, 0, -6]",
    "packet-loss: zeros": 'loss_percent = 5\nburst_packets = 2\nconceal = "zeros"',
    "packet-loss: repeat": 'loss_percent = 5\nburst_packets = 2\nconceal = "repeat"',
    "packet-loss: opus": 'loss_percent = 5\nburst_packets = 2\nconceal = "opus"\nbitrate_kbps = 16',
    "profiled": None,
    "recorded": 'snr_db = 5\nfiles = ["machine.wav"]',
    "sample-rate": "rate_hz = 8000",
    "shoebox": "length_m = 6\nwidth_m = 5\nheight_m = 3\nrt60_s = 0.5\ndistance_m = 1",
    "speed: tempo": "rate_percent = 10",
    "speed: pitch": "pitch_semitones = 1",
    "tonal": "snr_db = 5\nfundamental_hz = 118\nharmonics = 16",
}
"""`FAMILY` or `FAMILY: variant` -> the keys of its step; None where a file is made on the spot."""


def run() -> list[dict[str, object]]:
    """Measure; returns one dict a family: goal, ratio (milliseconds), target, detail."""
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        voices = _made(folder)
        clip = Waveform(speech_like(10.0), RATE_HZ)
        level = active_speech_level(clip)
        for example, environment in _environments(folder):
            if isinstance(environment, str):
                lines.append({"goal": example, "ratio": float("nan"), "target": GOAL_MS, "detail": environment})
                continue
            first, later = _cost(environment, clip, level, voices)
            lines.append(
                {
                    "goal": f"{example}, ms of CPU per 10 s clip (smaller is better)",
                    "ratio": later,
                    "target": GOAL_MS,
                    "detail": f"the first time, banks and libraries included, {first:,.0f} ms",
                }
            )
    known = {example.partition(":")[0].replace("-", "_") for example in EXAMPLES}
    if without := sorted({module.name for module in pkgutil.iter_modules(steps.__path__)} - known):
        print(f"no example of {', '.join(without)}")
    return lines


def _made(folder: Path) -> Voices:
    """The files that steps name, and speakers for babble."""
    soundfile.write(folder / "machine.wav", machine(60 * RATE_HZ), RATE_HZ)
    soundfile.write(folder / "room.wav", room(), RATE_HZ, subtype="FLOAT")
    paths = written(folder, TALKERS)
    voices = [Voice(f"s{i}", "ab"[i % 2], path, None, None, file_sha256(path)) for i, path in enumerate(paths)]
    return Voices("gender", voices)


def _environments(folder: Path) -> Iterator[tuple[str, Environment | str]]:
    """Each example as an environment, or why it is none."""
    for number, (example, keys) in enumerate(EXAMPLES.items()):
        kind, path = example.partition(":")[0], folder / f"e{number}.toml"
        text = (
            _profiled(folder)
            if keys is None
            else HEAD.format(name=f"e{number}") + f'[[steps]]\ntype = "{kind}"\n{keys}'
        )
        path.write_text(text)
        try:
            yield example, load_environment(str(path))
        except InputError as error:
            yield example, str(error)


def _profiled(folder: Path) -> str:
    """The environment that the noise lab makes of the machine."""
    from asrfair.stress.lab.environment_file import environment_toml
    from asrfair.stress.lab.measure import measure_waveform

    samples, rate = soundfile.read(folder / "machine.wav", dtype="float32")
    return environment_toml(measure_waveform(Waveform(samples, rate)), "profiled", "1")


def _cost(environment: Environment, clip: Waveform, level: ActiveLevel | None, voices: Voices) -> tuple[float, float]:
    """Milliseconds of the first utterance, and of a later one."""
    banks = Banks()
    condition = Condition(environment.name, environment.levels[-1] if environment.levels else None)

    def work(number: int) -> None:
        scene = Scene(f"u{number}", speaker_id="x", banks=banks, voices=voices, clip=clip, clip_level=level)
        environment.apply(clip, condition, f"u{number}", scene)

    spent = [1000 * cpu_s(lambda number=number: work(number)) for number in range(ROUNDS + 1)]
    return spent[0], float(np.median(spent[1:]))


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}")
