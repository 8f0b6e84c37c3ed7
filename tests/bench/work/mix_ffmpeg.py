"""The same mix by FFmpeg alone, as a graph of `acrossfade`: `mix_ffmpeg TRACKS MINUTES FOLDER`."""

import subprocess
import sys

import imageio_ffmpeg

from tests.bench.work import tracks


def main(described: str, minutes: str, folder: str) -> None:
    length_s = float(minutes) * 60
    chosen = tracks.programme(tracks.load(described), length_s)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    for track in chosen:
        command += ["-i", track.path]
    command += ["-filter_complex", _graph(chosen, length_s), "-map", "[out]", "-ar", "48000"]
    subprocess.run([*command, "-c:a", "libopus", "-b:a", "160k", f"{folder}/ffmpeg.opus"], check=True)


def _graph(chosen: list[tracks.Track], length_s: float) -> str:
    parts = []
    for number, track in enumerate(chosen):
        end_s = track.duration_s - track.trail_silence_s
        parts.append(
            f"[{number}]aresample=48000,atrim={track.lead_silence_s}:{end_s},asetpts=PTS-STARTPTS,"
            f"volume={tracks.TARGET_LUFS - track.loudness_lufs}dB[t{number}]"
        )
    joined = "t0"
    for number in range(1, len(chosen)):
        parts.append(f"[{joined}][t{number}]acrossfade=d={tracks.CROSSFADE_S}:c1=qsin:c2=qsin[j{number}]")
        joined = f"j{number}"
    ends = f"atrim=0:{length_s},afade=t=in:d=10:curve=qsin,afade=t=out:st={length_s - 30}:d=30:curve=qsin"
    return ";".join([*parts, f"[{joined}]{ends}[out]"])


main(*sys.argv[1:])
