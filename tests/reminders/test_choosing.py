"""What a patient and a practice choose about letters, and stopping them without a sign-in."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select
from time_machine import Traveller

from kap.access.audit import Event
from kap.db import db, transaction
from kap.patients.reasons import Kind
from kap.reminders import queries
from kap.reminders.letters import stop_token
from kap.reminders.models import LetterChoice
from kap.reminders.rules import Limits, Quiet
from tests.conftest import Browser, Cast
from tests.home.conftest import given
from tests.mail.postbox import Postbox, text_of
from tests.reminders.conftest import Sweep

At = Callable[[str], Browser]
EVERY = [kind.value for kind in Kind]
OWN = {
    "kind": ["appointment", "write"],
    "quiet_from": "22:30",
    "quiet_until": "09:15",
    "zone": "Europe/Lisbon",
}
GENERAL = {
    "kind": EVERY, "quiet_from": "20:00", "quiet_until": "07:30", "per_day": "1", "per_week": "3",
    "signature": "Anna and Paul",
}  # fmt: skip


def choice(cast: Cast) -> LetterChoice | None:
    db.session.rollback()
    db.session.expire_all()
    return queries.choice_of(cast.pia)


def test_a_patient_chooses_kinds_hours_and_zone(cast: Cast, at_browser: At) -> None:
    pia = at_browser("pia")
    page = pia.get("/my/reminders").text
    assert page.count(" checked") == len(EVERY)
    assert "21:00 to 08:00" in page
    assert "(Europe/Berlin)" in page
    assert pia.post("/my/reminders", {**OWN, "version": "0"}).headers["Location"] == "/my/reminders"
    found = choice(cast)
    assert found is not None
    assert (found.quiet, found.zone) == (Quiet(22 * 60 + 30, 9 * 60 + 15), "Europe/Lisbon")
    assert found.kinds_off == {Kind.PREPARE, Kind.PAPERS, Kind.ANSWER}
    page = pia.get("/my/reminders").text
    assert page.count(" checked") == 2
    assert 'value="22:30"' in page
    pia.post("/my/reminders", {"kind": EVERY, "version": str(found.version)})
    found = choice(cast)
    assert found is not None
    assert (found.quiet, found.zone, found.off) == (None, None, [])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"zone": "Europe/Atlantis"}, "This is not a time zone."),
        ({"quiet_until": ""}, "Please give both times, or neither."),
        ({"quiet_from": ""}, "Please give both times, or neither."),
        ({"quiet_from": "late"}, "Not a valid time value."),
    ],
)
def test_a_slip_is_told_and_what_was_chosen_is_still_there(
    cast: Cast, at_browser: At, wrong: dict[str, str], sentence: str
) -> None:
    answer = at_browser("pia").post("/my/reminders", {**OWN, **wrong, "version": "0"})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert answer.text.count(" checked") == 2
    assert choice(cast) is None


def test_two_tabs_do_not_overwrite_each_other(cast: Cast, at_browser: At) -> None:
    pia = at_browser("pia")
    pia.post("/my/reminders", {**OWN, "version": "0"})
    answer = pia.post("/my/reminders", {"kind": EVERY, "version": "0"})
    assert answer.status_code == 409
    assert "This was changed somewhere else" in answer.text
    assert 'name="version" type="hidden" value="1"' in answer.text
    assert answer.text.count(" checked") == len(EVERY)


def test_a_practice_sets_what_holds_for_everyone(cast: Cast, at_browser: At) -> None:
    ana = at_browser("ana")
    assert 'value="21:00"' in ana.get("/practice/letters").text
    assert ana.post("/practice/letters", GENERAL).headers["Location"] == "/practice/letters"
    db.session.expire_all()
    general = queries.rules_of(cast.practice.id)
    assert (general.quiet, general.limits) == (Quiet(20 * 60, 7 * 60 + 30), Limits(1, 3))
    assert "20:00 to 07:30" in at_browser("pia").get("/my/reminders").text
    assert queries.rules_of(cast.other.id).limits == Limits(2, 7)
    for wrong in ({"per_day": "0"}, {"per_week": "x"}, {"quiet_from": ""}, {"signature": "x" * 81}):
        assert ana.post("/practice/letters", {**GENERAL, **wrong}).status_code == 422


def test_what_the_practice_does_not_send_now_is_not_turned_off_by_the_way(cast: Cast, at_browser: At) -> None:
    at_browser("ana").post("/practice/letters", {**GENERAL, "kind": ["appointment", "write"]})
    pia = at_browser("pia")
    assert "Someone answered you" not in pia.get("/my/reminders").text
    pia.post("/my/reminders", {"kind": ["appointment"], "version": "0"})
    found = choice(cast)
    assert found is not None
    assert found.off == ["write"]


def _stop_path(postbox: Postbox) -> str:
    (letter,) = postbox.letters
    address: str
    (address,) = re.findall(r"http://127\.0\.0\.1:8000(/stop/\S+)", text_of(letter))
    assert letter["List-Unsubscribe"] == f"<http://127.0.0.1:8000{address}>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return address


def test_a_letters_link_stops_its_kinds_without_a_sign_in(
    cast: Cast, postbox: Postbox, sweep: Sweep, anyone: Browser
) -> None:
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    sweep()
    path = _stop_path(postbox)
    page = anyone.get(path).text
    assert "Something to read or do is due" in page
    assert "Pia" not in page
    assert choice(cast) is None  # opening changes nothing: programs look into every link
    stopped = anyone.post(path)
    assert "From now on you get no more letters" in stopped.text
    found = choice(cast)
    assert found is not None
    assert found.off == ["prepare"]
    assert "They come again" in anyone.post(f"{path}/undo").text
    found = choice(cast)
    assert found is not None
    assert found.off == []


def test_a_mail_program_stops_them_in_one_step(
    app: Flask, cast: Cast, postbox: Postbox, sweep: Sweep, anyone: Browser
) -> None:
    """RFC 8058: a POST from anywhere, without a token of ours and without cookies."""
    given(cast.pia, cast.theo, "intention", date(2026, 11, 21))
    sweep()
    path = _stop_path(postbox)
    db.session.rollback()
    with app.app_context():
        answer = app.test_client().post(path, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.text) == (200, "Stopped.\n")
    given(cast.pia, cast.theo, "what-kap-is", date(2026, 11, 21))
    sweep()
    assert len(postbox.letters) == 1


def test_a_link_that_was_altered_stops_nothing(cast: Cast, anyone: Browser, clock: Traveller) -> None:
    with transaction():
        token = stop_token(cast.pia, [Kind.WRITE])
    for wrong in (token.replace(".", ".A"), "x" + token, "x", token.split(".")[0]):
        assert anyone.get(f"/stop/{wrong}").status_code == 404
        assert anyone.post(f"/stop/{wrong}").status_code == 404
    assert choice(cast) is None


def test_a_pause_by_the_care_team_is_logged_and_undone(cast: Cast, at_browser: At) -> None:
    theo = at_browser("theo")
    path = f"/patients/{cast.pia.id}/letters"
    theo.post(f"{path}/pause")
    assert "Reminders are paused" in theo.get(path).text
    theo.post(f"{path}/go-on")
    assert "Pause reminders" in theo.get(path).text
    acts = db.session.scalars(select(Event.act).where(Event.patient_id == cast.pia.id)).all()
    assert acts.count("reminders:patient:pause") == 2


def test_what_a_patient_chose_is_not_shown_to_the_care_team(cast: Cast, at_browser: At) -> None:
    at_browser("pia").post("/my/reminders", {**OWN, "kind": ["appointment"], "version": "0"})
    log = at_browser("theo").get(f"/patients/{cast.pia.id}/letters").text
    assert "Lisbon" not in log
    assert "No letter has gone out yet" in log
    assert [event.act for event in db.session.scalars(select(Event)) if "own:choose" in event.act] == []
