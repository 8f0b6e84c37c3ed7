"""One recipe rendered to a file, measured and drawn."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kap.audio.measure import Measured, measure
from kap.audio.synth import Recipe, render
from tests.audio import listening
from tests.audio.sounds import Wave
from tests.music_pictures import meters
from tests.music_pictures.drawing import Spectrogram, level_strip, write_png

WIDTH, SPECTRUM_HEIGHT, LEVEL_HEIGHT = 520, 128, 40


@dataclass(frozen=True)
class Row:
    """What the table says of a recipe."""

    title: str
    family: str
    intensity: float
    lufs: float
    range_lu: float
    peak_dbtp: float
    centroid_hz: float
    rise_db: float
    course_db: float
    phase: float
    clicks: int
    movement_db: float
    repeat: float
    speed: float


def render_track(recipe: Recipe, path: Path) -> float:
    """Render and return how many times faster than real time one processor was."""
    begun = time.process_time()
    render(recipe, path)
    return recipe.seconds / (time.process_time() - begun)


def describe(recipe: Recipe, path: Path, picture: Path) -> tuple[Row, Measured]:
    speed = render_track(recipe, path)
    loud = meters.loudness(path)
    spectrogram = Spectrogram(recipe.seconds, width=WIDTH, height=SPECTRUM_HEIGHT)
    bends, found = [], Bands()
    for wave in meters.decoded(path):
        spectrogram.push(wave)
        bends.append(listening.bends(wave))
        found.push(wave)
    strip = level_strip(loud.short_term, width=WIDTH, height=LEVEL_HEIGHT)
    write_png(picture, np.vstack([spectrogram.pixels(), strip]))
    bands = found.all()[40:-60]
    row = Row(
        title=recipe.title,
        family=recipe.family,
        intensity=recipe.intensity,
        lufs=loud.integrated_lufs,
        range_lu=loud.range_lu,
        peak_dbtp=loud.true_peak_dbtp or 0.0,
        centroid_hz=meters.centroid_hz(path),
        rise_db=loud.largest_rise_db(),
        course_db=loud.rise_over_the_course_db(),
        phase=meters.phase(path),
        clicks=int((np.concatenate(bends) > listening.CLICK).sum()),
        movement_db=float(listening.movement(bands).min()),
        repeat=listening.closest_repeat(bands),
        speed=speed,
    )
    return row, measure(path)


class Bands:
    """`listening.bands` of sound that goes by in pieces."""

    def __init__(self, waves: Iterable[Wave] = ()) -> None:
        self._held: Wave = np.empty((0, 2), np.float32)
        self._found: list[NDArray[np.float64]] = []
        for wave in waves:
            self.push(wave)

    def push(self, wave: Wave) -> None:
        self._held = np.concatenate([self._held, wave])
        found = listening.bands(self._held) if len(self._held) > meters.RATE else np.empty((0, 0))
        if len(found):
            self._found.append(found)
            self._held = self._held[len(found) * meters.RATE // 4 :]

    def all(self) -> NDArray[np.float64]:
        return np.concatenate(self._found)
