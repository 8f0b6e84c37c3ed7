"""Finished mixes, taken apart again: shape, length, level, and what is left when something goes wrong."""

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kap.audio.decode import Source
from kap.audio.errors import Cancelled, CannotWrite, Missing, SourceChanged, Truncated
from kap.audio.mix import mix
from kap.audio.plan import Piece, plan_mix
from kap.audio.render import render
from tests.audio.conftest import MakeSound
from tests.audio.sounds import Wave, ffmpeg_decoded, ffmpeg_levels, noise, piece_of, tone, write_sound


def level(wave: Wave, window_s: float) -> NDArray[np.float64]:
    """RMS in dB of consecutive windows."""
    window = round(window_s * 48_000)
    whole = wave[: len(wave) // window * window].reshape(-1, window * 2)
    return np.asarray(10 * np.log10((whole.astype(np.float64) ** 2).mean(axis=1) + 1e-20))


def seconds(wave: Wave, start: float, stop: float) -> Wave:
    return wave[round(start * 48_000) : round(stop * 48_000)]


@pytest.fixture(scope="module")
def two_noises(tmp_path_factory: pytest.TempPathFactory) -> Wave:
    """30 s and 60 s of noise mixed to 80 s: the joint ends at 30 s, clear of the outer fades."""
    folder = tmp_path_factory.mktemp("noises")
    first = write_sound(folder / "a.flac", noise(30, seed=1), "flac")
    second = write_sound(folder / "b.flac", noise(60, seed=2), "flac")
    return np.concatenate(list(mix(plan_mix([piece_of(first), piece_of(second)], length_s=80))))


def test_power_stays_level_through_a_joint_and_no_gap_opens(two_noises: Wave) -> None:
    body = seconds(two_noises, 12, 48)
    assert np.abs(level(body, 0.25) - level(body, 36)[0]).max() < 0.5
    assert level(body, 0.01).min() > level(body, 36)[0] - 2


def test_the_mix_fades_in_over_ten_seconds_and_out_over_thirty(two_noises: Wave) -> None:
    steady = level(seconds(two_noises, 12, 48), 36)[0]
    assert level(seconds(two_noises, 4.9, 5.1), 0.2)[0] == pytest.approx(steady - 3.0, abs=0.3)
    assert level(seconds(two_noises, 64.9, 65.1), 0.2)[0] == pytest.approx(steady - 3.0, abs=0.3)
    assert level(seconds(two_noises, 0, 0.01), 0.01)[0] < steady - 50
    assert level(seconds(two_noises, 79.99, 80), 0.01)[0] < steady - 50


def test_every_sample_is_where_the_plan_says(sound: MakeSound) -> None:
    """Constant waves make the gains themselves visible: a sine quarter up, a cosine quarter down."""
    constant = np.full((40 * 48_000, 2), 0.5, np.float32)
    paths = [sound(f"{name}.wav", constant, "float") for name in ("a", "b")]
    pieces = [Piece(path, 40.0, -20.0, -20.0, 0.0, 0.0, -20.0) for path in paths]
    plan = plan_mix(pieces, length_s=65, crossfade_s=4)
    out = np.concatenate(list(mix(plan)))[:, 0] / 0.5
    assert len(out) == 65 * 48_000
    start, stop = plan.segments[1].start, plan.segments[0].stop
    assert (start / 48_000, stop / 48_000) == (35.84, 40)
    angle = (np.arange(stop - start) + 0.5) / (stop - start) * np.pi / 2
    assert np.allclose(out[10 * 48_000 : 35 * 48_000], 1.0, atol=1e-6)
    joint = out[start:stop]
    going = np.cos((np.arange(start, stop) - 35 * 48_000 + 0.5) / (30 * 48_000) * np.pi / 2)
    assert np.allclose(joint, (np.sin(angle) + np.cos(angle)) * going, atol=1e-5)


def edit_list(path: Path) -> tuple[int, int]:
    """(duration in movie time, first sample) of an MP4's only edit: what players are told to play."""
    data = path.read_bytes()
    at = data.index(b"elst") + 8
    count, duration, first = struct.unpack(">IIi", data[at : at + 12])
    assert count == 1
    return duration, first


@pytest.mark.parametrize("length_s", [7.0, 7.123456, 9.00002])
def test_finished_files_have_exactly_the_asked_length(
    sound: MakeSound, tmp_path: Path, length_s: float
) -> None:
    formats = ("mp3", "m4a", "opus")
    pieces = [piece_of(sound(f"{kind}.{kind}", tone(4), kind)) for kind in formats]
    plan = plan_mix(pieces, length_s=length_s)
    outputs = {kind: tmp_path / f"mix.{kind}" for kind in ("opus", "m4a", "flac")}
    made = render(plan, outputs)
    total = round(length_s * 48_000)
    assert (made.samples, made.duration_s, made.files) == (total, total / 48_000, outputs)
    assert len(ffmpeg_decoded(outputs["flac"])) == total
    assert len(ffmpeg_decoded(outputs["opus"])) == total
    # FFmpeg hands out AAC's last frame whole; the edit list names the exact end and players cut there.
    assert edit_list(outputs["m4a"]) == (total, 1024)
    assert 0 <= len(ffmpeg_decoded(outputs["m4a"])) - total < 1024
    for path in outputs.values():
        with Source(path) as source:
            assert sum(len(block) for block in source.blocks()) == total


def test_all_outputs_hold_the_same_mix_in_time(sound: MakeSound, tmp_path: Path) -> None:
    plan = plan_mix([piece_of(sound("a.wav", noise(8, level=0.1), "wav"))], length_s=8)
    outputs = {kind: tmp_path / f"mix.{kind}" for kind in ("opus", "m4a", "flac")}
    made, truth = render(plan, outputs), np.concatenate(list(mix(plan)))
    assert made.samples == len(truth)
    spectrum = np.conj(np.fft.rfft(truth[:, 0]))
    for path in outputs.values():
        decoded = ffmpeg_decoded(path)[: len(truth), 0]
        shift = int(np.argmax(np.fft.irfft(np.fft.rfft(decoded) * spectrum, len(truth))))
        assert (path.suffix, shift) == (path.suffix, 0)


def test_two_pieces_at_the_ceiling_do_not_exceed_it_together(sound: MakeSound, tmp_path: Path) -> None:
    """The same tone in phase on both sides would add up to +1 dBTP in the middle of the joint."""
    paths = [sound(f"{name}.flac", tone(40, hertz=1000, level=0.5), "flac") for name in ("a", "b")]
    plan = plan_mix([piece_of(path, target_lufs=0.0) for path in paths], length_s=65, crossfade_s=4)
    assert [segment.bound_by for segment in plan.segments] == ["ceiling", "ceiling"]
    render(plan, {"flac": tmp_path / "mix.flac"})
    decoded = ffmpeg_decoded(tmp_path / "mix.flac")
    assert ffmpeg_levels(decoded)[1] == pytest.approx(-2.0, abs=0.1)
    assert level(seconds(decoded, 12, 34), 0.5).min() == pytest.approx(-5.0, abs=0.1)


def test_silence_at_the_ends_does_not_reach_the_mix(sound: MakeSound) -> None:
    silence = np.zeros((3 * 48_000, 2), np.float32)
    wave = np.concatenate([silence, noise(40), silence])
    pieces = [piece_of(sound(f"{name}.flac", wave, "flac")) for name in ("a", "b")]
    body = seconds(np.concatenate(list(mix(plan_mix(pieces, length_s=65)))), 12, 34)
    assert level(body, 0.05).min() > level(body, 22)[0] - 1


def test_progress_rises_to_one(sound: MakeSound, tmp_path: Path) -> None:
    plan = plan_mix([piece_of(sound("a.flac", tone(5), "flac"))], length_s=4.5)
    told: list[float] = []
    render(plan, {"flac": tmp_path / "mix.flac"}, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_cancelled_render_leaves_nothing_and_keeps_what_was_there(sound: MakeSound, tmp_path: Path) -> None:
    plan = plan_mix([piece_of(sound("a.flac", tone(12), "flac"))], length_s=10)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mix.opus").write_bytes(b"the last good one")
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        render(
            plan,
            {kind: out / f"mix.{kind}" for kind in ("opus", "m4a", "flac")},
            cancelled=lambda: next(asked),
        )
    assert left_in(out) == ["mix.opus"]
    assert (out / "mix.opus").read_bytes() == b"the last good one"


def test_nothing_stands_under_the_final_name_before_the_end(sound: MakeSound, tmp_path: Path) -> None:
    plan = plan_mix([piece_of(sound("a.flac", tone(5), "flac"))], length_s=4)
    out = tmp_path / "out"
    out.mkdir()
    seen: list[str] = []
    render(plan, {"opus": out / "mix.opus"}, progress=lambda _: seen.extend(left_in(out)))
    assert [name for name in seen if not (name.startswith(".mix.opus.") and name.endswith(".part"))] == []
    assert left_in(out) == ["mix.opus"]


def test_a_source_that_changed_since_it_was_measured(sound: MakeSound, tmp_path: Path) -> None:
    path, out = sound("a.flac", noise(8), "flac"), tmp_path / "out"
    out.mkdir()
    plan = plan_mix([piece_of(path)], length_s=8)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(Truncated):
        render(plan, {"opus": out / "mix.opus"})
    sound("a.flac", noise(3), "flac")
    with pytest.raises(SourceChanged):
        render(plan, {"opus": out / "mix.opus"})
    path.unlink()
    with pytest.raises(Missing):
        render(plan, {"opus": out / "mix.opus"})
    assert left_in(out) == []


def test_a_folder_that_cannot_be_written(sound: MakeSound, tmp_path: Path) -> None:
    plan = plan_mix([piece_of(sound("a.flac", tone(2), "flac"))], length_s=2)
    with pytest.raises(CannotWrite) as caught:
        render(plan, {"opus": tmp_path / "nowhere" / "mix.opus"})
    assert caught.value.reason == "the finished file could not be written (no such file or directory)"
