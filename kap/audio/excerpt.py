"""The samples of a file from any place on, without decoding what comes before it where that can be trusted.

Seeking in compressed files is exact in some and a guess in others. So whoever decodes a file whole keeps
`Marks`, a few samples of every second; after a seek they tell whether it led to the right sample. Where they
do not agree, the file is decoded from its beginning, which takes longer and is always right.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.decode import BLOCK, Block, Source
from kap.audio.errors import SourceChanged

# Another version of a decoder may end a few frames earlier than the one that measured.
_SHORTFALL_ALLOWED = RATE // 10
# Decoding anew from the beginning costs less than a seek up to about here.
_NEAR = 10 * RATE
# After a seek: a second for decoders to settle, then at least one mark to compare.
_LEAD = 2 * RATE + RATE // 10
_SETTLED = RATE

_WIDTH = 32
_SLACK = 24
# Decoders that fill up noise at random differ by this much of the level and are still in the right place.
_ALIKE = 0.001
_SIMILAR = 0.2


class Marks:
    """A few samples of every second of a sound file, from its first sample on."""

    def __init__(self, kept: bytes = b"") -> None:
        self._kept: list[NDArray[np.float32]] = list(np.frombuffer(kept, "<f4").reshape(-1, _WIDTH, 2))
        self._pushed = 0
        self._open: Block = np.empty((0, 2), np.float32)

    def push(self, block: Block) -> None:
        """The next samples of the file."""
        signal = np.concatenate([self._open, block])
        first, self._pushed = self._pushed - len(self._open), self._pushed + len(block)
        for at in range(-(-first // RATE) * RATE, self._pushed - _WIDTH + 1, RATE):
            self._kept.append(signal[at - first : at - first + _WIDTH].copy())
        self._open = signal[max(0, len(self._kept) * RATE - first) :]

    def as_bytes(self) -> bytes:
        return b"".join(mark.astype("<f4").tobytes() for mark in self._kept)

    def confirm(self, block: Block, first: int) -> bool:
        """Whether a block is what the file holds from `first` on. Silence confirms nothing."""
        last = first + len(block)
        inside = [
            (at, self._kept[at // RATE])
            for at in range(-(-(first + _SLACK) // RATE) * RATE, last - _WIDTH - _SLACK, RATE)
            if at // RATE < len(self._kept)
        ]
        audible = [(at, mark) for at, mark in inside if np.abs(mark).max() > 1e-5]
        return bool(audible) and all(_is_there(block, at - first, mark) for at, mark in audible)


def _is_there(block: Block, at: int, mark: NDArray[np.float32]) -> bool:
    """Whether the mark lies exactly there: almost equal, or at least more like it than any place near by."""
    level = float(np.sqrt((mark.astype(np.float64) ** 2).mean()))

    def error(shift: int) -> float:
        return float(np.sqrt(((block[at + shift : at + shift + _WIDTH] - mark) ** 2).mean()))

    here = error(0)
    if here <= _ALIKE * level:
        return True
    return here <= _SIMILAR * level and here == min(error(shift) for shift in range(-_SLACK, _SLACK + 1))


class Excerpt(AbstractContextManager["Excerpt"]):
    """The samples of a file from `start` on, in order."""

    def __init__(self, path: Path, start: int = 0, marks: Marks | None = None) -> None:
        self._path = path
        self.has_sought = False
        self._source, self._blocks, self._held = self._opened(start, marks)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._source, closing(self._blocks):
            self._held = np.empty((0, 2), np.float32)

    def read(self, count: int) -> Block:
        """Exactly `count` samples. Raises SourceChanged when the file holds less than was measured."""
        have = self._fill(count)
        if count - have > _SHORTFALL_ALLOWED:
            raise SourceChanged
        block, self._held = self._held[:count], self._held[count:]
        return block if have >= count else np.pad(block, ((0, count - have), (0, 0)))

    def _fill(self, count: int) -> int:
        parts, have = [self._held], len(self._held)
        while have < count and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            have += len(block)
        self._held = np.concatenate(parts)
        return have

    def _opened(self, start: int, marks: Marks | None) -> tuple[Source, Generator[Block, None, None], Block]:
        if marks and start > _NEAR and (found := self._sought(start, marks)):
            self.has_sought = True
            return found
        source = Source(self._path)
        blocks = source.blocks()
        try:
            return source, blocks, _after(blocks, start)
        except BaseException:
            with source, closing(blocks):
                raise

    def _sought(self, start: int, marks: Marks) -> tuple[Source, Generator[Block, None, None], Block] | None:
        """Opened by seeking, if that leads to the right place."""
        source, first = Source(self._path), (start - _LEAD) // RATE * RATE
        blocks, lead = source.blocks(first), start - first
        parts, have = [], 0
        while have < lead and (block := next(blocks, None)) is not None:
            parts.append(block)
            have += len(block)
        signal = np.concatenate(parts) if parts else np.empty((0, 2), np.float32)
        if len(signal) >= lead and marks.confirm(signal[_SETTLED:], first + _SETTLED):
            return source, blocks, signal[lead:]
        with source, closing(blocks):
            return None


def _after(blocks: Generator[Block, None, None], start: int) -> Block:
    """Pass over `start` samples; what is left of the block they end in."""
    skip = start
    while skip >= BLOCK:
        block = next(blocks, None)
        if block is None:
            raise SourceChanged
        if len(block) > skip:
            return block[skip:]
        skip -= len(block)
    block = next(blocks, None) if skip else np.empty((0, 2), np.float32)
    if block is None:
        raise SourceChanged
    return block[skip:]
