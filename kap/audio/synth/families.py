"""The kinds of track: which layers sound, how they are coloured, and their share of the power."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from kap.audio.synth.chords import voicings
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.strikes import Event, Struck, bowl, drop, key, pluck, scatter, swell
from kap.audio.synth.surf import waves
from kap.audio.synth.texture import HOP, Signal, Spectrum, flow


@dataclass(frozen=True)
class Layer:
    """One line of the texture: its share of the power, and hops of mean square near 1.

    What is `held` is kept at one loudness while its notes change; struck and blown things come and go.
    """

    power: float
    hops: Iterator[Signal]
    held: bool = False


Layers = list[Layer]

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


def _airy(recipe: Recipe, hz: float, at_s: float) -> Signal:
    """Breath through a wide pipe: little beside the first two harmonics."""
    return _hollow(recipe, hz, at_s) * np.asarray(_HARMONICS**-0.8, dtype=np.float32)


def _bowed(recipe: Recipe, hz: float, at_s: float) -> Signal:
    """Strings together: many harmonics, and the body of the instruments around 450 Hz."""
    body = 1.0 + 0.8 / (1.0 + ((hz * _HARMONICS - 450.0) / 160.0) ** 2)
    return np.asarray(_warm(recipe, hz, at_s) ** 0.8 * body, dtype=np.float32)


def _overtone(recipe: Recipe, hz: float, at_s: float) -> Signal:
    """A drone in which a resonance climbs and sinks from the third harmonic to the tenth."""
    course = 0.6 * np.sin(2.0 * np.pi * at_s / 83.0 + recipe.seed) + 0.4 * np.sin(2.0 * np.pi * at_s / 37.0)
    place = 6.5 + 3.5 * course
    resonance = 6.0 / (1.0 + ((_HARMONICS - place) / 0.6) ** 2)
    return np.asarray(_warm(recipe, hz, at_s) ** 0.75 * (1.0 + resonance), dtype=np.float32)


def _chords(recipe: Recipe, colour: Colour, spread_cents: float, sample_rate: int) -> Iterator[Signal]:
    rng = _generator(recipe, 1)
    step_s = HOP / sample_rate

    def spectra() -> Iterator[Spectrum]:
        for step, voicing in enumerate(voicings(recipe, step_s, rng)):
            spectrum = Spectrum(sample_rate)
            spectrum.add_noise(120.0, 2500.0, 1.0, _AIR_POWER)
            for hz, power in voicing:
                spectrum.add_harmonics(hz, colour(recipe, hz, step * step_s), spread_cents, power)
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


def _returning(
    recipe: Recipe, colour: Colour, apart_s: tuple[float, float], spread_cents: float, sample_rate: int
) -> Iterator[Event]:
    """Each pitch returns in its own time; no two times share a measure, so the whole does not come round.

    The method is Brian Eno's in "Music for Airports" 2/1.
    """
    rng = _generator(recipe, 3)
    pitches = recipe.ladder(1.5, 6.1)[:: 2 if recipe.density < 0.35 else 1][:7]
    periods = [float(rng.uniform(*apart_s) / (0.6 + recipe.density)) for _ in pitches]
    circles = []
    for hz, period_s in zip(pitches, periods, strict=True):
        harmonics = colour(recipe, hz, 0.0)
        tone = partial(swell, harmonics=harmonics, spread_cents=spread_cents, sample_rate=sample_rate)
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


def _toned(recipe: Recipe, colour: Colour, spread_cents: float, sample_rate: int) -> Struck:
    """One swelling tone in a colour, at whatever pitch it is asked for."""

    def struck(hz: float, rng: np.random.Generator) -> Signal:
        harmonics = colour(recipe, hz, 0.0)
        return swell(hz, rng, harmonics=harmonics, spread_cents=spread_cents, sample_rate=sample_rate)

    return struck


def _drops(recipe: Recipe, sample_rate: int) -> Iterator[Event]:
    """Single drops near by, at uneven times, from one in two seconds to four a second."""
    rng = _generator(recipe, 5)
    apart_s = 1.0 / (0.5 + 3.5 * recipe.density)
    at_s = 0.0
    while True:
        at_s += rng.exponential(apart_s)
        size = np.float32(apart_s**0.5 * rng.uniform(0.5, 1.2))
        yield at_s, size * drop(rng, cutoff_hz=recipe.cutoff_hz, sample_rate=sample_rate)


def _gusts(recipe: Recipe, low_hz: float, high_hz: float, sample_rate: int) -> Iterator[Signal]:
    """Noise that swells and sinks by 3 dB in its own slow time, and opens as it swells."""
    rng = _generator(recipe, 6)
    periods_s, phases = rng.uniform(19.0, 71.0, size=3), rng.uniform(0.0, 2.0 * np.pi, size=3)

    def spectra() -> Iterator[Spectrum]:
        for step in itertools.count():
            turn = 2.0 * np.pi * step * HOP / sample_rate / periods_s + phases
            gust = float(np.sin(turn).mean())
            spectrum = Spectrum(sample_rate)
            edge_hz = high_hz * (0.5 + 0.6 * recipe.brightness) * 2.0**gust
            spectrum.add_noise(low_hz, edge_hz, 1.0, 10.0 ** (0.5 * gust))
            yield spectrum

    return flow(spectra(), _generator(recipe, 7))


def _shower(recipe: Recipe, sample_rate: int) -> Iterator[Signal]:
    return _gusts(recipe, 250.0, 3600.0, sample_rate)


def _wind(recipe: Recipe, sample_rate: int) -> Iterator[Signal]:
    return _gusts(recipe, 120.0, 900.0, sample_rate)


def _pads(recipe: Recipe, sample_rate: int) -> Layers:
    return [Layer(1.0, _chords(recipe, _warm, 5.0, sample_rate), held=True)]


def _choir(recipe: Recipe, sample_rate: int) -> Layers:
    return [Layer(0.7, _chords(recipe, _sung, 7.0, sample_rate), held=True)]


def _bowl_circle(recipe: Recipe, sample_rate: int) -> Layers:
    struck = partial(bowl, cutoff_hz=recipe.cutoff_hz, sample_rate=sample_rate)
    strikes = scatter(_wander(recipe, struck, (4.5, 8.0), (1.0, 3.1)), sample_rate)
    return [Layer(0.24, strikes), Layer(1.2, _chords(recipe, _glass, 4.0, sample_rate), held=True)]


def _keys(recipe: Recipe, sample_rate: int) -> Layers:
    struck = partial(key, cutoff_hz=recipe.cutoff_hz, sample_rate=sample_rate)
    notes = scatter(_wander(recipe, struck, (1.4, 3.6), (2.0, 6.1)), sample_rate)
    return [Layer(0.18, notes), Layer(1.0, _chords(recipe, _hollow, 4.0, sample_rate), held=True)]


def _loop_circle(recipe: Recipe, sample_rate: int) -> Layers:
    loops = scatter(_returning(recipe, _hollow, (13.0, 29.0), 2.5, sample_rate), sample_rate)
    return [Layer(0.4, loops), Layer(0.8, _chords(recipe, _warm, 4.0, sample_rate), held=True)]


def _strings(recipe: Recipe, sample_rate: int) -> Layers:
    bows = scatter(_returning(recipe, _bowed, (11.0, 19.0), 6.0, sample_rate), sample_rate)
    return [Layer(0.5, bows), Layer(0.6, _chords(recipe, _bowed, 7.0, sample_rate), held=True)]


def _breath(recipe: Recipe, sample_rate: int) -> Layers:
    struck = _toned(recipe, _airy, 9.0, sample_rate)
    tones = scatter(_wander(recipe, struck, (3.5, 7.0), (2.0, 4.6)), sample_rate)
    return [
        Layer(0.3, tones),
        Layer(0.9, _chords(recipe, _glass, 4.0, sample_rate), held=True),
        Layer(0.04, _wind(recipe, sample_rate)),
    ]


def _overtones(recipe: Recipe, sample_rate: int) -> Layers:
    return [Layer(1.0, _chords(recipe, _overtone, 5.0, sample_rate), held=True)]


def _harp(recipe: Recipe, sample_rate: int) -> Layers:
    struck = partial(pluck, cutoff_hz=recipe.cutoff_hz, sample_rate=sample_rate)
    notes = scatter(_wander(recipe, struck, (0.9, 2.4), (2.0, 6.1)), sample_rate)
    return [Layer(0.2, notes), Layer(0.9, _chords(recipe, _warm, 4.0, sample_rate), held=True)]


def _rain(recipe: Recipe, sample_rate: int) -> Layers:
    drops = scatter(_drops(recipe, sample_rate), sample_rate)
    chords = _chords(recipe, _glass, 4.0, sample_rate)
    return [Layer(0.12, drops), Layer(0.25, _shower(recipe, sample_rate)), Layer(0.6, chords, held=True)]


def _surf(recipe: Recipe, sample_rate: int) -> Layers:
    sea = waves(recipe.seconds, 1.0 - recipe.brightness, sample_rate, _generator(recipe, 4))
    return [Layer(0.55, sea), Layer(0.45, _chords(recipe, _glass, 4.0, sample_rate), held=True)]


def _pulsed(recipe: Recipe, sample_rate: int) -> Layers:
    beats = scatter(_pulse(recipe, sample_rate), sample_rate)
    return [Layer(0.3, beats), Layer(0.85, _chords(recipe, _warm, 5.0, sample_rate), held=True)]


@dataclass(frozen=True)
class Family:
    """One manner of playing, and what a library should know of every track made in it."""

    title: str
    note: str
    layers: Callable[[Recipe, int], Layers]
    voices: bool = False  # sounds like people singing, without words
    pulse: bool = False  # a slow beat can be felt
    association: str = ""  # what of a religion or a culture some listeners may hear in it


FAMILIES: Final[dict[str, Family]] = {
    "pads": Family("Held chords", "A warm chord in which one voice at a time moves.", _pads),
    "surf": Family("Waves", "A shore, each wave from its own side, over a quiet chord.", _surf),
    "rain": Family("Rain", "Soft rain that comes and goes, and single drops, over a quiet chord.", _rain),
    "breath": Family("Wind and pipes", "Airy tones one after another, as if blown.", _breath),
    "bowls": Family(
        "Bowls",
        "Singing bowls struck softly and left to ring.",
        _bowl_circle,
        association="singing bowls, known from Buddhist practice",
    ),
    "keys": Family("Felted keys", "Single soft keys with room between them.", _keys),
    "harp": Family("Plucked strings", "Notes that wander up and down like a slow harp.", _harp),
    "loops": Family("Returning tones", "Bowed tones, each coming back in its own time.", _loop_circle),
    "choir": Family("Distant choir", "Far voices without words, opening and closing.", _choir, voices=True),
    "pulse": Family("Slow pulse", "Low keys on one slow, regular beat.", _pulsed, pulse=True),
    "strings": Family("Strings", "Many bows together, swelling past one another.", _strings),
    "overtones": Family(
        "Overtones",
        "A deep drone whose overtones rise and sink, one after another.",
        _overtones,
        association="overtone drone, known from ritual music",
    ),
}
