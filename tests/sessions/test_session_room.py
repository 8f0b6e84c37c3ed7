import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import select, text

from kap.access.audit import Event
from kap.db import db, own_transaction, transaction
from kap.music.models import MixState
from kap.problems import Conflict
from kap.sessions import actions, queries
from kap.sessions.models import DosingSession, Route, SessionNote, SessionState
from tests.conftest import NOON, Browser, Cast
from tests.sessions.conftest import TOMORROW, address, fresh, make_mix, make_playlist

At = Callable[[str], Browser]
SECRET = "She wept for the first time in years"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def opened(cast: Cast, planned: DosingSession) -> DosingSession:
    with transaction():
        actions.open_session(planned, actor=cast.actor("theo"), at=NOON)
    return planned


def notes(session: DosingSession) -> list[SessionNote]:
    db.session.rollback()
    return queries.notes_of(session)


def client_id(page: str) -> str:
    found = re.search(r'name="client_id" type="hidden" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_session_from_opening_to_its_record(
    cast: Cast, at_browser: At, planned: DosingSession, clock: time_machine.Traveller
) -> None:
    theo = at_browser("theo")
    assert "Ready to play" in theo.get(address(planned)).text
    theo.post(address(planned, "open"))
    room = theo.get(address(planned)).text
    assert 'data-theme="night"' in room
    assert "<title>Session · Linden</title>" in room  # it may appear on a lock screen
    row = fresh(planned)
    assert (row.state, row.opened_at) == (SessionState.OPEN, NOON)
    assert [f'src="/mixes/{row.mix_id}/{kind}"' in room for kind in ("opus", "m4a")] == [True, True]

    assert theo.post(address(planned, "music-started"), {"position": "0.4"}).status_code == 204
    clock.shift(timedelta(minutes=1))
    theo.post(address(planned, "music-started"), {"position": "60.0"})
    theo.post(address(planned, "notes"), {"text": "Breathing slows.", "music_s": "60.4"})
    clock.shift(timedelta(minutes=1))
    theo.post(address(planned, "notes"), {"quick": "Settled"})
    theo.post(address(planned, "close"))

    row = fresh(planned)
    assert (row.state, row.music_started_at) == (SessionState.CLOSED, NOON)
    assert (row.music_reached_s, row.closed_at) == (60.0, NOON + timedelta(minutes=2))
    record = theo.get(address(planned)).text
    assert "It came to 1:00 of 2:00." in record
    assert record.index("13:01</time>, 1:00 into the music, Theo Thorne") < record.index("Settled")
    assert "2 min" in record


def test_every_change_is_in_the_log(cast: Cast, at_browser: At, planned: DosingSession) -> None:
    theo = at_browser("theo")
    for act in ("open", "music-started", "music-started", "notes", "close", "reopen"):
        theo.post(address(planned, act), {"text": "One"})
    db.session.rollback()
    events = db.session.scalars(
        select(Event).where(Event.act == "sessions:session:record").order_by(Event.at)
    ).all()
    assert [event.subject for event in events] == [
        "dosing_session",
        "dosing_session",
        "session_note",
        "dosing_session",
        "dosing_session",
    ]
    assert {(event.actor_id, event.patient_id) for event in events} == {(cast.theo.id, cast.pia.id)}


def test_notes_are_sealed(cast: Cast, at_browser: At, opened: DosingSession) -> None:
    theo = at_browser("theo")
    theo.post(address(opened, "notes"), {"text": SECRET})
    db.session.rollback()
    [raw] = db.session.scalars(text("SELECT text_sealed FROM session_note"))
    assert SECRET.encode() not in bytes(raw)
    assert SECRET in theo.get(address(opened)).text


def test_a_note_sent_twice_is_added_once(cast: Cast, at_browser: At, opened: DosingSession) -> None:
    theo = at_browser("theo")
    sent = {"text": "Asked for water.", "client_id": client_id(theo.get(address(opened)).text)}
    first, second = (theo.post(address(opened, "notes"), sent) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert [note.text for note in notes(opened)] == ["Asked for water."]


def test_other_words_under_a_used_name_are_kept_and_not_added(
    cast: Cast, at_browser: At, opened: DosingSession
) -> None:
    theo, name = at_browser("theo"), str(uuid4())
    theo.post(address(opened, "notes"), {"text": "One", "client_id": name})
    answer = theo.post(address(opened, "notes"), {"text": "Two", "client_id": name})
    assert answer.status_code == 409
    assert ">Two</textarea>" in answer.text
    theo.post(address(opened, "notes"), {"text": "Two", "client_id": client_id(answer.text)})
    assert sorted(note.text for note in notes(opened)) == ["One", "Two"]


@pytest.mark.parametrize(("words", "status"), [("  ", 422), ("a" * 20_001, 422), ("a" * 20_000, 303)])
def test_how_long_a_note_can_be(
    cast: Cast, at_browser: At, opened: DosingSession, words: str, status: int
) -> None:
    answer = at_browser("theo").post(address(opened, "notes"), {"text": words})
    assert answer.status_code == status
    assert (words.strip() in answer.text) is (status == 422)


def test_a_note_is_only_text(cast: Cast, at_browser: At, opened: DosingSession) -> None:
    theo = at_browser("theo")
    theo.post(address(opened, "notes"), {"text": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in theo.get(address(opened)).text


def test_a_button_and_typed_words_make_one_note(cast: Cast, at_browser: At, opened: DosingSession) -> None:
    at_browser("theo").post(address(opened, "notes"), {"text": "Eyes open.", "quick": "Settled"})
    assert [note.text for note in notes(opened)] == ["Settled. Eyes open."]


def test_a_script_gets_the_notes_back(
    cast: Cast, at_browser: At, opened: DosingSession, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(minutes=10))
    theo, json = at_browser("theo"), {"Accept": "application/json"}
    theo.post(address(opened, "notes"), {"text": "Now"}, headers=json)
    late = {"text": "Earlier", "age_s": "240", "music_s": "1e9"}  # waited four minutes for a connection
    html = theo.post(address(opened, "notes"), late, headers=json).get_json()["html"]
    assert html.index("Now") < html.index("Earlier")  # newest first in the room
    assert [(note.text, note.at, note.music_s) for note in notes(opened)] == [
        ("Earlier", NOON + timedelta(minutes=6), 120.0),
        ("Now", NOON + timedelta(minutes=10), None),
    ]
    refused = theo.post(address(opened, "notes"), {"text": ""}, headers=json)
    assert (refused.status_code, refused.get_json()) == (422, {"error": "Write a few words first."})


def test_opening_twice_is_told_in_the_room(cast: Cast, at_browser: At, planned: DosingSession) -> None:
    theo = at_browser("theo")
    theo.post(address(planned, "open"))
    answer = theo.post(address(planned, "open"))
    assert answer.status_code == 409
    assert "This session is open already." in answer.text
    assert "data-player" in answer.text


def test_two_therapists_open_in_the_same_moment(cast: Cast, planned: DosingSession) -> None:
    mine = db.session.get_one(DosingSession, planned.id)
    db.session.commit()  # mine stays as it was read
    with own_transaction() as other:
        other.get_one(DosingSession, planned.id).state = SessionState.OPEN
    with pytest.raises(Conflict, match="in the same moment"):
        actions.open_session(mine, actor=cast.actor("theo"), at=NOON)
    assert mine.state is SessionState.OPEN  # as the other made it
    db.session.rollback()


def test_a_patient_is_in_one_session_at_a_time(cast: Cast, at_browser: At, opened: DosingSession) -> None:
    with transaction():
        second = actions.plan(
            cast.pia,
            wanted=actions.Plan(TOMORROW, Route.IM, cast.theo.id, None),
            actor=cast.actor("theo"),
        )
    theo = at_browser("theo")
    assert address(opened) in theo.get(address(second)).text
    answer = theo.post(address(second, "open"))
    assert answer.status_code == 409
    assert "Another session of this patient is open. Close that one first." in answer.text
    assert fresh(second).state is SessionState.PLANNED


def test_a_closed_session_cannot_be_closed_or_played_but_still_takes_notes(
    cast: Cast, at_browser: At, opened: DosingSession
) -> None:
    theo = at_browser("theo")
    theo.post(address(opened, "close"))
    again = theo.post(address(opened, "close"))
    assert again.status_code == 409
    assert "This session is closed." in again.text
    assert theo.post(address(opened, "music-started")).status_code == 409
    assert theo.post(address(opened, "notes"), {"text": "Sent late"}).status_code == 303
    assert "Sent late" in theo.get(address(opened)).text


def test_closing_is_undone_within_an_hour(
    cast: Cast, at_browser: At, opened: DosingSession, clock: time_machine.Traveller
) -> None:
    theo = at_browser("theo")
    theo.post(address(opened, "close"))
    theo.post(address(opened, "reopen"))
    assert (fresh(opened).state, fresh(opened).closed_at) == (SessionState.OPEN, None)
    theo.post(address(opened, "close"))
    clock.shift(timedelta(hours=2))
    theo = at_browser("theo")
    assert "Reopen this session" not in theo.get(address(opened)).text
    assert theo.post(address(opened, "reopen")).status_code == 409
    assert fresh(opened).state is SessionState.CLOSED


def test_a_planned_session_takes_no_notes(cast: Cast, at_browser: At, planned: DosingSession) -> None:
    answer = at_browser("theo").post(address(planned, "notes"), {"text": "Too early"})
    assert answer.status_code == 409
    assert notes(planned) == []


def test_an_open_session_is_not_planned_anew(cast: Cast, at_browser: At, opened: DosingSession) -> None:
    wanted = {
        "day": "2096-01-01",
        "time": "10:00",
        "route": "iv",
        "therapist": str(cast.theo.id),
        "version": str(opened.version),
    }
    with time_machine.travel("2095-12-01"):
        theo = at_browser("theo")
        assert theo.post(address(opened, "edit"), wanted).status_code == 409
        assert theo.post(address(opened, "cancel")).status_code == 409


def test_music_that_was_rendered_late_is_chosen_in_the_room(
    cast: Cast, at_browser: At, opened: DosingSession
) -> None:
    with transaction():
        late = make_playlist(cast, "Evening wood")
        make_mix(late, state=MixState.WAITING)
    theo = at_browser("theo")
    assert "Evening wood" not in theo.get(address(opened)).text
    assert theo.post(address(opened, "music"), {"playlist": str(late.id)}).status_code == 422
    assert theo.post(address(opened, "music"), {"playlist": ""}).status_code == 422
    with transaction():
        mix = make_mix(late)
    assert "Evening wood" in theo.get(address(opened)).text
    theo.post(address(opened, "music"), {"playlist": str(late.id)})
    assert (fresh(opened).playlist_id, fresh(opened).mix_id) == (late.id, mix.id)
    theo.post(address(opened, "music-started"))
    assert theo.post(address(opened, "music"), {"playlist": str(late.id)}).status_code == 409
    assert "Evening wood" not in theo.get(address(opened)).text


def test_another_practices_music_cannot_be_chosen(cast: Cast, at_browser: At, opened: DosingSession) -> None:
    with transaction():
        theirs = make_playlist(cast, practice="other")
        make_mix(theirs)
    answer = at_browser("theo").post(address(opened, "music"), {"playlist": str(theirs.id)})
    assert answer.status_code == 404


def test_a_session_without_music(cast: Cast, at_browser: At, nothing_required: None) -> None:
    with transaction():
        session = actions.plan(
            cast.pia,
            wanted=actions.Plan(TOMORROW, Route.IM, cast.theo.id, None),
            actor=cast.actor("theo"),
        )
    theo = at_browser("theo")
    assert "No music chosen" in theo.get(address(session)).text
    theo.post(address(session, "open"))
    assert "This session has no music." in theo.get(address(session)).text
    assert theo.post(address(session, "music-started")).status_code == 409
    theo.post(address(session, "notes"), {"text": "Silence", "music_s": "5"})
    assert [note.music_s for note in notes(session)] == [None]
    theo.post(address(session, "close"))
    assert "Not played" in theo.get(address(session)).text


def report(browser: Browser, session: DosingSession, **said: str) -> list[dict[str, object]]:
    sent = {"sounded": "yes", "playing": "yes", "position": "0", **said}
    others: list[dict[str, object]] = browser.post(address(session, "music-started"), sent).get_json()[
        "others"
    ]
    return others


def test_two_devices_see_where_the_other_is(
    cast: Cast, at_browser: At, opened: DosingSession, clock: time_machine.Traveller
) -> None:
    theo = at_browser("theo")
    headphones, speakers = str(uuid4()), str(uuid4())
    assert report(theo, opened, device=headphones, outlet="headphones", position="10") == []
    clock.shift(timedelta(seconds=5))
    assert report(theo, opened, device=speakers, outlet="speakers", sounded="no", playing="no") == [
        {"name": "Headphones", "position": 10.0, "playing": True, "age": 5.0}
    ]
    assert report(theo, opened, device=headphones, outlet="headphones", position="15") == [
        {"name": "Room speakers", "position": 0.0, "playing": False, "age": 0.0}
    ]
    clock.shift(timedelta(minutes=2))  # nothing was heard of the speakers since
    assert report(theo, opened, device=headphones, outlet="nonsense", position="e") == []


def test_a_page_that_only_stands_open_does_not_begin_the_music(
    cast: Cast, at_browser: At, opened: DosingSession
) -> None:
    theo = at_browser("theo")
    report(theo, opened, device=str(uuid4()), sounded="no", playing="no")
    assert fresh(opened).music_started_at is None
    theo.post(address(opened, "close"))
    answer = theo.post(address(opened, "music-started"), {"device": str(uuid4()), "sounded": "no"})
    assert answer.status_code == 409
