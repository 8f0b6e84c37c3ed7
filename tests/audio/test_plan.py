"""Plans, for any pieces and any length: exact, gapless, and honest about what bound them."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.audio import RATE
from kap.audio.errors import PlanError
from kap.audio.plan import (
    GRID,
    Element,
    MixPlan,
    Piece,
    Silence,
    Surplus,
    Voice,
    gain,
    phase_target_lufs,
    plan_mix,
)


def piece(
    duration_s: float = 300.0,
    *,
    lead_s: float = 0.0,
    trail_s: float = 0.0,
    loudness: float = -20.0,
    peak: float = -9.0,
    rhythmic: bool = False,
) -> Piece:
    return Piece(Path("a.flac"), duration_s, loudness, peak, lead_s, trail_s, -20.0, rhythmic, "A")


@st.composite
def any_piece(draw: st.DrawFn) -> Piece:
    duration = draw(st.floats(10, 900))
    return replace(
        piece(
            duration,
            lead_s=draw(st.floats(0, 0.4)) * duration,
            trail_s=draw(st.floats(0, 0.4)) * duration,
            loudness=draw(st.floats(-70, 0)),
            peak=draw(st.floats(-60, 6)),
            rhythmic=draw(st.booleans()),
        ),
        digest=draw(st.sampled_from("abcde")),
        into_peak=draw(st.booleans()),
        target_lufs=draw(st.sampled_from([-22.5, -20.0, -18.0])),
    )


any_element = any_piece() | st.builds(Silence, st.floats(0.5, 120))


def attempt(
    elements: list[Element], *, length_s: float, crossfade_s: float = 12.0, surplus: Surplus | None = None
) -> MixPlan | PlanError:
    try:
        return plan_mix(elements, length_s=length_s, crossfade_s=crossfade_s, surplus=surplus)
    except PlanError as error:
        return error


@given(
    pieces=st.lists(any_piece(), min_size=1, max_size=9),
    length_s=st.floats(0.01, 2400),
    crossfade_s=st.floats(1, 30),
)
def test_any_plan_is_exact_and_gapless_or_says_what_is_missing(
    pieces: list[Element], length_s: float, crossfade_s: float
) -> None:
    plan = attempt(pieces, length_s=length_s, crossfade_s=crossfade_s)
    if isinstance(plan, PlanError):
        assert plan.missing_s > 0
        fits = length_s - plan.missing_s
        assert fits <= 0 or isinstance(attempt(pieces, length_s=fits, crossfade_s=crossfade_s), MixPlan)
        return
    assert plan.total_samples == plan.programme_samples == round(length_s * RATE)
    check(plan, pieces)


@given(
    elements=st.lists(any_element, min_size=1, max_size=7),
    calm=st.lists(any_piece(), max_size=3),
    length_s=st.floats(1, 1800),
    surplus_s=st.floats(60, 900),
)
def test_silences_and_a_surplus_keep_every_plan_exact(
    elements: list[Element], calm: list[Element], length_s: float, surplus_s: float
) -> None:
    plan = attempt(elements, length_s=length_s, surplus=Surplus(tuple(calm), surplus_s))
    if isinstance(plan, PlanError):
        assert plan.missing_s > 0
        return
    assert plan.programme_samples == round(length_s * RATE)
    assert plan.total_samples == round((length_s + surplus_s) * RATE)
    check(plan, [*elements, *(calm or [])])
    programme = [segment for segment in plan.segments if not segment.is_surplus]
    assert all(segment.stop <= plan.programme_samples for segment in programme)
    for before, after in pairwise(plan.segments):
        same = before.digest == after.digest and after.joint != "silence"
        assert (after.joint == "loop") == (after.shape_in == before.shape_out == "linear") == same


def check(plan: MixPlan, elements: list[Element]) -> None:
    """What holds for every plan: covered without a hole, on the grid, nothing beyond its limits."""
    spans = sorted(
        [(segment.start, segment.stop) for segment in plan.segments]
        + [(hush.start, hush.stop) for hush in plan.hushes]
    )
    assert (spans[0][0], spans[-1][1]) == (0, plan.total_samples)
    reached = 0
    for start, stop in spans:
        assert start <= reached
        reached = max(reached, stop)
    assert plan.fade_in + plan.fade_out <= plan.total_samples
    for segment in plan.segments:
        assert segment.start % GRID == 0
        assert 0 < segment.length <= segment.available
        assert segment.crossfade_in + segment.crossfade_out <= segment.length
        assert segment.gain_db <= 12
        source = elements[segment.element] if segment.element < len(elements) else None
        if isinstance(source, Piece) and segment.digest == source.digest:
            assert source.loudness_lufs + segment.gain_db <= source.target_lufs + 1e-9
            assert source.true_peak_dbtp + segment.gain_db <= plan.ceiling_dbtp + 1e-9
    for before, after in pairwise(plan.segments):
        assert before.start < after.start
        if after.joint != "silence":
            assert before.stop - after.start == before.crossfade_out == after.crossfade_in > 0


def test_the_last_piece_is_cut_and_further_ones_are_left_out() -> None:
    plan = plan_mix([piece(300), piece(300), piece(300)], length_s=500)
    assert [(s.start / RATE, s.stop / RATE) for s in plan.segments] == [(0, 300), (288, 500)]
    assert (plan.fade_in / RATE, plan.fade_out / RATE, plan.length_s) == (10, 30, 500)


def seconds(samples: int) -> float:
    return round(samples / RATE, 2)


def test_the_programme_ends_on_its_second_and_calm_music_goes_on() -> None:
    calm = replace(piece(200), digest="calm", target_lufs=-22.5)
    plan = plan_mix([piece(300), piece(300)], length_s=500, surplus=Surplus((calm,), 400))
    assert [(s.stop / RATE, s.joint, s.is_surplus) for s in plan.segments] == [
        (300.0, "start", False),
        (500.0, "loop", False),
        (680.0, "programme end", True),
        (867.84, "loop", True),
        (900.0, "loop", True),
    ]
    ending = plan.segments[2]
    assert (seconds(ending.crossfade_in), ending.shape_in) == (20, "equal power")
    assert [s.shape_in for s in plan.segments[3:]] == ["linear", "linear"]
    assert (plan.programme_s, plan.length_s) == (500, 900)


def test_a_pin_is_kept_although_the_piece_before_would_reach_the_end() -> None:
    first, pinned = named("a", "b")
    plan = plan_mix([first, replace(pinned, starts_at_s=160)], length_s=250)
    assert [(s.digest, s.start / RATE, s.stop / RATE) for s in plan.segments] == [
        ("a", 0, 172),
        ("b", 160, 250),
    ]


def named(*names: str, **facts: Any) -> list[Piece]:
    return [replace(piece(300), digest=name, **facts) for name in names]


def test_every_kind_of_joint_has_its_length() -> None:
    beatless, rhythmic, peak, asked = named("a", "b", "c", "d")
    rhythmic, peak = replace(rhythmic, rhythmic=True), replace(peak, into_peak=True)
    asked = replace(asked, crossfade_s=30)
    plan = plan_mix([beatless, rhythmic, beatless, peak, asked, beatless], length_s=1600)
    assert [s.joint for s in plan.segments] == [
        "start",
        "rhythmic",
        "rhythmic",
        "peak",
        "beatless",
        "beatless",
    ]
    for segment, (least, most) in zip(
        plan.segments[1:], [(5, 6), (5, 6), (15, 20), (8, 20), (8, 20)], strict=True
    ):
        assert least <= segment.crossfade_in / RATE <= most


def test_a_pinned_piece_begins_at_its_second_and_the_one_before_is_cut() -> None:
    first, pinned, last = named("a", "b", "c")
    plan = plan_mix([first, replace(pinned, starts_at_s=199.68), last], length_s=600)
    assert [(s.start / RATE, seconds(s.stop)) for s in plan.segments] == [
        (0, 211.68),
        (199.68, 499.68),
        (487.68, 600),
    ]


@pytest.mark.parametrize(
    "at_s, reason", [(5, "“B” is pinned to a moment before the music around it"),
                     (400, "there is no music before “B”")]
)  # fmt: skip
def test_a_pin_that_cannot_be_met_is_named(at_s: float, reason: str) -> None:
    first, second, third = named("x", "a", "b")
    pinned = replace(third, starts_at_s=300 + at_s if at_s == 400 else 290, title="B")
    with pytest.raises(PlanError) as caught:
        plan_mix([first, second, pinned] if at_s == 5 else [first, pinned], length_s=900)
    assert caught.value.reason == reason


def test_silence_is_complete_for_its_length_and_the_music_fades_around_it() -> None:
    one, two = named("a", "b")
    plan = plan_mix([one, Silence(60), two], length_s=500)
    (hush,) = plan.hushes
    assert (seconds(hush.start), plan.segments[1].start) == (300, hush.stop)
    assert 60 <= (hush.stop - hush.start) / RATE < 60.33
    assert [seconds(s.crossfade_out) for s in plan.segments] == [8, 0]
    assert (seconds(plan.segments[1].crossfade_in), plan.segments[1].joint) == (8, "silence")


def test_a_voice_lowers_the_music_before_it_begins_and_for_a_while_after() -> None:
    voice = Voice(Path("v.flac"), 60, 10, title="Breathe")
    (speech,) = plan_mix([piece(300)], length_s=200, voices=[voice]).voices
    assert (seconds(speech.duck_start), seconds(speech.start)) == (59, 60)
    assert (seconds(speech.stop), seconds(speech.duck_stop)) == (70, 72.4)
    with pytest.raises(PlanError) as caught:
        plan_mix([piece(300)], length_s=200, voices=[replace(voice, at_s=195)])
    assert caught.value.reason == "the voice “Breathe” does not end before the music"


def test_material_that_is_too_short_is_named_in_minutes_and_seconds() -> None:
    with pytest.raises(PlanError) as caught:
        plan_mix([piece(300), piece(300)], length_s=700.5)
    assert caught.value.missing_s == 112.5
    assert caught.value.reason == "the tracks are 1 min 53 s too short for this length"
    with pytest.raises(PlanError) as caught:
        plan_mix([], length_s=20)
    assert caught.value.reason == "the tracks are 20 s too short for this length"


def test_no_length_and_nothing_to_hear() -> None:
    with pytest.raises(PlanError) as caught:
        plan_mix([piece()], length_s=0)
    assert caught.value.reason == "the length of a mix must be more than nothing"
    with pytest.raises(PlanError) as caught:
        plan_mix([piece(10, lead_s=5, trail_s=4)], length_s=5)
    assert caught.value.reason == "“A” has less than two seconds of music"


def test_silence_at_the_ends_is_left_out() -> None:
    plan = plan_mix([piece(100, lead_s=2.5, trail_s=7.5), piece(100)], length_s=120)
    first, second = plan.segments
    assert (first.source_start / RATE, first.length / RATE, second.start / RATE) == (2.5, 90, 77.76)


@pytest.mark.parametrize(
    ("loudness", "peak", "expected"),
    [
        (-14.0, -1.0, (-6.0, "target")),
        (-26.0, -9.0, (6.0, "target")),
        (-26.0, -5.0, (3.0, "ceiling")),
        (-40.0, -30.0, (12.0, "boost")),
        (-32.0, -14.0, (12.0, "target")),
    ],
)
def test_gain_reaches_the_target_or_tells_what_bound_it(
    loudness: float, peak: float, expected: tuple[float, str]
) -> None:
    assert gain(piece(loudness=loudness, peak=peak)) == expected


@pytest.mark.parametrize(
    ("intensity", "lufs"), [(0.0, -22.0), (0.45, -20.0), (0.25, -21.0), (0.85, -18.0), (1.0, -18.0)]
)
def test_louder_where_more_intense_within_limits(intensity: float, lufs: float) -> None:
    assert phase_target_lufs(intensity) == pytest.approx(lufs)
