"""Small real sound files, and FFmpeg's own meter and decoder to judge what the engine says and writes."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from kap.audio.measure import measure
from kap.audio.plan import Piece

Wave = NDArray[np.float32]

# name: container, codec, sample format of the encoder
KINDS = {
    "wav": ("wav", "pcm_s16le", "s16"),
    "float": ("wav", "pcm_f32le", "flt"),
    "aiff": ("aiff", "pcm_s16be", "s16"),
    "flac": ("flac", "flac", "s16"),
    "mp3": ("mp3", "libmp3lame", "fltp"),
    "ogg": ("ogg", "vorbis", "fltp"),
    "opus": ("ogg", "libopus", "flt"),
    "m4a": ("mp4", "aac", "fltp"),
    "aac": ("adts", "aac", "fltp"),
    "webm": ("webm", "libopus", "flt"),
}
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def tone(seconds: float, *, hertz: float = 440.0, level: float = 0.25, rate: int = 48_000) -> Wave:
    """A sine on both channels, (n, 2)."""
    wave = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def noise(seconds: float, *, level: float = 0.05, seed: int = 1, channels: int = 2) -> Wave:
    """White noise of an RMS level, (n, channels)."""
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal((round(seconds * 48_000), channels))).astype(np.float32)


def write_sound(path: Path, wave: Wave, kind: str, *, rate: int = 48_000, **options: Any) -> Path:
    """Encode a wave (n, channels); `tags` and `container` options are passed on."""
    container_name, codec, sample_format = KINDS[kind]
    layout = LAYOUTS[wave.shape[1]]
    container_options = options.get("container", {})
    with av.open(str(path), "w", format=container_name, container_options=container_options) as container:
        container.metadata.update(options.get("tags", {}))
        strict = {"strict": "-2"} if codec == "vorbis" else {}
        stream: Any = container.add_stream(
            codec, rate=rate, layout=layout, format=sample_format, options=strict
        )
        conversion = av.AudioResampler(format=sample_format, layout=layout, rate=rate)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(wave).reshape(1, -1), "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for converted in [*conversion.resample(frame), *conversion.resample(None)]:
            container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return path


def ffmpeg_decoded(path: Path) -> Wave:
    """What FFmpeg decodes, (n, 2) at 48 kHz, without any of our code."""
    conversion = av.AudioResampler(format="flt", layout="stereo", rate=48_000)
    frames: list[AudioFrame] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            frames += conversion.resample(frame)
    frames += conversion.resample(None)
    return np.concatenate([np.asarray(f.to_ndarray(), np.float32).reshape(-1, 2) for f in frames])


def ffmpeg_levels(wave: Wave) -> tuple[float, float]:
    """(LUFS, dBTP) of a 48 kHz stereo wave by FFmpeg's ebur128 filter, to the last full 100 ms."""
    told = ffmpeg_readings(wave)[-1]
    peak = max(told["true_peaks_ch0"], told["true_peaks_ch1"])
    return told["I"], 20 * np.log10(peak)


def ffmpeg_readings(wave: Wave) -> list[dict[str, float]]:
    """What FFmpeg's ebur128 filter says of a 48 kHz stereo wave every 100 ms: M, S, I, LRA and peaks."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        format="flt", sample_rate=48_000, layout="stereo", time_base=Fraction(1, 48_000)
    )
    meter = graph.add("ebur128", "metadata=1:peak=true:framelog=quiet")
    graph.link_nodes(source, meter, graph.add("abuffersink"))
    graph.configure()
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(wave).reshape(1, -1), "flt", "stereo")
    frame.sample_rate, frame.pts = 48_000, 0
    graph.push(frame)
    readings: list[dict[str, float]] = []
    while True:
        try:
            told = graph.pull().metadata
        except (av.BlockingIOError, av.EOFError):
            return readings
        readings.append({name.removeprefix("lavfi.r128."): float(value) for name, value in told.items()})


def piece_of(path: Path, *, target_lufs: float = -20.0, rhythmic: bool = False) -> Piece:
    """A file, measured, as a piece of a mix."""
    measured = measure(path)
    return Piece(
        path=path,
        duration_s=measured.duration_s,
        loudness_lufs=measured.loudness_lufs,
        true_peak_dbtp=measured.true_peak_dbtp,
        lead_silence_s=measured.lead_silence_s,
        trail_silence_s=measured.trail_silence_s,
        target_lufs=target_lufs,
        rhythmic=rhythmic,
        title=path.stem,
    )
