"""FFmpeg's own meters on a finished file; nothing of Kap's is used to measure."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from tests.audio.sounds import Wave

RATE = 48_000
Series = NDArray[np.float64]


@dataclass(frozen=True)
class Loudness:
    """By the `ebur128` filter; the two series have a value every 100 ms."""

    integrated_lufs: float
    range_lu: float
    true_peak_dbtp: float | None
    momentary: Series
    short_term: Series

    def largest_rise_db(self, seconds: float = 0.4, leave_s: float = 15.0) -> float:
        """The most by which the momentary loudness rises in that time, but for the fades at both ends."""
        step, leave = round(seconds * 10), round(leave_s * 10)
        middle = self.momentary[leave : -2 * leave]
        return float((middle[step:] - middle[:-step]).max())

    def rise_over_the_course_db(self) -> float:
        """How much louder the last third is than the first, fades left out."""
        first, _, last = np.array_split(self.short_term[200:-300], 3)
        return float(last.mean() - first.mean())


def decoded(path: Path) -> Iterator[Wave]:
    """Seconds of the file as FFmpeg decodes it, (n, 2) at 48 kHz."""
    conversion = av.AudioResampler(format="flt", layout="stereo", rate=RATE, frame_size=RATE)
    with av.open(str(path), "r") as container:
        for frame in container.decode(container.streams.audio[0]):
            for part in conversion.resample(frame):
                yield _samples(part)
        for part in conversion.resample(None):
            yield _samples(part)


def _samples(frame: AudioFrame) -> Wave:
    return np.asarray(frame.to_ndarray(), np.float32).reshape(-1, 2)


def loudness(path: Path, *, true_peak: bool = True) -> Loudness:
    told = list(_told(path, "ebur128", f"metadata=1:peak={'true' if true_peak else 'none'}:framelog=quiet"))
    last = told[-1]
    peak = max(float(last[f"lavfi.r128.true_peaks_ch{side}"]) for side in (0, 1)) if true_peak else None
    return Loudness(
        integrated_lufs=float(last["lavfi.r128.I"]),
        range_lu=float(last["lavfi.r128.LRA"]),
        true_peak_dbtp=20 * float(np.log10(peak)) if peak else None,
        momentary=np.array([float(each["lavfi.r128.M"]) for each in told]),
        short_term=np.array([float(each["lavfi.r128.S"]) for each in told]),
    )


def centroid_hz(path: Path) -> float:
    """Mean spectral centroid of both sides by the `aspectralstats` filter."""
    told = _told(path, "aspectralstats", "measure=centroid:win_size=8192:overlap=0")
    found = [float(each[f"lavfi.aspectralstats.{side}.centroid"]) for each in told for side in (1, 2)]
    return float(np.nanmedian(found))


def phase(path: Path) -> float:
    """Mean correlation of left and right, -1 to 1, by the `aphasemeter` filter."""
    told = _told(path, "aphasemeter", "video=0")
    return float(np.mean([float(each["lavfi.aphasemeter.phase"]) for each in told]))


def _told(path: Path, name: str, arguments: str) -> Iterator[dict[str, str]]:
    """What a filter writes beside the sound."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="flt", sample_rate=RATE, layout="stereo", time_base=Fraction(1, RATE))
    graph.link_nodes(source, graph.add(name, arguments), graph.add("abuffersink"))
    graph.configure()
    at = 0
    for wave in decoded(path):
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(wave).reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
        at += len(wave)
        graph.push(frame)
        while True:
            try:
                yield dict(graph.pull().metadata)
            except (av.BlockingIOError, av.EOFError):
                break


def silences(path: Path) -> int:
    """How often more than two seconds stay under -60 dBFS, by the `silencedetect` filter."""
    return sum(
        "lavfi.silence_start" in each for each in _told(path, "silencedetect", "noise=-60dB:duration=2")
    )
