"""What a rendered mix plays when, as the session room and the record show it."""

from collections.abc import Iterator
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
    kind: str = "track"  # or "silence", which is on purpose, or "voice", over the music
    is_surplus: bool = False

    @property
    def words(self) -> str:
        """How it is called on a page."""
        if self.kind == "silence":
            return "Silence"
        title = f"{self.title}, {self.artist}" if self.artist else self.title
        return f"Spoken guidance: {title}" if self.kind == "voice" else title


@dataclass(frozen=True)
class Programme:
    """`points` are (minute, intensity 0 to 1) along the arc.

    The programme ends at `programme_s`; calm music follows until `length_s`, the end of the file.
    """

    length_s: float
    programme_s: float
    phases: tuple[PhaseSpan, ...]
    points: tuple[tuple[float, float], ...]
    tracks: tuple[TrackSpan, ...]

    @classmethod
    def of(cls, plan: dict[str, Any]) -> "Programme":
        """From a mix's plan as `kap.music.rules` keeps it."""
        phases = plan["phases"]
        return cls(
            length_s=plan["length_s"],
            programme_s=plan.get("programme_s", plan["length_s"]),  # mixes of earlier versions had no surplus
            phases=tuple(
                PhaseSpan(phase["label"], phase["start_s"] / MINUTE, phase["end_s"] / MINUTE)
                for phase in phases
            ),
            points=_points(phases),
            tracks=tuple(sorted(_spans(plan), key=lambda span: span.start_s)),
        )

    @property
    def surplus_s(self) -> float:
        """Seconds of calm music after the programme."""
        return self.length_s - self.programme_s

    @property
    def programme(self) -> tuple[TrackSpan, ...]:
        return tuple(
            track for track in self.tracks if track.start_s < self.programme_s and not track.is_surplus
        )

    @property
    def surplus(self) -> tuple[TrackSpan, ...]:
        return tuple(track for track in self.tracks if track not in self.programme)

    def begun_by(self, reached_s: float) -> tuple[TrackSpan, ...]:
        """The tracks that had begun where the music came to `reached_s`."""
        return tuple(track for track in self.tracks if track.start_s <= reached_s)

    def marks(self) -> dict[str, Any]:
        """For the player: where phases and tracks begin, in seconds."""
        return {
            "length": self.length_s,
            "programme": self.programme_s,
            "phases": [{"start": phase.start_min * MINUTE, "label": phase.label} for phase in self.phases],
            "tracks": [
                {
                    "start": track.start_s,
                    "end": track.end_s,
                    "title": track.title if track.kind == "track" else track.words,
                }
                for track in (*self.programme, *self.surplus)
            ],
        }


def _spans(plan: dict[str, Any]) -> Iterator[TrackSpan]:
    for track in plan["tracks"]:
        yield TrackSpan(
            title=track.get("title") or "",
            artist=track.get("artist") or "",
            start_s=track["start_s"],
            end_s=track["end_s"],
            kind="silence" if track.get("is_silence") else "track",
            is_surplus=bool(track.get("is_surplus")),
        )
    for voice in plan.get("voices", ()):
        yield TrackSpan(voice["title"], "", voice["start_s"], voice["end_s"], kind="voice")


def _points(phases: list[dict[str, Any]]) -> tuple[tuple[float, float], ...]:
    """Phases may differ where they meet; the drawing crosses half-way."""
    if not phases:
        return ()
    inner = [
        (after["start_s"] / MINUTE, (before["to"] + after["from"]) / 2) for before, after in pairwise(phases)
    ]
    first, last = phases[0], phases[-1]
    return ((first["start_s"] / MINUTE, first["from"]), *inner, (last["end_s"] / MINUTE, last["to"]))
