"""The generated tracks, judged as a listener would: by what comes out."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from kap.audio.errors import Cancelled
from kap.audio.loudness import Meter
from kap.audio.synth import LICENCE, RECIPES, Recipe, blocks, render
from kap.audio.synth.families import FAMILIES
from kap.audio.synth.texture import HOP, Signal

RATE = 48000
ONE_OF_EACH = [next(recipe for recipe in RECIPES if recipe.family == family) for family in FAMILIES]
OTHERS = [recipe for recipe in RECIPES if recipe not in ONE_OF_EACH]


def short(recipe: Recipe, seconds: int = 8) -> Recipe:
    return replace(recipe, seconds=seconds)


def whole(recipe: Recipe) -> Signal:
    return np.concatenate(list(blocks(recipe)))


@pytest.fixture(scope="module", params=ONE_OF_EACH, ids=lambda recipe: recipe.family)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return short(request.param, 16)


@pytest.fixture(scope="module")
def heard(recipe: Recipe) -> Signal:
    return whole(recipe)


def test_the_shelf_fills_a_session_from_quiet_to_full() -> None:
    assert len({recipe.slug for recipe in RECIPES}) == len({recipe.title for recipe in RECIPES}) == 18
    assert all(120 <= recipe.seconds <= 360 for recipe in RECIPES)
    assert sum(recipe.seconds for recipe in RECIPES) >= 95 * 60
    intensities = [recipe.intensity for recipe in RECIPES]
    assert intensities == sorted(intensities)
    assert (intensities[0], intensities[-1]) == (0.10, 0.75)
    assert {recipe.family for recipe in RECIPES} == set(FAMILIES)


def test_all_tracks_share_one_collection_of_tones() -> None:
    """The notes of D major, so that any track may fade into any other."""
    steps = {round(12 * np.log2(hz / (220 / 3))) % 12 for recipe in RECIPES for hz in recipe.ladder(1, 4)}
    assert steps <= {0, 2, 4, 5, 7, 9, 11}


def test_the_same_seed_gives_the_same_sound(recipe: Recipe, heard: Signal) -> None:
    again = next(blocks(recipe))
    assert again.tobytes() == heard[:HOP].tobytes()


def test_another_seed_gives_another_sound() -> None:
    moss = short(RECIPES[3])
    first, other = (next(blocks(made)) for made in (moss, replace(moss, seed=moss.seed + 1)))
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("other", OTHERS, ids=lambda recipe: recipe.slug)
def test_the_other_recipes_sound_from_the_first_block(other: Recipe) -> None:
    block = next(blocks(other))
    assert (block.shape, block.dtype) == ((HOP, 2), np.dtype(np.float32))
    assert 0.01 < np.abs(block).max() < 0.7


@pytest.mark.parametrize("seconds", [1, 5, 6, 11])
def test_a_track_is_exactly_as_long_as_asked(seconds: int) -> None:
    sizes = [len(block) for block in blocks(short(RECIPES[3], seconds))]
    assert sum(sizes) == seconds * RATE
    assert max(sizes) <= HOP


def test_another_sample_rate_keeps_the_length_in_seconds() -> None:
    assert sum(len(block) for block in blocks(short(RECIPES[3]), sample_rate=44100)) == 8 * 44100


def test_it_begins_and_ends_in_silence(heard: Signal) -> None:
    assert np.abs(heard[:48]).max() < 1e-5
    assert np.abs(heard[-48:]).max() < 1e-5


def test_no_clicks_neither_inside_nor_where_blocks_meet(heard: Signal) -> None:
    bend = np.abs(np.diff(heard.mean(axis=1), 2))
    frames = bend[: bend.size // 2400 * 2400].reshape(-1, 2400)
    assert (frames.max(axis=1) / (np.sqrt((frames**2).mean(axis=1)) + 1e-7)).max() < 7.5
    for seam in range(HOP, len(heard), HOP):
        around = bend[seam - 2400 : seam + 2400]
        assert bend[seam - 3 : seam + 3].max() < 6 * np.sqrt((around**2).mean())


def test_nothing_is_folded_back_above_the_ceiling(heard: Signal) -> None:
    power = np.abs(np.fft.rfft(heard.mean(axis=1) * np.hanning(len(heard)))) ** 2
    hz = np.fft.rfftfreq(len(heard), 1 / RATE)
    assert power[hz > 9500].sum() < 1e-9 * power.sum()
    assert power[hz < 20].sum() < 1e-2 * power.sum()


def test_it_is_stereo_and_whole_in_mono(heard: Signal) -> None:
    middle = heard[4 * RATE : -4 * RATE]
    mono_loss_db = 10 * np.log10(np.mean(middle.mean(axis=1) ** 2) / np.mean(middle**2))
    assert -3.0 < mono_loss_db <= 0.0
    left, right = (float(np.mean(side**2)) for side in middle.T)
    likeness = float(np.mean(middle.prod(axis=1))) / np.sqrt(left * right)
    assert 0.0 < likeness < 0.95
    assert abs(10 * np.log10(left / right)) < 4.0


def test_levels_stay_gentle(heard: Signal) -> None:
    meter = Meter()
    meter.push(heard)
    assert -28.0 < meter.loudness_lufs < -16.0
    assert meter.true_peak_dbtp < -3.0
    assert abs(heard.mean()) < 1e-4


def test_no_five_seconds_come_back() -> None:
    sound = whole(replace(RECIPES[4], seconds=26)).mean(axis=1)[::48]
    parts = [part - part.mean() for part in np.split(sound[3000:23000], 4)]
    likeness = [
        abs(np.corrcoef(one, other)[0, 1]) for place, one in enumerate(parts) for other in parts[:place]
    ]
    assert max(likeness) < 0.75


def test_a_long_track_holds_only_one_block_at_a_time() -> None:
    long = replace(RECIPES[0], seconds=10 * 3600)
    assert [len(block) for block in islice(blocks(long), 3)] == [HOP, HOP, HOP]


def test_render_writes_a_tagged_flac_of_the_exact_length(tmp_path: Path) -> None:
    evening, seen = short(RECIPES[2], 7), list[float]()
    path = tmp_path / "evening.flac"
    render(evening, path, progress=seen.append)
    with av.open(str(path)) as container:
        assert container.metadata == {
            "title": "Evening Window",
            "artist": "Kap",
            "album": "Kap ambient",
            "genre": "Ambient",
            "comment": evening.note,
            "license": LICENCE,
        } | {key: value for key, value in container.metadata.items() if key.lower() == "encoder"}
        stream = container.streams.audio[0]
        assert (stream.codec.name, stream.rate, stream.layout.name, stream.format.name) == (
            "flac", 48000, "stereo", "s16",
        )  # fmt: skip
        decoded = np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in container.decode(stream)])
    assert len(decoded) == 7 * RATE
    assert np.abs(decoded / 32767 - whole(evening)).max() < 2 / 32767
    assert (seen, seen[-1]) == (sorted(seen), 1.0)
    assert list(tmp_path.iterdir()) == [path]


def test_a_cancelled_render_leaves_nothing_behind(tmp_path: Path) -> None:
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        render(short(RECIPES[3], 20), tmp_path / "moss.flac", cancelled=lambda: next(answers))
    assert list(tmp_path.iterdir()) == []
