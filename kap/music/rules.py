"""What holds for names, intensities and the plan of a mix. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kap.audio import RATE
from kap.audio.measure import one_line
from kap.audio.plan import MixPlan, phase_target_lufs
from kap.music.arcs import Arc
from kap.music.builder import Place

SHORTEST_MIN, LONGEST_MIN = 1, 240

# The first three borders are those of the builder's bands, so that its sentences and the library agree.
_INTENSITY = ((0.3, "quiet"), (0.55, "middle"), (0.8, "strong"))
_STRONGEST = "very strong"

_TYPES = {
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "vorbis": "audio/ogg",
    "opus": "audio/ogg",
    "aac": "audio/mp4",
    "alac": "audio/mp4",
}
MIX_TYPES = {"opus": "audio/ogg; codecs=opus", "m4a": "audio/mp4"}


def display_name(file_name: str) -> str:
    """A file's own name for people: no folders, no control or invisible characters, never used as a path."""
    last = file_name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return one_line(last) or "a file without a name"


def title_from(file_name: str) -> str:
    """A title until a better one is known: the name without its ending, underscores read as spaces."""
    stem, dot, ending = file_name.rpartition(".")
    return " ".join((stem if dot and stem and len(ending) <= 5 else file_name).replace("_", " ").split())


def intensity_words(intensity: float) -> str:
    """quiet, middle, strong or very strong"""
    return next((words for border, words in _INTENSITY if intensity < border), _STRONGEST)


def content_type(codec: str | None) -> str:
    """The media type of an uploaded file, by what it was found to hold and not by its name."""
    if codec and codec.startswith("pcm_"):
        return "audio/wav"
    return _TYPES.get(codec or "", "application/octet-stream")


@dataclass(frozen=True)
class Named:
    """What a mix says of a track it plays."""

    title: str
    artist: str


def described(plan: MixPlan, *, arc: Arc, tracks: Sequence[Named], places: Sequence[Place]) -> dict[str, Any]:
    """What plays when, for pages and the player, in seconds from the beginning of the file.

    {"length_s", "tracks": [{"title", "artist", "start_s", "end_s", "gain_db", "target_lufs", "bound_by"}],
    "phases": [{"name", "label", "start_s", "end_s", "from", "to"}]}. `arc` is already fitted to the length.
    """
    heard = zip(plan.segments, tracks, places, strict=False)
    return {
        "length_s": plan.length_s,
        "tracks": [
            {
                "title": track.title,
                "artist": track.artist,
                "start_s": segment.start / RATE,
                "end_s": segment.stop / RATE,
                "gain_db": round(segment.gain_db, 2),
                "target_lufs": round(phase_target_lufs(place.target_intensity), 2),
                "bound_by": segment.bound_by,
            }
            for segment, track, place in heard
        ],
        "phases": [
            {
                "name": phase.name,
                "label": phase.label,
                "start_s": (phase.start_min - arc.start_min) * 60,
                "end_s": (phase.end_min - arc.start_min) * 60,
                "from": phase.start_intensity,
                "to": phase.end_intensity,
            }
            for phase in arc.phases
        ],
    }
