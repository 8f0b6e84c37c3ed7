"""A plan to its samples: decode, gain, overlap, fade. Holds one crossfade in memory, whatever the length."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.decode import BLOCK, Block, Source
from kap.audio.errors import SourceChanged
from kap.audio.plan import MixPlan, Segment

# Another version of a decoder may end a few frames earlier than the one that measured.
_SHORTFALL_ALLOWED = RATE // 10


def mix(plan: MixPlan) -> Iterator[Block]:
    """Float32 (n, 2) at 48 kHz, n = BLOCK for all but the last, plan.total_samples in all.

    Raises AudioError when a file is no longer what was measured.
    """
    return _in_blocks(_faded(plan, _joined(plan)))


def rise(length: int) -> NDArray[np.float32]:
    """Equal-power fade in, shape (length, 1): a quarter of a sine. Reversed, it is the fade out beside it."""
    return quarter_sine((np.arange(length) + 0.5) / max(1, length))


def quarter_sine(place: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n, 1) gains at places 0 (silent) to 1 (full) of a fade; beyond them it stays."""
    return np.asarray(np.sin(np.clip(place, 0, 1) * np.pi / 2)[:, None], np.float32)


def _joined(plan: MixPlan) -> Iterator[Block]:
    leaving: Block = np.empty((0, 2), np.float32)
    for segment in plan.segments:
        with _Reader(segment) as reader:
            if segment.crossfade_in:
                yield leaving + reader.read(segment.crossfade_in) * rise(segment.crossfade_in)
            left = segment.length - segment.crossfade_in - segment.crossfade_out
            while left:
                body = reader.read(min(BLOCK, left))
                left -= len(body)
                yield body
            leaving = reader.read(segment.crossfade_out) * rise(segment.crossfade_out)[::-1]


def _faded(plan: MixPlan, blocks: Iterable[Block]) -> Iterator[Block]:
    """The first fade-in and the last fade-out belong to the mix: they pass over joints that lie in them."""
    position = 0
    for block in blocks:
        start, position = position, position + len(block)
        if plan.fade_in <= start and position <= plan.total_samples - plan.fade_out:
            yield block
            continue
        heard = np.arange(start, position) + 0.5
        coming, going = heard / plan.fade_in, (plan.total_samples - heard) / plan.fade_out
        yield block * quarter_sine(coming) * quarter_sine(going)


def _in_blocks(parts: Iterable[Block]) -> Iterator[Block]:
    held: Block = np.empty((0, 2), np.float32)
    for part in parts:
        held = np.concatenate([held, part])
        while len(held) >= BLOCK:
            yield held[:BLOCK]
            held = held[BLOCK:]
    if len(held):
        yield held


class _Reader:
    """The samples of one segment, in order, at its gain."""

    def __init__(self, segment: Segment) -> None:
        self._source = Source(segment.path)
        self._blocks = self._source.blocks()
        self._gain = np.float32(10 ** (segment.gain_db / 20))
        self._held: Block = np.empty((0, 2), np.float32)
        self._skip = segment.source_start

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._source, closing(self._blocks):
            pass

    def read(self, count: int) -> Block:
        """Exactly `count` samples. Raises SourceChanged when the file holds less than was measured."""
        while self._skip:
            self._skip -= len(self._take(min(BLOCK, self._skip)))
        return self._take(count) * self._gain

    def _take(self, count: int) -> Block:
        parts, have = [self._held], len(self._held)
        while have < count and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            have += len(block)
        if count - have > _SHORTFALL_ALLOWED:
            raise SourceChanged
        signal = np.concatenate(parts)
        self._held = signal[count:]
        return np.pad(signal[:count], ((0, max(0, count - have)), (0, 0)))
