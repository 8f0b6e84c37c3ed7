import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.music.sound import LEVEL_COLUMNS, WAVE_HEIGHT, level_path, sound_picture, ticks, wave_path


def strokes(path: str) -> list[tuple[int, int]]:
    """(upper, lower) of each stroke of a wave."""
    return [(int(high), int(low)) for high, low in re.findall(r"M\d+ (-?\d+)V(-?\d+)", path)]


def test_a_wave_shows_the_lowest_and_highest_of_each_column() -> None:
    pairs = np.zeros((1000, 2), np.int8)
    pairs[499] = (-30, 60)
    found = strokes(wave_path(pairs.tobytes(), 10))
    assert len(found) == 10
    assert found[4] == (127 - 120, 129 + 60)
    assert {found[index] for index in range(10) if index != 4} == {(127, 129)}


@given(st.binary(min_size=2, max_size=400).filter(lambda kept: len(kept) % 2 == 0), st.integers(1, 300))
def test_no_stroke_leaves_the_drawing(peaks: bytes, columns: int) -> None:
    found = strokes(wave_path(peaks, columns))
    assert len(found) == min(columns, len(peaks) // 2)
    assert all(high >= 0 and low <= WAVE_HEIGHT for high, low in found)


def test_the_level_keeps_its_loudest_moments_however_long_a_track_is() -> None:
    lufs = [-40.0] * 14_400
    lufs[7_000] = -12.0
    heights = [float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", level_path(lufs))]
    assert len(heights) <= LEVEL_COLUMNS
    assert [height for height in heights if height < 69] == [14.0]
    assert level_path([]) == ""
    assert level_path([-math.inf]) == "M0.0 100.0"


@given(st.floats(1, 4 * 3600))
def test_ticks_are_few_and_leave_room_for_the_end(duration_s: float) -> None:
    found = ticks(duration_s)
    assert found[0] == 0
    assert len(found) <= 7
    assert found[-1] < duration_s


def test_moments_and_silences_are_shares_of_the_length() -> None:
    picture = sound_picture(
        duration_s=200.0, levels=None, startles_s=[50.0], lead_silence_s=2.0, trail_silence_s=20.0
    )
    assert [(mark.x, mark.second) for mark in picture.startles] == [(25.0, 50.0)]
    assert (picture.lead, picture.trail, picture.level) == (1.0, 10.0, "")


@pytest.mark.parametrize("second", [-1.0, 400.0])
def test_nothing_is_drawn_outside(second: float) -> None:
    picture = sound_picture(
        duration_s=200.0, levels=None, startles_s=[second], lead_silence_s=None, trail_silence_s=None
    )
    assert 0 <= picture.startles[0].x <= 100
