"""The generated tracks, judged as a listener would: by what comes out."""

import tracemalloc
from dataclasses import replace
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kap.audio.errors import Cancelled
from kap.audio.synth import (
    FAMILIES,
    LARGEST_SEED,
    LICENCE,
    MODES,
    RECIPES,
    ROOTS,
    Recipe,
    RecipeError,
    as_dict,
    blocks,
    recipe_from,
    render,
    vary,
)
from kap.audio.synth.texture import HOP, Signal
from tests.audio import listening
from tests.audio.listening import CLICK
from tests.audio.sounds import ffmpeg_levels

RATE = 48000
ONE_OF_EACH = [next(recipe for recipe in RECIPES if recipe.family == family) for family in FAMILIES]
# Corners of what can be set: each a family with everything at one end or the other.
EXTREMES = [
    Recipe("", "", "strings", 901, 10, 1.0, ROOTS["A, an octave higher"], "pentatonic", 1.0, 1.0, ""),
    Recipe("", "", "bowls", 902, 10, 0.0, ROOTS["A, an octave higher"], "open", 1.0, 1.0, ""),
    Recipe("", "", "overtones", 904, 10, 0.0, ROOTS["B♭"], "bittersweet", 1.0, 0.0, ""),
]

recipes = st.builds(
    Recipe,
    slug=st.text(max_size=9),
    title=st.text(max_size=9),
    family=st.sampled_from(list(FAMILIES)),
    seed=st.integers(0, LARGEST_SEED),
    seconds=st.integers(60, 3600),
    intensity=st.floats(0, 1),
    root_hz=st.sampled_from(list(ROOTS.values())),
    mode=st.sampled_from(list(MODES)),
    brightness=st.floats(0, 1),
    density=st.floats(0, 1),
    note=st.text(max_size=9),
)


def short(recipe: Recipe, seconds: int = 8) -> Recipe:
    return replace(recipe, seconds=seconds)


def whole(recipe: Recipe) -> Signal:
    return np.concatenate(list(blocks(recipe)))


def name(recipe: Recipe) -> str:
    return recipe.family if recipe.slug else f"{recipe.family}-extreme"


def test_the_shelf_fills_a_session_from_quiet_to_full() -> None:
    assert len({recipe.slug for recipe in RECIPES}) == len({recipe.title for recipe in RECIPES}) == 23
    assert all(120 <= recipe.seconds <= 360 for recipe in RECIPES)
    assert sum(recipe.seconds for recipe in RECIPES) >= 115 * 60
    intensities = [recipe.intensity for recipe in RECIPES]
    assert intensities == sorted(intensities)
    assert (intensities[0], intensities[-1]) == (0.10, 0.75)
    assert {recipe.family for recipe in RECIPES} == set(FAMILIES)


def test_all_tracks_share_one_collection_of_tones() -> None:
    """The notes of D major, so that any track may fade into any other."""
    steps = {round(12 * np.log2(hz / (220 / 3))) % 12 for recipe in RECIPES for hz in recipe.ladder(1, 4)}
    assert steps <= {0, 2, 4, 5, 7, 9, 11}


@pytest.mark.parametrize("chosen", [ONE_OF_EACH[0], ONE_OF_EACH[4]], ids=name)
def test_the_same_seed_gives_the_same_sound_and_another_seed_another(chosen: Recipe) -> None:
    first, again, other = (
        next(blocks(made)) for made in (chosen, chosen, replace(chosen, seed=chosen.seed + 1))
    )
    assert first.tobytes() == again.tobytes()
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seconds", [1, 11])
def test_a_track_is_exactly_as_long_as_asked(seconds: int) -> None:
    sizes = [len(block) for block in blocks(short(RECIPES[3], seconds))]
    assert sum(sizes) == seconds * RATE
    assert max(sizes) <= HOP


def test_another_sample_rate_keeps_the_length_in_seconds() -> None:
    assert sum(len(block) for block in blocks(short(RECIPES[3], 6), sample_rate=44100)) == 6 * 44100


@pytest.mark.parametrize("recipe", [short(r, 10) for r in ONE_OF_EACH] + EXTREMES, ids=name)
def test_every_way_of_playing_sounds_clean(recipe: Recipe) -> None:
    heard = whole(recipe)
    found, middle = listening.listen(heard), listening.listen(heard[3 * RATE : -4 * RATE])
    # It begins and ends in silence, and its last second is only the room dying away.
    assert max(np.abs(heard[:48]).max(), np.abs(heard[-48:]).max()) < 1e-5
    assert 0 < np.square(heard[-RATE:]).mean() < np.square(heard[4 * RATE : 5 * RATE]).mean() / 200
    # No click, neither inside nor where blocks meet; nothing folded back above the ceiling, no rumble.
    assert found.sharpest < CLICK
    assert (found.above_9500_hz_db < -90, found.below_20_hz_db < -35) == (True, True)
    # Gently wide, balanced, and whole in mono.
    assert -3.0 < middle.mono_loss_db <= 0.0
    assert 0.0 < middle.likeness < 0.98
    left, right = (float(np.mean(side**2)) for side in heard.T)
    assert abs(10 * np.log10(left / right)) < 4.0
    # As loud as its intensity asks, but for the fades, which take most of ten seconds.
    loudness, peak = ffmpeg_levels(heard)
    assert -6.0 < loudness - recipe.level_lufs < 1.5
    assert peak < -3.0
    assert abs(heard.mean()) < 1e-4


def test_a_click_would_be_found() -> None:
    clicked = whole(short(RECIPES[3], 10))
    clicked[5 * RATE] += 0.002  # 54 dB under full scale
    assert listening.listen(clicked).sharpest > CLICK


def test_the_bass_stands_in_the_middle() -> None:
    deep = whole(short(RECIPES[-1], 10))
    assert listening.listen(deep[3 * RATE : -4 * RATE]).bass_likeness > 0.95


def test_a_calm_track_stays_level_and_moves_and_never_comes_back() -> None:
    moss = next(recipe for recipe in RECIPES if recipe.slug == "moss")
    sound = whole(short(moss, 90))[6 * RATE : -20 * RATE]
    early, late = (ffmpeg_levels(part)[0] for part in np.array_split(sound, 2))
    assert abs(early - late) < 1.5
    found = listening.bands(sound)
    assert listening.movement(found)[0] > 0.5  # decibels in every band, from five seconds to the next
    assert listening.closest_repeat(found) < 0.6
    assert listening.closest_repeat(np.concatenate([found, found])) > 0.99
    middle = listening.middle_band(sound)
    assert listening.same_sound(middle) < 0.6
    assert listening.same_sound(np.concatenate([middle, middle])) > 0.99


def test_memory_does_not_grow_with_the_music() -> None:
    music = blocks(replace(RECIPES[0], seconds=3600))
    peaks = []
    for _ in range(2):
        next(music)
        tracemalloc.start()
        assert [len(block) for block in islice(music, 3)] == [HOP, HOP, HOP]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@settings(max_examples=30)
@given(recipes)
def test_what_is_written_down_is_the_same_recipe(recipe: Recipe) -> None:
    assert recipe_from(as_dict(recipe)) == recipe


@settings(max_examples=30)
@given(recipes, st.integers(0, LARGEST_SEED))
def test_a_variation_can_be_played_and_stays_near(recipe: Recipe, seed: int) -> None:
    near = recipe_from(as_dict(vary(recipe, seed)))
    assert vary(recipe, seed) == near
    assert (near.family, near.root_hz, near.mode, near.seconds) == (
        recipe.family, recipe.root_hz, recipe.mode, recipe.seconds,
    )  # fmt: skip
    assert near.seed == seed
    for field in ("intensity", "brightness", "density"):
        assert abs(getattr(near, field) - getattr(recipe, field)) < 0.13


@pytest.mark.parametrize(
    "wrong",
    [
        {"family": "theremin"}, {"mode": "loud"}, {"seed": -1}, {"seconds": 3601}, {"root_hz": 20},
        {"intensity": 1.1}, {"brightness": float("nan")}, {"density": "much"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_what_cannot_be_played_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(RecipeError) as refused:
        recipe_from({**as_dict(RECIPES[0]), **wrong})
    assert refused.value.field == next(iter(wrong))


def test_render_writes_a_tagged_flac_of_the_exact_length(tmp_path: Path) -> None:
    evening, seen = short(RECIPES[3], 7), list[float]()
    path = tmp_path / "evening.flac"
    render(evening, path, progress=seen.append)
    with av.open(str(path)) as container:
        assert container.metadata == {
            "title": evening.title,
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
