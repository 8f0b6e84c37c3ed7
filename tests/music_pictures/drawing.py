"""Small pictures: PNG for spectra, SVG for curves."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from tests.audio.sounds import Wave

RATE = 48_000
Pixels = NDArray[np.uint8]

LOWEST_HZ, HIGHEST_HZ = 30.0, 16_000.0
_FRAME = 1 << 14
_RANGE_DB = 84.0
_SHADES = 28
# Night, teal, sage, paper.
_RAMP = np.array([[20, 17, 14], [29, 74, 70], [142, 184, 168], [255, 250, 235]], float)
_LINE, _GRID, _GROUND = _SHADES, _SHADES + 1, _SHADES + 2


class Spectrogram:
    """Columns over a known length of sound, filled while it goes by."""

    def __init__(self, seconds: float, *, width: int, height: int) -> None:
        self._starts = np.linspace(0, max(seconds * RATE - _FRAME, 0), width).astype(int)
        hz = np.fft.rfftfreq(_FRAME, 1 / RATE)
        edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, height + 1)
        self._low = np.searchsorted(hz, edges[:-1]).clip(1)
        self._window = np.hanning(_FRAME).astype(np.float32)
        self._columns: list[NDArray[np.float64]] = []
        self._held: Wave = np.empty((0, 2), np.float32)
        self._first = 0

    def push(self, wave: Wave) -> None:
        self._held = np.concatenate([self._held, wave])
        while len(self._columns) < len(self._starts):
            at = self._starts[len(self._columns)] - self._first
            if at + _FRAME > len(self._held):
                break
            spectrum = np.fft.rfft(self._held[at : at + _FRAME].mean(axis=1) * self._window)
            self._columns.append(np.maximum.reduceat(np.abs(spectrum) ** 2, self._low))
        drop = max(0, len(self._held) - 2 * _FRAME)
        self._held, self._first = self._held[drop:], self._first + drop

    def pixels(self) -> Pixels:
        """Shades from 0 to `_SHADES` - 1, the highest frequency on top."""
        level = 10 * np.log10(np.array(self._columns).T[::-1] + 1e-12)
        shade = (level - level.max() + _RANGE_DB) / _RANGE_DB
        return np.asarray(np.clip(shade * (_SHADES - 1), 0, _SHADES - 1).round(), np.uint8)


def level_strip(short_term: NDArray[np.float64], *, width: int, height: int) -> Pixels:
    """Loudness over time from -40 LUFS at the bottom to -14 at the top, with lines at -30 and -20."""
    strip = np.full((height, width), _GROUND, np.uint8)
    for lufs in (-30.0, -20.0):
        strip[_row(lufs, height), ::3] = _GRID
    columns = np.array_split(np.maximum(short_term, -40.0), width)
    rows = [_row(float(column.mean()), height) for column in columns]
    for at, (row, before) in enumerate(zip(rows, [rows[0], *rows], strict=False)):
        strip[min(row, before) : max(row, before) + 1, at] = _LINE
    return strip


def _row(lufs: float, height: int) -> int:
    return round((1 - (min(max(lufs, -40.0), -14.0) + 40.0) / 26.0) * (height - 1))


def write_png(path: Path, pixels: Pixels) -> None:
    """An 8-bit palette PNG."""
    height, width = pixels.shape
    at = np.linspace(0, len(_RAMP) - 1, _SHADES)
    shades = np.stack([np.interp(at, range(len(_RAMP)), channel) for channel in _RAMP.T], axis=1)
    palette = np.vstack([shades, [[156, 201, 186], [96, 84, 72], [20, 17, 14]]]).round().astype(np.uint8)
    rows = np.hstack([np.zeros((height, 1), np.uint8), pixels]).tobytes()
    header = struct.pack(">2I5B", width, height, 8, 3, 0, 0, 0)
    chunks = [
        (b"IHDR", header),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@dataclass(frozen=True)
class MixPicture:
    """What is drawn of a mix, in seconds: `asked` and `got` are (time, LUFS), `joints` (begin, end)."""

    title: str
    length_s: float
    programme_s: float
    asked: Sequence[tuple[float, float]]
    got: Sequence[tuple[float, float]]
    joints: Sequence[tuple[float, float]]


_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 960, 260, 46, 20, 34, 30
_QUIETEST, _LOUDEST = -34.0, -14.0


def write_mix_svg(path: Path, mix: MixPicture) -> None:
    def x(at_s: float) -> float:
        return _LEFT + at_s / mix.length_s * (_WIDTH - _LEFT - _RIGHT)

    def y(lufs: float) -> float:
        share = (min(max(lufs, _QUIETEST), _LOUDEST) - _QUIETEST) / (_LOUDEST - _QUIETEST)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)

    def line(points: Iterable[tuple[float, float]], look: str) -> str:
        path_ = " ".join(f"{x(at):.1f},{y(lufs):.1f}" for at, lufs in points)
        return f'<polyline points="{path_}" fill="none" {look}/>'

    floor, ceiling = y(_QUIETEST), y(_LOUDEST)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="{escape(mix.title)}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fffdf8"/>',
        f'<text x="{_LEFT}" y="18" fill="#211c17" font-size="14">{escape(mix.title)}</text>',
    ]
    for begin, end in mix.joints:
        parts.append(
            f'<rect x="{x(begin):.1f}" y="{ceiling:.1f}" width="{max(x(end) - x(begin), 1):.1f}" '
            f'height="{floor - ceiling:.1f}" fill="#e3ebe3"/>'
        )
    for lufs in range(-30, -13, 5):
        parts.append(f'<path d="M{_LEFT} {y(lufs):.1f}H{_WIDTH - _RIGHT}" stroke="#ded5c6"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y(lufs) + 4:.1f}" text-anchor="end" fill="#504840">{lufs}</text>'
        )
    for minute in range(0, int(mix.length_s // 60) + 1, 10):
        place = f'x="{x(minute * 60):.1f}" y="{_HEIGHT - 14}"'
        parts.append(f'<text {place} text-anchor="middle" fill="#504840">{minute}</text>')
    end = x(mix.programme_s)
    parts.append(f'<path d="M{end:.1f} {ceiling:.1f}V{floor:.1f}" stroke="#783c06" stroke-dasharray="4 3"/>')
    parts.append(line(mix.asked, 'stroke="#d8a868" stroke-width="2.5"'))
    parts.append(line(mix.got, 'stroke="#1d5750" stroke-width="1.2"'))
    parts.append("</svg>\n")
    path.write_text("\n".join(parts), "utf-8")
