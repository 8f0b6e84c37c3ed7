import pytest

from kap.sessions.programme import PhaseSpan, Programme
from tests.sessions.conftest import PLAN


def test_a_plan_becomes_what_the_room_shows() -> None:
    programme = Programme.of(PLAN)
    assert programme.length_s == 120
    assert programme.phases == (
        PhaseSpan("Settle", 0, 0.5),
        PhaseSpan("Peak", 0.5, 80 / 60),
        PhaseSpan("Return", 80 / 60, 2),
    )
    assert [minute for minute, _ in programme.points] == [0, 0.5, 80 / 60, 2]
    assert [intensity for _, intensity in programme.points] == pytest.approx([0.1, 0.4, 0.65, 0.1])
    assert [mark["start"] for mark in programme.marks()["phases"]] == [0, 30, 80]


@pytest.mark.parametrize(("reached_s", "titles"), [(0, ["Moss"]), (59.9, ["Moss"]), (60, ["Moss", "Tide"])])
def test_tracks_that_had_begun(reached_s: float, titles: list[str]) -> None:
    assert [track.title for track in Programme.of(PLAN).begun_by(reached_s)] == titles
