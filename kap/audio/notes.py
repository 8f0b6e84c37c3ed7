"""Voice notes: spoken in one go or several, put together, trimmed, evened, and written for every browser.

A note is somebody's own and cannot be spoken a second time, so what can be heard is kept: of a damaged file
what comes before the damage, of a long one its beginning. Memory is that of `clips`: 5.8 MB for a minute and
about four times that while it is edited.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.clips import (
    LONGEST_S,
    SHORTEST_S,
    SILENCE_BELOW_VOICE_DB,
    VOICE_LUFS,
    Voice,
    as_bytes,
    blocks_of,
    gain_of,
    spoken,
    voice_of,
)
from kap.audio.decode import Source
from kap.audio.encode import Encoder
from kap.audio.errors import AudioError, CannotWrite, NotAudio, Silent, TooShort
from kap.audio.loudness import Meter
from kap.audio.measure import Wave

MOST_EVENED_DB = 8.0
_STEP = RATE // 10
_HEARD_TOGETHER = 41  # steps: about four seconds, so that a phrase keeps its own ups and downs
_SOFT_MS = 30
_QUIETEST = 1e-10


@dataclass(frozen=True)
class Note:
    """A finished note. `is_cut`: there was more than `LONGEST_S`; `is_damaged`: some could not be read.

    `peaks` are a picture of it as for a track (kap.audio.measure).
    """

    duration_s: float
    loudness_lufs: float
    peaks: bytes
    is_cut: bool
    is_damaged: bool


def prepare_note(takes: Sequence[Path], targets: Mapping[str, Path]) -> Note:
    """Make one note of what was recorded in these files and write it in kinds of `kap.audio.encode.FORMATS`.

    Silence at both ends of every take goes, and each is brought to the same level. Raises AudioError when
    nothing can be heard; CannotWrite when a file cannot be written.
    """
    parts, left, problem, is_cut, is_damaged = [], LONGEST_S * RATE, None, False, False
    for take in takes:
        voice, was_longer, trouble = _recorded(take, left)
        left -= int(voice.frame_count())
        is_cut |= was_longer
        is_damaged |= trouble is not None
        try:
            parts.append(_evened(voice))
        except AudioError as error:
            problem = problem or trouble or error
    if not parts:
        raise problem or NotAudio()
    note = sum(parts[1:], parts[0])
    meter, wave = Meter(), Wave()
    for block in blocks_of(note):
        meter.push(block)
        wave.push(block)
    for kind, target in targets.items():
        _write(note, kind, target)
    return Note(note.frame_count() / RATE, meter.loudness_lufs, wave.peaks(), is_cut, is_damaged)


def _recorded(path: Path, most: int) -> tuple[Voice, bool, AudioError | None]:
    """At most so many samples in one channel, whether there are more, and what kept us from reading on."""
    kept, read, problem = bytearray(), 0, None
    try:
        with Source(path, may_be_cut=True) as source, closing(source.blocks()) as blocks:
            for block in blocks:
                kept += as_bytes(block[: most - read].mean(axis=1, dtype=np.float32))
                read += len(block)
                if read > most:
                    break
    except AudioError as error:
        problem = error
    return voice_of(kept, channels=1), read > most, problem


def _evened(voice: Voice) -> Voice:
    if voice.duration_seconds < SHORTEST_S:
        raise TooShort(SHORTEST_S)
    if voice.dBFS == -np.inf:
        raise Silent
    begin, end = spoken(voice)
    voice = voice[begin:end]
    if voice.duration_seconds < SHORTEST_S:
        raise TooShort(SHORTEST_S)
    voice = _ridden(voice)
    gain_db, _ = gain_of(voice, VOICE_LUFS)
    return voice.apply_gain(gain_db).fade_in(_SOFT_MS).fade_out(_SOFT_MS)


def _ridden(voice: Voice) -> Voice:
    """What is said quietly brought up and what is loud down, as a hand on a fader would do it."""
    samples = np.frombuffer(voice.raw_data, "<i2")
    gains = _fader(samples)
    places = (np.arange(len(gains)) + 0.5) * _STEP
    made = bytearray()
    for start in range(0, len(samples), RATE):
        block = samples[start : start + RATE].astype(np.float32) / np.float32(32768)
        at = np.arange(start, start + len(block))
        made += as_bytes((block * 10 ** (np.interp(at, places, gains) / 20)).astype(np.float32))
    return voice_of(made, channels=1)


def _fader(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Decibels for every step, from how loud the speech around it is; pauses do not count."""
    steps = max(1, len(samples) // _STEP)
    power = np.array(
        [
            np.mean((samples[n * _STEP : (n + 1) * _STEP].astype(np.float64) / 32768) ** 2)
            for n in range(steps)
        ]
    )
    is_speech = power > power.mean() * 10 ** (-SILENCE_BELOW_VOICE_DB / 10)
    window = np.ones(min(_HEARD_TOGETHER, steps))
    count = np.convolve(is_speech, window, "same")
    around = np.convolve(power * is_speech, window, "same")
    level = 10 * np.log10(np.maximum(around / np.maximum(count, 1), _QUIETEST))
    heard = np.flatnonzero(count > 0.5)
    level = np.interp(np.arange(steps), heard, level[heard])
    wanted = float(np.median(level[is_speech]))
    return np.asarray(np.clip(wanted - level, -MOST_EVENED_DB, MOST_EVENED_DB))


def _write(note: Voice, kind: str, target: Path) -> None:
    try:
        encoder = Encoder(kind, target)
        try:
            for block in blocks_of(note):
                encoder.write(block)
            encoder.finish()
            encoder.place()
        finally:
            encoder.discard()
    except (OSError, av.FFmpegError) as error:
        raise CannotWrite((getattr(error, "strerror", None) or type(error).__name__).lower()) from error
