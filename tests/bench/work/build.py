"""Seconds to build a programme of two hours: `build TRACKS …`, medians for each size of library."""

import json
import random
import sys
import time
from statistics import median

from kap.music.arcs import arcs
from kap.music.builder import SURPLUS_S, Avoid, Candidate, build

LENGTH_S = 120 * 60
TIMES = 5
ARC = "intranasal"


def main(*sizes: str) -> None:
    print(json.dumps({size: _median_s(_library(int(size))) for size in sizes}))


def _median_s(library: list[Candidate]) -> float:
    taken = []
    for seed in range(TIMES):
        started = time.perf_counter()
        build(
            arcs()[ARC],
            length_s=LENGTH_S,
            candidates=library,
            seed=seed,
            surplus_s=SURPLUS_S,
            avoid=Avoid(religious_or_cultural=True),
        )
        taken.append(time.perf_counter() - started)
    return median(taken)


def _library(size: int) -> list[Candidate]:
    """Tracks of many kinds, two to eight minutes long; two of five break a rule of some phase."""
    chance = random.Random(size)
    return [
        Candidate(
            id=f"track-{number}",
            title=f"Track {number}",
            duration_s=chance.uniform(120, 480),
            intensity=chance.random(),
            vocals=chance.choice(["none", "none", "none", "wordless", "words"]),
            language="English",
            pulse=chance.choice(["none", "slow", "moderate"]),
            culture=chance.choice(["", "", "", "Gregorian"]),
            familiarity=chance.choice(["unfamiliar", "some"]),
            tags=("ambient",),
            loudness_range_lu=chance.uniform(2, 14),
            startles=chance.choice([0, 0, 0, 0, 1]),
            valence=chance.random(),
            brightness_hz=chance.uniform(200, 3000),
        )
        for number in range(size)
    ]


main(*sys.argv[1:])
