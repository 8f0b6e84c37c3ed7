"""Short recordings, edited whole in memory with pydub: guidance trimmed, levelled, faded, laid over music.

Files are read and written by this engine's own decoder and encoder, so no program has to be installed, and
what a browser records (WebM or Ogg with Opus, MP4 with AAC) is as good as a WAV. A voice is kept as one
channel of 16 bits, 5.8 MB for a minute and about four times that while it is edited.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.decode import Block, Source
from kap.audio.encode import Encoder
from kap.audio.errors import AudioError, CannotWrite, Silent, TooLong, TooShort
from kap.audio.loudness import Meter
from kap.audio.measure import Wave
from kap.audio.plan import (
    CEILING_DBTP,
    DUCK_AFTER_S,
    DUCK_BEFORE_S,
    DUCK_DB,
    DUCK_DOWN_S,
    DUCK_UP_S,
    Bound,
)

with warnings.catch_warnings():
    # It looks for the programs that it would read and write other formats with; here it never does.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

Voice = AudioSegment

LONGEST_S = 20 * 60
SHORTEST_S = 0.3
PREVIEW_S = 60.0
VOICE_LUFS = -19.0
"""Where speech is put: between the -20 of the music, which is lowered under it, and the loudest of a mix."""

MAX_VOICE_BOOST_DB = 24.0
SILENCE_BELOW_VOICE_DB = 25.0
_KEPT_BEFORE_MS, _KEPT_AFTER_MS = 150, 300
_SOFT_MS = 200
_LEAD_S, _TAIL_S = 4.0, 4.0


class BadEdit(AudioError):
    """An edit that makes no sense; `field` names what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True)
class Edit:
    """What is to be done to a recording: seconds of the recording, and the level that is wanted.

    `end_s` None is its end. Silence is looked for between the two, and the fades lie inside of what is left.
    Raises BadEdit.
    """

    start_s: float = 0.0
    end_s: float | None = None
    trim_silence: bool = True
    fade_in_s: float = 0.05
    fade_out_s: float = 0.3
    target_lufs: float = VOICE_LUFS

    def __post_init__(self) -> None:
        if not 0 <= self.start_s <= LONGEST_S:
            raise BadEdit("start_s", "it has to begin within the recording")
        if self.end_s is not None and not self.start_s + SHORTEST_S <= self.end_s:
            raise BadEdit("end_s", "it has to end after it begins")
        for name in ("fade_in_s", "fade_out_s"):
            if not 0 <= getattr(self, name) <= 30:
                raise BadEdit(name, "a fade takes between 0 and 30 seconds")
        if not -30 <= self.target_lufs <= -14:
            raise BadEdit("target_lufs", "the level has to be between -30 and -14 LUFS")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> "Edit":
        """What another version kept and this one does not know is left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in kept.items() if name in known})


@dataclass(frozen=True)
class Clip:
    """A finished clip. `recorded_s` is how long the whole recording was, `cut_s` where the clip begins in it.

    `bound_by` tells what set its level: the target, the ceiling of the true peak, or the largest boost.
    `peaks` are a picture of it as for a track (kap.audio.measure).
    """

    duration_s: float
    recorded_s: float
    cut_s: float
    loudness_lufs: float
    true_peak_dbtp: float
    gain_db: float
    bound_by: Bound
    peaks: bytes


def prepare_clip(source: Path, target: Path, edit: Edit | None = None) -> Clip:
    """Edit a recording and write it as FLAC. Raises AudioError; nothing is written then."""
    voice, recorded_s, cut_s, gain_db, bound_by = _edited(source, edit or Edit())
    meter, wave = Meter(), Wave()
    for block in blocks_of(voice):
        meter.push(block)
        wave.push(block)
    _write(voice, target)
    return Clip(
        duration_s=voice.frame_count() / RATE,
        recorded_s=recorded_s,
        cut_s=cut_s,
        loudness_lufs=meter.loudness_lufs,
        true_peak_dbtp=meter.true_peak_dbtp,
        gain_db=gain_db,
        bound_by=bound_by,
        peaks=wave.peaks(),
    )


def preview_over(
    clip: Path, music: Path, target: Path, *, music_at_s: float, music_gain_db: float = 0.0
) -> float:
    """Write a finished clip as it will be heard over a piece of music, at most a minute; returns its length.

    The voice begins `music_at_s` into the piece, a few seconds of which are heard before and after it; where
    the piece ends, the voice goes on alone. It is FLAC, as a clip is: exact, and played by every browser.
    """
    lead_s = min(_LEAD_S, music_at_s)
    voice = _excerpt(clip, 0.0, PREVIEW_S - lead_s - _TAIL_S)
    length_s = lead_s + voice.duration_seconds + _TAIL_S
    bed = _excerpt(music, music_at_s - lead_s, length_s)
    missing = _ms(length_s) - len(bed)
    if missing > 0:
        bed += AudioSegment.silent(missing, frame_rate=RATE).set_channels(2)
    bed = bed.apply_gain(music_gain_db).fade_in(_SOFT_MS).fade_out(_ms(_TAIL_S / 2))
    heard = _ducked(bed, _ms(lead_s), _ms(lead_s) + len(voice)).overlay(voice, position=_ms(lead_s))
    _write(heard, target)
    return float(heard.frame_count() / RATE)


def _edited(source: Path, edit: Edit) -> tuple[AudioSegment, float, float, float, Bound]:
    voice, recorded_s = _recorded(source, edit.start_s, edit.end_s)
    begin, end = spoken(voice) if edit.trim_silence else (0, len(voice))
    voice = voice[begin:end]
    if voice.duration_seconds < SHORTEST_S:
        raise TooShort(SHORTEST_S)
    gain_db, bound_by = gain_of(voice, edit.target_lufs)
    voice = voice.apply_gain(gain_db)
    most = len(voice) // 2
    if edit.fade_in_s:
        voice = voice.fade_in(min(_ms(edit.fade_in_s), most))
    if edit.fade_out_s:
        voice = voice.fade_out(min(_ms(edit.fade_out_s), most))
    return voice, recorded_s, edit.start_s + begin / 1000, round(gain_db, 2), bound_by


def spoken(voice: AudioSegment) -> tuple[int, int]:
    """From which to which millisecond there is speech, with a breath before and after it."""
    threshold = voice.dBFS - SILENCE_BELOW_VOICE_DB
    before = detect_leading_silence(voice, silence_threshold=threshold)
    after = detect_leading_silence(voice.reverse(), silence_threshold=threshold)
    return max(0, before - _KEPT_BEFORE_MS), min(len(voice), len(voice) - after + _KEPT_AFTER_MS)


def gain_of(voice: AudioSegment, target_lufs: float) -> tuple[float, Bound]:
    """Plain gain: speech is not compressed, so that a peak may keep it below its target."""
    meter = Meter()
    for block in blocks_of(voice):
        meter.push(block)
    if meter.loudness_lufs == -np.inf:
        raise Silent
    choices: list[tuple[float, Bound]] = [
        (target_lufs - meter.loudness_lufs, "target"),
        (CEILING_DBTP - meter.true_peak_dbtp, "ceiling"),
        (MAX_VOICE_BOOST_DB, "boost"),
    ]
    return min(choices, key=lambda choice: choice[0])


def _ducked(bed: AudioSegment, begin: int, end: int) -> AudioSegment:
    """The music lowered from before `begin` to after `end` (milliseconds), as a mix does it."""
    down = max(0, begin - _ms(DUCK_BEFORE_S + DUCK_DOWN_S))
    low = max(0, begin - _ms(DUCK_BEFORE_S))
    up = min(len(bed), end + _ms(DUCK_AFTER_S))
    back = min(len(bed), up + _ms(DUCK_UP_S))
    parts = [
        bed[:down],
        bed[down:low].fade(to_gain=DUCK_DB, start=0, duration=low - down) if low > down else bed[:0],
        bed[low:up].apply_gain(DUCK_DB),
        bed[up:back].fade(from_gain=DUCK_DB, start=0, duration=back - up) if back > up else bed[:0],
        bed[back:],
    ]
    return sum(parts[1:], parts[0])


def _recorded(path: Path, start_s: float, stop_s: float | None) -> tuple[AudioSegment, float]:
    """A voice between two places, in one channel, and how long the whole recording is.

    It is read to its end, so that what is damaged or too long is found whatever is cut out of it.
    """
    first, last = round(start_s * RATE), None if stop_s is None else round(stop_s * RATE)
    kept, read = bytearray(), 0
    with Source(path) as source, closing(source.blocks()) as blocks:
        if source.declared_s > LONGEST_S + 1:
            raise TooLong(LONGEST_S)
        for block in blocks:
            inside = block[max(0, first - read) : None if last is None else max(0, last - read)]
            kept += as_bytes(inside.mean(axis=1, dtype=np.float32))
            read += len(block)
            if read > LONGEST_S * RATE:
                raise TooLong(LONGEST_S)
    return voice_of(kept, channels=1), read / RATE


def _excerpt(path: Path, start_s: float, length_s: float) -> AudioSegment:
    """So many seconds of a file, or as many as it has. A seek may miss by milliseconds; nobody hears that."""
    first, wanted = round(start_s * RATE), round(length_s * RATE)
    try:
        return _read(path, first, 0, wanted)
    except AudioError:  # it cannot be sought in
        return _read(path, 0, first, wanted)


def _read(path: Path, start: int, skip: int, wanted: int) -> AudioSegment:
    kept, left = bytearray(), wanted
    with Source(path) as source, closing(source.blocks(start)) as blocks:
        for block in blocks:
            inside, skip = block[skip : skip + left], max(0, skip - len(block))
            kept += as_bytes(inside)
            left -= len(inside)
            if not left:
                break
    return voice_of(kept, channels=2)


def voice_of(samples: bytearray, *, channels: int) -> AudioSegment:
    return AudioSegment(data=bytes(samples), sample_width=2, frame_rate=RATE, channels=channels)


def as_bytes(wave: NDArray[np.float32]) -> bytes:
    return bytes(np.rint(np.clip(wave, -1, 32767 / 32768) * 32768).astype("<i2").tobytes())


def blocks_of(segment: AudioSegment) -> Iterator[Block]:
    samples = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels)
    for start in range(0, len(samples), RATE):
        block = samples[start : start + RATE].astype(np.float32) / np.float32(32768)
        yield block if segment.channels == 2 else np.repeat(block, 2, axis=1)


def _write(segment: AudioSegment, target: Path) -> None:
    try:
        encoder = Encoder("flac-16", target)
        try:
            for block in blocks_of(segment):
                encoder.write(block)
            encoder.finish()
            encoder.place()
        finally:
            encoder.discard()
    except (OSError, av.FFmpegError) as error:
        raise CannotWrite((getattr(error, "strerror", None) or type(error).__name__).lower()) from error


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
