"""A recipe written to disk: 16-bit FLAC, 48 kHz, stereo, dithered, with its licence in the tags."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

from kap.audio.errors import Cancelled
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.stream import blocks
from kap.audio.synth.texture import Signal

RATE: Final = 48000
LICENCE: Final = "CC0-1.0"


def render(
    recipe: Recipe,
    path: Path,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Write the track to `path`, which appears only when it is whole.

    `progress` is called with 0..1 and `cancelled` asked about every five seconds of music. Memory does not
    grow with length. Raises Cancelled, or OSError when the disk refuses; neither leaves anything behind.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _write(_watched(recipe, progress, cancelled), recipe, part)
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _watched(
    recipe: Recipe, progress: Callable[[float], None] | None, cancelled: Callable[[], bool] | None
) -> Iterator[Signal]:
    done = 0
    for block in blocks(recipe, sample_rate=RATE):
        if cancelled and cancelled():
            raise Cancelled
        yield block
        done += len(block)
        if progress:
            progress(done / (recipe.seconds * RATE))


def _write(sound: Iterator[Signal], recipe: Recipe, part: Path) -> None:
    container = av.open(f"file:{part.absolute()}", "w", format="flac")
    try:
        container.metadata.update(_tags(recipe))
        stream = container.add_stream("flac", rate=RATE, layout="stereo", format="s16")
        rng = np.random.default_rng(recipe.seed)
        written = 0
        for block in sound:
            frame = AudioFrame.from_ndarray(_dithered(block, rng).reshape(1, -1), "s16", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, written, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            written += len(block)
        container.mux(stream.encode(None))
    except BaseException:
        # Closing writes what is still held, which a full disk refuses a second time.
        with suppress(OSError, av.FFmpegError):
            container.close()
        raise
    container.close()


def _dithered(block: Signal, rng: np.random.Generator) -> NDArray[np.int16]:
    """Round to 16 bits with triangular dither of two steps, so that the fade-out does not end in grit."""
    noise = rng.random(block.shape, dtype=np.float32) - rng.random(block.shape, dtype=np.float32)
    return np.clip(np.rint(block * 32767.0 + noise), -32768, 32767).astype(np.int16)


def _tags(recipe: Recipe) -> dict[str, str]:
    return {
        "title": recipe.title,
        "artist": "Kap",
        "album": "Kap ambient",
        "genre": "Ambient",
        "comment": recipe.note,
        "license": LICENCE,
    }


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
