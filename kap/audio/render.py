"""A plan to finished files: mixed once, kept under the ceiling, measured, and encoded side by side."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from kap.audio import RATE
from kap.audio.ceiling import Ceiling
from kap.audio.decode import Block
from kap.audio.encode import Encoder
from kap.audio.errors import Cancelled, CannotWrite
from kap.audio.loudness import Meter
from kap.audio.mix import mix
from kap.audio.plan import MixPlan

_BLOCKS_WAITING = 8


@dataclass(frozen=True)
class Rendered:
    """What was made. Levels are those before encoding; `reduction_db` is the most the ceiling took away."""

    duration_s: float
    samples: int
    loudness_lufs: float
    true_peak_dbtp: float
    reduction_db: float
    files: Mapping[str, Path]


def render(
    plan: MixPlan,
    outputs: Mapping[str, Path],
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rendered:
    """Write the mix to every path of `outputs` ("opus", "m4a", "flac"); they appear together, when whole.

    `progress` is called with 0..1, `cancelled` is asked about once per second of music. Memory does not grow
    with length. Raises AudioError for a file that cannot be read or written; Cancelled.
    """
    ceiling, meter, samples = Ceiling(plan.ceiling_dbtp), Meter(), 0
    with _lanes(outputs) as lanes:
        for block in ceiling.limit(mix(plan)):
            if cancelled and cancelled():
                raise Cancelled
            for lane in lanes:
                lane.push(block)
            meter.push(block)
            samples += len(block)
            if progress:
                progress(samples / plan.total_samples)
        for lane in lanes:
            lane.finish()
        for lane in lanes:
            lane.place()
    return Rendered(
        duration_s=samples / RATE,
        samples=samples,
        loudness_lufs=meter.loudness_lufs,
        true_peak_dbtp=round(meter.true_peak_dbtp, 3),
        reduction_db=round(ceiling.reduction_db, 3),
        files=dict(outputs),
    )


class _Lane:
    """An encoder in a thread of its own, a few blocks behind; FFmpeg works outside of Python's lock."""

    def __init__(self, kind: str, path: Path) -> None:
        with _writing():
            self._encoder = Encoder(kind, path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"encode-{kind}")
        self._waiting: deque[Future[None]] = deque()

    def push(self, block: Block) -> None:
        while len(self._waiting) >= _BLOCKS_WAITING:
            self._settle()
        self._waiting.append(self._thread.submit(self._encoder.write, block))

    def finish(self) -> None:
        self._waiting.append(self._thread.submit(self._encoder.finish))
        while self._waiting:
            self._settle()

    def place(self) -> None:
        with _writing():
            self._encoder.place()

    def discard(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._encoder.discard()

    def _settle(self) -> None:
        with _writing():
            self._waiting.popleft().result()


@contextmanager
def _lanes(outputs: Mapping[str, Path]) -> Iterator[list[_Lane]]:
    lanes: list[_Lane] = []
    try:
        for kind, path in outputs.items():
            lanes.append(_Lane(kind, path))
        yield lanes
    finally:
        for lane in lanes:
            lane.discard()


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        raise CannotWrite((getattr(error, "strerror", None) or type(error).__name__).lower()) from error
