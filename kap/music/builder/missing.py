"""What a library lacks: the wishes of the best order found, put into words."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kap.music.arcs import PULSES, WORDS, Phase, PhaseRules
from kap.music.builder import fitting
from kap.music.builder.curve import Curve
from kap.music.builder.parts import Build, Candidate, Missing, NotEnough, Place
from kap.music.builder.reasons import joined, phases_kept
from kap.music.builder.search import WISH_S, Ask
from kap.music.builder.words import minutes

# How far a track that could be bought may be from the length of a wish.
TOLERANCE_S = 60.0
SPARE_S = 5.0  # more than is heard of it, for its joints
NEAR = 0.15


def wished(number: int) -> Candidate:
    """A track that fits anywhere, for an order that cannot do without it."""
    return Candidate(f"wish {number}", "", WISH_S, 0.0)


def not_enough(
    ask: Ask, laid: Build, wishes: Sequence[Candidate], candidates: Sequence[Candidate], left_out: int
) -> NotEnough:
    """Say it with an order that holds wishes."""
    names = {track.id for track in wishes}
    places = [place for place in laid.programme if place.candidate_id in names]
    used = {place.candidate_id for place in laid.places}
    unused = [track for track in candidates if track.id not in used]
    missing_s = sum(place.end_s - place.start_s - place.crossfade_s for place in places)
    reasons = [f"The tracks are {minutes(missing_s)} short of {minutes(laid.length_s)}."]
    if left_out:
        reasons.append(f"{_tracks(left_out)} left out because of what must not appear.")
    reasons += _bound(ask, places, unused)
    missing = _grouped(ask.curve, places)
    return NotEnough(reasons=tuple(reasons), missing=tuple(missing), missing_s=missing_s)


def _tracks(count: int) -> str:
    return "1 track is" if count == 1 else f"{count} tracks are"


def _grouped(curve: Curve, places: Sequence[Place]) -> list[Missing]:
    """One line for each phase, and for each length within it."""
    merged: dict[tuple[object, ...], Missing] = {}
    for place in places:
        one = _missing(curve, place)
        key = (one.phase, one.shortest_s, one.longest_s, one.rules)
        other = merged.get(key)
        if other:
            one = replace(
                one, count=other.count + 1, low=min(one.low, other.low), high=max(one.high, other.high)
            )
        merged[key] = one
    return list(merged.values())


def _missing(curve: Curve, place: Place) -> Missing:
    heard_s = place.end_s - place.start_s
    is_whole = heard_s >= WISH_S - TOLERANCE_S
    low = math.floor(place.target_intensity * 10 + 1e-6) / 10
    phases = phases_kept(curve, place.start_s, place.end_s)
    return Missing(
        count=1,
        shortest_s=WISH_S - TOLERANCE_S if is_whole else 60.0 * math.ceil((heard_s + SPARE_S) / 60),
        longest_s=WISH_S + TOLERANCE_S if is_whole else None,
        low=min(low, 0.9),
        high=min(low, 0.9) + 0.1,
        phase=next(phase.label for phase in curve.phases if phase.name == place.phase),
        rules=_strictest([phase.rules for phase in phases]).in_words(),
    )


def _strictest(rules: Sequence[PhaseRules]) -> PhaseRules:
    """Rules that whatever keeps them keeps all of these."""
    ranges = [each.loudness_range for each in rules if each.loudness_range is not None]
    startles = [each.startles for each in rules if each.startles is not None]
    return PhaseRules(
        words=min((each.words for each in rules), key=WORDS.index),
        pulse=min((each.pulse for each in rules), key=PULSES.index),
        loudness_range=min(ranges, default=None),
        startles=min(startles, default=None),
    )


def _bound(ask: Ask, places: Sequence[Place], unused: Sequence[Candidate]) -> Iterator[str]:
    """Which rule of a phase keeps out tracks that would be of the right intensity there."""
    for phase in ask.curve.phases:
        wanted = [place.target_intensity for place in places if place.phase == phase.name]
        near = [track for track in unused if any(abs(track.intensity - at) <= NEAR for at in wanted)]
        kept_out = [track for track in near if fitting.broken(phase.rules, track, ask.relax)]
        if kept_out:
            yield f"{_kept_out(ask, phase, kept_out)}."


def _kept_out(ask: Ask, phase: Phase, tracks: Sequence[Candidate]) -> str:
    names = Counter(name for track in tracks for name in fitting.broken(phase.rules, track, ask.relax))
    words = {
        "vocals": "voices" if phase.rules.words == "none" else "words",
        "pulse": "too much pulse",
        "loudness_range": "too wide a loudness range",
        "startles": "sudden rises",
    }
    why = joined([f"{names[name]} for {words[name]}" for name in fitting.RULES if names[name]], "and")
    plural = "1 more track does" if len(tracks) == 1 else f"{len(tracks)} more tracks do"
    return f"{plural} not fit the rules of {phase.label} ({why})"
