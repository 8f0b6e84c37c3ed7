"""What a rendered mix plays when, as the session room and the record show it."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

MINUTE = 60


@dataclass(frozen=True)
class PhaseSpan:
    """A phase of the arc, in minutes from the first sound."""

    label: str
    start_min: float
    end_min: float


@dataclass(frozen=True)
class TrackSpan:
    """A track of the mix, in seconds from the first sound."""

    title: str
    artist: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Programme:
    """`points` are (minute, intensity 0 to 1) along the arc."""

    length_s: float
    phases: tuple[PhaseSpan, ...]
    points: tuple[tuple[float, float], ...]
    tracks: tuple[TrackSpan, ...]

    @classmethod
    def of(cls, plan: dict[str, Any]) -> "Programme":
        """From a mix's plan as `kap.music.tasks` keeps it."""
        phases = plan["phases"]
        return cls(
            length_s=plan["length_s"],
            phases=tuple(
                PhaseSpan(phase["label"], phase["start_s"] / MINUTE, phase["end_s"] / MINUTE)
                for phase in phases
            ),
            points=_points(phases),
            tracks=tuple(
                TrackSpan(track["title"], track["artist"], track["start_s"], track["end_s"])
                for track in plan["tracks"]
            ),
        )

    def begun_by(self, reached_s: float) -> tuple[TrackSpan, ...]:
        """The tracks that had begun where the music came to `reached_s`."""
        return tuple(track for track in self.tracks if track.start_s <= reached_s)

    def marks(self) -> dict[str, Any]:
        """For the player: where phases and tracks begin, in seconds."""
        return {
            "length": self.length_s,
            "phases": [{"start": phase.start_min * MINUTE, "label": phase.label} for phase in self.phases],
            "tracks": [
                {"start": track.start_s, "title": track.title, "artist": track.artist}
                for track in self.tracks
            ],
        }


def _points(phases: list[dict[str, Any]]) -> tuple[tuple[float, float], ...]:
    """Phases may differ where they meet; the drawing crosses half-way."""
    if not phases:
        return ()
    inner = [
        (after["start_s"] / MINUTE, (before["to"] + after["from"]) / 2) for before, after in pairwise(phases)
    ]
    first, last = phases[0], phases[-1]
    return ((first["start_s"] / MINUTE, first["from"]), *inner, (last["end_s"] / MINUTE, last["to"]))
