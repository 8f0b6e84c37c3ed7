"""Files that cannot be used: each gets one sentence, and never a traceback of FFmpeg."""

import struct
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from kap.audio.errors import (
    AudioError,
    Damaged,
    EmptyAudio,
    Missing,
    MovingPicture,
    NotAudio,
    Protected,
    Silent,
    TooLong,
    TooShort,
    Truncated,
)
from kap.audio.measure import Limits, measure
from tests.audio.conftest import MakeSound
from tests.audio.sounds import noise, tone, write_sound


def refusal(path: Path, *, limits: Limits | None = None) -> tuple[type[AudioError], str]:
    with pytest.raises(AudioError) as caught:
        measure(path, limits=limits or Limits())
    return type(caught.value), caught.value.reason


NOT_AUDIO = (NotAudio, "this is not a sound file we can read")
CUT_SHORT = (Truncated, "this file is cut short: its end is missing")


def test_text_archives_pictures_and_scripts_are_not_sound(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    (tmp_path / "song.mp3").write_text("a letter, not a song\n" * 500)
    (tmp_path / "letter.txt").write_text("a letter\n" * 500)
    (tmp_path / "random.mp3").write_bytes(rng.bytes(100_000))
    (tmp_path / "random.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00")
    (tmp_path / "list.mp3").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n/etc/passwd\n")
    (tmp_path / "list.wav").write_text("ffconcat version 1.0\nfile other.wav\n")
    with zipfile.ZipFile(tmp_path / "album.mp3", "w") as archive:
        archive.writestr("track", "x" * 5000)
    with av.open(str(tmp_path / "cover.jpg"), "w", format="image2") as container:
        container.mux(_picture_stream(container).encode(VideoFrame(64, 64, "yuvj420p")))
    for path in sorted(tmp_path.iterdir()):
        assert (path.name, refusal(path)) == (path.name, NOT_AUDIO)


def test_an_empty_file_and_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "empty.flac").write_bytes(b"")
    assert refusal(tmp_path / "empty.flac") == (EmptyAudio, "this file is empty")
    assert refusal(tmp_path / "gone.flac") == (Missing, "this file is no longer there")


@pytest.mark.parametrize("kind", ["wav", "float", "aiff", "flac", "mp3", "ogg", "opus", "m4a"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.85])
def test_a_file_cut_short_is_noticed(sound: MakeSound, kind: str, part: float) -> None:
    whole = sound(f"whole.{kind}", noise(6), kind)
    data = whole.read_bytes()
    cut = whole.with_name(f"cut.{kind}")
    cut.write_bytes(data[: int(len(data) * part)])
    assert refusal(cut) == CUT_SHORT


def test_an_mp4_made_for_streaming_and_cut_short_is_noticed(sound: MakeSound) -> None:
    whole = sound("whole.m4a", noise(4), "m4a", container={"movflags": "faststart"})
    whole.write_bytes(whole.read_bytes()[:-20_000])
    assert refusal(whole) == CUT_SHORT


def test_a_streamed_wav_of_unstated_length_is_whole(sound: MakeSound) -> None:
    path = sound("streamed.wav", tone(2), "wav")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    assert measure(path).duration_s == 2.0


def test_an_mp3_that_does_not_state_its_length_is_taken_as_it_is(sound: MakeSound) -> None:
    path = sound("plain.mp3", tone(3), "mp3", container={"write_xing": "0"})
    assert measure(path).duration_s == pytest.approx(3.0, abs=0.06)


@pytest.mark.parametrize("kind", ["mp3", "aac"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_bare_frames_give_a_cut_away_by_the_last_of_them(sound: MakeSound, kind: str, part: float) -> None:
    path = sound(f"bare.{kind}", noise(6), kind, container={"write_xing": "0"} if kind == "mp3" else {})
    data = path.read_bytes()
    assert measure(path).duration_s == pytest.approx(6.0, abs=0.06)
    path.write_bytes(data[: int(len(data) * part)])
    assert refusal(path) == CUT_SHORT
    path.write_bytes(data[:-3])
    assert refusal(path) == CUT_SHORT


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 32_000, 44_100])
def test_mp3_frames_of_every_rate_are_understood(tmp_path: Path, rate: int) -> None:
    path = write_sound(
        tmp_path / "bare.mp3", tone(2, rate=rate), "mp3", rate=rate, container={"write_xing": "0"}
    )
    assert measure(path).duration_s == pytest.approx(2.0, abs=0.2)
    path.write_bytes(path.read_bytes()[:-20])
    assert refusal(path) == CUT_SHORT


def test_tags_and_padding_behind_the_frames_are_no_cut(sound: MakeSound) -> None:
    path = sound("plain.mp3", tone(3), "mp3", container={"write_xing": "0"})
    data = path.read_bytes()
    last = b"TAG" + bytes(125)
    ape, header = struct.pack("<8sIIII8x", b"APETAGEX", 2000, 40, 0, 1 << 31), b"APETAGEX" + bytes(24)
    ape = header + b"12345678" + ape
    for behind in (last, ape, ape + last, bytes(40), b"LYRICSBEGIN" + b"la " * 30):
        path.write_bytes(data + behind)
        assert measure(path).duration_s == pytest.approx(3.0, abs=0.06)


def test_a_damaged_file(sound: MakeSound) -> None:
    path = sound("scratched.flac", noise(6), "flac")
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(2)
    for at in range(9_000, len(data) - 2_000, 60_000):
        data[at : at + 1_000] = rng.bytes(1_000)
    path.write_bytes(bytes(data))
    assert refusal(path) == (Damaged, "too much of this file is damaged")


def test_nine_channels_without_a_known_order(tmp_path: Path) -> None:
    data = noise(2, channels=9).astype("<i2").tobytes()
    layout = (16, 1, 9, 48_000, 48_000 * 18, 18, 16, b"data", len(data))
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", *layout)
    (tmp_path / "nine.wav").write_bytes(header + data)
    assert refusal(tmp_path / "nine.wav") == NOT_AUDIO


@pytest.mark.parametrize("kind", ["wav", "float", "aiff", "flac", "mp3", "ogg", "opus", "m4a"])
def test_damage_anywhere_is_measured_or_refused_in_words(sound: MakeSound, kind: str) -> None:
    path, rng = sound(f"sound.{kind}", noise(1.1), kind), np.random.default_rng(11)
    whole = path.read_bytes()
    for reach in (200, 600, 2_000, len(whole)) * 3:
        data = bytearray(whole)
        for at in rng.integers(0, reach, size=12):
            data[at] = rng.integers(0, 256)
        path.write_bytes(bytes(data))
        try:
            assert measure(path).duration_s >= 1
        except AudioError as error:
            assert error.reason[0].islower()  # noqa: PT017


def test_silence_alone(sound: MakeSound) -> None:
    nothing = np.zeros((96_000, 2), np.float32)
    assert refusal(sound("zero.wav", nothing, "wav")) == (Silent, "there is nothing to hear in this file")
    hiss = noise(2, level=0.0001)
    assert refusal(sound("hiss.float.wav", hiss, "float")) == (
        Silent,
        "there is nothing to hear in this file",
    )


def test_too_short(sound: MakeSound) -> None:
    assert refusal(sound("blip.wav", tone(0.9), "wav")) == (TooShort, "this is shorter than 1 second")


def test_ten_hours_are_refused_before_decoding(tmp_path: Path) -> None:
    seconds, rate = 10 * 3600, 8_000
    size = seconds * rate
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, rate, 1, 8, b"data", size
    )
    with (tmp_path / "night.wav").open("wb") as file:
        file.write(header)
        file.truncate(len(header) + size)
    assert refusal(tmp_path / "night.wav") == (TooLong, "this is longer than 4 hours")


def test_a_long_file_that_hides_its_length_is_refused_while_decoding(sound: MakeSound) -> None:
    path = sound("hidden.flac", tone(4), "flac")
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(bytes(data))
    assert measure(path).duration_s == 4.0
    assert refusal(path, limits=Limits(most_s=3)) == (TooLong, "this is longer than 3 seconds")


def test_files_of_nothing_but_headers_are_refused_at_once(tmp_path: Path) -> None:
    """Half a gigabyte of eight-byte boxes would keep a web server busy for a minute, and fill its memory."""

    def box(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), name) + content

    nested = b""
    for _ in range(3_000):
        nested = box(b"trak", nested)
    kind, many = box(b"ftyp", b"M4A \x00\x00\x00\x00"), 100_001
    made = {
        "nested.m4a": kind + box(b"moov", nested),
        "many.m4a": kind + box(b"moov", box(b"trak", b"") * many),
        "row.m4a": kind + box(b"free", b"") * many + box(b"moov", b""),
    }
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
        assert (name, refusal(tmp_path / name)) == (name, NOT_AUDIO)
    empty_chunks = b"RIFF\x00\x00\x00\x00WAVE" + b"junk\x00\x00\x00\x00" * many
    (tmp_path / "row.wav").write_bytes(empty_chunks)
    assert refusal(tmp_path / "row.wav") == CUT_SHORT


@pytest.mark.parametrize("entry", [b"drms", b"enca"])
def test_copy_protection(sound: MakeSound, entry: bytes) -> None:
    path = sound("bought.m4p", tone(2), "m4a")
    path.write_bytes(path.read_bytes().replace(b"mp4a", entry, 1))
    assert refusal(path) == (Protected, "this file is copy-protected and cannot be played here")


def _picture_stream(container: av.container.OutputContainer, codec: str = "mjpeg") -> av.VideoStream:
    stream = container.add_stream(codec, rate=10)
    assert isinstance(stream, av.VideoStream)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return stream


def test_a_video_with_sound(tmp_path: Path) -> None:
    path = tmp_path / "concert.mp4"
    with av.open(str(path), "w") as container:
        video = _picture_stream(container, "mpeg4")
        audio = container.add_stream("aac", rate=48_000, layout="stereo")
        assert isinstance(audio, av.AudioStream)
        for number in range(20):
            picture = VideoFrame(64, 64, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(video.encode(picture))
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(tone(2).T), "fltp", "stereo")
        frame.sample_rate = 48_000
        container.mux([*audio.encode(frame), *audio.encode(None), *video.encode(None)])
    assert refusal(path) == (MovingPicture, "this is a video: save its sound alone and add that")


def test_a_cover_picture_is_no_video(sound: MakeSound, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "cover.jpg"), "w", format="image2") as container:
        container.mux(_picture_stream(container).encode(VideoFrame(64, 64, "yuvj420p")))
    picture = b"\x00image/jpeg\x00\x03\x00" + (tmp_path / "cover.jpg").read_bytes()
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\x00\x00" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path = sound("covered.mp3", tone(2), "mp3", container={"id3v2_version": "0"})
    path.write_bytes(b"ID3\x03\x00\x00" + size + frame + path.read_bytes())
    assert measure(path).duration_s == 2.0
