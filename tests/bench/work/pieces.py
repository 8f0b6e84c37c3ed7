"""The described tracks as pieces of a mix, and the plan of it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kap.audio.plan import MixPlan, Piece, plan_mix
from kap.audio.store import PacketStore
from tests.bench.work import tracks

STORE_BYTES = 8_000_000_000


def store_in(folder: str) -> PacketStore:
    return PacketStore(Path(folder), most_bytes=STORE_BYTES)


@contextmanager
def as_prepared(folder: str) -> Iterator[PacketStore]:
    """A store that holds what is in the folder, which stays as it is: nothing if there is no such folder."""
    with tempfile.TemporaryDirectory(dir=Path(folder).parent) as made:
        for entry in Path(folder).glob("*"):
            os.link(entry, Path(made) / entry.name)
        yield store_in(made)


def piece(track: tracks.Track) -> Piece:
    return Piece(
        path=Path(track.path),
        duration_s=track.duration_s,
        loudness_lufs=track.loudness_lufs,
        true_peak_dbtp=track.true_peak_dbtp,
        lead_silence_s=track.lead_silence_s,
        trail_silence_s=track.trail_silence_s,
        target_lufs=tracks.TARGET_LUFS,
    )


def plan(described: str, minutes: str, *, changed: bool = False) -> MixPlan:
    """A mix of the tracks in turns; `changed`, with the one in the middle replaced by one not in it."""
    known, length_s = tracks.load(described), float(minutes) * 60
    chosen = tracks.programme(known, length_s)
    if changed:
        spare = next(track for track in reversed(known) if track not in chosen)
        chosen[len(chosen) // 2] = spare
    return plan_mix([piece(track) for track in chosen], length_s=length_s, crossfade_s=tracks.CROSSFADE_S)
