"""Signing in: who gets in, who does not, and what happens to what they were writing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from kap.access.audit import Event
from kap.accounts.models import BrowserSession, Throttle, User
from kap.accounts.passwords import hasher
from kap.accounts.rules import MAX_FAILURES_ACCOUNT, MAX_FAILURES_ADDRESS
from kap.clock import now
from kap.crypto import token_digest
from kap.db import db, transaction
from tests.conftest import PASSWORD, Browser, Cast

At = Callable[[str], Browser]
TOKEN = re.compile(r'(?:name="csrf-token" content|name="csrf_token" value)="[^"]*"')
MORNING = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def test_a_therapist_signs_in_and_out(anyone: Browser, cast: Cast) -> None:
    assert anyone.sign_in("Theo@Example.org ").headers["Location"] == "/"
    assert anyone.get("/account").status_code == 200
    assert anyone.post("/sign-out").headers["Location"] == "/sign-in"
    assert anyone.get("/account").headers["Location"] == "/sign-in?next=/account"


def test_signing_out_ends_the_session_on_the_server_too(anyone: Browser, cast: Cast, app: Flask) -> None:
    anyone.sign_in("theo@example.org")
    stolen = anyone.client.get_cookie("kap")
    assert stolen is not None
    anyone.post("/sign-out")
    thief = Browser(app)
    thief.client.set_cookie("kap", stolen.value)
    assert thief.get("/account").status_code == 302


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(app: Flask, cast: Cast) -> None:
    def answer_to(email: str, password: str) -> tuple[int, str]:
        answer = Browser(app).sign_in(email, password)
        return answer.status_code, TOKEN.sub("", answer.text).replace(email, "")

    known = answer_to("theo@example.org", "some other password")
    assert (
        known
        == answer_to("nobody@example.org", "some other password")
        == answer_to("x@example.org", PASSWORD)
    )
    status, page = known
    assert (status, page.count("That e-mail address and password do not go together.")) == (422, 1)
    assert "some other password" not in page


def test_a_closed_account_gets_the_answer_of_a_wrong_password(anyone: Browser, cast: Cast) -> None:
    with transaction():
        cast.theo.closed_at = now()
    answer = anyone.sign_in("theo@example.org")
    assert answer.status_code == 422
    assert "do not go together" in answer.text


def test_someone_invited_who_never_came_cannot_sign_in(anyone: Browser, cast: Cast) -> None:
    with transaction():
        cast.theo.password_hash = None
    assert anyone.sign_in("theo@example.org", "").status_code == 422
    assert anyone.sign_in("theo@example.org", "the password of nobody").status_code == 422


def test_a_name_nobody_has_is_hashed_like_any_other(anyone: Browser, cast: Cast, app: Flask) -> None:
    class Counting:
        """The real hasher, which counts."""

        def __init__(self) -> None:
            self.verified = 0
            self.real = hasher()

        def hash(self, password: str) -> str:
            return self.real.hash(password)

        def verify(self, stored: str, password: str) -> bool:
            self.verified += 1
            return bool(self.real.verify(stored, password))

    counting = Counting()
    app.extensions["kap.hasher"] = counting
    anyone.sign_in("theo@example.org", "wrong")
    anyone.sign_in("nobody@example.org", "wrong")
    assert counting.verified == 2


def test_an_account_closes_for_a_while_after_too_many_tries(anyone: Browser, cast: Cast) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        for _ in range(MAX_FAILURES_ACCOUNT):
            assert anyone.sign_in("theo@example.org", "wrong").status_code == 422
        answer = anyone.sign_in("theo@example.org")
        assert answer.status_code == 429
        assert "Please wait a quarter of an hour" in answer.text
        assert anyone.sign_in("tess@example.org").status_code == 302  # others come in
        anyone.post("/sign-out")
        clock.shift(timedelta(minutes=15))
        assert anyone.sign_in("theo@example.org").status_code == 302


def test_a_name_nobody_has_is_throttled_alike(anyone: Browser, cast: Cast) -> None:
    for _ in range(MAX_FAILURES_ACCOUNT):
        anyone.sign_in("nobody@example.org", "wrong")
    assert anyone.sign_in("nobody@example.org", "wrong").status_code == 429


def test_an_address_closes_after_many_names(anyone: Browser, cast: Cast) -> None:
    for number in range(MAX_FAILURES_ADDRESS):
        anyone.sign_in(f"name{number}@example.org", "wrong")
    assert anyone.sign_in("theo@example.org").status_code == 429


def test_a_success_forgets_earlier_failures(anyone: Browser, cast: Cast) -> None:
    for _ in range(MAX_FAILURES_ACCOUNT - 1):
        anyone.sign_in("theo@example.org", "wrong")
    anyone.sign_in("theo@example.org")
    anyone.post("/sign-out")
    for _ in range(MAX_FAILURES_ACCOUNT - 1):
        assert anyone.sign_in("theo@example.org", "wrong").status_code == 422
    assert anyone.sign_in("theo@example.org").status_code == 302


def test_throttles_hold_no_address(anyone: Browser, cast: Cast) -> None:
    anyone.sign_in("theo@example.org", "wrong")
    buckets = db.session.scalars(select(Throttle.bucket)).all()
    assert {len(bucket) for bucket in buckets} == {64}
    assert not any("theo" in bucket or "127" in bucket for bucket in buckets)


def test_the_database_holds_no_token(anyone: Browser, cast: Cast) -> None:
    anyone.sign_in("theo@example.org")
    with anyone.client.session_transaction() as session:
        token = session["_user_id"]
    row = db.session.scalars(select(BrowserSession)).one()
    assert row.token_digest == token_digest(token)
    assert row.token_digest != token


@pytest.mark.parametrize(("who", "idle"), [("theo", timedelta(minutes=30)), ("pia", timedelta(minutes=120))])
def test_a_sign_in_ends_when_nobody_asks_for_a_while(at_browser: At, who: str, idle: timedelta) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        browser = at_browser(who)
        clock.shift(idle - timedelta(minutes=1))
        assert browser.get("/account").status_code == 200
        clock.shift(idle - timedelta(minutes=1))  # it was used meanwhile
        assert browser.get("/account").status_code == 200
        clock.shift(idle)
        assert browser.get("/account").status_code == 302


@pytest.mark.parametrize(("who", "hours", "step"), [("theo", 12, 20), ("pia", 72, 110)])
def test_a_sign_in_ends_at_last_however_much_it_is_used(
    at_browser: At, who: str, hours: int, step: int
) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        browser = at_browser(who)
        for _ in range(hours * 60 // step):
            clock.shift(timedelta(minutes=step))
            if now() - MORNING < timedelta(hours=hours):
                assert browser.get("/account").status_code == 200
        clock.move_to(MORNING + timedelta(hours=hours))
        assert browser.get("/account").status_code == 302


def test_closing_an_account_ends_its_sign_ins_at_once(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    at_browser("ana").post(f"/people/{cast.theo.id}/close")
    assert theo.get("/account").status_code == 302


def test_a_page_asked_for_before_signing_in_is_where_one_arrives(anyone: Browser, cast: Cast) -> None:
    asked = anyone.get("/patients?q=pia&page=2")
    assert asked.status_code == 302
    assert asked.headers["Location"] == "/sign-in?next=/patients?q%3Dpia%26page%3D2"
    page = anyone.get(asked.headers["Location"])
    assert '<input type="hidden" name="next" value="/patients?q=pia&amp;page=2">' in page.text
    arrived = anyone.post(
        "/sign-in",
        {"email": "theo@example.org", "password": PASSWORD, "next": "/patients?q=pia&page=2"},
    )
    assert arrived.headers["Location"] == "/patients?q=pia&page=2"


FOREIGN = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    " //evil.example",
]


@pytest.mark.parametrize("target", FOREIGN)
def test_a_sign_in_never_leads_elsewhere(anyone: Browser, cast: Cast, target: str) -> None:
    page = anyone.get("/sign-in", query_string={"next": target})
    assert "evil" not in page.text
    answer = anyone.post(
        "/sign-in", {"email": "theo@example.org", "password": PASSWORD, "next": target, "held-text": "words"}
    )
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"


def test_a_script_and_a_part_of_a_page_are_told_in_their_own_way(anyone: Browser, cast: Cast) -> None:
    script = anyone.get("/account", headers={"Accept": "application/json"})
    assert (script.status_code, script.json) == (401, {"error": "Please sign in."})
    part = anyone.get(
        "/account", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/my/journal?page=2"}
    )
    assert part.status_code == 401
    assert part.headers["HX-Redirect"] == "/sign-in?next=/my/journal?page%3D2"
    foreign = anyone.get(
        "/account", headers={"HX-Request": "true", "HX-Current-URL": "http://evil.example/x"}
    )
    assert foreign.headers["HX-Redirect"] == "/sign-in?next=/"


def test_a_form_without_its_token_changes_nothing(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    answer = theo.post(f"/patients/{cast.pia.id}/archive", headers={"X-CSRFToken": "forged"})
    assert answer.status_code == 401
    db.session.refresh(cast.pia)
    assert cast.pia.archived_at is None


def test_a_script_without_its_token_gets_a_new_one(at_browser: At, cast: Cast) -> None:
    answer = at_browser("theo").post(
        "/account/password", headers={"X-CSRFToken": "old", "Accept": "application/json"}
    )
    assert answer.status_code == 400
    assert sorted(answer.json or {}) == ["csrf_token", "error", "user"]


def test_a_script_learns_whose_token_it_gets(at_browser: At, anyone: Browser, cast: Cast) -> None:
    """So that words of someone who was signed in before on this device do not enter another's journal."""
    late = {"X-CSRFToken": "old", "Accept": "application/json"}
    for browser, user in ((at_browser("pau"), str(cast.pau.user_id)), (anyone, None)):
        answer = browser.post(f"/my/journal/{uuid4()}", {"text": "Pia's words"}, headers=late)
        assert (answer.status_code, (answer.json or {})["user"]) == (400, user)


WORDS = {"name": "Pia Pine", "phone": "030 1234", "version": "1", "password": "secret"}


def test_words_outlive_an_expired_sign_in(at_browser: At, cast: Cast) -> None:
    path = f"/patients/{cast.pia.id}/edit"
    with time_machine.travel(MORNING, tick=False) as clock:
        theo = at_browser("theo")
        clock.shift(timedelta(hours=13))
        refused = theo.post(path, WORDS)
        assert refused.status_code == 401
        assert '<input type="hidden" name="held-phone" value="030 1234">' in refused.text
        assert f'<input type="hidden" name="next" value="{path}">' in refused.text
        assert "secret" not in refused.text
        held = {"held-name": "Pia Pine", "held-phone": "030 1234", "held-version": "1", "next": path}
        mistyped = theo.post("/sign-in", {"email": "theo@example.org", "password": "wrong", **held})
        assert mistyped.status_code == 422
        assert '<input type="hidden" name="held-phone" value="030 1234">' in mistyped.text
        resumed = theo.post("/sign-in", {"email": "theo@example.org", "password": PASSWORD, **held})
        assert resumed.status_code == 200
        assert f'<form class="form" method="post" action="{path}">' in resumed.text
        assert '<input type="hidden" name="phone" value="030 1234">' in resumed.text
        again = {"name": "Pia Pine", "phone": "030 1234", "version": cast.pia.version}
        assert theo.post(path, again).status_code == 302
    db.session.refresh(cast.pia)
    assert cast.pia.phone == "030 1234"


def test_words_outlive_a_sign_in_whose_own_token_was_old(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    held = {"held-phone": "030 1234", "next": "/patients/new", "email": "theo@example.org"}
    again = theo.post("/sign-in", held, headers={"X-CSRFToken": "old"})
    assert again.status_code == 401
    assert '<input type="hidden" name="held-phone" value="030 1234">' in again.text
    assert '<input type="hidden" name="next" value="/patients/new">' in again.text
    assert "held-held" not in again.text


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}], ids=["foreign", "sibling"]
)
def test_words_from_a_strangers_page_are_not_kept(
    anyone: Browser, cast: Cast, headers: dict[str, str]
) -> None:
    answer = anyone.post("/patients/new", {"name": "planted"}, headers=headers)
    assert answer.status_code == 401
    assert "planted" not in answer.text


def test_words_from_a_page_of_unknown_origin_are_not_kept(anyone: Browser, cast: Cast) -> None:
    def refused(**headers: str) -> str:
        with anyone.client.application.app_context():
            return anyone.client.post("/patients/new", data={"name": "planted"}, headers=headers).text

    assert "planted" not in refused()
    assert "planted" not in refused(Origin="https://evil.example")
    assert "planted" in refused(Origin="http://localhost")  # an older browser of ours


def test_a_button_pressed_too_late_leads_back_to_its_page(anyone: Browser, cast: Cast) -> None:
    path = f"/patients/{cast.pia.id}"
    answer = anyone.post(f"{path}/archive", headers={"Referer": f"http://localhost{path}"})
    assert answer.status_code == 401
    assert f'<input type="hidden" name="next" value="{path}">' in answer.text
    foreign = anyone.post(f"{path}/archive", headers={"Referer": "https://evil.example/x"})
    assert '<input type="hidden" name="next" value="/">' in foreign.text


def test_signing_in_is_written_down_without_the_address(at_browser: At, cast: Cast) -> None:
    at_browser("theo")
    event = db.session.scalars(select(Event).where(Event.act == "accounts:self:sign-in")).one()
    assert (event.actor_id, event.practice_id, event.patient_id) == (cast.theo.id, cast.practice.id, None)


def test_names_and_addresses_are_sealed(cast: Cast) -> None:
    user = db.session.get_one(User, cast.theo.id)
    assert b"Theo" not in user.name_sealed
    assert b"theo" not in user.email_sealed
    assert (user.name, user.email) == ("Theo Thorne", "theo@example.org")
