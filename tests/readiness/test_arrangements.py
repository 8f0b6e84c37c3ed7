"""Who brings the patient home, and what they confirm: written by the patient, the escort also by the team."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from kap.access.audit import Event
from kap.db import db, transaction
from kap.readiness import actions, queries
from kap.readiness.actions import Overwritten, Wanted
from kap.readiness.forms import mark
from kap.readiness.models import Arrangements
from kap.readiness.rules import Item, State
from kap.readiness.wording import FASTING, TRAVEL
from kap.sessions import actions as sessions
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route
from tests.conftest import Browser, Cast
from tests.readiness.conftest import TODAY, address

At = Callable[[str], Browser]
JSON = {"headers": {"Accept": "application/json"}}
PHONE = "030 555 0142"
FASTED, GOES_HOME = mark(FASTING[Route.IV].text), mark(TRAVEL[Route.IV].text)


def own(session: DosingSession) -> str:
    return f"/my/upcoming/{session.id}"


def row_of(session: DosingSession) -> Arrangements | None:
    db.session.rollback()
    return queries.arrangements_of(session)


def states(session: DosingSession) -> list[State]:
    db.session.rollback()
    found = queries.readiness_of(session, at=TODAY)
    return [found.line(item).state for item in (Item.ESCORT, Item.FASTING, Item.TRAVEL)]


def test_a_patient_arranges_bit_by_bit(planned: DosingSession, at_browser: At) -> None:
    pia = at_browser("pia")
    assert pia.get("/my/upcoming").location == own(planned)
    sent: dict[str, object] = {"version": 0}
    steps: list[tuple[dict[str, object], list[State]]] = [
        ({"escort_name": "Paul"}, [State.NOT_YET, State.MISSING, State.MISSING]),
        ({"escort_phone": PHONE}, [State.GIVEN, State.MISSING, State.MISSING]),
        ({"fasting": FASTED}, [State.GIVEN, State.GIVEN, State.MISSING]),
        ({"travel": GOES_HOME}, [State.GIVEN, State.GIVEN, State.GIVEN]),
        ({"fasting": ""}, [State.GIVEN, State.MISSING, State.GIVEN]),
    ]
    for number, (more, wanted) in enumerate(steps, start=1):
        sent |= more
        answer = pia.post(own(planned), sent, **JSON)
        assert answer.get_json() == {"version": number}
        sent["version"] = number
        assert states(planned) == wanted
    row = row_of(planned)
    assert row is not None
    assert (row.fasting_at, row.travel_at) == (None, TODAY)


def test_the_team_writes_the_escort_and_never_confirms(planned: DosingSession, at_browser: At) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    pia.post(own(planned), {"fasting": FASTED, "version": 0})
    sent = {"escort_name": "Paul", "escort_phone": PHONE, "travel": GOES_HOME, "version": 1}
    assert theo.post(address(planned, "arrangements"), sent).location == address(planned, "readiness")
    assert states(planned) == [State.GIVEN, State.GIVEN, State.MISSING]
    page = theo.get(address(planned, "readiness")).text
    assert [words in page for words in (f"Paul, {PHONE}", "Please confirm")] == [True, False]
    own_page = pia.get(own(planned)).text
    assert [words in own_page for words in (f'value="{PHONE}"', "Please confirm")] == [True, True]


def test_names_and_numbers_are_sealed_and_in_no_log(planned: DosingSession, at_browser: At) -> None:
    at_browser("pia").post(own(planned), {"escort_name": "Paul", "escort_phone": PHONE, "version": 0})
    db.session.rollback()
    raw = db.session.scalars(select(Arrangements.escort_sealed)).one()
    assert [word in bytes(raw) for word in (b"Paul", PHONE.encode())] == [False, False]
    [event] = db.session.scalars(select(Event).where(Event.act == "readiness:arrangements:write"))
    assert (event.subject, event.patient_id) == ("arrangements", planned.patient_id)


def test_two_devices_lose_nothing(planned: DosingSession, at_browser: At) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    pia.post(own(planned), {"escort_name": "Paul", "escort_phone": "1", "version": 0})
    sent = {"escort_name": "Ruth", "escort_phone": "2", "version": 0}
    answer = theo.post(address(planned, "arrangements"), sent, **JSON)
    assert (answer.status_code, answer.get_json()["conflict"]) == (409, {"text": "Paul, 1", "version": 1})
    page = theo.post(address(planned, "arrangements"), sent)
    assert (page.status_code, "Paul, 1" in page.text, 'value="Ruth"' in page.text) == (409, True, True)
    assert theo.post(address(planned, "arrangements"), {**sent, "version": 1}, **JSON).get_json() == {
        "version": 2
    }


def test_too_long_a_name_comes_back(planned: DosingSession, at_browser: At) -> None:
    sent = {"escort_name": "a" * 121, "version": 0}
    pia = at_browser("pia")
    assert pia.post(own(planned), sent, **JSON).status_code == 422
    answer = pia.post(own(planned), sent)
    assert (answer.status_code, "a" * 121 in answer.text, row_of(planned)) == (422, True, None)


def choose(cast: Cast, **own_words: dict[str, str]) -> None:
    with transaction():
        choice = queries.choice_of(cast.practice.id)
        words = {"fasting": {}, "travel": {}, **own_words}
        actions.choose(
            cast.practice,
            required=choice.required,
            plan_months=6,
            version=choice.version,
            actor=cast.actor("theo"),
            at=TODAY,
            **words,
        )


def test_other_words_are_confirmed_anew(cast: Cast, planned: DosingSession, at_browser: At) -> None:
    pia = at_browser("pia")
    pia.post(own(planned), {"fasting": FASTED, "version": 0})
    assert states(planned)[1] is State.GIVEN
    choose(cast, fasting={"iv": "I will come fasting."})
    assert states(planned)[1] is State.NOT_YET
    page = pia.get(own(planned)).text
    assert re.findall(r'<input id="fasting"[^>]*>', page) == [
        f'<input id="fasting" type="checkbox" name="fasting" value="{mark("I will come fasting.")}">'
    ]
    assert "confirmed in another wording" in page.lower()


def test_nobody_confirms_words_they_have_not_seen(cast: Cast, planned: DosingSession, at_browser: At) -> None:
    """The practice changes them between the page and the tick."""
    choose(cast, fasting={"iv": "I will come fasting."})
    pia = at_browser("pia")
    for more in ({}, JSON):
        answer = pia.post(own(planned), {"fasting": FASTED, "escort_name": "Paul", "version": 0}, **more)
        assert answer.status_code == 409
        assert "was changed since you opened this page" in answer.text
    assert row_of(planned) is None


def test_another_route_asks_other_things(cast: Cast, planned: DosingSession, at_browser: At) -> None:
    at_browser("pia").post(own(planned), {"fasting": FASTED, "travel": GOES_HOME, "version": 0})
    with transaction():
        db.session.get_one(DosingSession, planned.id).route = Route.INTRANASAL
    assert states(planned) == [State.MISSING, State.NOT_YET, State.GIVEN]


def test_a_session_that_is_over_takes_no_arrangements(
    cast: Cast, planned: DosingSession, at_browser: At
) -> None:
    with transaction():
        sessions.cancel(db.session.get_one(DosingSession, planned.id), actor=cast.actor("theo"))
    pia, theo = at_browser("pia"), at_browser("theo")
    assert pia.post(own(planned), {"escort_name": "Paul", "version": 0}).status_code == 404
    assert theo.get(address(planned, "readiness")).status_code == 404
    assert "No session is planned" in pia.get("/my/upcoming").text


def test_the_patients_list_holds_only_what_they_can_do(planned: DosingSession, at_browser: At) -> None:
    page = at_browser("pia").get(own(planned)).text
    first, rest = page.split("Everything else")
    links = re.compile(r'<li>\s*<div class="grow">\s*<a href="([^"]+)">([^<]+)</a>')
    arrangements = f"{own(planned)}#arrangements"
    assert links.findall(first) == [
        ("/my/consents", "Consents"),
        ("/my/screening", "Screening"),
        (arrangements, "Escort"),
        (arrangements, "Food and drink"),
        (arrangements, "Way home"),
        ("/my/music", "Music likes and no-gos"),
        ("/my/safety-plan", "Safety plan"),
    ]
    assert [title for _, title in links.findall(rest)] == ["Guides", "Intention"]  # the team gives these


def test_the_pages_never_call_anyone_safe(cast: Cast, planned: DosingSession, at_browser: At) -> None:
    theo, pia = at_browser("theo"), at_browser("pia")
    pages = [
        theo.get(address(planned)).text,
        theo.get(address(planned, "readiness")).text,
        theo.get("/").text,
        pia.get(own(planned)).text,
    ]
    for page in pages:
        assert re.findall(r"(?i)\bcleared\b|\bis safe\b|\bare safe\b|\bfit for treatment\b", page) == []


def test_two_first_pages_in_the_same_moment(
    cast: Cast, planned: DosingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction():
        actions.arrange(planned, Wanted("Paul", "1"), version=0, actor=cast.actor("pia"), at=TODAY)
    monkeypatch.setattr(queries, "arrangements_of", lambda _: None)  # as the other saw it
    with pytest.raises(Overwritten):
        actions.arrange(planned, Wanted("Ruth", "2"), version=0, actor=cast.actor("theo"), at=TODAY)
    db.session.rollback()
