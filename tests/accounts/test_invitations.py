"""Invitations: one use, some days, one holder."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import time_machine
from flask import Flask
from sqlalchemy import select

from kap.accounts.models import Invitation, User
from kap.config import Config
from kap.crypto import token_digest
from kap.db import db, transaction
from kap.jobs.models import Job
from kap.mail.models import SentLetter
from tests.conftest import Browser, Cast

At = Callable[[str], Browser]
NEW = {"name": "Nora Nettle", "email": "nora@example.org", "role": "therapist"}
CHOSEN = {"password": "willow kettle orbit nine", "repeat": "willow kettle orbit nine"}
LINK = re.compile(r'value="http://127\.0\.0\.1:8000(/invitation/[^"]+)"')
OVER = "This invitation was used, revoked or has run out. Please ask for a new one."
MORNING = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def link_in(page: str) -> str:
    [path] = LINK.findall(page)
    return str(path)


def invite(ana: Browser) -> str:
    answer = ana.post("/people/invite", NEW)
    assert answer.status_code == 200, answer.text
    return link_in(answer.text)


def nora() -> User:
    return next(user for user in db.session.scalars(select(User)) if user.name == "Nora Nettle")


def test_a_colleague_is_invited_and_comes(at_browser: At, anyone: Browser) -> None:
    path = invite(at_browser("ana"))
    page = anyone.get(path)
    assert page.status_code == 200
    assert "Welcome, Nora Nettle" in page.text
    assert anyone.post(path, CHOSEN).headers["Location"] == "/"
    assert anyone.get("/").status_code == 200
    assert anyone.get("/people").status_code == 403
    anyone.post("/sign-out")
    assert anyone.sign_in("Nora@example.org", CHOSEN["password"]).status_code == 302


def test_the_link_is_shown_once_and_only_its_digest_is_kept(at_browser: At) -> None:
    ana = at_browser("ana")
    token = invite(ana).removeprefix("/invitation/")
    assert token not in ana.get("/people").text
    row = db.session.scalars(select(Invitation)).one()
    assert row.token_digest == token_digest(token)
    columns = db.session.execute(select(Invitation.__table__)).mappings().one()
    assert token not in [str(value) for value in columns.values()]


def test_a_link_works_once(at_browser: At, app: Flask) -> None:
    path = invite(at_browser("ana"))
    assert Browser(app).post(path, CHOSEN).status_code == 302
    late = Browser(app)
    assert late.get(path).status_code == 404
    answer = late.post(path, CHOSEN)
    assert answer.status_code == 404
    assert OVER in answer.text


def test_two_who_open_the_link_at_once(at_browser: At, app: Flask) -> None:
    path = invite(at_browser("ana"))
    browsers = [Browser(app) for _ in range(4)]
    headers = [{"X-CSRFToken": browser.token(), "Sec-Fetch-Site": "same-origin"} for browser in browsers]
    db.session.rollback()
    ready = threading.Barrier(len(browsers))
    answers: list[int] = []

    def accept(number: int) -> None:
        data = {key: f"{value} {number}" for key, value in CHOSEN.items()}
        ready.wait()
        with app.app_context():
            answers.append(browsers[number].client.post(path, data=data, headers=headers[number]).status_code)

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(len(browsers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers)[0] == 302
    assert set(sorted(answers)[1:]) <= {404, 409}


def test_a_link_runs_out(at_browser: At, anyone: Browser) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        path = invite(at_browser("ana"))
        clock.shift(timedelta(days=7) - timedelta(seconds=1))
        assert anyone.get(path).status_code == 200
        clock.shift(timedelta(seconds=1))
        assert anyone.get(path).status_code == 404
        assert anyone.post(path, CHOSEN).status_code == 404


def test_a_revoked_link_is_dead(at_browser: At, anyone: Browser) -> None:
    ana = at_browser("ana")
    path = invite(ana)
    assert ana.post(f"/people/{nora().id}/revoke").status_code == 302
    assert anyone.get(path).status_code == 404
    assert anyone.post(path, CHOSEN).status_code == 404
    assert nora().password_hash is None


def test_a_new_link_ends_the_one_before(at_browser: At, anyone: Browser) -> None:
    ana = at_browser("ana")
    first = invite(ana)
    second = link_in(ana.post(f"/people/{nora().id}/invite").text)
    assert anyone.get(first).status_code == 404
    assert anyone.get(second).status_code == 200


def test_a_second_link_never_replaces_a_password(at_browser: At, anyone: Browser, app: Flask) -> None:
    """Two links made in the same moment are both open: the one that was not handed over must open nothing."""
    ana = at_browser("ana")
    first = invite(ana)
    second = link_in(ana.post(f"/people/{nora().id}/invite").text)
    with transaction():
        for row in db.session.scalars(select(Invitation)):
            row.revoked_at = None
    assert anyone.post(first, CHOSEN).status_code == 302
    other = {"password": "harbour violet signal two", "repeat": "harbour violet signal two"}
    assert Browser(app).post(second, other).status_code == 409
    anyone.post("/sign-out")
    assert anyone.sign_in("nora@example.org", CHOSEN["password"]).status_code == 302


def test_closing_an_account_ends_its_invitation(at_browser: At, anyone: Browser) -> None:
    ana = at_browser("ana")
    path = invite(ana)
    ana.post(f"/people/{nora().id}/close")
    assert anyone.get(path).status_code == 404


def test_nobody_who_has_accepted_is_invited_again(at_browser: At, cast: Cast) -> None:
    answer = at_browser("ana").post(f"/people/{cast.theo.id}/invite")
    assert answer.status_code == 409
    assert "already accepted" in answer.text


def test_weak_and_unequal_passwords_are_refused_and_the_link_stays_good(at_browser: At, app: Flask) -> None:
    path = invite(at_browser("ana"))
    guest = Browser(app)
    for password, repeat, sentence in (
        ("short", "short", "Please use at least 10 characters"),
        ("password1234", "password1234", "would be guessed too soon"),
        ("nora nettle", "nora nettle", "would be guessed too soon"),
        (CHOSEN["password"], "another", "The two are not the same."),
        ("x" * 201, "x" * 201, "Please use at most 200 characters."),
    ):
        answer = guest.post(path, {"password": password, "repeat": repeat})
        assert answer.status_code == 422
        assert sentence in answer.text
    assert guest.post(path, CHOSEN).status_code == 302


def test_an_address_that_is_taken_keeps_what_was_typed(at_browser: At) -> None:
    answer = at_browser("ana").post("/people/invite", NEW | {"email": "Theo@example.org"})
    assert answer.status_code == 409
    assert "Someone already signs in with this e-mail address." in answer.text
    assert 'value="Nora Nettle"' in answer.text
    assert 'value="Theo@example.org"' in answer.text


def test_a_patient_cannot_be_made_staff_by_their_id(at_browser: At, cast: Cast) -> None:
    assert cast.pia.user_id is not None
    ana = at_browser("ana")
    for verb in ("invite", "revoke", "close", "reopen"):
        assert ana.post(f"/people/{cast.pia.user_id}/{verb}").status_code == 404
        assert ana.post(f"/people/{cast.zoe.id}/{verb}").status_code == 404


def test_where_mail_is_set_up_no_link_is_shown(app: Flask, config: Config, at_browser: At) -> None:
    app.extensions["kap.config"] = replace(config, smtp_url="smtp://127.0.0.1:9")
    answer = at_browser("ana").post("/people/invite", NEW)
    assert answer.headers["Location"] == "/people"
    job = db.session.scalars(select(Job)).one()
    invitation = db.session.scalars(select(Invitation)).one()
    assert job.task == "mail.send"
    letter = db.session.scalars(select(SentLetter)).one()
    assert job.arguments == {"letter": str(letter.id), "attempt": 1}
    assert letter.arguments == {"invitation_id": str(invitation.id)}


def test_a_closed_account_can_be_reopened(at_browser: At, cast: Cast, anyone: Browser) -> None:
    ana = at_browser("ana")
    ana.post(f"/people/{cast.tess.id}/close")
    assert anyone.sign_in("tess@example.org").status_code == 422
    ana.post(f"/people/{cast.tess.id}/reopen")
    assert anyone.sign_in("tess@example.org").status_code == 302


def test_nobody_closes_their_own_account(at_browser: At, cast: Cast) -> None:
    answer = at_browser("ana").post(f"/people/{cast.ana.id}/close")
    assert answer.status_code == 422
    assert "You cannot close your own account." in answer.text
