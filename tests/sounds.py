"""Sounds made on the spot, for the tests of several rooms."""

import wave

import numpy as np

DATASET = """\
schema_version = 1
name = "Tones"
version = "1"
licence = "CC0-1.0"
language = "en"
collection = "Made by the tests."
consent = "Nobody spoke."

[attributes.accent]
kind = "accent"
provenance = "recorded"
"""


def tone(number, seconds=0.3, rate=16_000):
    """A tone that no other number has."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 + 7 * number) * time)).astype(np.float32)


def write_wav(path, samples, rate=16_000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
