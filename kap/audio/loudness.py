"""Loudness (ITU-R BS.1770 gated, EBU R128), its range and the true peak of a 48 kHz stereo stream.

Loudness comes from FFmpeg's `ebur128` filter without its peak meter, which would cost more than decoding.
Its own loudness range comes from a histogram, wrong for a few seconds of sound: here its readings are used.
The true peak is found here, four times oversampled, only where a hop could exceed what is already known.
"""

import math
from array import array
from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.decode import Block
from kap.audio.levels import loudness_range_lu

HOP = RATE // 100
"""Samples in one hop of 10 ms, the resolution of peaks, silence and the ceiling."""

_TAPS = 24
# Readings come every 100 ms; those before are of less than three seconds.
_FIRST_SHORT_TERM = 29


def _interpolators() -> tuple[NDArray[np.float32], float, float]:
    """Filters for the points at 1/4, 1/2 and 3/4 between two samples, shape (_TAPS, 3), and two bounds.

    Windowed sincs, made exact for straight lines. Then an interpolated point is the line between its two
    neighbours plus a sum over second differences, which gives two bounds on how far it can lie from zero:
    `gain` times the largest sample, and the largest sample plus `bend` times the largest second difference.
    """
    shift = np.array([0.25, 0.5, 0.75])
    tap = np.arange(_TAPS)[:, None] - (_TAPS // 2 - 1)
    place = tap - shift
    window = np.i0(7.0 * np.sqrt(np.clip(1 - (place / (_TAPS / 2)) ** 2, 0, 1))) / np.i0(7.0)
    taps = np.sinc(place) * window
    moments = np.hstack([np.ones_like(tap), tap]).T
    taps += np.linalg.pinv(moments) @ (np.vstack([np.ones(3), shift]) - moments @ taps)
    line = np.where(tap == 0, 1 - shift, 0) + np.where(tap == 1, shift, 0)
    bend = np.abs(np.cumsum(np.cumsum(taps - line, axis=0), axis=0)).sum(axis=0).max()
    return taps.astype(np.float32), float(np.abs(taps).sum(axis=0).max()), float(bend)


_INTERPOLATORS, _GAIN, _BEND = _interpolators()


class TruePeaks:
    """True peaks of consecutive hops, 4x oversampled."""

    def __init__(self) -> None:
        self._before: Block = np.zeros((_TAPS - 1, 2), np.float32)

    def of(self, block: Block, *, above: float) -> NDArray[np.float32]:
        """The linear peak of each hop of a block (n, 2), n a multiple of HOP.

        A hop whose true peak cannot exceed `above` gives the larger of its samples instead. Values lag by
        half a filter length (12 samples).
        """
        signal = np.concatenate([self._before, block])
        self._before = signal[1 - _TAPS :]
        found = _hop_largest(block)
        samples = _with_hop_before(found, signal[: _TAPS - 1])
        second = np.diff(signal, 2, axis=0)
        bends = _with_hop_before(_hop_largest(second[-len(block) :]), second[: -len(block)])
        bound = np.minimum(samples * _GAIN, samples + bends * _BEND)
        for hop in np.flatnonzero(bound > above):
            found[hop] = max(found[hop], _between_samples(signal[hop * HOP :][: HOP + _TAPS - 1]))
        return found


def _hop_largest(block: Block) -> NDArray[np.float32]:
    return np.asarray(np.abs(block).reshape(-1, 2 * HOP).max(axis=1), np.float32)


def _with_hop_before(largest: NDArray[np.float32], before: Block) -> NDArray[np.float32]:
    """A filter that ends in a hop begins in the hop before it."""
    reach = np.maximum(largest, np.concatenate([[np.abs(before).max()], largest[:-1]]))
    return np.asarray(reach, np.float32)


def _between_samples(signal: Block) -> float:
    windows = sliding_window_view(signal, _TAPS, axis=0)
    return float(np.abs(windows.reshape(-1, _TAPS) @ _INTERPOLATORS).max())


class Meter:
    """Loudness and true peak of everything pushed so far. Keeps two numbers for every 100 ms."""

    def __init__(self) -> None:
        self._graph, self._loudness = _loudness_graph(), -math.inf
        self._momentary, self._short_term = array("f"), array("f")
        self._peaks, self._peak = TruePeaks(), 0.0
        self._pushed = 0

    @property
    def loudness_lufs(self) -> float:
        """Gated integrated loudness; minus infinity when nothing passed the gate of -70 LUFS."""
        return self._loudness

    @property
    def true_peak_dbtp(self) -> float:
        return decibels(self._peak)

    @property
    def momentary_lufs(self) -> NDArray[np.float64]:
        """The loudness of the last 400 ms, every 100 ms; far below -70 where nothing was heard."""
        return np.asarray(self._momentary, np.float64)

    @property
    def short_term_max_lufs(self) -> float:
        """The loudest three seconds; the integrated loudness of what is shorter."""
        return max(self._short_term[_FIRST_SHORT_TERM:], default=self._loudness)

    @property
    def loudness_range_lu(self) -> float:
        return loudness_range_lu(np.asarray(self._short_term[_FIRST_SHORT_TERM:], np.float64))

    def push(self, block: Block) -> None:
        """A block of shape (n, 2), of any length."""
        self._peak = max(self._peak, self._highest(whole_hops(block)))
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts = RATE, self._pushed
        self._pushed += len(block)
        self._graph.push(frame)
        self._read()

    def _highest(self, block: Block) -> float:
        # Taking the loudest sample first spares most other hops their oversampling.
        sample_peak = float(np.abs(block).max(initial=0.0))
        return float(self._peaks.of(block, above=max(self._peak, sample_peak)).max(initial=0.0))

    def _read(self) -> None:
        while True:
            try:
                measured = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            told = measured.metadata
            value = float(told["lavfi.r128.I"])
            self._loudness = value if value > -70.0 else -math.inf
            self._momentary.append(float(told["lavfi.r128.M"]))
            self._short_term.append(float(told["lavfi.r128.S"]))


def decibels(linear: float) -> float:
    return 20 * math.log10(linear) if linear > 0 else -math.inf


def whole_hops(block: Block) -> Block:
    """The block, filled up with silence to a multiple of HOP."""
    missing = -len(block) % HOP
    return np.pad(block, ((0, missing), (0, 0))) if missing else block


def _loudness_graph() -> Graph:
    graph = Graph()
    source = graph.add_abuffer(format="flt", sample_rate=RATE, layout="stereo", time_base=Fraction(1, RATE))
    graph.link_nodes(source, graph.add("ebur128", "metadata=1:framelog=quiet"), graph.add("abuffersink"))
    graph.configure()
    return graph
