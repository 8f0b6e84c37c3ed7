"""The same mix in one stream, decoded in a thread, encoded in another: `mix_stream TRACKS MINUTES FOLDER`."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from queue import Queue
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from kap.audio.mix import mix
from tests.bench.work import pieces

WAITING = 8


def encode(blocks: Iterator[NDArray[np.float32]], path: Path) -> None:
    with av.open(str(path), "w", format="ogg") as container:
        stream: Any = container.add_stream("libopus", rate=48_000, layout="stereo", format="flt")
        stream.codec_context.bit_rate = 160_000
        position = 0
        for block in blocks:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), "flt", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, position, Fraction(1, 48_000)
            position += len(block)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def arriving(waiting: "Queue[NDArray[np.float32] | None]") -> Iterator[NDArray[np.float32]]:
    while (block := waiting.get()) is not None:
        yield block


def main(described: str, minutes: str, folder: str) -> None:
    waiting: Queue[NDArray[np.float32] | None] = Queue(WAITING)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(encode, arriving(waiting), Path(folder) / "stream.opus")
        for block in mix(pieces.plan(described, minutes)):
            waiting.put(block)
        waiting.put(None)
        done.result()


main(*sys.argv[1:])
