"""Render one shorter track of each of six recipe families and describe them: `library TRACKS SECONDS`."""

import sys
from dataclasses import replace
from pathlib import Path

from kap.audio.measure import measure
from kap.audio.synth import RECIPES, Recipe, render
from tests.bench.work import tracks

FAMILIES = 6


def main(described: str, seconds: str) -> None:
    first_of_family = {recipe.family: recipe for recipe in reversed(RECIPES)}
    recipes = [replace(recipe, seconds=int(seconds)) for recipe in first_of_family.values()][:FAMILIES]
    tracks.save(described, [_track(recipe, Path(described).parent) for recipe in recipes])


def _track(recipe: Recipe, folder: Path) -> tracks.Track:
    path = folder / f"{recipe.slug}.flac"
    render(recipe, path)
    found = measure(path)
    return tracks.Track(
        path=str(path),
        duration_s=found.duration_s,
        loudness_lufs=found.loudness_lufs,
        true_peak_dbtp=found.true_peak_dbtp,
        lead_silence_s=found.lead_silence_s,
        trail_silence_s=found.trail_silence_s,
    )


main(*sys.argv[1:])
