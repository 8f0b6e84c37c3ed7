"""What is copied is one piece alone; everything else is encoded, and nothing is left out or heard twice."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kap.audio import RATE
from kap.audio.errors import PlanError
from kap.audio.packets import CODECS
from kap.audio.plan import GRID, Element, MixPlan, Surplus, Voice, plan_mix
from kap.audio.splice import WARM_UP, Copy, passages, track_key
from tests.audio.test_plan import any_element, any_piece


@st.composite
def any_plan(draw: st.DrawFn) -> MixPlan | None:
    elements: list[Element] = draw(st.lists(any_element, min_size=1, max_size=6))
    calm = draw(st.lists(any_piece(), min_size=1, max_size=2))
    length_s = draw(st.floats(20, 1200))
    at_s = draw(st.floats(0, length_s - 10))
    voices = draw(st.sampled_from([(), (Voice(Path("v.flac"), at_s, 5.0, digest="v"),)]))
    try:
        return plan_mix(elements, length_s=length_s, surplus=Surplus(tuple(calm), 120), voices=voices)
    except PlanError:
        return None


@given(any_plan())
def test_passages_cover_any_mix_once_and_copies_are_one_piece_alone(plan: MixPlan | None) -> None:
    if plan is None:
        return
    found = passages(plan)
    assert found[0].start == 0
    assert found[-1].stop >= plan.total_samples + max(codec.lead for codec in CODECS.values())
    for before, after in pairwise(found):
        assert before.stop == after.start
        assert isinstance(before, Copy) != isinstance(after, Copy)
    for passage in found:
        assert (passage.start % GRID, passage.stop % GRID) == (0, 0)
        if isinstance(passage, Copy):
            check_copy(plan, passage)


def check_copy(plan: MixPlan, copy: Copy) -> None:
    segment = copy.segment
    together = [s for s in plan.segments if s.start < copy.stop and s.stop > copy.start]
    assert together == [segment]
    assert segment.start + segment.crossfade_in + RATE <= copy.start
    assert copy.stop <= segment.stop - segment.crossfade_out
    assert plan.fade_in + RATE <= copy.start
    assert copy.stop <= plan.total_samples - plan.fade_out
    assert all(hush.stop <= copy.start or hush.start >= copy.stop for hush in plan.hushes)
    assert all(v.duck_stop <= copy.start or v.duck_start >= copy.stop for v in plan.voices)
    for kind, codec in CODECS.items():
        first, last = copy.packets(kind)
        assert (last - first) * codec.frame == copy.stop - copy.start
        assert 0 <= first < last <= segment.available // codec.frame
        assert len(track_key(segment, kind)) == 64


def test_a_warm_up_takes_whole_frames_of_every_kind() -> None:
    assert [WARM_UP % codec.frame for codec in CODECS.values()] == [0, 0]
