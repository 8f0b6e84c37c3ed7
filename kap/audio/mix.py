"""A plan to its samples, whole or any stretch of it: decode, gain, overlap, duck, fade.

Every sample depends on its place alone, so a stretch rendered by itself is the same as in the whole.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.decode import BLOCK, Block
from kap.audio.excerpt import Excerpt, Marks
from kap.audio.plan import DUCK_DB, DUCK_DOWN_S, DUCK_UP_S, MixPlan, Segment, Shape, Speech

MarksOf = Callable[[Segment], Marks | None]


def mix(
    plan: MixPlan, start: int = 0, stop: int | None = None, *, marks_of: MarksOf | None = None
) -> Iterator[Block]:
    """Float32 (n, 2) at 48 kHz from `start` to `stop`, n = BLOCK for all but the last; zeros past the end.

    With `marks_of`, a stretch in the middle of a file is reached without decoding what comes before it.
    Raises AudioError when a file is no longer what was measured.
    """
    stop = plan.total_samples if stop is None else stop
    with ExitStack() as opened:
        lanes = [
            _Lane(opened, segment, marks_of) for segment in plan.segments if _meets(segment, start, stop)
        ]
        voices = [_Lane(opened, voice, None) for voice in plan.voices if _meets(voice, start, stop)]
        for first in range(start, stop, BLOCK):
            last = min(first + BLOCK, stop)
            music = _sum(lanes, first, last)
            _duck(music, plan.voices, first, last)
            if voices:
                music += _sum(voices, first, last)
            _fade(music, plan, first)
            yield music


def equal_power(place: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n, 1) gains at places 0 (silent) to 1 (full) of a fade, a quarter of a sine; beyond them it stays."""
    return np.asarray(np.sin(np.clip(place, 0, 1) * np.pi / 2)[:, None], np.float32)


def _linear(place: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(np.clip(place, 0, 1)[:, None], np.float32)


_SHAPES: dict[Shape, Callable[[NDArray[np.float64]], NDArray[np.float32]]] = {
    "equal power": equal_power,
    "linear": _linear,
}


def _meets(sound: Segment | Speech, start: int, stop: int) -> bool:
    return sound.start < stop and sound.stop > start


class _Lane:
    """One sound of the mix, read in order; its file is open only while it is heard."""

    def __init__(self, opened: ExitStack, sound: Segment | Speech, marks_of: MarksOf | None) -> None:
        self.sound = sound
        self._opened, self._marks_of = opened, marks_of
        self._gain = np.float32(10 ** (sound.gain_db / 20))
        self._excerpt: Excerpt | None = None

    def read(self, first: int, last: int) -> Block:
        """The samples from `first` to `last` of the mix, at their gain."""
        if self._excerpt is None:
            self._excerpt = self._opened.enter_context(self._open(first))
        block = self._excerpt.read(last - first) * self._gain
        if isinstance(self.sound, Segment):
            _shape(block, self.sound, first, last)
        if last == self.sound.stop:
            self._excerpt.close()
        return block

    def _open(self, first: int) -> Excerpt:
        sound, into = self.sound, first - self.sound.start
        if isinstance(sound, Segment):
            marks = self._marks_of(sound) if self._marks_of else None
            return Excerpt(sound.path, sound.source_start + into, marks)
        return Excerpt(sound.path, into)


def _shape(block: Block, segment: Segment, first: int, last: int) -> None:
    """The fades of a segment over its samples from `first` to `last` of the mix."""
    if first < segment.start + segment.crossfade_in:
        place = (np.arange(first, last) - segment.start + 0.5) / segment.crossfade_in
        block *= _SHAPES[segment.shape_in](place)
    if last > segment.stop - segment.crossfade_out:
        place = (segment.stop - np.arange(first, last) - 0.5) / segment.crossfade_out
        block *= _SHAPES[segment.shape_out](place)


def _sum(lanes: Sequence[_Lane], first: int, last: int) -> Block:
    total = np.zeros((last - first, 2), np.float32)
    for lane in lanes:
        begin, end = max(first, lane.sound.start), min(last, lane.sound.stop)
        if begin < end:
            total[begin - first : end - first] += lane.read(begin, end)
    return total


def _duck(music: Block, voices: Sequence[Speech], first: int, last: int) -> None:
    """Lower the music under every voice, evenly in decibels; where two meet, the lower counts."""
    near = [voice for voice in voices if voice.duck_start < last and voice.duck_stop > first]
    if not near:
        return
    at = np.arange(first, last)
    down, up = DUCK_DOWN_S * RATE, DUCK_UP_S * RATE
    depths = [
        np.minimum((at - voice.duck_start) / down, (voice.duck_stop - at) / up).clip(0, 1) for voice in near
    ]
    music *= np.asarray(10 ** (DUCK_DB / 20 * np.max(depths, axis=0))[:, None], np.float32)


def _fade(block: Block, plan: MixPlan, first: int) -> None:
    """The first fade-in and the last fade-out belong to the mix: they pass over joints that lie in them."""
    last = first + len(block)
    if plan.fade_in <= first and last <= plan.total_samples - plan.fade_out:
        return
    heard = np.arange(first, last) + 0.5
    block *= equal_power(heard / plan.fade_in) * equal_power((plan.total_samples - heard) / plan.fade_out)
