"""The same mix as anyone would write it with pydub, to Opus alone: `mix_pydub TRACKS MINUTES FOLDER`."""

import sys
from pathlib import Path

import imageio_ffmpeg
from pydub import AudioSegment

from tests.bench.work import tracks
from tests.bench.work.tracks import Track

CONTAINERS = {"opus": "ogg"}
CODECS = {"mp3": "mp3", "flac": "flac", "ogg": "vorbis", "opus": "libopus", "wav": "pcm_s16le"}


def main(described: str, minutes: str, folder: str) -> None:
    AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
    length_s = round(float(minutes) * 60)
    first, *others = tracks.programme(tracks.load(described), length_s)
    mix = _loaded(first)
    for track in others:
        mix = mix.append(_loaded(track), crossfade=round(tracks.CROSSFADE_S * 1000))
    mix = mix[: length_s * 1000].fade_in(10_000).fade_out(30_000)
    mix.export(Path(folder) / "pydub.opus", format="opus", bitrate="160k")


def _loaded(track: Track) -> AudioSegment:
    # Naming the codec spares the call of ffprobe, which does not come with the wheel.
    kind = Path(track.path).suffix[1:]
    sound = AudioSegment.from_file(track.path, format=CONTAINERS.get(kind, kind), codec=CODECS[kind])
    sound = sound.set_frame_rate(48_000)
    heard = sound[track.lead_silence_s * 1000 : (track.duration_s - track.trail_silence_s) * 1000]
    return heard.apply_gain(tracks.TARGET_LUFS - track.loudness_lufs)


main(*sys.argv[1:])
