"""A finished file, listened to again: what is wrong is found, and what was planned is not called wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kap.audio.errors import Truncated
from kap.audio.levels import levels_to_lufs
from kap.audio.plan import Silence, Voice, plan_mix
from kap.audio.scan import Jump, Marks, Scan, clock, marks_of, scan
from tests.audio.conftest import MakeSound
from tests.audio.sounds import Wave, ffmpeg_decoded, ffmpeg_readings, noise, piece_of

RATE = 48_000


def looked_at(sound: MakeSound, wave: Wave, *, kind: str = "flac", **marks: Any) -> Scan:
    """Scanned as a file without fades at its ends."""
    return scan(sound(f"mix.{kind}", wave, kind), Marks(**{"fade_in_s": 0, "fade_out_s": 0, **marks}))


def near(spans: tuple[tuple[float, float], ...]) -> list[list[float]]:
    """To a twentieth of a second."""
    return [[round(20 * at) / 20 for at in span] for span in spans]


def parts(*each: tuple[float, float]) -> Wave:
    """Noise: so many seconds at so many decibels above its usual level, one part after the other."""
    return np.concatenate([noise(seconds, seed=2) * 10 ** (by_db / 20) for seconds, by_db in each])


def nothing(seconds: float) -> Wave:
    return np.zeros((round(seconds * RATE), 2), np.float32)


@pytest.mark.parametrize("kind", ["flac", "opus", "m4a"])
def test_a_clean_file_is_called_clean(sound: MakeSound, tmp_path: Path, kind: str) -> None:
    wave = parts((12.34, 0))
    found = looked_at(sound, wave, kind=kind, total_samples=len(wave))
    told = ffmpeg_readings(ffmpeg_decoded(tmp_path / f"mix.{kind}"))[-1]
    assert (found.is_clean, found.samples, found.length_s) == (True, len(wave), 12.34)
    assert found.loudness_lufs == pytest.approx(told["I"], abs=0.1)
    assert found.loudness_range_lu == pytest.approx(told["LRA"], abs=0.5)
    assert levels_to_lufs(found.levels) == pytest.approx([told["I"]] * 13, abs=1)
    assert found.findings == [
        f"No gap, no jump, nothing sudden; −{-found.loudness_lufs:.1f} LUFS, "
        f"peaks at −{-found.true_peak_dbtp:.1f} dBTP."
    ]


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (1, "1 sample shorter"),
        (-480, "480 samples longer"),
        (72_000, "1.5 s shorter"),
        (-48_000, "1.0 s longer"),
    ],
)
def test_another_length_than_planned_is_found_to_the_sample(
    sound: MakeSound, planned: int, said: str
) -> None:
    found = looked_at(sound, parts((5, 0)), total_samples=5 * RATE + planned)
    assert (found.is_clean, found.as_long_as_planned) == (False, False)
    assert found.findings[0] == f"The file is {said} than planned."


def test_a_gap_is_found_unless_it_was_asked_for(sound: MakeSound) -> None:
    wave = np.concatenate([parts((6, 0)), nothing(3), parts((6, 0))])
    found = looked_at(sound, wave)
    assert near(found.gaps_s) == [[6.0, 9.0]]
    assert found.findings[0] == "At 0:06 there is nothing to hear for 3 s."
    asked = looked_at(sound, wave, silences_s=[(6.0, 9.0)])
    assert (asked.gaps_s, asked.is_clean) == ((), True)
    less = looked_at(sound, wave, silences_s=[(6.0, 6.8)])
    assert near(less.gaps_s) == [[6.8, 9.0]]


def test_two_seconds_of_silence_are_no_gap(sound: MakeSound) -> None:
    wave = np.concatenate([parts((6, 0)), nothing(1.9), parts((6, 0))])
    assert looked_at(sound, wave).gaps_s == ()


@pytest.mark.parametrize("by_db", [7.0, -7.0])
def test_a_jump_at_a_joint_is_found(sound: MakeSound, by_db: float) -> None:
    found = looked_at(sound, parts((10, 0), (10, by_db)), joints_s=[(8, 12)])
    (jump,) = found.jumps
    assert jump.at_s == pytest.approx(10.0, abs=0.3)
    assert jump.by_lu == pytest.approx(by_db, abs=0.3)
    assert jump.at_joint
    verb = "rises" if by_db > 0 else "falls"
    assert f", where two pieces meet the level {verb} by 7 dB within a few seconds." in found.findings[0]


def test_the_same_change_inside_a_piece_is_the_music(sound: MakeSound) -> None:
    assert looked_at(sound, parts((10, 0), (10, 7)), joints_s=[(15, 16)]).is_clean


def test_a_slow_rise_is_no_jump(sound: MakeSound) -> None:
    swell = noise(30) * 10 ** (np.linspace(-25, 0, 30 * RATE) / 20)[:, None]
    assert looked_at(sound, swell.astype(np.float32), joints_s=[(0, 30)]).jumps == ()


def test_a_great_jump_is_found_anywhere_and_so_is_what_startles(sound: MakeSound) -> None:
    found = looked_at(sound, parts((8, -14), (8, 0), (8, -14)))
    assert [(round(jump.at_s), jump.at_joint) for jump in found.jumps] == [(8, False), (16, False)]
    assert found.startles_s == pytest.approx((8.0,), abs=0.11)
    assert len(found.findings) == 4


def test_the_outer_fades_are_meant(sound: MakeSound) -> None:
    """What a mix does at its ends: ten seconds in, thirty out."""
    wave = noise(60)
    at = np.arange(len(wave)) / RATE
    wave *= (np.sin(np.clip(at / 10, 0, 1) * np.pi / 2) * np.sin(np.clip((60 - at) / 30, 0, 1) * np.pi / 2))[
        :, None
    ].astype(np.float32)
    assert looked_at(sound, wave, fade_in_s=10, fade_out_s=30).is_clean


def test_a_voice_sets_in_on_purpose(sound: MakeSound) -> None:
    wave = parts((8, -14), (4, 0), (8, -14))
    assert not looked_at(sound, wave).is_clean
    assert looked_at(sound, wave, voices_s=[(7, 14)]).is_clean


def test_peaks_that_a_player_would_cut_are_found(sound: MakeSound) -> None:
    wave = parts((5, 0))
    wave[100_000:100_005] = 0.99
    found = looked_at(sound, wave, kind="float")
    assert (found.too_high, found.is_clean) == (True, False)
    assert found.findings[0] == (
        f"Its peaks reach {found.true_peak_dbtp:.1f} dBTP, which some players cut off.".replace("-", "−")
    )


def test_many_findings_are_summed_up() -> None:
    jumps = tuple(Jump(60.0 * at, 7.4, at_joint=False) for at in range(1, 12))
    found = Scan(1, 1, -20.0, 5.0, -3.0, (), jumps, (), b"")
    assert len(found.findings) == 8
    assert found.findings[0] == "At 1:00 the level rises by 7 dB within a few seconds."
    assert found.findings[6:] == ["There are 5 more such places.", "Over all −20.0 LUFS, peaks at −3.0 dBTP."]


def test_what_is_kept_of_a_scan_is_plain(sound: MakeSound) -> None:
    kept = looked_at(sound, parts((8, -14), (8, 0)), total_samples=16 * RATE).as_dict()
    assert json.loads(json.dumps(kept)) == kept
    assert (kept["samples"], kept["is_clean"]) == (16 * RATE, False)
    assert kept["jumps"][0].keys() == {"at_s", "by_lu", "at_joint"}


def test_a_file_cut_short_is_not_scanned(sound: MakeSound) -> None:
    path = sound("mix.opus", noise(6), "opus")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(Truncated):
        scan(path)


def test_progress_rises_to_one(sound: MakeSound) -> None:
    told: list[float] = []
    scan(sound("mix.opus", noise(3), "opus"), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_plan_says_what_is_meant(sound: MakeSound) -> None:
    first, second = (piece_of(sound(f"{name}.flac", noise(30, seed=3), "flac")) for name in "ab")
    voice = Voice(first.path, at_s=5.0, duration_s=4.0)
    plan = plan_mix([first, Silence(6.0), second], length_s=60, voices=[voice])
    marks = marks_of(plan)
    (hush,) = plan.hushes
    assert marks.total_samples == plan.total_samples
    assert marks.silences_s == [(hush.start / RATE, hush.stop / RATE)]
    assert len(marks.joints_s) == len(plan.segments) - 1
    assert [begin < 5.0 and end > 9.0 for begin, end in marks.voices_s] == [True]


def test_times_are_read_as_on_a_clock() -> None:
    assert [clock(at) for at in (0, 9.99, 750, 3723)] == ["0:00", "0:09", "12:30", "1:02:03"]
