"""A plan to finished files, by copying what is encoded already and encoding the rest.

Every track is encoded once, alone and at its level, and kept in a `PacketStore`; so is every joint. A mix of
tracks and joints that are all there costs no more than copying it.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from kap.audio import RATE
from kap.audio.ceiling import Ceiling
from kap.audio.encode import Encoder, PartFile
from kap.audio.errors import CannotWrite
from kap.audio.mix import mix
from kap.audio.mp4 import Mp4Aac
from kap.audio.ogg import OggOpus
from kap.audio.packets import CODECS
from kap.audio.plan import MixPlan
from kap.audio.store import PacketStore
from kap.audio.tags import Tags
from kap.audio.work import Work

_UNLIMITED = 1 << 50


@dataclass(frozen=True)
class Rendered:
    """What was made, and how much was encoded for it: whole tracks, and passages that are no track's."""

    samples: int
    tracks_encoded: int
    passages_encoded: int
    files: Mapping[str, Path]

    @property
    def duration_s(self) -> float:
        return self.samples / RATE


def render(
    plan: MixPlan,
    outputs: Mapping[str, Path],
    *,
    store: PacketStore | None = None,
    tags: Tags | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rendered:
    """Write the mix to every path of `outputs` ("opus", "m4a", "flac"); they appear together, when whole.

    `progress` is called with 0..1 and `cancelled` is asked in the caller's thread, a few times a second.
    Memory does not grow with length. Raises AudioError for a file that cannot be read or written; Cancelled.
    """
    tags = tags or Tags()
    with ExitStack() as stack, _writing():
        if store is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kap-packets-"))
            store = PacketStore(Path(folder), most_bytes=_UNLIMITED)
        files = []
        for kind, path in outputs.items():
            files.append(_OUTPUTS[kind](path, tags))
            stack.callback(files[-1].discard)
        kinds = [kind for kind in outputs if kind in CODECS]
        work = stack.enter_context(Work(plan, store, kinds, progress=progress, cancelled=cancelled))
        work.expect(plan.total_samples * (len(outputs) - len(kinds)))
        for file in files:
            file.fill(work)
            file.finish()
        work.tell()
        for file in files:
            file.place()
        return Rendered(plan.total_samples, work.tracks_encoded, work.passages_encoded, dict(outputs))


class _Packed(PartFile):
    """A file made of packets."""

    def __init__(self, path: Path, tags: Tags) -> None:
        super().__init__(path)
        self._tags = tags


class _Opus(_Packed):
    def fill(self, work: Work) -> None:
        ogg = OggOpus(work.plan.total_samples, self._tags)
        self.file.write(ogg.begin())
        for portion in work.packets("opus"):
            self.file.write(ogg.push(portion))
        self.file.write(ogg.finish())


class _M4a(_Packed):
    def fill(self, work: Work) -> None:
        mp4 = Mp4Aac(self.file, work.plan.total_samples, self._tags)
        for portion in work.packets("m4a"):
            mp4.push(portion)
        mp4.finish()


class _Flac(Encoder):
    """A format that has no packets to copy: every sample of the mix goes through its encoder."""

    def __init__(self, path: Path, tags: Tags) -> None:
        super().__init__("flac", path, tags=tags.comments())

    def fill(self, work: Work) -> None:
        for block in Ceiling(work.plan.ceiling_dbtp).limit(mix(work.plan)):
            self.write(block)
            work.advance(len(block))
            work.tell()


_OUTPUTS: dict[str, type[_Opus | _M4a | _Flac]] = {"opus": _Opus, "m4a": _M4a, "flac": _Flac}


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        raise CannotWrite((getattr(error, "strerror", None) or type(error).__name__).lower()) from error
