"""Original ambient music from seeded recipes: nothing is sampled, nothing loops, everything is CC0."""

from kap.audio.synth.flac import LICENCE, render
from kap.audio.synth.recipe import MODES, Recipe
from kap.audio.synth.recipes import RECIPES
from kap.audio.synth.stream import blocks

__all__ = ["LICENCE", "MODES", "RECIPES", "Recipe", "blocks", "render"]
