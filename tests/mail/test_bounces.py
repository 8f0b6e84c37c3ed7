"""Mail that comes back: what is read from a notification, and what the log makes of it."""

from collections.abc import Callable
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kap.clock import now
from kap.db import db, transaction
from kap.mail import bounces, posting
from kap.mail.models import SentLetter
from kap.mail.rules import LetterState, Reason
from kap.problems import Invalid, NotThere
from tests.conftest import Browser, Cast

MESSAGE_ID = "<a-letter@linden.example>"


def notification(
    message_id: str = MESSAGE_ID, *, action: str = "failed", status: str = "5.1.1", whole: bool = False
) -> bytes:
    """As Postfix writes one (RFC 3464), with the letter's head or, if `whole`, the letter."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"], report["To"] = "MAILER-DAEMON@mx.example", "kap@linden.example"
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report.attach(MIMEText("I am sorry to tell you that <pia@example.org> could not be reached."))
    fields = MIMEBase("message", "delivery-status")
    general, recipient = Message(), Message()
    general["Reporting-MTA"] = "dns; mx.example"
    recipient["Final-Recipient"] = "rfc822; pia@example.org"
    recipient["Action"], recipient["Status"] = action, status
    recipient["Diagnostic-Code"] = "smtp; 550 5.1.1 <pia@example.org>: no such user"
    fields.set_payload([general, recipient])
    report.attach(fields)
    letter = EmailMessage()
    letter["Message-ID"], letter["To"], letter["Subject"] = (
        message_id,
        "pia@example.org",
        "A reminder for you",
    )
    if whole:
        letter.set_content("Hello")
        part: Message = MIMEBase("message", "rfc822")
        part.attach(letter)
    else:
        part = MIMEText(letter.as_string(), "rfc822-headers")
    report.attach(part)
    return report.as_bytes()


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("action", "status", "failed", "address_is_bad"),
    [
        ("failed", "5.1.1", True, True),
        ("Failed", "5.0.0", True, True),
        ("failed", "5.2.2 (mailbox full)", True, True),
        ("failed", "5.7.1", True, False),
        ("failed", "4.4.1", True, False),
        ("delayed", "4.4.1", False, False),
        ("delivered", "2.0.0", False, False),
    ],
)
def test_what_a_notification_says(
    action: str, status: str, failed: bool, address_is_bad: bool, whole: bool
) -> None:
    report = bounces.read_report(notification(action=action, status=status, whole=whole))
    assert (report.message_id, report.failed, report.address_is_bad) == (MESSAGE_ID, failed, address_is_bad)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Subject: Out of office\r\n\r\nI am away, and this is about <a-letter@linden.example>.",
        b"\xff\x00" * 50,
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x--\r\n",
        notification().replace(b"Message-ID", b"X-Other"),
        notification() + b"x" * (bounces.LARGEST + 1),
    ],
)
def test_anything_else_is_told_apart(raw: bytes) -> None:
    with pytest.raises(Invalid, match="not a delivery status notification"):
        bounces.read_report(raw)


@given(st.binary(max_size=400), st.integers(0, 1000))
def test_broken_mail_breaks_nothing(noise: bytes, at: int) -> None:
    whole = notification()
    place = at % len(whole)
    try:
        bounces.read_report(whole[:place] + noise + whole[place + len(noise) :])
    except Invalid:
        return


@pytest.fixture
def sent(app: Flask, cast: Cast) -> SentLetter:
    with transaction() as session:
        letter = SentLetter(
            practice_id=cast.practice.id, patient_id=cast.pia.id, name="reminders.letter", about=uuid4(),
            arguments={}, message_id=MESSAGE_ID, address_digest=posting.address_digest("pia@example.org"),
            state=LetterState.SENT, attempts=1, code="", made_at=now(), ended_at=now(),
        )  # fmt: skip
        session.add(letter)
    return letter


def _take_in(raw: bytes) -> SentLetter:
    with transaction():
        letter = bounces.take_in(bounces.read_report(raw))
    db.session.expire_all()
    return letter


def test_a_bounce_is_written_down_once_and_the_address_is_known(sent: SentLetter, cast: Cast) -> None:
    for _ in range(2):
        letter = _take_in(notification())
        assert (letter.state, letter.reason, letter.code) == (LetterState.BOUNCED, Reason.SENT_BACK, "5.1.1")
        assert posting.is_bad(cast.practice.id, "pia@example.org")


def test_what_ran_out_of_time_says_nothing_of_the_address(sent: SentLetter, cast: Cast) -> None:
    letter = _take_in(notification(status="4.4.7"))
    assert (letter.state, letter.reason) == (LetterState.BOUNCED, Reason.EXPIRED)
    assert not posting.is_bad(cast.practice.id, "pia@example.org")


def test_a_delay_changes_nothing(sent: SentLetter) -> None:
    assert _take_in(notification(action="delayed", status="4.4.1")).state is LetterState.SENT


def test_a_letter_of_someone_else_is_told_apart(sent: SentLetter) -> None:
    with pytest.raises(NotThere, match="no letter that was sent from here"):
        _take_in(notification("<other@linden.example>"))


def test_the_therapist_finds_it_on_their_home_and_in_the_log(
    sent: SentLetter, cast: Cast, at_browser: Callable[[str], Browser]
) -> None:
    _take_in(notification())
    theo, tess = at_browser("theo"), at_browser("tess")
    assert "A reminder did not reach Pia Pine" in theo.get("/").text
    assert "Letters that did not arrive" not in tess.get("/").text
    log = theo.get(f"/patients/{cast.pia.id}/letters").text
    assert "It was sent back: the address takes no letters." in log
    assert "Letters to pia@example.org do not arrive." in log
    assert "The address takes none" in theo.get(f"/patients/{cast.pia.id}").text
    theo.post(f"/patients/{cast.pia.id}/letters/{sent.id}/aside")
    assert "Letters that did not arrive" not in theo.get("/").text
    theo.post(f"/patients/{cast.pia.id}/letters/{sent.id}/take-up")
    assert "A reminder did not reach Pia Pine" in theo.get("/").text


def test_nobody_sends_again_what_arrived(
    sent: SentLetter, cast: Cast, at_browser: Callable[[str], Browser]
) -> None:
    theo = at_browser("theo")
    assert theo.post(f"/patients/{cast.pia.id}/letters/{sent.id}/again").status_code == 409
    assert theo.post(f"/patients/{cast.pia.id}/letters/{uuid4()}/again").status_code == 404
    _take_in(notification())
    assert theo.post(f"/patients/{cast.pia.id}/letters/{sent.id}/again").status_code == 302
    assert theo.post(f"/patients/{cast.pia.id}/letters/{sent.id}/again").status_code == 409
    db.session.expire_all()
    assert len(db.session.scalars(select(SentLetter)).all()) == 2


def test_the_command_reads_standard_input(tmp_path: Path) -> None:
    from tests.product.conftest import bounce, kap  # noqa: PLC0415

    kap("init", instance=tmp_path / "instance")
    told = bounce(notification(), tmp_path / "instance")
    assert (told.returncode, told.stderr) == (1, b"Error: It speaks of no letter that was sent from here.\n")
    told = bounce(b"nonsense", tmp_path / "instance")
    assert told.stderr == b"Error: This is not a delivery status notification (RFC 3464).\n"
