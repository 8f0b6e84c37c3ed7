"""Half a minute in the manner of a recipe, to be heard before the whole is made."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from kap.audio import RATE
from kap.audio.mp4 import Mp4Aac
from kap.audio.ogg import OggOpus
from kap.audio.packets import CODECS, PacketEncoder, Packets, Sieve
from kap.audio.synth.recipe import Recipe
from kap.audio.synth.stream import blocks
from kap.audio.tags import Tags

SKETCH_S: Final = 28
_SAMPLES: Final = SKETCH_S * RATE


def sketch(recipe: Recipe, kind: str) -> bytes:
    """Return a small file of a kind of `KINDS`, with a beginning and an end of its own."""
    return KINDS[kind](_packets(replace(recipe, seconds=SKETCH_S), kind), Tags(title=recipe.title))


def _packets(recipe: Recipe, kind: str) -> Iterator[Packets]:
    encoder, wanted = PacketEncoder(kind), Sieve(0, CODECS[kind].count(_SAMPLES))
    for block in blocks(recipe):
        yield wanted(encoder.push(block))
    yield wanted(encoder.finish())


def _ogg(portions: Iterator[Packets], tags: Tags) -> bytes:
    ogg = OggOpus(_SAMPLES, tags)
    return b"".join([ogg.begin(), *map(ogg.push, portions), ogg.finish()])


def _mp4(portions: Iterator[Packets], tags: Tags) -> bytes:
    file = io.BytesIO()
    mp4 = Mp4Aac(file, _SAMPLES, tags)
    for portion in portions:
        mp4.push(portion)
    mp4.finish()
    return file.getvalue()


KINDS: Final[dict[str, Callable[[Iterator[Packets], Tags], bytes]]] = {"opus": _ogg, "m4a": _mp4}
