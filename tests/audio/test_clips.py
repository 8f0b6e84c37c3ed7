"""Recordings made into spoken guidance: trimmed, levelled, faded, and laid over music."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from kap.audio import clips
from kap.audio.clips import BadEdit, Edit, prepare_clip, preview_over
from kap.audio.errors import AudioError, NotAudio, Silent, TooLong, TooShort
from kap.audio.plan import DUCK_DB
from tests.audio.conftest import MakeSound
from tests.audio.sounds import Wave, ffmpeg_decoded, ffmpeg_levels, noise, tone

RATE = 48_000


def speech(seconds: float, *, level: float = 0.05) -> Wave:
    """Syllables of a low voice, three a second."""
    at = np.arange(round(seconds * RATE)) / RATE
    voice = np.sin(2 * np.pi * 180 * at) * (0.55 - 0.45 * np.cos(2 * np.pi * 3 * at))
    return np.repeat((level * voice)[:, None], 2, axis=1).astype(np.float32)


def recording(before_s: float, spoken_s: float, after_s: float, *, level: float = 0.05) -> Wave:
    """Speech in a quiet room."""
    room = noise(before_s + spoken_s + after_s, level=0.0003)
    start = round(before_s * RATE)
    room[start : start + round(spoken_s * RATE)] += speech(spoken_s, level=level)
    return room


def rms_db(wave: Wave) -> float:
    return float(10 * np.log10(np.mean(wave**2) + 1e-12))


PLAIN = Edit(trim_silence=False, fade_in_s=0, fade_out_s=0)


@pytest.mark.parametrize("kind", ["wav", "mp3", "m4a", "opus", "webm"])
def test_whatever_was_recorded_becomes_a_trimmed_levelled_flac(sound: MakeSound, kind: str) -> None:
    path = sound(f"said.{kind}", recording(1.5, 5, 2), kind)
    clip = prepare_clip(path, path.with_name("clip.flac"))
    written = ffmpeg_decoded(path.with_name("clip.flac"))
    loudness, peak = ffmpeg_levels(written)
    assert len(written) == round(clip.duration_s * RATE)
    assert clip.duration_s == pytest.approx(5.45, abs=0.1)
    assert clip.cut_s == pytest.approx(1.35, abs=0.06)
    assert clip.recorded_s == pytest.approx(8.5, abs=0.06)
    assert (loudness, clip.loudness_lufs) == pytest.approx((-19, -19), abs=0.2)
    assert clip.true_peak_dbtp == pytest.approx(peak, abs=0.2)
    assert (clip.bound_by, len(clip.peaks)) == ("target", 2000)


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "frag_keyframe+empty_moov+default_base_moof"])
def test_what_a_browser_records_in_pieces_is_whole(tmp_path: Path, flags: str) -> None:
    wave, path = recording(0, 4, 0), tmp_path / "pieces.mp4"
    options = {"movflags": flags, "frag_duration": "500000"}
    with av.open(str(path), "w", format="mp4", container_options=options) as container:
        stream = container.add_stream("aac", rate=RATE, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        for start in range(0, len(wave), 1024):
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(wave[start : start + 1024].T), "fltp", "stereo"
            )
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert prepare_clip(path, tmp_path / "clip.flac", PLAIN).duration_s == pytest.approx(4.0, abs=0.05)


def test_a_cut_takes_exactly_what_was_asked_for(sound: MakeSound) -> None:
    steps = np.concatenate([tone(1, level=level) for level in (0.02, 0.2, 0.05)])
    edit = Edit(start_s=1.0, end_s=2.25, trim_silence=False, fade_in_s=0, fade_out_s=0)
    path = sound("steps.wav", steps, "wav")
    clip = prepare_clip(path, path.with_name("clip.flac"), edit)
    written = ffmpeg_decoded(path.with_name("clip.flac")) / 10 ** (clip.gain_db / 20)
    assert (clip.duration_s, clip.cut_s, clip.recorded_s) == (1.25, 1.0, 3.0)
    assert written == pytest.approx(steps[RATE : round(2.25 * RATE)], abs=0.001)


def test_fades_begin_and_end_in_silence(sound: MakeSound) -> None:
    path = sound("tone.wav", tone(4, level=0.1), "wav")
    edit = Edit(trim_silence=False, fade_in_s=1.0, fade_out_s=2.0)
    prepare_clip(path, path.with_name("clip.flac"), edit)
    written = ffmpeg_decoded(path.with_name("clip.flac"))
    quarters = [rms_db(written[round(at * RATE) :][: RATE // 20]) for at in (0, 0.5, 1.5, 3.0, 3.95)]
    full = quarters[2]
    assert quarters[0] < full - 25
    assert quarters[1] == pytest.approx(full - 6, abs=0.6)
    assert quarters[3] == pytest.approx(full - 6, abs=0.6)
    assert quarters[4] < full - 25


def test_plain_gain_keeps_a_crackling_recording_under_the_ceiling(sound: MakeSound) -> None:
    wave = recording(0, 4, 0, level=0.02)
    wave[2 * RATE] = 0.5
    path = sound("crackle.wav", wave, "wav")
    clip = prepare_clip(path, path.with_name("clip.flac"), PLAIN)
    assert clip.bound_by == "ceiling"
    assert clip.true_peak_dbtp == pytest.approx(-2.0, abs=0.1)
    whisper = sound("whisper.float.wav", recording(0, 4, 0, level=0.001), "float")
    assert prepare_clip(whisper, path.with_name("clip.flac"), PLAIN).bound_by == "boost"


def test_one_silent_side_of_a_microphone_is_heard_on_both(sound: MakeSound) -> None:
    path = sound("left.wav", recording(0, 3, 0) * np.array([1, 0], np.float32), "wav")
    prepare_clip(path, path.with_name("clip.flac"))
    written = ffmpeg_decoded(path.with_name("clip.flac"))
    assert (written[:, 0] == written[:, 1]).all()
    assert ffmpeg_levels(written)[0] == pytest.approx(-19, abs=0.2)


def refusal(path: Path, edit: Edit | None = None) -> tuple[type[AudioError], str]:
    with pytest.raises(AudioError) as caught:
        prepare_clip(path, path.with_name("refused.flac"), edit)
    assert not path.with_name("refused.flac").exists()
    return type(caught.value), caught.value.reason


def test_what_cannot_be_a_clip_is_refused_in_words(
    sound: MakeSound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.webm").write_text("a letter")
    assert refusal(tmp_path / "letter.webm") == (NotAudio, "this is not a sound file we can read")
    silence = sound("silence.wav", np.zeros((RATE, 2), np.float32), "wav")
    for edit in (None, PLAIN):
        assert refusal(silence, edit) == (Silent, "there is nothing to hear in this file")
    said = sound("said.wav", recording(0, 3, 0), "wav")
    assert refusal(said, Edit(start_s=2.9)) == (TooShort, "this is shorter than 0.3 seconds")
    assert refusal(said, Edit(start_s=5)) == (TooShort, "this is shorter than 0.3 seconds")
    monkeypatch.setattr(clips, "LONGEST_S", 2)
    assert refusal(said) == (TooLong, "this is longer than 2 seconds")
    assert refusal(sound("said.webm", recording(0, 3, 0), "webm", container={"live": "1"}))[0] is TooLong


@pytest.mark.parametrize(
    ("field", "value"),
    [("start_s", -1), ("end_s", 0.2), ("fade_in_s", 31), ("fade_out_s", -1), ("target_lufs", 0)],
)
def test_an_edit_that_makes_no_sense_names_its_field(field: str, value: float) -> None:
    with pytest.raises(BadEdit) as caught:
        Edit.from_dict({field: value})
    assert caught.value.field == field


def test_an_edit_is_kept_and_read_again() -> None:
    edit = Edit(start_s=1.5, end_s=9.0, trim_silence=False, fade_in_s=0.2, fade_out_s=1, target_lufs=-21)
    assert Edit.from_dict(edit.as_dict() | {"of another version": 1}) == edit
    assert Edit.from_dict({}) == Edit()


def heard_at(wave: Wave, second: float, hertz: float) -> float:
    """The level in dB of one frequency in the half second around a moment."""
    part = wave[round((second - 0.25) * RATE) :][: RATE // 2, 0]
    wheel = np.exp(-2j * np.pi * hertz * np.arange(len(part)) / RATE)
    return float(20 * np.log10(2 * np.abs(np.mean(part * wheel))))


@pytest.mark.parametrize("kind", ["flac", "mp3", "m4a", "opus", "wav"])
def test_music_is_lowered_under_a_voice_and_returns(sound: MakeSound, kind: str) -> None:
    music = sound(f"music.{kind}", np.concatenate([0 * tone(15), tone(14, hertz=3000, level=0.1)]), kind)
    voice = sound("voice.flac", tone(4, hertz=300, level=0.1), "flac")
    target = music.with_name("over.flac")
    assert preview_over(voice, music, target, music_at_s=20, music_gain_db=-3) == 12.0
    wave = ffmpeg_decoded(target)
    assert len(wave) == 12 * RATE
    bed = [heard_at(wave, second, 3000) for second in (2, 4.2, 6, 7.8, 9.9)]
    assert bed == pytest.approx([-23, -23 + DUCK_DB, -23 + DUCK_DB, -23 + DUCK_DB, -24.5], abs=1.5)
    assert heard_at(wave, 6, 300) == pytest.approx(-20, abs=0.1)
    assert max(heard_at(wave, second, 300) for second in (2, 9.9)) < -80


def test_a_voice_goes_on_where_the_music_ends_and_early_in_it(sound: MakeSound) -> None:
    music = sound("music.flac", tone(5, hertz=3000, level=0.1), "flac")
    voice = sound("voice.flac", tone(4, hertz=300, level=0.1), "flac")
    target = music.with_name("over.flac")
    assert preview_over(voice, music, target, music_at_s=3) == 11.0
    assert heard_at(ffmpeg_decoded(target), 6.5, 300) == pytest.approx(-20, abs=0.1)
    assert preview_over(voice, music, target, music_at_s=0) == 8.0


def test_music_that_cannot_be_sought_in_is_read_from_its_beginning(sound: MakeSound) -> None:
    """Bare frames do not say where they are."""
    music = sound("music.aac", np.concatenate([0 * tone(15), tone(10, hertz=3000, level=0.1)]), "aac")
    voice = sound("voice.flac", tone(2, hertz=300, level=0.1), "flac")
    assert preview_over(voice, music, voice.with_name("over.flac"), music_at_s=20) == 10.0
    wave = ffmpeg_decoded(voice.with_name("over.flac"))
    assert heard_at(wave, 2, 3000) == pytest.approx(-20, abs=0.3)
    assert heard_at(wave, 5, 3000) == pytest.approx(-20 + DUCK_DB, abs=0.3)


def test_a_long_voice_is_previewed_for_a_minute(sound: MakeSound) -> None:
    voice = sound("voice.wav", tone(70, hertz=300, level=0.1), "wav")
    music = sound("music.wav", tone(70, hertz=3000, level=0.1), "wav")
    assert preview_over(voice, music, voice.with_name("over.flac"), music_at_s=0) == 60.0


def test_no_other_program_is_needed(sound: MakeSound) -> None:
    """The path holds no ffmpeg, and loading pydub says nothing about that."""
    path = sound("said.webm", recording(0, 2, 0), "webm")
    lines = (
        "import sys; from pathlib import Path; from kap.audio.clips import prepare_clip",
        "prepare_clip(Path(sys.argv[1]), Path(sys.argv[2]))",
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines), path, path.with_name("clip.flac")],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
