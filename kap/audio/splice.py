"""A plan cut into what can be copied from the packets of its tracks and what has to be encoded afresh.

Afresh is whatever differs from a track alone: joints, fades, silences, music under a voice. Before a fresh
passage, as at its end, both encoders must have heard the same for a while, so that they agree where packets
change hands. Where two sounds together could exceed the ceiling, a passage is as much longer as the ceiling
may reach.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kap.audio import RATE
from kap.audio.ceiling import REACH
from kap.audio.packets import CODECS, made_by
from kap.audio.plan import GRID, MixPlan, Segment, Speech, on_grid

WARM_UP = on_grid(RATE)
"""Samples heard by an encoder before the first packet that is kept of it."""

_SETTLED = 3 * RATE // 2
# True peaks are measured to about this much.
_DOUBT_DB = 0.3
# A copy shorter than this is not worth two changes of hands.
_LEAST_COPY = on_grid(2 * RATE)
# AAC looks one frame ahead of the packet it makes.
_BEHIND = GRID
_VERSION = 1


@dataclass(frozen=True)
class Copy:
    """A stretch that is heard of one segment alone, from `start` to `stop` of the mix, on the grid."""

    start: int
    stop: int
    segment: Segment

    def packets(self, kind: str) -> tuple[int, int]:
        """First and last (not included) of the segment's own packets."""
        frame = CODECS[kind].frame
        return (self.start - self.segment.start) // frame, (self.stop - self.segment.start) // frame


@dataclass(frozen=True)
class Fresh:
    """A stretch to encode, from `start` to `stop` of the mix, on the grid."""

    start: int
    stop: int

    @property
    def heard(self) -> tuple[int, int]:
        """From where to where the mix goes through the encoder."""
        return max(0, self.start - WARM_UP), self.stop + _BEHIND

    def packets(self, kind: str) -> tuple[int, int]:
        """First and last (not included) of the packets that come out of it."""
        frame = CODECS[kind].frame
        begun = self.heard[0]
        return (self.start - begun) // frame, (self.stop - begun) // frame


Passage = Copy | Fresh


def passages(plan: MixPlan) -> tuple[Passage, ...]:
    """The whole mix as copies and fresh passages in turn, to the grid's first place after its last packet."""
    end = on_grid(plan.total_samples + max(codec.lead for codec in CODECS.values()))
    found: list[Passage] = []
    reached = 0
    for start, stop in _merged(plan, end):
        if start > reached:
            found.append(Copy(reached, start, _heard_at(plan, reached)))
        found.append(Fresh(start, stop))
        reached = stop
    return tuple(found)


def track_key(segment: Segment, kind: str) -> str:
    """Names the packets of a segment's whole piece at its level."""
    return _named("track", kind, _sound(segment), segment.source_start, segment.available)


def fresh_key(plan: MixPlan, passage: Fresh, kind: str) -> str:
    """Names the packets of a fresh passage by all that is heard in it, seen from its own beginning."""
    first, last = passage.heard
    begun = passage.start
    return _named(
        "fresh",
        kind,
        (first - begun, last - begun, plan.ceiling_dbtp),
        [_seen(segment, first, last, begun) for segment in plan.segments if _meets(segment, first, last)],
        [
            (_content(voice), voice.start - begun, voice.length, voice.gain_db)
            for voice in plan.voices
            if voice.duck_start < last and voice.duck_stop > first
        ],
        (plan.fade_in, begun) if first < plan.fade_in else None,
        (plan.fade_out, plan.total_samples - begun) if last > plan.total_samples - plan.fade_out else None,
    )


def _merged(plan: MixPlan, end: int) -> Iterator[tuple[int, int]]:
    """Stretches to encode, widened by their margins and to the grid, and joined where they are close."""
    begun, reached = 0, 0
    for start, stop in sorted(_touched(plan, end)):
        reach = REACH if _may_exceed(plan, start, stop) else 0
        first = max(0, (start - reach) // GRID * GRID)
        if first > reached + _LEAST_COPY:
            yield begun, reached
            begun = first
        reached = max(reached, min(end, on_grid(stop + reach + _SETTLED)))
    yield begun, reached


def _touched(plan: MixPlan, end: int) -> Iterator[tuple[int, int]]:
    """Where the mix is not one segment alone at its own gain."""
    yield 0, plan.fade_in
    yield plan.total_samples - plan.fade_out, end
    for segment in plan.segments:
        yield segment.start, segment.start + segment.crossfade_in
        yield segment.stop - segment.crossfade_out, segment.stop
    for hush in plan.hushes:
        yield hush.start, hush.stop
    for voice in plan.voices:
        yield voice.duck_start, voice.duck_stop


def _may_exceed(plan: MixPlan, start: int, stop: int) -> bool:
    """Whether what sounds together there could add up to more than the ceiling."""
    if any(voice.duck_start < stop and voice.duck_stop > start for voice in plan.voices):
        return True
    together = [segment for segment in plan.segments if _meets(segment, start, stop)]
    if len(together) < 2:
        return False
    # The gains of an equal-power crossfade are a sine and a cosine: at worst, the peaks add as squares do.
    power = sum(10 ** (segment.peak_dbtp / 10) for segment in together)
    return 10 * math.log10(power) > plan.ceiling_dbtp - _DOUBT_DB


def _heard_at(plan: MixPlan, position: int) -> Segment:
    return next(segment for segment in plan.segments if segment.start <= position < segment.stop)


def _meets(segment: Segment, first: int, last: int) -> bool:
    return segment.start < last and segment.stop > first


def _seen(segment: Segment, first: int, last: int, begun: int) -> list[Any]:
    """What a passage hears of a segment; what lies outside of it makes no difference."""
    seen: list[Any] = [_sound(segment), segment.source_start - segment.start + begun]
    if segment.start + segment.crossfade_in > first:
        seen.append((segment.start - begun, segment.crossfade_in, segment.shape_in))
    if segment.stop - segment.crossfade_out < last:
        seen.append((segment.stop - begun, segment.crossfade_out, segment.shape_out))
    return seen


def _sound(segment: Segment) -> tuple[str, float]:
    return _content(segment), round(segment.gain_db, 6)


def _content(sound: Segment | Speech) -> str:
    return sound.digest or _identity(sound.path)


def _identity(path: Path) -> str:
    """A file whose content nobody has named: its place, size and time of change stand for it."""
    try:
        about = path.stat()
    except OSError:
        return str(path)
    return f"{path.absolute()} {about.st_size} {about.st_mtime_ns}"


def _named(what: str, kind: str, *parts: Any) -> str:
    described = json.dumps([_VERSION, what, kind, made_by(kind), parts], separators=(",", ":"))
    return hashlib.sha256(described.encode()).hexdigest()
