"""Where copied packets meet fresh ones, decoded by a foreign FFmpeg and compared with one pass."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from kap.audio import RATE
from kap.audio.ceiling import Ceiling
from kap.audio.mix import mix
from kap.audio.mp4 import Mp4Aac
from kap.audio.ogg import OggOpus
from kap.audio.packets import CODECS, PacketEncoder, Sieve
from kap.audio.plan import MixPlan, plan_mix
from kap.audio.render import render
from kap.audio.splice import passages
from kap.audio.tags import Chapter, Tags
from tests.audio.sounds import Wave, noise, piece_of, tone, write_sound

AROUND = RATE // 100  # 10 ms on both sides of a join
SOUND_S = 7
TAGS = Tags("Evening", "Linden", "", (Chapter(0, "Arrival"), Chapter(3.5, "Return")))


def decoded(path: Path) -> Wave:
    """By the FFmpeg program of another wheel, which shares no library with ours."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    raw = subprocess.run(
        [*command, "-f", "f32le", "-ar", "48000", "-"], capture_output=True, check=True
    ).stdout
    return np.frombuffer(raw, "<f4").reshape(-1, 2)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> MixPlan:
    """Six sounds, three calm and three busy, in an order in which each meets each: thirty joints."""
    folder = tmp_path_factory.mktemp("sounds")
    pieces = [
        piece_of(write_sound(folder / f"{number}.flac", sounded(number), "flac")) for number in range(6)
    ]
    order = every_pair(len(pieces))
    laid = plan_mix([pieces[number] for number in order], length_s=SOUND_S + 5.6 * 30, crossfade_s=1)
    # Shorter than usual, so that every joint lies outside of them.
    return replace(laid, fade_in=RATE, fade_out=RATE)


def sounded(number: int) -> Wave:
    """A chord that grows and falls; every other one has strikes and air, which cost an encoder far more."""
    at = np.arange(SOUND_S * RATE)[:, None] / RATE
    chord = sum(tone(SOUND_S, hertz=(150 + 40 * number) * part, level=0.1 / part) for part in (1, 1.5, 2, 3))
    swell = (1 + np.sin(2 * np.pi * 0.2 * at)) * chord / 2
    air = noise(SOUND_S, level=0.005 if number % 2 else 0.0005, seed=number)
    strikes = np.exp(-6 * (at % (1.3 + number / 10))) * tone(SOUND_S, hertz=900 + 150 * number, level=0.2)
    return np.asarray(swell + air + number % 2 * strikes, np.float32)


def every_pair(count: int) -> list[int]:
    """A way back to 0 on which every number follows every other one once (Hierholzer's)."""
    ahead = {one: [other for other in range(count) if other != one] for one in range(count)}
    way, found = [0], []
    while way:
        if ahead[way[-1]]:
            way.append(ahead[way[-1]].pop())
        else:
            found.append(way.pop())
    return found


@pytest.fixture(scope="module")
def truth(plan: MixPlan) -> Wave:
    """What went into the encoders."""
    return np.concatenate(list(Ceiling(plan.ceiling_dbtp).limit(mix(plan))))


def in_one_pass(kind: str, truth: Wave, path: Path) -> Path:
    """The same samples through one encoder from beginning to end."""
    encoder, whole = PacketEncoder(kind), Sieve(0, CODECS[kind].count(len(truth)))
    padded = np.concatenate([truth, np.zeros((RATE, 2), np.float32)])
    portions = [whole(encoder.push(padded[at : at + RATE])) for at in range(0, len(padded), RATE)]
    portions.append(whole(encoder.finish()))
    with path.open("wb") as file:
        if kind == "opus":
            ogg = OggOpus(len(truth), Tags())
            file.write(ogg.begin() + b"".join(map(ogg.push, portions)) + ogg.finish())
        else:
            mp4 = Mp4Aac(file, len(truth), Tags())
            for portion in portions:
                mp4.push(portion)
            mp4.finish()
    return path


def around(wave: Wave, join: int) -> NDArray[np.float64]:
    return wave[join - AROUND : join + AROUND].astype(np.float64)


def decibels(power: float) -> float:
    return float(10 * np.log10(power + 1e-20))


def bright(wave: NDArray[np.float64]) -> float:
    """Energy above 10 kHz."""
    spectrum = np.abs(np.fft.rfft(wave[:, 0] * np.hanning(len(wave)))) ** 2
    return decibels(spectrum[len(wave) * 10_000 // RATE :].sum())


@pytest.mark.parametrize("kind", ["opus", "m4a"])
def test_no_join_is_worse_than_the_same_place_in_one_pass(
    plan: MixPlan, truth: Wave, tmp_path: Path, kind: str
) -> None:
    joined = render(plan, {kind: tmp_path / f"mix.{kind}"}, tags=TAGS).files[kind]
    ours, theirs = decoded(joined), decoded(in_one_pass(kind, truth, tmp_path / f"one.{kind}"))
    assert 0 <= len(ours) - len(truth) < (1 if kind == "opus" else 1024)
    joins = [passage.start for passage in passages(plan)[1:]]
    assert len(joins) == 60
    measures: list[Callable[[Wave, int], float]] = [
        lambda wave, join: decibels(((around(wave, join) - around(truth, join)) ** 2).mean()),
        lambda wave, join: bright(around(wave, join)),
    ]
    worse, brighter = ([measure(ours, j) - measure(theirs, j) for j in joins] for measure in measures)
    assert np.median(worse) <= 0.05
    assert np.percentile(worse, 95) <= 1.5
    assert np.abs(brighter).max() <= 1.0


@pytest.mark.parametrize("kind", ["opus", "m4a", "flac"])
def test_another_player_reads_titles_and_chapters(tmp_path: Path, kind: str) -> None:
    plan = plan_mix([piece_of(write_sound(tmp_path / "a.flac", tone(8), "flac"))], length_s=8)
    path = render(plan, {kind: tmp_path / f"mix.{kind}"}, tags=TAGS).files[kind]
    asked = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "ffmetadata", "-"]
    told = subprocess.run(asked, capture_output=True, check=True, text=True).stdout.splitlines()
    assert [line.partition("=")[2] for line in told if line.lower().startswith("title=")] == [
        *(["Evening"] if kind != "opus" else []),  # Ogg keeps it with the stream
        "Arrival",
        "Return",
    ]
