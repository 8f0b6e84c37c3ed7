"""One mix to Opus and M4A: `mix_kap TRACKS MINUTES FOLDER`."""

import sys
from pathlib import Path

from kap.audio.plan import Piece, plan_mix
from kap.audio.render import render
from tests.bench.work import tracks

described, minutes, folder = sys.argv[1:]
length_s = int(minutes) * 60
pieces = [
    Piece(
        path=Path(track.path),
        duration_s=track.duration_s,
        loudness_lufs=track.loudness_lufs,
        true_peak_dbtp=track.true_peak_dbtp,
        lead_silence_s=track.lead_silence_s,
        trail_silence_s=track.trail_silence_s,
        target_lufs=tracks.TARGET_LUFS,
    )
    for track in tracks.programme(tracks.load(described), length_s)
]
plan = plan_mix(pieces, length_s=length_s, crossfade_s=tracks.CROSSFADE_S)
render(plan, {kind: Path(folder) / f"kap.{kind}" for kind in ("opus", "m4a")})
