"""Other tracks for one place of a programme."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from kap.music.builder import fitting
from kap.music.builder.avoid import Avoid
from kap.music.builder.choose import CALM, SURPLUS_RULES
from kap.music.builder.curve import Curve
from kap.music.builder.parts import Alternative, Build, Candidate, Place
from kap.music.builder.reasons import NEAR, about_rules, fit, phases_kept
from kap.music.builder.words import minutes

MOST = 6

# What a difference costs beside a difference in intensity, from 0 to 1.
NEIGHBOUR_WEIGHT = 0.3
LENGTH_WEIGHT = 0.02  # per minute
VALENCE_WEIGHT = 0.15
OCTAVE_WEIGHT = 0.05
UNKNOWN_WEIGHT = 0.05


def alternatives(
    build: Build,
    position: int,
    candidates: Iterable[Candidate],
    *,
    avoid: Avoid | None = None,
    relax: Collection[str] = (),
    most: int = MOST,
) -> list[Alternative]:
    """Tracks that are not in the programme yet and fit a place, the best first.

    `position` counts `build.places`; `candidates` hold the tracks of the programme too. They keep the rules
    that the place has to keep and never hold what `avoid` names.
    """
    known = {track.id: track for track in candidates}
    inside = {place.candidate_id for place in build.places}
    gap = _Gap.at(build, position, known)
    unheard = (track for track in known.values() if track.id not in inside and track.duration_s > 0)
    allowed = [track for track in unheard if gap.admits(track, relax) and (avoid or Avoid()).allows(track)]
    best = sorted(allowed, key=lambda track: (gap.misfit(track), track.id))[:most]
    return [Alternative(track.id, " ".join(gap.why(track))) for track in best]


@dataclass(frozen=True)
class _Gap:
    """A place as if it were empty, and the tracks around it."""

    curve: Curve
    place: Place
    now: Candidate | None
    neighbours: tuple[Candidate, ...]

    @classmethod
    def at(cls, build: Build, position: int, known: dict[str, Candidate]) -> "_Gap":
        around = [
            build.places[index] for index in (position - 1, position + 1) if 0 <= index < len(build.places)
        ]
        place = build.places[position]
        return cls(
            curve=Curve(build.arc, build.length_s),
            place=place,
            now=known.get(place.candidate_id or ""),
            neighbours=tuple(known[near.candidate_id] for near in around if near.candidate_id in known),
        )

    def admits(self, track: Candidate, relax: Collection[str]) -> bool:
        if self.place.is_surplus:
            return track.intensity <= CALM and not fitting.broken(SURPLUS_RULES, track, relax)
        phases = phases_kept(self.curve, self.place.start_s, self.place.start_s + track.duration_s)
        return not any(fitting.broken(phase.rules, track, relax) for phase in phases)

    def misfit(self, track: Candidate) -> float:
        wanted = 0.0 if self.place.is_surplus else self.place.target_intensity
        beside = [self._step(track, neighbour) for neighbour in self.neighbours]
        longer_min = abs(track.duration_s - self._length_s) / 60
        unknown = sum(np.isnan(fitting.values(track)))
        return (
            abs(track.intensity - wanted)
            + NEIGHBOUR_WEIGHT * (sum(beside) / len(beside) if beside else 0.0)
            + LENGTH_WEIGHT * longer_min
            + UNKNOWN_WEIGHT * float(unknown)
        )

    @property
    def _length_s(self) -> float:
        return self.now.duration_s if self.now else self.place.end_s - self.place.start_s

    def _step(self, track: Candidate, neighbour: Candidate) -> float:
        step = max(0.0, abs(track.intensity - neighbour.intensity) - NEAR)
        if track.valence is not None and neighbour.valence is not None:
            step += VALENCE_WEIGHT * abs(track.valence - neighbour.valence)
        if track.brightness_hz and neighbour.brightness_hz:
            step += OCTAVE_WEIGHT * abs(float(np.log2(track.brightness_hz / neighbour.brightness_hz)))
        return step

    def why(self, track: Candidate) -> Iterator[str]:
        if self.place.is_surplus:
            yield f"Calm: intensity {track.intensity:.2f}."
        else:
            said = fit(track, self.place.target_intensity)
            yield said[0].upper() + said[1:]
            phases = phases_kept(self.curve, self.place.start_s, self.place.start_s + track.duration_s)
            yield from about_rules(track, phases)
        difference_s = track.duration_s - self._length_s
        if abs(difference_s) >= 1:
            yield f"It is {minutes(abs(difference_s))} {'longer' if difference_s > 0 else 'shorter'}."
