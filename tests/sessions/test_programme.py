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


def test_calm_music_after_the_programme_is_told_apart() -> None:
    dew = {"title": "Dew", "artist": "", "start_s": 120.0, "end_s": 180.0, "is_surplus": True}
    plan = PLAN | {"length_s": 180.0, "programme_s": 120.0, "tracks": [*PLAN["tracks"], dew]}
    programme = Programme.of(plan)
    assert (programme.programme_s, programme.surplus_s) == (120, 60)
    assert [track.title for track in programme.programme] == ["Moss", "Tide"]
    assert [track.title for track in programme.surplus] == ["Dew"]
    assert programme.marks()["programme"] == 120


def test_a_mix_of_an_earlier_version_is_all_programme() -> None:
    assert (Programme.of(PLAN).programme_s, Programme.of(PLAN).surplus) == (120, ())


def test_silence_and_spoken_guidance_are_called_what_they_are() -> None:
    silence = {"title": "", "artist": "", "start_s": 60.0, "end_s": 90.0, "is_silence": True}
    voice = {"title": "Arriving", "start_s": 10.0, "end_s": 20.0}
    programme = Programme.of(PLAN | {"tracks": [PLAN["tracks"][0], silence], "voices": [voice]})
    assert [track.words for track in programme.tracks] == [
        "Moss, Kap",
        "Spoken guidance: Arriving",
        "Silence",
    ]
