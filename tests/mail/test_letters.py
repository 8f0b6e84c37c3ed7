"""Letters through a real SMTP server: what arrives, what is refused, what is tried again."""

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select

from kap import mail
from kap.access.permissions import Role
from kap.accounts import actions as accounts
from kap.clock import now
from kap.db import db, transaction
from kap.jobs.models import Job, JobState
from tests.conftest import Browser, Cast


class Postbox:
    """What the server takes in; `refuse` is the answer to the next recipients."""

    def __init__(self) -> None:
        self.letters: list[Message] = []
        self.refuse = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def postbox(app: Flask) -> Iterator[Postbox]:
    postbox = Postbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(postbox, hostname="127.0.0.1", port=port)
    server.start()
    config = replace(
        app.extensions["kap.config"], smtp_url=f"smtp://127.0.0.1:{port}", mail_from="kap@linden.example"
    )
    app.extensions["kap.config"] = config
    yield postbox
    server.stop()


@pytest.fixture
def invited(postbox: Postbox, cast: Cast, at_browser: Callable[[str], Browser]) -> Browser:
    """Ana's browser, after she has invited Nils by mail."""
    ana = at_browser("ana")
    form = {"name": "Nils Nord", "email": "nils@example.org", "role": "therapist"}
    assert ana.post("/people/invite", form).status_code in (302, 303)
    return ana


def _job() -> Job:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Job).where(Job.task == "mail.send")).one()


def test_an_invitation_arrives_and_its_link_works(
    postbox: Postbox, invited: Browser, anyone: Browser, work: Callable[[], int]
) -> None:
    work()
    (letter,) = postbox.letters
    assert (letter["To"], letter["From"]) == ("nils@example.org", "kap@linden.example")
    assert letter["Subject"] == "Your invitation from Linden"
    text = letter.get_payload(decode=True).decode()  # type: ignore[union-attr]
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/invitation/\S+)", text)
    assert anyone.get(path).status_code == 200
    assert _job().state is JobState.DONE


def test_nothing_of_the_letter_stands_in_the_job(
    postbox: Postbox, invited: Browser, work: Callable[[], int]
) -> None:
    assert set(_job().arguments) == {"name", "invitation_id"}
    work()
    for secret in ("nils", "Nils", "invitation/"):
        assert secret not in str(_job().arguments)


def test_a_refused_address_is_told_and_not_tried_again(
    postbox: Postbox, invited: Browser, work: Callable[[], int]
) -> None:
    postbox.refuse = "550 No such person here"
    work()
    assert (_job().state, _job().error) == (
        JobState.FAILED,
        "The mail server refused the recipient's address.",
    )
    page = invited.get("/").text
    assert "The mail server refused the recipient" in page


def test_a_server_that_is_away_is_tried_again(
    app: Flask, postbox: Postbox, invited: Browser, work: Callable[[], int]
) -> None:
    there = app.extensions["kap.config"]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        app.extensions["kap.config"] = replace(there, smtp_url=f"smtp://127.0.0.1:{nobody.getsockname()[1]}")
        work()
    assert (_job().state, _job().attempts, postbox.letters) == (JobState.WAITING, 1, [])
    with transaction():
        _job().run_at = now()
    app.extensions["kap.config"] = there
    work()
    assert (_job().state, len(postbox.letters)) == (JobState.DONE, 1)


def test_a_revoked_invitation_is_not_sent(
    postbox: Postbox, cast: Cast, work: Callable[[], int], app: Flask
) -> None:
    with transaction():
        actor = cast.actor("ana")
        user = accounts.enter_user(
            practice=cast.practice,
            role=Role.THERAPIST,
            name="N",
            email="n@example.org",
            actor=actor,
            at=now(),
        )
        invitation, _ = accounts.invite(user, actor=actor, days=7, at=now())
        mail.post("accounts.invitation", practice_id=cast.practice.id, invitation_id=invitation.id)
        accounts.revoke_invitations(user, actor=actor, at=now())
    db.session.expire_all()
    work()
    assert (postbox.letters, _job().state) == ([], JobState.DONE)
