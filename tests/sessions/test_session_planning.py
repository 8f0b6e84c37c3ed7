from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import select

from kap.access.audit import Event
from kap.db import db, transaction
from kap.music.models import Playlist
from kap.patients import actions as patients
from kap.sessions.models import DosingSession, Route, SessionState
from tests.conftest import NOON, Browser, Cast
from tests.sessions.conftest import TOMORROW, address, fresh, make_playlist

At = Callable[[str], Browser]


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOON, tick=True):
        yield


def typed(cast: Cast, **changes: str) -> dict[str, str]:
    return {
        "day": "2026-11-24",
        "time": "10:00",
        "route": "iv",
        "therapist": str(cast.theo.id),
        "playlist": "",
        **changes,
    }


def only_session() -> DosingSession:
    db.session.rollback()
    return db.session.scalars(select(DosingSession)).one()


def test_a_session_is_planned_on_the_practices_clock(cast: Cast, at_browser: At, playlist: Playlist) -> None:
    theo = at_browser("theo")
    page = theo.get(f"/patients/{cast.pia.id}/sessions/new").text
    assert f'<option selected value="{cast.theo.id}">Theo Thorne</option>' in page
    assert "Low tide, 2 min, ready to play" in page
    answer = theo.post(f"/patients/{cast.pia.id}/sessions/new", typed(cast, playlist=str(playlist.id)))
    session = only_session()
    assert answer.headers["Location"] == address(session)
    assert session.planned_at == TOMORROW  # ten in Berlin is nine in UTC
    assert (session.route, session.state) == (Route.IV, SessionState.PLANNED)
    assert (session.therapist_id, session.playlist_id) == (cast.theo.id, playlist.id)
    assert "Tuesday 24 November, 10:00" in theo.get(address(session)).text


def test_planning_is_in_the_log(cast: Cast, at_browser: At) -> None:
    at_browser("theo").post(f"/patients/{cast.pia.id}/sessions/new", typed(cast))
    session = only_session()
    event = db.session.scalars(select(Event).where(Event.act == "sessions:session:plan")).one()
    assert (event.actor_id, event.patient_id, event.subject, event.subject_id) == (
        cast.theo.id,
        cast.pia.id,
        "dosing_session",
        session.id,
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"day": ""}, "Please choose a date."),
        ({"day": "soon"}, "Not a valid date value."),
        ({"day": "2026-11-19"}, "This day is over. Choose today or a later day."),
        ({"day": "2096-11-19"}, "Please check the year."),
        ({"day": "0001-01-01"}, "This day is over. Choose today or a later day."),
        ({"day": "9999-12-31"}, "Please check the year."),
        ({"time": ""}, "Please choose a time."),
        ({"time": "25:00"}, "Not a valid time value."),
        ({"route": ""}, "Please choose how the medicine is given."),
        ({"route": "rectal"}, "Not a valid choice."),
        ({"therapist": "nobody"}, "Not a valid choice."),
        ({"playlist": "loud"}, "Not a valid choice."),
        ({"day": "2027-03-28", "time": "02:30"}, "does not come. Did you mean 03:30?"),
        ({"day": "2027-10-31", "time": "02:30"}, "and 02:30 comes twice. Please choose."),
    ],
)
def test_a_plan_that_does_not_hold_is_asked_about_again(
    cast: Cast, at_browser: At, changes: dict[str, str], sentence: str
) -> None:
    answer = at_browser("theo").post(f"/patients/{cast.pia.id}/sessions/new", typed(cast, **changes))
    assert answer.status_code == 422
    assert sentence in answer.text
    db.session.rollback()
    assert db.session.scalars(select(DosingSession)).all() == []


@pytest.mark.parametrize(("occurrence", "hour"), [("first", 0), ("second", 1)])
def test_a_time_that_comes_twice_is_chosen_between(
    cast: Cast, at_browser: At, occurrence: str, hour: int
) -> None:
    theo = at_browser("theo")
    wanted = typed(cast, day="2027-10-31", time="02:30")
    asked = theo.post(f"/patients/{cast.pia.id}/sessions/new", wanted).text
    assert 'name="occurrence"' in asked
    assert 'value="02:30"' in asked
    theo.post(f"/patients/{cast.pia.id}/sessions/new", {**wanted, "occurrence": occurrence})
    session = only_session()
    assert session.planned_at == datetime(2027, 10, 31, hour, 30, tzinfo=UTC)
    again = theo.get(address(session, "edit")).text
    assert f'checked id="occurrence-{0 if hour == 0 else 1}"' in again


def test_only_the_care_team_can_hold_a_session(cast: Cast, at_browser: At) -> None:
    answer = at_browser("theo").post(
        f"/patients/{cast.pia.id}/sessions/new", typed(cast, therapist=str(cast.tess.id))
    )
    assert answer.status_code == 422
    assert "Not a valid choice." in answer.text


def test_another_practices_playlist_is_no_choice(cast: Cast, at_browser: At) -> None:
    with transaction():
        theirs = make_playlist(cast, "Harbour bells", practice="other")
    theo = at_browser("theo")
    assert "Harbour bells" not in theo.get(f"/patients/{cast.pia.id}/sessions/new").text
    answer = theo.post(f"/patients/{cast.pia.id}/sessions/new", typed(cast, playlist=str(theirs.id)))
    assert answer.status_code == 422


def test_a_plan_is_changed(cast: Cast, at_browser: At, planned: DosingSession) -> None:
    theo = at_browser("theo")
    page = theo.get(address(planned, "edit")).text
    assert 'value="2026-11-24"' in page
    assert 'value="10:00"' in page
    answer = theo.post(
        address(planned, "edit"), typed(cast, route="im", day="2026-11-25", version=str(planned.version))
    )
    assert answer.headers["Location"] == address(planned)
    changed = fresh(planned)
    assert (changed.route, changed.playlist_id) == (Route.IM, None)
    assert changed.planned_at == datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def test_a_stale_change_keeps_what_was_typed_and_shows_what_is(
    cast: Cast, at_browser: At, planned: DosingSession
) -> None:
    theo, version = at_browser("theo"), str(planned.version)
    theo.post(address(planned, "edit"), typed(cast, time="11:00", version=version))
    answer = theo.post(address(planned, "edit"), typed(cast, time="16:45", version=version))
    assert answer.status_code == 409
    assert "It now says: Tuesday 24 November, 11:00" in answer.text
    assert 'value="16:45"' in answer.text
    assert fresh(planned).planned_at == datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    now_seen = str(fresh(planned).version)
    assert f'name="version" type="hidden" value="{now_seen}"' in answer.text
    theo.post(address(planned, "edit"), typed(cast, time="16:45", version=now_seen))
    assert fresh(planned).planned_at == datetime(2026, 11, 24, 15, 45, tzinfo=UTC)


def test_a_therapist_who_left_the_team_is_not_quietly_replaced(
    cast: Cast, at_browser: At, planned: DosingSession
) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=NOON)
        db.session.flush()
        patients.leave_team(cast.pia, user_id=cast.theo.id, actor=cast.actor("theo"), at=NOON)
    page = at_browser("tess").get(address(planned, "edit")).text
    assert f'<option selected value="{cast.theo.id}">Theo Thorne, no longer on the care team</option>' in page
    answer = at_browser("tess").post(
        address(planned, "edit"), typed(cast, version=str(fresh(planned).version))
    )
    assert answer.status_code == 422
    assert "Only someone of the care team can hold the session." in answer.text


def test_cancelling_is_undone(cast: Cast, at_browser: At, planned: DosingSession) -> None:
    theo = at_browser("theo")
    theo.post(address(planned, "cancel"))
    assert fresh(planned).state is SessionState.CANCELLED
    page = theo.get(address(planned)).text
    assert address(planned, "reinstate") in page
    assert theo.post(address(planned, "cancel")).status_code == 409
    theo.post(address(planned, "reinstate"))
    assert fresh(planned).state is SessionState.PLANNED


def test_the_practices_own_zone_counts(cast: Cast, at_browser: At) -> None:
    zoe = at_browser("zoe")
    zoe.post(f"/patients/{cast.zed.id}/sessions/new", typed(cast, therapist=str(cast.zoe.id)))
    assert only_session().planned_at == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
