"""A recipe's sound from beginning to end, in blocks."""

from collections.abc import Iterator

import numpy as np

from kap.audio import RATE
from kap.audio.synth.families import FAMILIES, Layers
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.space import impulse_response, reverberate
from kap.audio.synth.texture import HOP, Signal


def _mixed(layers: Layers) -> Iterator[Signal]:
    gains = [np.float32(share**0.5) for share, _ in layers]
    for hops in zip(*(layer for _, layer in layers), strict=True):
        yield np.sum([gain * hop for gain, hop in zip(gains, hops, strict=True)], axis=0)


def _course(recipe: Recipe, start: int, sample_rate: int) -> Signal:
    """Return the gain over one hop: soft ends, a slow breath, and the more intense, the more it builds.

    The mean follows the intensity around -20 LUFS, 5 LU from one end of the scale to the other.
    """
    at_s = (start + np.arange(HOP)) / sample_rate
    level_db = -23.0 + 5.0 * (recipe.intensity - 0.45)
    breath_db = 0.9 * np.sin(2.0 * np.pi * at_s / 73.0 + recipe.seed) + 0.6 * np.sin(
        2.0 * np.pi * at_s / 47.0
    )
    build_db = 8.0 * max(recipe.intensity - 0.4, 0.0) * (at_s / recipe.seconds - 0.6)
    arrive_s, leave_s = min(6.0, recipe.seconds / 5.0), min(14.0, recipe.seconds / 4.0)
    arrive = np.sin(0.5 * np.pi * np.clip(at_s / arrive_s, 0.0, 1.0)) ** 2
    leave = np.sin(0.5 * np.pi * np.clip((recipe.seconds - at_s) / leave_s, 0.0, 1.0)) ** 2
    gain = 10.0 ** ((level_db + breath_db + build_db) / 20.0) * arrive * leave
    return np.asarray(gain[:, None], dtype=np.float32)


def blocks(recipe: Recipe, *, sample_rate: int = RATE) -> Iterator[Signal]:
    """Yield exactly `recipe.seconds` of stereo as (n, 2) float32, n about five seconds; full scale is 1.

    The same recipe gives the same samples on the same NumPy. Raises KeyError for an unknown family or mode.
    """
    total = recipe.seconds * sample_rate
    layers = FAMILIES[recipe.family](recipe, sample_rate)
    room = impulse_response(sample_rate, np.random.default_rng([recipe.seed, 0]))
    wet = 0.5 + 0.2 * recipe.intensity
    hops = reverberate(_mixed(layers), room, wet)
    for start in range(0, total, HOP):
        yield (next(hops) * _course(recipe, start, sample_rate))[: total - start]
