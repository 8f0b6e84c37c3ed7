"""A recipe as plain data, and recipes near it."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any, Final

import numpy as np

from kap.audio.synth.families import FAMILIES
from kap.audio.synth.recipe import LONGEST_S, MODES, Recipe

_LOWEST_ROOT_HZ: Final = 55.0
_HIGHEST_ROOT_HZ: Final = 225.0
_NEAR: Final = 0.12  # how far a variation may move on a scale from 0 to 1
LARGEST_SEED: Final = 2**31 - 1


class RecipeError(ValueError):
    """Data that is no recipe; `field` names what is wrong with it."""

    def __init__(self, field: str) -> None:
        super().__init__(f"This is not a recipe that can be played: {field}.")
        self.field = field


def as_dict(recipe: Recipe) -> dict[str, Any]:
    return asdict(recipe)


def recipe_from(data: Mapping[str, Any]) -> Recipe:
    """Return the recipe that `as_dict` wrote. Raises RecipeError."""
    values: dict[str, Any] = {}
    for field in fields(Recipe):
        try:
            values[field.name] = field.type(data[field.name])  # type: ignore[operator]
        except (KeyError, TypeError, ValueError) as error:
            raise RecipeError(field.name) from error
    return checked(Recipe(**values))


def checked(recipe: Recipe) -> Recipe:
    """Return the recipe when everything in it can be played. Raises RecipeError."""
    playable = {
        "family": recipe.family in FAMILIES,
        "mode": recipe.mode in MODES,
        "seed": 0 <= recipe.seed <= LARGEST_SEED,
        "seconds": 1 <= recipe.seconds <= LONGEST_S,
        "root_hz": _LOWEST_ROOT_HZ <= recipe.root_hz <= _HIGHEST_ROOT_HZ,
        "intensity": 0.0 <= recipe.intensity <= 1.0,
        "brightness": 0.0 <= recipe.brightness <= 1.0,
        "density": 0.0 <= recipe.density <= 1.0,
    }
    for field, fits in playable.items():
        if not fits:
            raise RecipeError(field)
    return recipe


def vary(recipe: Recipe, seed: int) -> Recipe:
    """Return a neighbour: other notes and other chances, everything else a little aside of where it was."""
    steps = np.random.default_rng(seed).uniform(-_NEAR, _NEAR, size=3)
    near: dict[str, Any] = {
        name: round(float(np.clip(getattr(recipe, name) + step, 0.0, 1.0)), 2)
        for name, step in zip(("intensity", "brightness", "density"), steps, strict=True)
    }
    return replace(recipe, seed=seed, **near)
