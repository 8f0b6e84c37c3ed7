"""Harmony: a few voices over a drone, of which one at a time moves, slowly."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from kap.audio.synth.recipe import Recipe

Voicing = list[tuple[float, float]]
"""Each sounding voice as (hertz, power)."""

# Each voice's range in multiples of the root, in the order in which a fuller texture brings them in.
_REGISTERS: Final = ((1.0, 1.0), (1.4, 2.6), (2.0, 3.8), (3.2, 5.1), (2.6, 4.1), (4.0, 6.7))
_CLOSEST: Final = 1.18  # just under a minor third: closer than that, low voices growl


def _softer(ratio: float) -> float:
    return math.pow(ratio, 2.0 / 3.0)


def _heard(hz: float) -> float:
    """Return what a note counts for loudness: the lows get no reverberation and little K-weighting."""
    return 1.0 / (1.0 + (90.0 / hz) ** 2)


class Voice:
    """One line of the chord: its pitch, and the slow tide of its level."""

    def __init__(self, ladder: list[float], rng: np.random.Generator) -> None:
        self.ladder = ladder
        self.hz = float(rng.choice(ladder))
        self.period_s = rng.uniform(41.0, 113.0)
        self.phase = rng.uniform(0.0, 2.0 * np.pi)

    def power(self, at_s: float, root_hz: float) -> float:
        """Higher voices are softer by 2 dB an octave; each rises and sinks by 3 dB in its own time."""
        tide_db = 3.0 * np.sin(2.0 * np.pi * at_s / self.period_s + self.phase)
        return float(_softer(root_hz / self.hz) * 10.0 ** (tide_db / 10.0))

    def move(self, others: list[float], rng: np.random.Generator) -> None:
        """Go to another pitch that leaves room around the other voices; stay if there is none."""
        free = [
            hz
            for hz in self.ladder
            if hz != self.hz and all(max(hz / other, other / hz) > _CLOSEST for other in others)
        ]
        if free:
            nearness = np.array([1.0 / abs(np.log2(hz / self.hz)) for hz in free])
            self.hz = float(rng.choice(free, p=nearness / nearness.sum()))


def voicings(recipe: Recipe, step_s: float, rng: np.random.Generator) -> Iterator[Voicing]:
    """Yield the chord every `step_s` seconds without end; its loudness stays near that of a power of 1."""
    count = 3 + round(3 * recipe.density)
    voices = [Voice(recipe.ladder(low, high), rng) for low, high in _REGISTERS[:count]]
    hold = 2 if recipe.density > 0.5 else 3
    step = 0
    while True:
        if step % hold == 0:
            mover = voices[int(rng.integers(1, count))]
            mover.move([voice.hz for voice in voices if voice is not mover], rng)
        usual = sum(_softer(recipe.root_hz / voice.hz) * _heard(voice.hz) for voice in voices)
        yield [(voice.hz, voice.power(step * step_s, recipe.root_hz) / usual) for voice in voices]
        step += 1
