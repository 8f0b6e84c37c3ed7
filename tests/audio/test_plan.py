"""Plans, for any pieces and any length: exact, gapless, and honest about what bound them."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.audio import RATE
from kap.audio.errors import PlanError
from kap.audio.plan import MixPlan, Piece, gain, phase_target_lufs, plan_mix


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
    duration = draw(st.floats(1, 900))
    return piece(
        duration,
        lead_s=draw(st.floats(0, 0.4)) * duration,
        trail_s=draw(st.floats(0, 0.4)) * duration,
        loudness=draw(st.floats(-70, 0)),
        peak=draw(st.floats(-60, 6)),
        rhythmic=draw(st.booleans()),
    )


def attempt(pieces: list[Piece], *, length_s: float, crossfade_s: float) -> MixPlan | PlanError:
    try:
        return plan_mix(pieces, length_s=length_s, crossfade_s=crossfade_s)
    except PlanError as error:
        return error


@given(
    pieces=st.lists(any_piece(), min_size=1, max_size=9),
    length_s=st.floats(0.01, 2400),
    crossfade_s=st.floats(0, 30),
)
def test_any_plan_is_exact_and_gapless_or_says_what_is_missing(
    pieces: list[Piece], length_s: float, crossfade_s: float
) -> None:
    plan = attempt(pieces, length_s=length_s, crossfade_s=crossfade_s)
    if isinstance(plan, PlanError):
        assert plan.missing_s > 0
        fits = length_s - plan.missing_s
        assert fits <= 0 or isinstance(attempt(pieces, length_s=fits, crossfade_s=crossfade_s), MixPlan)
        return
    segments = plan.segments
    assert plan.total_samples == round(length_s * RATE)
    assert (segments[0].start, segments[-1].stop) == (0, plan.total_samples)
    assert (segments[0].crossfade_in, segments[-1].crossfade_out) == (0, 0)
    assert plan.fade_in + plan.fade_out <= plan.total_samples
    for segment, source in zip(segments, pieces, strict=False):
        heard = round(source.duration_s * RATE) - segment.source_start - round(source.trail_silence_s * RATE)
        assert 0 < segment.length <= heard
        assert max(segment.crossfade_in, segment.crossfade_out) <= heard // 4
        assert segment.crossfade_in + segment.crossfade_out <= segment.length
        assert source.loudness_lufs + segment.gain_db <= source.target_lufs + 1e-9
        assert source.true_peak_dbtp + segment.gain_db <= plan.ceiling_dbtp + 1e-9
        assert segment.gain_db <= 12
    for before, after in pairwise(segments):
        assert before.start < after.start
        assert (
            before.stop - after.start == before.crossfade_out == after.crossfade_in <= crossfade_s * RATE + 1
        )


def test_the_last_piece_is_cut_and_further_ones_are_left_out() -> None:
    plan = plan_mix([piece(300), piece(300), piece(300)], length_s=500)
    assert [(s.start / RATE, s.length / RATE) for s in plan.segments] == [(0, 300), (288, 212)]
    assert (plan.fade_in / RATE, plan.fade_out / RATE, plan.length_s) == (10, 30, 500)


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
        plan_mix([piece(10, lead_s=5, trail_s=5)], length_s=5)
    assert caught.value.reason == "there is nothing to hear in A"


def test_a_beat_shortens_the_crossfade_and_a_short_piece_too() -> None:
    pieces = [piece(300), piece(300, rhythmic=True), piece(300), piece(20), piece(300)]
    plan = plan_mix(pieces, length_s=1000)
    assert [s.crossfade_out / RATE for s in plan.segments] == [6, 6, 5, 5, 0]


def test_silence_at_the_ends_is_left_out() -> None:
    plan = plan_mix([piece(100, lead_s=2.5, trail_s=7.5), piece(100)], length_s=120)
    first, second = plan.segments
    assert (first.source_start / RATE, first.length / RATE, second.start / RATE) == (2.5, 90, 78)


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
    ("intensity", "lufs"), [(0.0, -22.25), (0.45, -20.0), (0.25, -21.0), (0.85, -18.0), (1.0, -18.0)]
)
def test_louder_where_more_intense_within_limits(intensity: float, lufs: float) -> None:
    assert phase_target_lufs(intensity) == pytest.approx(lufs)
