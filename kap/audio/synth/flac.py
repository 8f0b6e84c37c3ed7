"""A recipe written to disk: 16-bit FLAC, 48 kHz, stereo, dithered, with its licence in the tags."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from kap.audio import RATE
from kap.audio.encode import Encoder
from kap.audio.errors import Cancelled
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.stream import blocks
from kap.audio.synth.texture import Signal

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
    encoder = Encoder("flac-16", path, tags=_tags(recipe))
    try:
        rng, done = np.random.default_rng(recipe.seed), 0
        for block in blocks(recipe, sample_rate=RATE):
            if cancelled and cancelled():
                raise Cancelled
            encoder.write(_dithered(block, rng))
            done += len(block)
            if progress:
                progress(done / (recipe.seconds * RATE))
        encoder.finish()
        encoder.place()
    finally:
        encoder.discard()


def _dithered(block: Signal, rng: np.random.Generator) -> Signal:
    """Round to 16 bits with triangular dither of two steps, so that the fade-out does not end in grit."""
    noise = rng.random(block.shape, dtype=np.float32) - rng.random(block.shape, dtype=np.float32)
    steps = np.clip(np.rint(block * 32767.0 + noise), -32768, 32767)
    return np.asarray(steps / 32768.0, dtype=np.float32)


def _tags(recipe: Recipe) -> dict[str, str]:
    return {
        "title": recipe.title,
        "artist": "Kap",
        "album": "Kap ambient",
        "genre": "Ambient",
        "comment": recipe.note,
        "license": LICENCE,
    }
