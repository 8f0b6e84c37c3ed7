import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kap.music.arcs import arcs
from kap.music.builder import (
    BANDS,
    LEAST_LAST_S,
    Build,
    Candidate,
    NotEnough,
    build,
    crossfade_between,
    lay_out,
)

IV = arcs()["iv-40"]
MINUTE = 60.0


def library(count: int, seed: int = 1, shortest_s: float = 120, longest_s: float = 480) -> list[Candidate]:
    chance = random.Random(seed)
    return [
        Candidate(f"t{number}", f"Track {number}", chance.uniform(shortest_s, longest_s), chance.random())
        for number in range(count)
    ]


def chosen(made: Build, tracks: Sequence[Candidate]) -> list[Candidate]:
    by_id = {track.id: track for track in tracks}
    return [by_id[place.candidate_id] for place in made.places]


def mean_miss(made: Build, tracks: Sequence[Candidate]) -> float:
    """Mean distance from the curve, over the time each track is heard."""
    misses = [
        abs(track.intensity - place.target_intensity) * (place.end_s - place.start_s)
        for place, track in zip(made.places, chosen(made, tracks), strict=True)
    ]
    return sum(misses) / made.length_s


def assert_laid_end_to_end(made: Build, tracks: Sequence[Candidate], crossfade_s: float) -> None:
    order = chosen(made, tracks)
    assert len({track.id for track in order}) == len(order)
    end_s = 0.0
    for number, (place, track) in enumerate(zip(made.places, order, strict=True)):
        joint_s = crossfade_between(order[number - 1], track, crossfade_s) if number else 0.0
        assert place.start_s == pytest.approx(end_s - joint_s)
        end_s = place.start_s + track.duration_s
    assert made.material_s == pytest.approx(end_s)
    assert made.places[-1].end_s == min(made.length_s, made.material_s)


def test_a_large_library_follows_the_arc_closely() -> None:
    tracks = library(200)
    made = build(IV, length_s=60 * MINUTE, candidates=tracks)
    assert_laid_end_to_end(made, tracks, 12)
    assert made.short_s == 0
    assert made.excess_s < 60
    assert mean_miss(made, tracks) < 0.03


def test_the_arc_rises_to_the_peak_and_comes_down() -> None:
    tracks = library(200)
    made = build(IV, length_s=85 * MINUTE, candidates=tracks)
    by_phase: dict[str, list[float]] = {}
    for place, track in zip(made.places, chosen(made, tracks), strict=True):
        by_phase.setdefault(place.phase, []).append(track.intensity)
    assert list(by_phase) == ["settle", "onset", "ascent", "peak", "descent", "return", "ground"]
    assert min(by_phase["peak"]) > max(by_phase["onset"])
    assert min(by_phase["peak"]) > max(by_phase["return"])


def test_the_same_question_has_the_same_answer_in_any_order() -> None:
    tracks = library(60)
    made = build(IV, length_s=60 * MINUTE, candidates=tracks, seed=3)
    assert build(IV, length_s=60 * MINUTE, candidates=tracks[::-1], seed=3) == made


def test_other_seeds_give_other_orders_that_still_follow_the_arc() -> None:
    tracks = library(60)
    made = [build(IV, length_s=60 * MINUTE, candidates=tracks, seed=seed) for seed in range(4)]
    assert len({tuple(place.candidate_id for place in one.places) for one in made}) == 4
    assert max(mean_miss(one, tracks) for one in made) < 0.1


def test_a_small_library_that_just_suffices_is_used_whole() -> None:
    tracks = [Candidate(f"t{n}", "", 300, n / 12) for n in range(12)]
    length_s = 12 * 300 - 11 * 12 - 1
    made = build(IV, length_s=length_s, candidates=tracks)
    assert_laid_end_to_end(made, tracks, 12)
    assert len(made.places) == 12
    assert made.excess_s == pytest.approx(1)


def test_the_last_piece_is_not_a_stub_when_another_fits() -> None:
    # Three long tracks reach 2 s into the fourth, so a shorter one has to take a place.
    tracks = [Candidate(f"t{n}", "", 300, 0.3) for n in range(6)] + [Candidate("short", "", 230, 0.3)]
    made = build(IV, length_s=3 * 300 - 2 * 12 + 2, candidates=tracks)
    last = made.places[-1]
    assert last.end_s - last.start_s >= LEAST_LAST_S


def test_the_same_track_twice_in_the_library_counts_once() -> None:
    tracks = [Candidate("a", "A", 400, 0.3), Candidate("b", "B", 400, 0.3)]
    with pytest.raises(NotEnough):
        build(IV, length_s=1000, candidates=tracks * 3)


def test_too_little_music_says_how_much_and_of_what_kind() -> None:
    tracks = [Candidate(f"t{n}", "", 600, 0.2) for n in range(6)]
    with pytest.raises(NotEnough) as caught:
        build(IV, length_s=85 * MINUTE, candidates=tracks)
    missing = caught.value
    assert missing.missing_s == pytest.approx(85 * 60 - (6 * 600 - 5 * 12), abs=1)
    assert [gap.name for gap in missing.gaps] == ["middle", "strong"]
    assert str(missing) == (
        "The tracks are 26 min short of 85 min. Compared with the arc there is too little: "
        "26 min of strong music (intensity 0.55 to 1), 22 min of middle music (intensity 0.3 to 0.55)."
    )


def test_an_empty_library_lacks_everything() -> None:
    with pytest.raises(NotEnough) as caught:
        build(IV, length_s=600, candidates=[])
    assert caught.value.missing_s == pytest.approx(600, abs=1)
    assert sum(gap.missing_s for gap in caught.value.gaps) == pytest.approx(600)


@pytest.mark.parametrize("length_s", [0, -1, float("nan"), float("inf")])
def test_a_length_must_be_above_zero(length_s: float) -> None:
    with pytest.raises(ValueError, match="a length above zero"):
        build(IV, length_s=length_s, candidates=library(3))


def test_every_place_says_why() -> None:
    tracks = [Candidate("a", "A", 1000, 0.4), Candidate("b", "B", 1000, 0.7), Candidate("c", "C", 1000, 0.9)]
    made = lay_out(IV, length_s=2400, ordered=tracks)
    assert [place.why for place in made.places] == [
        "Onset: its intensity 0.40 is what the arc asks for (0.40).",
        "Peak: its intensity 0.70 is close to what the arc asks for (0.61).",
        "Return: its intensity 0.90 is stronger than what the arc asks for (0.22). "
        "The music ends here, 10 min before the track does.",
    ]


def test_a_hand_made_order_is_kept() -> None:
    tracks = library(20)
    made = lay_out(IV, length_s=60 * MINUTE, ordered=tracks)
    assert [place.candidate_id for place in made.places] + list(made.unused) == [track.id for track in tracks]
    assert_laid_end_to_end(made, tracks, 12)
    assert made.short_s == 0


def test_a_hand_made_order_that_is_short_says_by_how_much() -> None:
    made = lay_out(IV, length_s=1000, ordered=[Candidate("a", "A", 300, 0.3), Candidate("b", "B", 300, 0.3)])
    assert (made.material_s, made.short_s, made.excess_s) == (588, 412, 0)
    assert made.places[-1].end_s == 588


def test_a_hand_made_order_of_nothing() -> None:
    made = lay_out(IV, length_s=1000, ordered=[])
    assert (made.places, made.short_s) == ((), 1000)


def test_tracks_after_the_end_are_left_out() -> None:
    tracks = [Candidate(name, "", 300, 0.3) for name in "abcd"]
    made = lay_out(IV, length_s=588, ordered=tracks)
    assert [place.candidate_id for place in made.places] == ["a", "b"]
    assert made.unused == ("c", "d")


def test_a_crossfade_takes_at_most_a_quarter_of_the_shorter_track() -> None:
    long, short = Candidate("a", "", 300, 0.3), Candidate("b", "", 20, 0.3)
    assert (crossfade_between(long, short, 12), crossfade_between(short, long, 12)) == (5, 5)
    assert crossfade_between(long, long, 12) == 12
    assert lay_out(IV, length_s=310, ordered=[long, short], crossfade_s=12).material_s == 315


candidates = st.lists(
    st.builds(
        Candidate,
        id=st.uuids().map(str),
        title=st.just(""),
        duration_s=st.floats(1, 1200),
        intensity=st.floats(0, 1),
    ),
    max_size=25,
)


def attempt(
    slug: str, tracks: list[Candidate], length_s: float, crossfade_s: float, seed: int
) -> Build | NotEnough:
    try:
        return build(arcs()[slug], length_s=length_s, candidates=tracks, crossfade_s=crossfade_s, seed=seed)
    except NotEnough as missing:
        return missing


@settings(max_examples=60)
@given(
    slug=st.sampled_from(sorted(arcs())),
    tracks=candidates,
    length_s=st.floats(30, 7200),
    crossfade_s=st.floats(0, 30),
    seed=st.integers(0, 5),
)
def test_any_library_fits_or_says_what_is_missing(
    slug: str, tracks: list[Candidate], length_s: float, crossfade_s: float, seed: int
) -> None:
    made = attempt(slug, tracks, length_s, crossfade_s, seed)
    if isinstance(made, NotEnough):
        joints_s = crossfade_s * max(0, len(tracks) - 1)
        assert sum(track.duration_s for track in tracks) - joints_s < length_s + 1
        assert made.missing_s > 0
        assert str(made).startswith("The tracks are ")
        assert {gap.name for gap in made.gaps} <= {name for name, _, _ in BANDS}
    else:
        assert_laid_end_to_end(made, tracks, crossfade_s)
        assert made.material_s >= length_s
        assert made.places[-1].end_s == length_s
        assert made.places[-1].start_s < length_s


@settings(max_examples=60)
@given(tracks=candidates, length_s=st.floats(30, 7200))
def test_any_order_by_hand_is_covered_or_short(tracks: list[Candidate], length_s: float) -> None:
    made = lay_out(IV, length_s=length_s, ordered=tracks)
    assert [place.candidate_id for place in made.places] + list(made.unused) == [track.id for track in tracks]
    assert (made.short_s > 0) == (made.material_s < length_s)
    if made.short_s:
        assert made.unused == ()
