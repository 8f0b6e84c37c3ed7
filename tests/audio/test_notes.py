"""Voice notes: what was spoken in several goes as one note, even in level, whatever its formats."""

from pathlib import Path

import numpy as np
import pytest

from kap.audio import notes
from kap.audio.clips import VOICE_LUFS
from kap.audio.errors import AudioError, CannotWrite
from kap.audio.notes import prepare_note
from tests.integration.recordings import decoded, fragmented, loudness, recording, silence, speech

BOTH = ("voice-opus", "voice-m4a")


def targets(folder: Path) -> dict[str, Path]:
    return {kind: folder / kind for kind in BOTH}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def level_db(wave: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> float:
    return float(20 * np.log10(np.sqrt(np.mean(wave.astype(np.float64) ** 2))))


@pytest.mark.parametrize("kind", ["webm", "m4a", "ogg", "opus", "mp3", "flac", "wav"])
def test_silence_at_the_ends_goes_and_the_level_is_even(tmp_path: Path, kind: str) -> None:
    take = written(
        tmp_path / "t", recording(tmp_path, silence(3), speech(6, level=0.02), silence(4), kind=kind)
    )
    note = prepare_note([take], targets(tmp_path))
    assert note.duration_s == pytest.approx(6.45, abs=0.15)  # a breath is left at both ends
    for made in targets(tmp_path).values():
        assert len(decoded(made)) / 48_000 == pytest.approx(note.duration_s, abs=0.05)
        assert loudness(made) == pytest.approx(VOICE_LUFS, abs=0.7)
    assert (note.is_cut, note.is_damaged, len(note.peaks)) == (False, False, 2000)


def test_takes_of_different_formats_and_levels_become_one(tmp_path: Path) -> None:
    takes = [
        written(tmp_path / "1", recording(tmp_path, silence(1), speech(5, level=0.01), silence(1))),
        written(tmp_path / "2", fragmented(tmp_path, np.concatenate([silence(1), speech(5, level=0.3)]))),
    ]
    note = prepare_note(takes, targets(tmp_path))
    assert note.duration_s == pytest.approx(10.9, abs=0.5)
    heard = decoded(tmp_path / "voice-opus")
    first, second = heard[48_000 : 4 * 48_000], heard[7 * 48_000 : 10 * 48_000]
    assert level_db(first) == pytest.approx(level_db(second), abs=1.5)


def test_what_is_said_quietly_is_brought_up(tmp_path: Path) -> None:
    take = written(
        tmp_path / "t", recording(tmp_path, speech(15, level=0.1), speech(15, level=0.04), kind="wav")
    )
    prepare_note([take], targets(tmp_path))
    heard = decoded(tmp_path / "voice-opus")
    loud, quiet = heard[2 * 48_000 : 10 * 48_000], heard[20 * 48_000 : 28 * 48_000]
    assert level_db(loud) - level_db(quiet) < 2.0  # it was 8 dB


@pytest.mark.parametrize("kind", ["webm", "ogg", "mp3", "wav", "flac"])
def test_of_a_recording_that_stops_half_way_the_half_is_kept(tmp_path: Path, kind: str) -> None:
    whole = recording(tmp_path, speech(10), kind=kind)
    note = prepare_note([written(tmp_path / "half", whole[: len(whole) // 2])], {})
    assert 3.0 < note.duration_s < 7.0


def test_a_recording_of_safari_that_stops_half_way(tmp_path: Path) -> None:
    whole = fragmented(tmp_path, speech(10))
    note = prepare_note([written(tmp_path / "half", whole[: len(whole) * 2 // 3])], {})
    assert 2.0 < note.duration_s < 9.0


def test_of_one_that_is_too_long_the_beginning_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "LONGEST_S", 5)
    takes = [written(tmp_path / str(n), recording(tmp_path, speech(4, seed=n), name=str(n))) for n in (1, 2)]
    note = prepare_note(takes, {})
    assert (note.duration_s == pytest.approx(5, abs=0.3), note.is_cut) == (True, True)


def test_a_silent_take_beside_one_with_words_is_left_out(tmp_path: Path) -> None:
    takes = [
        written(tmp_path / "1", recording(tmp_path, silence(3))),
        written(tmp_path / "2", recording(tmp_path, speech(3))),
    ]
    assert prepare_note(takes, {}).duration_s == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7 " * 1000, b"RIFF", b"\x1aE\xdf\xa3" + bytes(5000), b"OggS"]
)
def test_what_holds_no_sound_is_refused_and_nothing_written(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(AudioError):
        prepare_note([written(tmp_path / "t", content)], targets(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_silence_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError):
        prepare_note([written(tmp_path / "t", recording(tmp_path, silence(3)))], {})


def test_a_place_that_takes_nothing_is_not_the_recordings_fault(tmp_path: Path) -> None:
    take = written(tmp_path / "t", recording(tmp_path, speech(2)))
    with pytest.raises(CannotWrite):
        prepare_note([take], {"voice-opus": tmp_path / "nowhere" / "note"})
