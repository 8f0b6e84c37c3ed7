"""The ceiling touches what exceeds it, gently, and nothing else."""

from collections.abc import Iterator

import numpy as np
import pytest

from kap.audio.ceiling import Ceiling
from tests.audio.sounds import Wave, ffmpeg_levels, noise, tone


def in_seconds(wave: Wave) -> Iterator[Wave]:
    for start in range(0, len(wave), 48_000):
        yield wave[start : start + 48_000]


def limited(wave: Wave) -> tuple[Wave, float]:
    ceiling = Ceiling(-2.0)
    return np.concatenate(list(ceiling.limit(in_seconds(wave)))), ceiling.reduction_db


@pytest.mark.parametrize("seconds", [0.001, 0.01, 0.3, 1, 2.00001, 3.7, 5])
def test_what_is_below_stays_as_it_is(seconds: float) -> None:
    wave = noise(seconds)
    out, reduction = limited(wave)
    assert np.array_equal(out, wave)
    assert reduction == 0.0


def test_a_loud_moment_is_lowered_under_the_ceiling_and_only_it() -> None:
    wave = tone(12, hertz=997, level=0.4)
    wave[5 * 48_000 : 5 * 48_000 + 24_000] *= 2.6
    out, reduction = limited(wave)
    assert len(out) == len(wave)
    assert ffmpeg_levels(out)[1] == pytest.approx(-2.0, abs=0.1)
    assert reduction == pytest.approx(20 * np.log10(1.04) + 2.0, abs=0.1)
    untouched = np.r_[0 : int(3.9 * 48_000), int(6.6 * 48_000) : len(wave)]
    assert np.array_equal(out[untouched], wave[untouched])


def test_the_gain_moves_slowly() -> None:
    wave = np.full((6 * 48_000, 2), 0.5, np.float32)
    wave[100_000] = 1.5
    gain = limited(wave)[0][:, 0] / wave[:, 0]
    assert np.abs(np.diff(20 * np.log10(gain[::480]))).max() < 0.2
    assert gain.max() == 1.0


def test_peaks_between_the_samples_count() -> None:
    """A tone at a quarter of the rate whose samples all lie 3 dB under its crests."""
    at = np.arange(6 * 48_000)[:, None]
    edges = np.clip(np.minimum(at, at[::-1]) / 48_000, 0, 1)
    wave = (1.0 * edges * np.sin(at * np.pi / 2 + np.pi / 4) * [1, 1]).astype(np.float32)
    assert np.abs(wave).max() < 0.71
    assert ffmpeg_levels(limited(wave)[0])[1] == pytest.approx(-2.0, abs=0.1)
