"""Render one recipe to FLAC: `compose SLUG SECONDS`."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from kap.audio.synth import RECIPES, render

slug, seconds = sys.argv[1:]
recipe = next(recipe for recipe in RECIPES if recipe.slug == slug)
with tempfile.TemporaryDirectory() as folder:
    render(replace(recipe, seconds=int(seconds)), Path(folder) / "track.flac")
