"""A recipe over a long time, without keeping it: `half_hour SLUG SECONDS` prints what was found as JSON."""

import json
import resource
import sys
import time
from dataclasses import replace

import numpy as np

from kap.audio.synth import RECIPES, blocks
from tests.audio import listening
from tests.music_pictures.tracks import Bands


def main(slug: str, seconds: str) -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.slug == slug)
    begun = time.process_time()
    length = sum(len(block) for block in blocks(replace(recipe, seconds=int(seconds))))
    told = {
        "speed": length / 48_000 / (time.process_time() - begun),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }
    bands, middle = Bands(), []
    for block in blocks(replace(recipe, seconds=int(seconds))):
        bands.push(block)
        middle.append(listening.middle_band(block))
    found = bands.all()[40:-60]
    told["movement_db"] = float(listening.movement(found).min())
    told["repeat"] = listening.closest_repeat(found)
    told["same"] = listening.same_sound(np.concatenate(middle)[36_000:-90_000])
    print(json.dumps(told))


main(*sys.argv[1:])
