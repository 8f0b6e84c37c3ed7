"""Original ambient music from seeded recipes: nothing is sampled, nothing loops, everything is CC0."""

from kap.audio.synth.families import FAMILIES
from kap.audio.synth.flac import LICENCE, render
from kap.audio.synth.recipe import LONGEST_S, MODES, ROOTS, SHORTEST_S, Recipe
from kap.audio.synth.recipes import RECIPES
from kap.audio.synth.stream import blocks
from kap.audio.synth.written import LARGEST_SEED, RecipeError, as_dict, checked, recipe_from, vary

__all__ = [
    "FAMILIES",
    "LARGEST_SEED",
    "LICENCE",
    "LONGEST_S",
    "MODES",
    "RECIPES",
    "ROOTS",
    "SHORTEST_S",
    "Recipe",
    "RecipeError",
    "as_dict",
    "blocks",
    "checked",
    "recipe_from",
    "render",
    "vary",
]
