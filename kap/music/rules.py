"""What holds for names, intensities and the plan of a mix. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kap.audio import RATE
from kap.audio.labels import one_line
from kap.audio.plan import Hush, MixPlan, Segment
from kap.audio.scan import Marks
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


@dataclass(frozen=True)
class Heard:
    """A place of the playlist and the name of its track, None for a silence."""

    named: Named | None
    place: Place


def described(plan: MixPlan, *, arc: Arc, heard: Sequence[Heard]) -> dict[str, Any]:
    """What plays when, for pages, the player and the scan, in seconds from the beginning of the file.

    {"length_s", "samples", "programme_s", "fade_in_s", "fade_out_s",
    "tracks": [{"title", "artist", "start_s", "end_s", "is_surplus", "gain_db", "target_lufs", "bound_by",
    "short_db", "joint", "crossfade_s"}], silences among them with "is_silence" and only the first five,
    "voices": [{"title", "start_s", "end_s", "duck_start_s", "duck_end_s"}],
    "phases": [{"name", "label", "start_s", "end_s", "from", "to"}]}. `arc` is fitted to it.
    `bound_by` is target, ceiling or boost, what set the gain; `short_db` is how far under the target it is.
    """
    tracks = [_described_segment(segment, heard) for segment in plan.segments]
    tracks += [_described_hush(hush) for hush in plan.hushes]
    return {
        "length_s": plan.length_s,
        "samples": plan.total_samples,
        "programme_s": plan.programme_s,
        "fade_in_s": plan.fade_in / RATE,
        "fade_out_s": plan.fade_out / RATE,
        "tracks": sorted(tracks, key=lambda track: float(track["start_s"])),
        "voices": [
            {
                "title": voice.title,
                "start_s": voice.start / RATE,
                "end_s": voice.stop / RATE,
                "duck_start_s": voice.duck_start / RATE,
                "duck_end_s": voice.duck_stop / RATE,
            }
            for voice in plan.voices
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


def marks_of(plan: Mapping[str, Any]) -> Marks:
    """What a described plan meant, for the scan of its file."""
    music = [track for track in plan["tracks"] if not track.get("is_silence")]
    return Marks(
        total_samples=plan["samples"],
        silences_s=[
            (track["start_s"], track["end_s"]) for track in plan["tracks"] if track.get("is_silence")
        ],
        joints_s=[(track["start_s"], track["start_s"] + track["crossfade_s"]) for track in music[1:]],
        voices_s=[(voice["duck_start_s"], voice["duck_end_s"]) for voice in plan["voices"]],
        fade_in_s=plan["fade_in_s"],
        fade_out_s=plan["fade_out_s"],
    )


def _described_segment(segment: Segment, heard: Sequence[Heard]) -> dict[str, Any]:
    # A surplus that is used up goes on with one of its pieces, which then stands for more than one place.
    told = heard[segment.element] if segment.element < len(heard) else None
    return {
        "title": told.named.title if told and told.named else segment.title,
        "artist": told.named.artist if told and told.named else "",
        "start_s": segment.start / RATE,
        "end_s": segment.stop / RATE,
        "is_surplus": segment.is_surplus,
        "gain_db": round(segment.gain_db, 2),
        "target_lufs": segment.target_lufs,
        "bound_by": segment.bound_by,
        "short_db": round(segment.short_db, 1),
        "joint": segment.joint,
        "crossfade_s": segment.crossfade_in / RATE,
    }


def _described_hush(hush: Hush) -> dict[str, Any]:
    return {
        "title": "Silence",
        "artist": "",
        "start_s": hush.start / RATE,
        "end_s": hush.stop / RATE,
        "is_surplus": False,
        "is_silence": True,
    }
