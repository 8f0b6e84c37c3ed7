"""A whole finished mix, decoded by an FFmpeg that is not the one it was made with, and held against its plan.

Every piece is a tone of its own, so that what is heard of each can be told apart at any moment. The tones fit
the grid on which pieces begin: a piece that meets itself does so in phase.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from kap.audio.plan import DUCK_DB, MixPlan, Piece, Segment, Silence, Surplus, Voice, plan_mix
from kap.audio.render import render
from kap.audio.scan import marks_of, scan
from tests.audio.sounds import Wave, ffmpeg_levels, piece_of, tone, write_sound

RATE = 48_000
WINDOW = RATE // 10
HERTZ = {"settle": 250, "rise": 1000, "peak": 2000, "calm": 500, "voice": 4000}
KINDS = ("opus", "m4a", "flac")
Levels = NDArray[np.float64]


@dataclass(frozen=True)
class Made:
    plan: MixPlan
    files: Mapping[str, Path]
    waves: Mapping[str, Wave]


def decoded(path: Path) -> Wave:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-i", path]
    done = subprocess.run([*command, "-f", "f32le", "-"], capture_output=True, check=True)
    assert done.stderr == b""
    return np.frombuffer(done.stdout, np.float32).reshape(-1, 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """70 s of programme with a voice and 3 s of silence in it, and 20 s of surplus from 14 s of music."""
    folder = tmp_path_factory.mktemp("mix")

    def piece(name: str, seconds: float, target_lufs: float) -> Piece:
        path = write_sound(folder / f"{name}.flac", tone(seconds, hertz=HERTZ[name], level=0.15), "flac")
        return piece_of(path, target_lufs=target_lufs)

    spoken = write_sound(folder / "voice.flac", tone(3, hertz=HERTZ["voice"], level=0.1), "flac")
    plan = plan_mix(
        [piece("settle", 26, -22.0), piece("rise", 26, -20.5), Silence(3.0), piece("peak", 30, -18.0)],
        length_s=70.01,
        surplus=Surplus((piece("calm", 14, -22.5),), 20.0),
        voices=[Voice(spoken, at_s=14.0, duration_s=3.0)],
    )
    files = {kind: folder / f"mix.{kind}" for kind in KINDS}
    render(plan, files)
    return Made(plan, files, {kind: decoded(path) for kind, path in files.items()})


def heard(wave: Wave, hertz: float) -> Levels:
    """The amplitude of one tone in every 100 ms."""
    whole = wave[: len(wave) // WINDOW * WINDOW, 0].reshape(-1, WINDOW)
    return np.asarray(2 * np.abs(whole @ np.exp(-2j * np.pi * hertz * np.arange(WINDOW) / RATE)) / WINDOW)


def fade(place: Levels, shape: str) -> Levels:
    inside = np.clip(place, 0, 1)
    return np.asarray(np.sin(inside * np.pi / 2) if shape == "equal power" else inside)


def planned(plan: MixPlan, name: str) -> Levels:
    """The amplitude a tone is meant to have in the middle of every 100 ms, by arithmetic of our own."""
    at: Levels = (np.arange(plan.total_samples // WINDOW, dtype=np.float64) + 0.5) * WINDOW
    total = sum((_of(segment, at) for segment in plan.segments if segment.title == name), np.zeros(len(at)))
    for voice in plan.voices:
        into = np.clip((at - voice.duck_start) / (0.8 * RATE), 0, 1)
        out = np.clip((voice.duck_stop - at) / (2.0 * RATE), 0, 1)
        total *= 10 ** (DUCK_DB * np.minimum(into, out) / 20)
    outer = fade(at / (10 * RATE), "equal power") * fade(
        (plan.total_samples - at) / (30 * RATE), "equal power"
    )
    return np.asarray(total * outer)


def _of(segment: Segment, at: Levels) -> Levels:
    inside = (at >= segment.start) & (at < segment.stop)
    coming = fade((at - segment.start) / max(1, segment.crossfade_in), segment.shape_in)
    going = fade((segment.stop - at) / max(1, segment.crossfade_out), segment.shape_out)
    coming = coming if segment.crossfade_in else np.ones(len(at))
    going = going if segment.crossfade_out else np.ones(len(at))
    return np.asarray(0.15 * 10 ** (segment.gain_db / 20) * inside * coming * going)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_exactly_as_long_as_programme_and_surplus(made: Made, kind: str) -> None:
    assert len(made.waves[kind]) == made.plan.total_samples == round(90.01 * RATE)
    assert made.plan.programme_samples == round(70.01 * RATE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["settle", "rise", "peak", "calm"])
def test_every_piece_comes_ducks_and_goes_as_planned(made: Made, kind: str, name: str) -> None:
    """Crossfades of equal power, a loop that meets itself in a straight line, both outer fades, the voice."""
    got, meant = heard(made.waves[kind], HERTZ[name]), planned(made.plan, name)
    assert np.abs(got - meant).max() < 0.006  # a twenty-fifth of a piece at its level
    audible = meant > 0.02
    assert np.abs(20 * np.log10(got[audible] / meant[audible])).max() < 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_every_phase_has_the_loudness_asked_for(made: Made, kind: str) -> None:
    """Where a piece is heard alone at its level, by FFmpeg's meter."""
    alone = {"settle": (10, 13), "rise": (26, 33), "peak": (54, 59)}
    for segment in made.plan.segments:
        if segment.title in alone:
            start, stop = alone.pop(segment.title)
            loudness, _ = ffmpeg_levels(made.waves[kind][start * RATE : stop * RATE])
            assert loudness == pytest.approx(segment.target_lufs, abs=0.3)
    assert alone == {}


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_silence_where_it_was_asked_for_and_nowhere_else(made: Made, kind: str) -> None:
    wave = made.waves[kind]
    loudest = np.abs(wave[: len(wave) // 480 * 480]).reshape(-1, 960).max(axis=1)
    inner = loudest[20:-100]
    quiet = (np.flatnonzero(inner < 0.001) + 20) / 100
    (hush,) = made.plan.hushes
    assert (hush.stop - hush.start) / RATE == pytest.approx(3.0, abs=0.321)
    assert (quiet.min(), quiet.max()) == pytest.approx((hush.start / RATE, hush.stop / RATE), abs=0.12)
    assert len(quiet) == pytest.approx((quiet.max() - quiet.min()) * 100 + 1)
    assert np.abs(wave[hush.start + RATE // 10 : hush.stop - RATE // 10]).max() < 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_the_voice_is_heard_when_it_was_asked_for(made: Made, kind: str) -> None:
    spoken = np.flatnonzero(heard(made.waves[kind], HERTZ["voice"]) > 0.05) / 10
    assert (spoken.min(), spoken.max(), len(spoken)) == (14.0, 16.9, 30)


@pytest.mark.parametrize("kind", KINDS)
def test_listened_to_again_it_is_clean(made: Made, kind: str) -> None:
    found = scan(made.files[kind], marks_of(made.plan))
    assert (found.is_clean, found.findings[0][:31]) == (True, "No gap, no jump, nothing sudden")
    assert found.true_peak_dbtp < -1.0
