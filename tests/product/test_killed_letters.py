"""A worker that is killed while it talks to the mail server: another sends the letter, once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from kap import mail
from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import actions as accounts
from kap.app import create_app
from kap.clock import now
from kap.config import Config
from kap.db import db, transaction
from kap.mail.models import SentLetter
from kap.mail.rules import LetterState
from tests.mail.server import RECIPIENT, Server, serving
from tests.product.conftest import Running, running
from tests.product.test_killed_worker import _until, _worker_of


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def product(tmp_path: Path, server: Server) -> Iterator[Running]:
    settings = {"KAP_SMTP_URL": server.url, "KAP_JOB_LEASE_SECONDS": "2", "KAP_JOB_THREADS": "1"}
    with running(tmp_path / "instance", **settings) as product:
        yield product


@pytest.fixture
def beside(product: Running, server: Server) -> Iterator[Flask]:
    app = create_app(Config(instance=product.instance, smtp_url=server.url))
    with app.app_context():
        yield app
        db.session.close()
        db.engine.dispose()


def test_the_letter_arrives_once(product: Running, beside: Flask, server: Server) -> None:
    server.is_in_trouble(RECIPIENT, "hang")
    with transaction():
        practice = accounts.found_practice(name="Linden", zone="UTC", help_text="", at=now())
        actor = Actor.system(practice.id)
        user = accounts.enter_user(
            practice=practice, role=Role.THERAPIST, name="T", email="t@example.org", actor=actor, at=now()
        )
        invitation, _ = accounts.invite(user, actor=actor, days=7, at=now())
        mail.post("accounts.invitation", practice_id=practice.id, invitation_id=invitation.id)
    _until(lambda: "RCPT" in server.heard)
    os.kill(_worker_of(product), signal.SIGKILL)
    server.is_in_trouble("", b"")
    _until(lambda: db.session.scalars(select(SentLetter)).one().state is LetterState.SENT)
    letter = db.session.scalars(select(SentLetter)).one()
    assert [each["Message-ID"] for each in server.letters] == [letter.message_id]
    assert letter.attempts == 1
