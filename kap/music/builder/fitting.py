"""Whether a track keeps the rules of a phase: each is a value of the track that stays within a limit."""

import math
from collections.abc import Collection

from kap.music.arcs import PULSES, WORDS, PhaseRules
from kap.music.builder.parts import Candidate

RULES = ("vocals", "pulse", "loudness_range", "startles")
"""Names of the rules, for `relax`."""

VOCALS = ("none", "wordless", "words")

_UNKNOWN = {
    "vocals": "whether it has vocals",
    "pulse": "how its pulse feels",
    "loudness_range": "how wide its loudness range is",
    "startles": "whether it rises suddenly",
}


def limits(rules: PhaseRules, relax: Collection[str] = ()) -> list[float]:
    """The largest value that fits, for each of `RULES`; infinite where there is no limit."""
    each = {
        "vocals": _unless_last(WORDS, rules.words),
        "pulse": _unless_last(PULSES, rules.pulse),
        "loudness_range": _or(rules.loudness_range, math.inf),
        "startles": _or(rules.startles, math.inf),
    }
    return [math.inf if name in relax else each[name] for name in RULES]


def values(track: Candidate) -> list[float]:
    """What a track has of each of `RULES`; not a number where nobody has said or measured it."""
    return [
        VOCALS.index(track.vocals) if track.vocals in VOCALS else math.nan,
        PULSES.index(track.pulse) if track.pulse in PULSES else math.nan,
        _or(track.loudness_range_lu, math.nan),
        _or(track.startles, math.nan),
    ]


def broken(rules: PhaseRules, track: Candidate, relax: Collection[str] = ()) -> tuple[str, ...]:
    """The rules that a track is known to break."""
    pairs = zip(RULES, values(track), limits(rules, relax), strict=True)
    return tuple(name for name, value, limit in pairs if value > limit)


def unknown(rules: PhaseRules, track: Candidate) -> tuple[str, ...]:
    """What the rules ask for and nobody knows of a track: ("whether it has vocals",)"""
    pairs = zip(RULES, values(track), limits(rules), strict=True)
    return tuple(_UNKNOWN[name] for name, value, limit in pairs if math.isnan(value) and limit < math.inf)


def said_of(name: str, track: Candidate) -> str:
    """What a track has of a rule's matter, in words: “has words”, “has a fast pulse”."""
    if name == "vocals":
        return "has words" if track.vocals == "words" else "has voices"
    if name == "pulse":
        return f"has a {track.pulse} pulse"
    if name == "loudness_range":
        return f"has a loudness range of {track.loudness_range_lu:.0f} LU"
    return "rises suddenly once" if track.startles == 1 else f"rises suddenly {track.startles} times"


def _unless_last(choices: tuple[str, ...], choice: str) -> float:
    return math.inf if choice == choices[-1] else float(choices.index(choice))


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
