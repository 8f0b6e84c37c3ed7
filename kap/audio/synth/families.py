"""The kinds of track: which layers sound, how they are coloured, and their share of the power."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np

from kap.audio.synth.chords import voicings
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.strikes import Event, Struck, bowl, key, scatter, swell
from kap.audio.synth.surf import waves
from kap.audio.synth.texture import HOP, Signal, Spectrum, flow

Layers = list[tuple[float, Iterator[Signal]]]
"""Each layer as (power, hops of mean square near 1); the powers balance the families' loudness."""

Colour = Callable[[Recipe, float, float], Signal]
"""Amplitudes of the harmonics of a note, from the recipe, its pitch in hertz and the time in seconds."""

_HARMONICS: Final = np.arange(1, 41)
_AIR_POWER: Final = 10.0**-4.2  # a bed of air 42 dB under the music, so that no gap is digital silence
_LONGEST_GAP_S: Final = 5.0  # a lonelier note is not made louder for it: it would stand out of the bed
_BEAT_S: Final = 60.0 / 54.0  # beats a minute in the range felt as rest: 50 to 75 for ascent and peak

# First two formants of the vowels in "hood" and "hawed" (Peterson & Barney 1952, men), in hertz.
_DARK_VOWEL: Final = np.array([440.0, 1020.0])
_OPEN_VOWEL: Final = np.array([570.0, 840.0])


def _generator(recipe: Recipe, layer: int) -> np.random.Generator:
    return np.random.default_rng([recipe.seed, layer])


def _warm(recipe: Recipe, hz: float, at_s: float) -> Signal:
    """Bowed and rounded: every harmonic, its slope opening and closing over a minute and a half."""
    slope = 2.3 - recipe.brightness + 0.3 * np.sin(2.0 * np.pi * at_s / 97.0 + recipe.seed)
    cutoff = recipe.cutoff_hz * (1.0 + 0.2 * np.sin(2.0 * np.pi * at_s / 61.0))
    level = _HARMONICS**-slope / np.sqrt(1.0 + (hz * _HARMONICS / cutoff) ** 6)
    return np.asarray(level, dtype=np.float32)


def _hollow(recipe: Recipe, hz: float, at_s: float) -> Signal:
    """Like a stopped pipe: the even harmonics a quarter as strong."""
    return _warm(recipe, hz, at_s) * np.where(_HARMONICS % 2, 1.0, 0.25).astype(np.float32)


def _glass(recipe: Recipe, hz: float, at_s: float) -> Signal:
    """Octaves and a little of the twelfth only."""
    kept = np.zeros(_HARMONICS.size, dtype=np.float32)
    kept[[0, 1, 2, 3, 7]] = 1.0, 0.9, 0.25, 0.7, 0.4
    return _warm(recipe, hz, at_s) * kept


def _sung(recipe: Recipe, hz: float, at_s: float) -> Signal:
    """A distant choir without words, passing between a closed and an open vowel."""
    openness = 0.5 + 0.5 * np.sin(2.0 * np.pi * at_s / 53.0 + recipe.seed)
    formants = _DARK_VOWEL + openness * (_OPEN_VOWEL - _DARK_VOWEL)
    partials = hz * _HARMONICS[:, None]
    vowel = (np.array([1.0, 0.5]) / (1.0 + ((partials - formants) / 110.0) ** 2)).sum(axis=1)
    return np.asarray(_warm(recipe, hz, at_s) ** 0.6 * (0.12 + vowel), dtype=np.float32)


def _chords(recipe: Recipe, colour: Colour, spread_cents: float, sample_rate: int) -> Iterator[Signal]:
    rng = _generator(recipe, 1)
    step_s = HOP / sample_rate

    def spectra() -> Iterator[Spectrum]:
        for step, voicing in enumerate(voicings(recipe, step_s, rng)):
            spectrum = Spectrum(sample_rate)
            spectrum.add_noise(120.0, 2500.0, 1.0, _AIR_POWER)
            for hz, power in voicing:
                drift = 2.0 ** (rng.uniform(-2.0, 2.0) / 1200.0)
                spectrum.add_harmonics(hz * drift, colour(recipe, hz, step * step_s), spread_cents, power)
            yield spectrum

    return flow(spectra(), _generator(recipe, 2))


def _wander(
    recipe: Recipe, struck: Struck, gaps_s: tuple[float, float], reach: tuple[float, float]
) -> Iterator[Event]:
    """Strike the mode's pitches one after another, never the same twice, with uneven gaps between."""
    rng = _generator(recipe, 3)
    ladder = recipe.ladder(*reach)
    busy = 0.5 + recipe.density
    level = min(sum(gaps_s) / 2.0 / busy, _LONGEST_GAP_S) ** 0.5
    at_s, place = rng.uniform(1.0, 3.0), int(rng.integers(len(ladder)))
    while True:
        yield at_s, struck(ladder[place], rng) * np.float32(level * rng.uniform(0.75, 1.1))
        at_s += rng.uniform(*gaps_s) / busy
        steps = [step for step in (-2, -1, 1, 2, 3, -3) if 0 <= place + step < len(ladder)]
        place += int(rng.choice(steps))


def _circle(
    ladder: list[float], period_s: float, begin_s: float, struck: Struck, rng: np.random.Generator
) -> Iterator[Event]:
    """Sound one pitch every `period_s`; after some turns its neighbour takes the place over."""
    hz = float(rng.choice(ladder))
    for turn in itertools.count():
        if turn % 9 == 8:
            hz = float(rng.choice(ladder))
        yield begin_s + turn * period_s, struck(hz, rng) * np.float32(rng.uniform(0.8, 1.1))


def _together(circles: list[Iterator[Event]], periods_s: list[float]) -> Iterator[Event]:
    level = np.float32(sum(1.0 / period for period in periods_s) ** -0.5)
    for at_s, sound in heapq.merge(*circles, key=lambda event: event[0]):
        yield at_s, sound * level


def _loops(recipe: Recipe, sample_rate: int) -> Iterator[Event]:
    """Each pitch returns in its own time; no two times share a measure, so the whole does not come round.

    The method is Brian Eno's in "Music for Airports" 2/1.
    """
    rng = _generator(recipe, 3)
    pitches = recipe.ladder(1.5, 6.1)[:: 2 if recipe.density < 0.35 else 1][:7]
    periods = [float(rng.uniform(13.0, 29.0) / (0.6 + recipe.density)) for _ in pitches]
    circles = []
    for hz, period_s in zip(pitches, periods, strict=True):
        tone = partial(swell, harmonics=_hollow(recipe, hz, 0.0), spread_cents=2.5, sample_rate=sample_rate)
        circles.append(_circle([hz], period_s, float(rng.uniform(0.0, period_s)), tone, rng))
    return _together(circles, periods)


def _pulse(recipe: Recipe, sample_rate: int) -> Iterator[Event]:
    """Four hands on one slow beat, each with a count of its own, coming in one after another."""
    rng = _generator(recipe, 3)
    tone = partial(key, cutoff_hz=recipe.cutoff_hz, sample_rate=sample_rate)
    reaches = ((1.0, 1.0), (1.4, 2.1), (2.0, 3.1), (2.9, 4.2))
    periods = [_BEAT_S * count for count in (2, 3, 4, 5)]
    apart_s = min(24.0, recipe.seconds / 12.0)
    circles = [
        _circle(recipe.ladder(*reach), period_s, _BEAT_S * round(hand * apart_s / _BEAT_S), tone, rng)
        for hand, (reach, period_s) in enumerate(zip(reaches, periods, strict=True))
    ]
    return _together(circles, periods)


def _pads(recipe: Recipe, sample_rate: int) -> Layers:
    return [(1.0, _chords(recipe, _warm, 5.0, sample_rate))]


def _choir(recipe: Recipe, sample_rate: int) -> Layers:
    return [(0.7, _chords(recipe, _sung, 7.0, sample_rate))]


def _bowl_circle(recipe: Recipe, sample_rate: int) -> Layers:
    struck = partial(bowl, cutoff_hz=recipe.cutoff_hz, sample_rate=sample_rate)
    strikes = scatter(_wander(recipe, struck, (4.5, 8.0), (1.0, 3.1)), sample_rate)
    return [(0.3, strikes), (1.15, _chords(recipe, _glass, 4.0, sample_rate))]


def _keys(recipe: Recipe, sample_rate: int) -> Layers:
    struck = partial(key, cutoff_hz=recipe.cutoff_hz, sample_rate=sample_rate)
    notes = scatter(_wander(recipe, struck, (1.4, 3.6), (2.0, 6.1)), sample_rate)
    return [(0.18, notes), (1.0, _chords(recipe, _hollow, 4.0, sample_rate))]


def _loop_circle(recipe: Recipe, sample_rate: int) -> Layers:
    loops = scatter(_loops(recipe, sample_rate), sample_rate)
    return [(0.5, loops), (0.7, _chords(recipe, _warm, 4.0, sample_rate))]


def _surf(recipe: Recipe, sample_rate: int) -> Layers:
    sea = waves(recipe.seconds, 1.0 - recipe.brightness, sample_rate, _generator(recipe, 4))
    return [(0.55, sea), (0.45, _chords(recipe, _glass, 4.0, sample_rate))]


def _pulsed(recipe: Recipe, sample_rate: int) -> Layers:
    beats = scatter(_pulse(recipe, sample_rate), sample_rate)
    return [(0.2, beats), (0.9, _chords(recipe, _warm, 5.0, sample_rate))]


FAMILIES: Final[dict[str, Callable[[Recipe, int], Layers]]] = {
    "pads": _pads,
    "choir": _choir,
    "bowls": _bowl_circle,
    "keys": _keys,
    "loops": _loop_circle,
    "surf": _surf,
    "pulse": _pulsed,
}
