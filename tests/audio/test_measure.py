"""Measurements, judged by FFmpeg's own meter and by waves whose numbers are known."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from kap.audio.decode import Source
from kap.audio.levels import levels, levels_to_lufs
from kap.audio.loudness import Meter
from kap.audio.measure import measure
from tests.audio.conftest import MakeSound
from tests.audio.sounds import (
    Wave,
    ffmpeg_decoded,
    ffmpeg_levels,
    ffmpeg_readings,
    noise,
    tone,
    write_sound,
)
from tests.bench.processes import Work, once
from tests.bench.work.tracks import Track, save


def between_the_samples(seconds: float) -> Wave:
    """A tone at a quarter of the rate, crests always between two samples, with soft ends."""
    at = np.arange(round(seconds * 48_000))[:, None]
    edges = np.clip(np.minimum(at, at[::-1]) / 4_800, 0, 1)
    return (0.7 * edges * np.sin(at * np.pi / 2 + [np.pi / 4, np.pi / 3])).astype(np.float32)


def swelling(seconds: float) -> Wave:
    """A chord that grows and falls, with a little noise: nearer to music than a tone."""
    at = np.arange(round(seconds * 48_000)) / 48_000
    chord = sum(np.sin(2 * np.pi * hertz * at) for hertz in (110, 165, 220, 275, 1760))
    wave = 0.08 * chord * (0.6 + 0.4 * np.sin(2 * np.pi * at / seconds))
    return (wave[:, None] * [1.0, 0.7] + 0.1 * noise(seconds)).astype(np.float32)


def sparks(seconds: float) -> Wave:
    """Single samples and short bursts, where samples and true peaks lie far apart."""
    wave = noise(seconds, level=0.01)
    wave[7_001::9_973, 0] += 0.6
    wave[5_000::12_007, 1] -= 0.5
    wave[5_001::12_007, 1] -= 0.5
    return wave


WAVES = {
    "noise": noise(6),
    "loud noise": np.clip(noise(6, level=0.5), -1, 1),
    "between the samples": between_the_samples(6),
    "music": swelling(6),
    "sparks": sparks(6),
    "quiet": tone(6, level=0.003),
    "quiet, then loud": np.concatenate([tone(4, level=0.01), tone(3, level=0.4)]),
}


@pytest.mark.parametrize("name", WAVES)
def test_levels_agree_with_ffmpeg(name: str) -> None:
    wave = WAVES[name]
    meter = Meter()
    for start in range(0, len(wave), 48_000):
        meter.push(wave[start : start + 48_000])
    loudness, peak = ffmpeg_levels(wave)
    assert meter.loudness_lufs == pytest.approx(loudness, abs=0.1)
    assert meter.true_peak_dbtp == pytest.approx(peak, abs=0.2)


def rising(seconds: float) -> Wave:
    """A chord that becomes 30 dB louder and falls silent again and again."""
    at = np.arange(round(seconds * 48_000)) / 48_000
    level = 10 ** (-1.5 * np.abs(np.cos(np.pi * at / 10)))
    level[(at % 7) > 6] = 0
    return np.asarray(4 * swelling(seconds) * level[:, None], np.float32)


@pytest.mark.parametrize("wave", [swelling(12), rising(40), noise(12)], ids=["chord", "rising", "noise"])
def test_the_range_and_the_loudest_passage_agree_with_ffmpeg(wave: Wave) -> None:
    meter, readings = Meter(), ffmpeg_readings(wave)
    meter.push(wave)
    assert meter.loudness_range_lu == pytest.approx(readings[-1]["LRA"], abs=0.5)
    assert meter.short_term_max_lufs == pytest.approx(max(told["S"] for told in readings), abs=0.01)


def test_the_range_of_two_known_levels() -> None:
    """The first case of EBU Tech 3342: 20 s at -20 dBFS and 20 s at -30."""
    meter = Meter()
    meter.push(np.concatenate([tone(20, hertz=1000, level=0.1), tone(20, hertz=1000, level=0.0316)]))
    assert meter.loudness_range_lu == pytest.approx(10.0, abs=1.0)


def test_what_is_shorter_than_three_seconds_has_no_range_and_its_loudness_is_its_loudest() -> None:
    meter = Meter()
    meter.push(tone(2))
    assert (meter.loudness_range_lu, meter.short_term_max_lufs) == (0.0, meter.loudness_lufs)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="pyebur128 has no wheels for Python 3.13")
@pytest.mark.parametrize("name", ["noise", "music", "sparks"])
def test_levels_agree_with_libebur128(name: str) -> None:
    import pyebur128  # noqa: PLC0415

    wave, meter = WAVES[name], Meter()
    meter.push(wave)
    mode = pyebur128.MeasurementMode
    modes = mode.MODE_I | mode.MODE_LRA | mode.MODE_TRUE_PEAK
    state = pyebur128.R128State(2, 48_000, modes)
    state.add_frames(np.ascontiguousarray(wave).reshape(-1), len(wave))
    peak = max(pyebur128.get_true_peak(state, channel) for channel in (0, 1))
    assert meter.loudness_lufs == pytest.approx(pyebur128.get_loudness_global(state), abs=0.1)
    assert meter.loudness_range_lu == pytest.approx(pyebur128.get_loudness_range(state), abs=0.5)
    assert meter.true_peak_dbtp == pytest.approx(20 * np.log10(peak), abs=0.2)


@pytest.mark.parametrize(
    ("kind", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("float", "pcm_f32le"),
        ("aiff", "pcm_s16be"),
        ("flac", "flac"),
        ("mp3", "mp3"),
        ("ogg", "vorbis"),
        ("opus", "opus"),
        ("m4a", "aac"),
    ],
)
def test_every_format_is_measured_as_it_is_heard(sound: MakeSound, kind: str, codec: str) -> None:
    path = sound(f"swell.{kind}", swelling(3.21), kind)
    found = measure(path)
    loudness, peak = ffmpeg_levels(ffmpeg_decoded(path))
    assert (found.codec, found.sample_rate, found.channels) == (codec, 48_000, 2)
    # Vorbis here comes from FFmpeg's simple encoder, which does not state where its last block ends.
    assert found.duration_s == pytest.approx(3.21, abs=0.03 if kind == "ogg" else 1e-9)
    assert found.loudness_lufs == pytest.approx(loudness, abs=0.1)
    assert found.true_peak_dbtp == pytest.approx(peak, abs=0.2)


def test_a_telephone_recording_and_a_surround_file_become_stereo(sound: MakeSound) -> None:
    narrow = sound("narrow.wav", tone(2, rate=8_000)[:, :1], "wav", rate=8_000)
    wide = sound(
        "wide.flac", np.repeat(tone(2, rate=96_000, level=0.1)[:, :1], 6, axis=1), "flac", rate=96_000
    )
    for path, rate, channels in ((narrow, 8_000, 1), (wide, 96_000, 6)):
        found = measure(path)
        loudness, _ = ffmpeg_levels(ffmpeg_decoded(path))
        assert (found.sample_rate, found.channels) == (rate, channels)
        assert found.duration_s == pytest.approx(2.0, abs=0.001)
        assert found.loudness_lufs == pytest.approx(loudness, abs=0.1)


def test_the_middle_of_a_surround_file_is_heard_on_both_sides_and_its_sides_on_one(sound: MakeSound) -> None:
    for channel, heard in ((2, {0, 1}), (4, {0}), (5, {1})):
        wave = np.zeros((9_600, 6), np.float32)
        wave[:, channel] = tone(0.2)[:, 0]
        both = ffmpeg_decoded(sound("centre.wav", wave, "wav"))
        path = sound("centre.flac", wave, "flac")
        with Source(path) as source:
            mixed = np.concatenate(list(source.blocks()))
        assert {side for side in (0, 1) if np.abs(mixed[:, side]).max() > 0.05} == heard
        assert mixed == pytest.approx(both, abs=1e-4)


def test_the_name_of_a_file_does_not_decide_what_it_is(sound: MakeSound) -> None:
    assert measure(sound("really-flac.mp3", tone(2), "flac")).codec == "flac"


@pytest.mark.parametrize(
    "name", ["concat:a.wav", "..%2F..%2Fetc.wav", "стихи 音楽.wav", "a\nb.wav", "-i.wav"]
)
def test_any_name_is_only_a_name(sound: MakeSound, name: str) -> None:
    assert measure(sound(name, tone(1.5), "wav")).duration_s == 1.5


def test_silence_at_both_ends_is_found(sound: MakeSound) -> None:
    silence = np.zeros((24_000, 2), np.float32)
    found = measure(sound("quiet.wav", np.concatenate([silence, tone(2), silence, silence]), "wav"))
    assert found.lead_silence_s == pytest.approx(0.5, abs=0.01)
    assert found.trail_silence_s == pytest.approx(1.0, abs=0.01)


def test_a_natural_decay_is_not_silence(sound: MakeSound) -> None:
    """A bowl that falls by 60 dB stays whole; only what falls below everything heard is silence."""
    fall = 10 ** (-3 * np.arange(6 * 48_000) / (6 * 48_000))
    found = measure(sound("bowl.flac", tone(6, level=0.9) * fall[:, None].astype(np.float32), "flac"))
    assert found.trail_silence_s == pytest.approx(0.0, abs=0.11)


def test_a_quiet_recording_is_not_silence(sound: MakeSound) -> None:
    """Its level of -56 LUFS lowers the threshold, so its soft beginning is kept."""
    wave = np.concatenate([tone(1, level=0.0008), tone(3, level=0.002)])
    assert measure(sound("faint.float.wav", wave, "float")).lead_silence_s == 0.0


@pytest.mark.parametrize("length_s", [0.05, 0.35, 1.0, 2.05, 7.9])
def test_there_is_a_level_for_every_second_begun(length_s: float) -> None:
    meter = Meter()
    meter.push(tone(length_s, level=0.1))
    kept = levels(meter.momentary_lufs)
    assert len(kept) == -(-int(length_s * 10) // 10)


def test_levels_follow_the_loudness_of_three_seconds_around() -> None:
    """A tone of 1 kHz and -20 dBFS on both channels has -20 LUFS."""
    wave = np.concatenate([tone(10, hertz=1000, level=0.1), tone(10, hertz=1000, level=0.01)])
    meter = Meter()
    meter.push(np.concatenate([wave, np.zeros((10 * 48_000, 2), np.float32)]))
    found = levels_to_lufs(levels(meter.momentary_lufs))
    assert found[:9] == pytest.approx([-20] * 9, abs=0.2)
    assert found[12:18] == pytest.approx([-40] * 6, abs=0.2)
    assert found[22:] == [float("-inf")] * 8


def test_levels_are_kept_in_thirds_of_a_unit() -> None:
    assert levels_to_lufs(bytes([0, 1, 150, 255])) == pytest.approx(
        [float("-inf"), -69.667, -20, 15], abs=0.001
    )


def test_peaks_are_a_thousand_pairs_of_signed_bytes(sound: MakeSound) -> None:
    wave = np.concatenate([tone(1, level=0.25), tone(1, level=1.0)])
    pairs = np.frombuffer(measure(sound("steps.wav", wave, "wav")).peaks, np.int8).reshape(-1, 2)
    assert pairs.shape == (1000, 2)
    assert pairs[:500].tolist() == [[-32, 32]] * 500
    assert pairs[500:].tolist() == [[-127, 127]] * 500


def test_tags_come_clean(sound: MakeSound) -> None:
    tags = {"title": "  Slow\x07 \n River\u202e ", "artist": "A" * 300, "album": "\x00\t"}
    for kind in ("flac", "mp3", "opus"):
        found = measure(sound(f"tagged.{kind}", tone(1), kind, tags=tags))
        assert (found.title, found.artist, found.album) == ("Slow River", "A" * 200, None)


def test_identifiers_are_taken_when_they_are_some(sound: MakeSound) -> None:
    recording = "6f9c1a4e-21d0-4a5b-8d7e-0123456789ab"
    for kind in ("flac", "opus"):
        tags = {"isrc": "gb-aye-69-00531", "MUSICBRAINZ_TRACKID": recording.upper()}
        found = measure(sound(f"known.{kind}", tone(1), kind, tags=tags))
        assert (found.isrc, found.recording_mbid) == ("GBAYE6900531", recording)
    path = sound("known.mp3", tone(1), "mp3", container={"id3v2_version": "0"})
    ufid = b"http://musicbrainz.org\0" + recording.encode()
    frames = struct.pack(">4sIH", b"UFID", len(ufid), 0) + ufid
    frames += struct.pack(">4sIH", b"TSRC", 13, 0) + b"\0GBAYE6900531"
    path.write_bytes(b"ID3\x03\0\0" + struct.pack(">I", len(frames)) + frames + path.read_bytes())
    mp3 = measure(path)
    assert (mp3.isrc, mp3.recording_mbid) == ("GBAYE6900531", recording)
    odd = measure(sound("odd.flac", tone(1), "flac", tags={"isrc": "../../x", "musicbrainz_trackid": "none"}))
    assert (odd.isrc, odd.recording_mbid) == (None, None)


def test_progress_rises_to_one(sound: MakeSound) -> None:
    told: list[float] = []
    measure(sound("steady.mp3", tone(5), "mp3"), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Of a process of its own, as the system counts it: what FFmpeg takes is in it too."""

    def peak_mb(seconds: int) -> float:
        path = write_sound(tmp_path / f"{seconds}.wav", tone(seconds, rate=8_000)[:, :1], "wav", rate=8_000)
        described = str(tmp_path / f"{seconds}.json")
        save(described, [Track(str(path), seconds, -20.0, -6.0, 0.0, 0.0)])
        return once(Work("measure_kap", (described,))).peak_mb

    short_mb, long_mb = peak_mb(5), peak_mb(300)
    decoded_mb = (300 - 5) * 48_000 * 2 * 4 / 1e6
    assert long_mb - short_mb < decoded_mb / 8


def test_a_wave_cut_off_at_full_scale_is_accepted_and_counted(sound: MakeSound) -> None:
    loud = 6 * swelling(3)
    cut = float((np.abs(loud) >= 1).mean())
    assert measure(sound("hot.wav", np.clip(loud, -1, 1), "wav")).clipped_share == pytest.approx(cut, rel=0.4)
    assert measure(sound("hot.mp3", np.clip(loud, -1, 1), "mp3")).clipped_share > 0.0005


@pytest.mark.parametrize(
    "wave", [noise(3, level=0.2), between_the_samples(3) / 0.71, swelling(3) / np.abs(swelling(3)).max()]
)
def test_a_wave_that_only_reaches_full_scale_is_not_called_cut_off(sound: MakeSound, wave: Wave) -> None:
    assert measure(sound("full.float.wav", np.clip(wave, -1, 1), "float")).clipped_share < 0.0001
