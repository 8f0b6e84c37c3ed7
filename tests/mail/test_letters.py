"""Letters through a real SMTP server: what arrives, is refused or tried again, and what the log says."""

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from kap import mail
from kap.access.permissions import Role
from kap.accounts import actions as accounts
from kap.clock import now
from kap.db import Model, db, transaction
from kap.jobs.models import Job, JobState
from kap.mail import posting, queries
from kap.mail.models import BadAddress, SentLetter
from kap.mail.rules import PAUSES, WORDS, LetterState, Reason
from tests.conftest import Browser, Cast
from tests.mail.postbox import Postbox, postbox, text_of
from tests.mail.server import DONE, RECIPIENT, Server, serving

__all__ = ["postbox"]


@pytest.fixture
def invited(postbox: Postbox, cast: Cast, at_browser: Callable[[str], Browser]) -> Browser:
    """Ana's browser, after she has invited Nils by mail."""
    ana = at_browser("ana")
    form = {"name": "Nils Nord", "email": "nils@example.org", "role": "therapist"}
    assert ana.post("/people/invite", form).status_code in (302, 303)
    return ana


def _fresh() -> None:
    db.session.rollback()
    db.session.expire_all()


def _job() -> Job:
    _fresh()
    return db.session.scalars(
        select(Job).where(Job.task == "mail.send").order_by(Job.made_at.desc(), Job.run_at.desc()).limit(1)
    ).one()


def _letter() -> SentLetter:
    _fresh()
    return db.session.scalars(select(SentLetter).order_by(SentLetter.made_at.desc()).limit(1)).one()


def _stands(letter: SentLetter) -> tuple[LetterState, Reason | None, str, int]:
    return letter.state, letter.reason, letter.code, letter.attempts


def _let_it_be_time() -> None:
    """The pause before the next attempt is over."""
    with transaction():
        _job().run_at = now()


def test_an_invitation_arrives_and_its_link_works(
    postbox: Postbox, invited: Browser, anyone: Browser, work: Callable[[], int]
) -> None:
    work()
    (letter,) = postbox.letters
    assert (letter["To"], letter["From"]) == ("nils@example.org", "kap@linden.example")
    assert letter["Subject"] == "Your invitation from Linden"
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/invitation/\S+)", text_of(letter))
    assert anyone.get(path).status_code == 200
    assert _job().state is JobState.DONE
    assert _stands(_letter()) == (LetterState.SENT, None, "", 1)
    assert letter["Message-ID"] == _letter().message_id


def test_nothing_of_the_letter_stands_in_the_job(
    postbox: Postbox, invited: Browser, work: Callable[[], int]
) -> None:
    assert set(_job().arguments) == {"letter", "attempt"}
    work()
    (letter,) = postbox.letters
    token = re.findall(r"/invitation/(\S+)", text_of(letter))[0]
    stored = " ".join(
        str(row)
        for name in (Job.__tablename__, SentLetter.__tablename__, BadAddress.__tablename__)
        for row in db.session.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 - our own names
    )
    for secret in ("nils", "Nils", "invitation/", "Your invitation", token):
        assert secret not in stored


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
    letter = _letter()
    assert _stands(letter) == (LetterState.RETRYING, Reason.UNREACHABLE, "", 1)
    assert letter.next_at is not None
    assert timedelta(0) < letter.next_at - now() <= PAUSES[0]
    assert (_job().state, _job().arguments["attempt"], postbox.letters) == (JobState.WAITING, 2, [])
    _let_it_be_time()
    app.extensions["kap.config"] = there
    work()
    assert (_job().state, len(postbox.letters)) == (JobState.DONE, 1)
    assert _stands(_letter()) == (LetterState.SENT, None, "", 2)


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
    assert (postbox.letters, _job().state, _letter().state) == ([], JobState.DONE, LetterState.NOT_NEEDED)


@pytest.fixture
def troubled(app: Flask, cast: Cast) -> Iterator[Server]:
    """The product set up to use a server that gets into trouble."""
    with serving() as server:
        app.extensions["kap.config"] = replace(
            app.extensions["kap.config"], smtp_url=server.url, mail_timeout_seconds=1
        )
        yield server


@pytest.fixture
def posted(troubled: Server, cast: Cast) -> SentLetter:
    """An invitation to a patient who has not come yet."""
    with transaction():
        pia = cast.pia
        assert pia.user is not None
        pia.user.password_hash = None
        invitation, _ = accounts.invite(pia.user, actor=cast.actor("theo"), days=7, at=now())
        return mail.post(
            "accounts.invitation", practice_id=pia.practice_id, patient_id=pia.id, invitation_id=invitation.id
        )


def test_a_letter_that_may_have_arrived_is_sent_again_as_the_same(
    troubled: Server, posted: SentLetter, anyone: Browser, work: Callable[[], int]
) -> None:
    troubled.is_in_trouble(DONE, "drop")
    work()
    assert _stands(_letter()) == (LetterState.RETRYING, Reason.MAY_HAVE_ARRIVED, "", 1)
    troubled.is_in_trouble("", b"")
    _let_it_be_time()
    work()
    assert _stands(_letter()) == (LetterState.SENT, None, "", 2)
    first, second = troubled.letters
    assert first["Message-ID"] == second["Message-ID"] == posted.message_id
    # A mail program may show the first of two that are the same, so its link must work as well.
    assert text_of(first) == text_of(second)
    (path,) = re.findall(r"(/invitation/\S+)", text_of(first))
    assert anyone.get(path).status_code == 200


def test_a_letter_is_given_up_after_two_days_and_then_waits_for_someone(
    troubled: Server, posted: SentLetter, work: Callable[[], int]
) -> None:
    troubled.is_in_trouble(RECIPIENT, b"451 4.3.0 later")
    for attempt in range(1, len(PAUSES) + 1):
        work()
        assert _stands(_letter()) == (LetterState.RETRYING, Reason.LATER, "451 4.3.0", attempt)
        _let_it_be_time()
    work()
    assert _stands(_letter()) == (LetterState.GIVEN_UP, Reason.LATER, "451 4.3.0", len(PAUSES) + 1)
    assert (_job().state, _job().error) == (JobState.FAILED, WORDS[Reason.LATER])


def test_a_refused_address_is_not_tried_until_it_is_changed_or_given_another_chance(
    troubled: Server, posted: SentLetter, cast: Cast, work: Callable[[], int]
) -> None:
    troubled.is_in_trouble(RECIPIENT, b"550 5.1.1 pia@example.org is nobody")
    work()
    first = _letter()
    assert _stands(first) == (LetterState.REFUSED, Reason.ADDRESS_REFUSED, "550 5.1.1", 1)
    assert posting.is_bad(cast.practice.id, " Pia@Example.org ")
    assert not posting.is_bad(cast.practice.id, "pia@elsewhere.example")
    assert not posting.is_bad(cast.other.id, "pia@example.org")
    troubled.is_in_trouble("", b"")
    with transaction():
        mail.post(first.name, practice_id=first.practice_id, patient_id=first.patient_id, **first.arguments)
    work()
    assert _stands(_letter())[:2] == (LetterState.REFUSED, Reason.ADDRESS_KNOWN_BAD)
    assert troubled.letters == []
    with transaction():
        posting.post_again(db.session.get_one(SentLetter, first.id), at=now())
    work()
    assert (_stands(_letter())[0], len(troubled.letters)) == (LetterState.SENT, 1)
    assert not posting.is_bad(cast.practice.id, "pia@example.org")
    assert troubled.letters[0]["Message-ID"] != first.message_id


def test_an_attempt_is_not_made_twice(troubled: Server, posted: SentLetter, work: Callable[[], int]) -> None:
    """As when a worker falls silent after its attempt, and another takes its job over."""
    work()
    with transaction():
        job = _job()
        job.state, job.run_at = JobState.WAITING, now()
    work()
    assert (len(troubled.letters), _letter().attempts) == (1, 1)


def test_a_fault_of_our_own_is_an_end_too(
    troubled: Server, posted: SentLetter, work: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mail.composing.COMPOSERS, "accounts.invitation", lambda **_: 1 / 0)
    for _ in range(5):
        work()
        _let_it_be_time()
    assert _stands(_letter())[:2] == (LetterState.GIVEN_UP, Reason.FAULT)


def test_the_log_keeps_practices_and_patients_apart(posted: SentLetter, cast: Cast) -> None:
    _fresh()
    assert [each.id for each in db.session.scalars(queries.letters_of_patient(cast.pia.id))] == [posted.id]
    assert list(db.session.scalars(queries.letters_of_patient(cast.pau.id))) == []
    assert list(db.session.scalars(queries.letters_of_practice(cast.practice.id))) == []


def test_no_table_holds_an_address_in_plain(posted: SentLetter, work: Callable[[], int]) -> None:
    work()
    everything = " ".join(
        str(row)
        for table in Model.metadata.sorted_tables
        for row in db.session.execute(text(f'SELECT * FROM "{table.name}"'))  # noqa: S608 - our own names
    )
    assert "pia@example.org" not in everything


def test_a_server_that_hangs_is_not_asked_for_every_letter(
    troubled: Server, posted: SentLetter, cast: Cast, work: Callable[[], int]
) -> None:
    with transaction():
        mail.post(
            posted.name, practice_id=posted.practice_id, patient_id=posted.patient_id, **posted.arguments
        )
    troubled.is_in_trouble(RECIPIENT, "hang")
    work()
    assert troubled.heard.count("RCPT") == 1
    _fresh()
    stands = sorted(
        (each.attempts, each.state, each.reason) for each in db.session.scalars(select(SentLetter))
    )
    assert stands == [
        (0, LetterState.RETRYING, Reason.TOO_SLOW),
        (1, LetterState.RETRYING, Reason.TOO_SLOW),
    ]
