"""What the processes of a pool do; they find it here by name."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kap.audio.measure import Measured, measure
from kap.audio.synth import Recipe
from tests.music_pictures import mixes, tracks
from tests.music_pictures.mixes import MixRow
from tests.music_pictures.tracks import Row

IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
SHORT_S, LONG_S = 300, 1800


def describe(recipe: Recipe, folder: Path) -> tuple[Row, Measured]:
    picture = IMAGES / f"music-recipe-{recipe.slug}.png"
    return tracks.describe(recipe, folder / f"{recipe.slug}.flac", picture)


def render(recipe: Recipe, folder: Path) -> Measured:
    path = folder / f"{recipe.slug}.flac"
    tracks.render_track(recipe, path)
    return measure(path)


def mix(slug: str, folder: Path, shelf: Sequence[tuple[Recipe, Measured]]) -> MixRow:
    library = [mixes.track_of(recipe, folder / f"{recipe.slug}.flac", found) for recipe, found in shelf]
    return mixes.describe(slug, library, IMAGES)


def over_time(slug: str) -> list[dict[str, float]]:
    """Five minutes and thirty, each in a process of its own, so that their memory can be compared."""
    program = [sys.executable, "-m", "tests.music_pictures.half_hour", slug]
    return [
        json.loads(
            subprocess.run([*program, str(seconds)], check=True, capture_output=True, text=True).stdout
        )
        for seconds in (SHORT_S, LONG_S)
    ]
