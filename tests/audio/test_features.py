"""Brightness, onsets and startles of waves whose answers are known."""

import numpy as np
import pytest

from kap.audio.features import Features, Listener
from kap.audio.suggest import suggest
from tests.audio.sounds import Wave, noise, tone

RATE = 48_000


def features(wave: Wave, *, start_s: float = 0.0) -> Features:
    listener = Listener()
    for start in range(0, len(wave), 31_337):
        listener.push(wave[start : start + 31_337].astype(np.float32))
    return listener.features(start_s=start_s)


def struck(times: list[float], seconds: float, *, hertz: float = 880.0, attack_s: float = 0.003) -> Wave:
    """A bell struck at some moments, dying away within a second or two."""
    wave = np.zeros(round(seconds * RATE))
    for moment in times:
        at = np.arange(round(seconds * RATE) - round(moment * RATE)) / RATE
        rise = np.minimum(1, at / attack_s)
        wave[round(moment * RATE) :] += 0.3 * rise * np.exp(-at / 0.4) * np.sin(2 * np.pi * hertz * at)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def step(before_db: float, after_db: float, *, over_s: float = 0.0, hertz: float = 440.0) -> Wave:
    """Six seconds of a tone at one level, then three at another."""
    place = np.clip((np.arange(9 * RATE) / RATE - 6) / max(over_s, 1e-6), 0, 1)
    level = 10 ** ((before_db + (after_db - before_db) * place) / 20)
    return (tone(9, hertz=hertz, level=1.0) * level[:, None]).astype(np.float32)


@pytest.mark.parametrize("hertz", [110.0, 440.0, 3000.0])
def test_the_brightness_of_a_tone_is_its_frequency(hertz: float) -> None:
    assert features(tone(3, hertz=hertz)).brightness_hz == pytest.approx(hertz, rel=0.02)


def test_white_noise_is_as_bright_as_the_middle_of_what_is_heard() -> None:
    assert features(noise(3)).brightness_hz == pytest.approx((40 + 16_000) / 2, rel=0.01)


@pytest.mark.parametrize("level_db", [0.0, -40.0])
@pytest.mark.parametrize("over", ["silence", "drone", "noise"])
def test_strokes_are_counted_at_any_level_and_over_a_bed(over: str, level_db: float) -> None:
    beds: dict[str, Wave] = {
        "silence": 0 * tone(20),
        "drone": tone(20, hertz=55, level=0.2),
        "noise": noise(20, level=0.01),
    }
    strokes = [2 + 0.8 * number for number in range(20)]
    wave = (struck(strokes, 20) + beds[over]) * 10 ** (level_db / 20)
    assert features(wave).onsets_per_s == pytest.approx(len(strokes) / 20, abs=0.051)


@pytest.mark.parametrize(
    "wave",
    [
        tone(12),
        noise(12),
        np.cumsum(noise(12, level=0.002), axis=0),
        tone(12, hertz=110) * (0.55 + 0.45 * np.sin(np.arange(12 * RATE) / RATE))[:, None],
    ],
    ids=["tone", "noise", "brown noise", "swell"],
)
def test_what_has_no_attacks_has_no_onsets_and_startles_nobody(wave: Wave) -> None:
    found = features(wave)
    assert (found.onsets_per_s, found.startles_s) == (0.0, ())


@pytest.mark.parametrize("hertz", [60.0, 440.0, 4000.0])
@pytest.mark.parametrize(("by_db", "over_s"), [(20, 0.0), (20, 0.1), (9.5, 0.0), (9.5, 0.01)])
def test_a_rise_of_nine_decibels_within_100_ms_startles(hertz: float, by_db: float, over_s: float) -> None:
    (at,) = features(step(-40, -40 + by_db, over_s=over_s, hertz=hertz)).startles_s
    assert at == pytest.approx(6.0, abs=0.11)


@pytest.mark.parametrize(("by_db", "over_s"), [(8.5, 0.0), (20, 0.5), (30, 3.0), (-30, 0.0)])
def test_a_smaller_or_slower_rise_and_a_fall_do_not(by_db: float, over_s: float) -> None:
    assert features(step(-40, -40 + by_db, over_s=over_s)).startles_s == ()


def test_a_bell_as_loud_as_a_deep_drone_startles_and_one_far_below_it_does_not() -> None:
    drone = tone(9, hertz=55, level=0.3)
    assert features(drone + struck([5], 9)).startles_s == pytest.approx((5.0,), abs=0.05)
    assert features(drone + 0.05 * struck([5], 9)).startles_s == ()


def test_regular_strokes_startle_once() -> None:
    """After the first, the three seconds before are as loud as what comes."""
    strokes = struck([2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5], 7, hertz=100)
    assert features(strokes + noise(7, level=0.001)).startles_s == pytest.approx((2.0,), abs=0.05)


def test_a_beginning_after_silence_is_no_startle() -> None:
    wave = np.concatenate([0 * tone(3), tone(6)])
    assert features(wave, start_s=3.0).startles_s == ()


def test_both_sides_are_listened_to() -> None:
    """A sound in opposite phase would vanish in the middle."""
    wave = step(-40, -20) * np.array([1, -1], np.float32)
    assert features(wave).startles_s == pytest.approx((6.0,), abs=0.11)


def test_too_little_to_say_anything() -> None:
    assert features(tone(0.03)) == Features(0.0, 0.0, ())


class Track:
    """As the library keeps it: what has not been measured is None."""

    def __init__(self, level: float | None, moves: float, onsets: float, bright: float) -> None:
        self.short_term_max_lufs, self.loudness_range_lu = level, moves
        self.onsets_per_s, self.brightness_hz = onsets, bright


def test_a_suggestion_gives_its_reasons() -> None:
    still, busy = suggest(Track(-27, 2, 0.05, 300)), suggest(Track(-11, 14, 4.5, 3500))
    assert still is not None
    assert busy is not None
    assert (still.intensity, still.pulse) == (0.15, "none")
    assert still.sentence == "Suggested 0.15: few attacks, dark, quiet even where it is loudest, steady."
    assert (busy.intensity, busy.pulse) == (0.95, "fast")
    assert busy.sentence == "Suggested 0.95: many attacks, bright, loud in places, from soft to loud."


def test_nothing_is_suggested_for_what_was_not_measured() -> None:
    assert suggest(Track(None, 2, 0.05, 300)) is None
