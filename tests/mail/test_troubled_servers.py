"""A conversation with a real socket at the other end that hangs, drips, refuses or leaves, at every step."""

import smtplib
import time
from collections.abc import Iterator

import pytest

from kap.config import Config
from kap.mail import Letter
from kap.mail.rules import SENT, Outcome, Reason, Verdict
from kap.mail.smtp import deliver
from tests.mail.server import CONTENT, DATA, DONE, GREETING, QUIT, RECIPIENT, SENDER, Server, Trouble, serving

LETTER = Letter(to="pia@example.org", subject="A line", text="Hello.\n.a line that begins with a dot\n")
MESSAGE_ID = "<one@linden.example>"
UNSUBSCRIBE = f"https://kap.linden.example/stop/{'x' * 150}"
BEFORE = (GREETING, "EHLO", SENDER, RECIPIENT, DATA)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def hand_over(server: Server, letter: Letter = LETTER, *, seconds: int = 1) -> Outcome:
    config = Config(
        smtp_url=server.url, mail_from="Linden <kap@linden.example>", mail_timeout_seconds=seconds
    )
    return deliver(config, letter, message_id=MESSAGE_ID)


def test_a_letter_arrives_as_it_was_written(server: Server) -> None:
    assert hand_over(server) == SENT
    (arrived,) = server.letters
    assert (arrived["Message-ID"], arrived["To"], arrived["Auto-Submitted"]) == (
        MESSAGE_ID, "pia@example.org", "auto-generated",
    )  # fmt: skip
    assert "\n..a line" in arrived.get_payload().replace("\r", "")  # type: ignore[union-attr] # the quoted dot


@pytest.mark.parametrize("trouble", ["hang", "drip"])
@pytest.mark.parametrize("at", [*BEFORE, DONE])
def test_a_server_that_hangs_or_drips_is_left_when_the_time_is_up(
    server: Server, at: str, trouble: Trouble
) -> None:
    server.is_in_trouble(at, trouble)
    started = time.monotonic()
    outcome = hand_over(server)
    assert time.monotonic() - started < 5
    expected = Reason.MAY_HAVE_ARRIVED if at == DONE else Reason.TOO_SLOW
    assert outcome == Outcome(Verdict.AGAIN, expected)


@pytest.mark.parametrize("at", [*BEFORE, CONTENT, DONE])
def test_a_server_that_leaves_loses_nothing(server: Server, at: str) -> None:
    server.is_in_trouble(at, "drop")
    outcome = hand_over(server)
    expected = {
        GREETING: Reason.UNREACHABLE,
        "EHLO": Reason.UNREACHABLE,
        CONTENT: Reason.MAY_HAVE_ARRIVED,
        DONE: Reason.MAY_HAVE_ARRIVED,
    }.get(at, Reason.BROKE_OFF)
    assert outcome == Outcome(Verdict.AGAIN, expected)
    assert len(server.letters) == (1 if at == DONE else 0)


@pytest.mark.parametrize(
    ("at", "answer", "outcome"),
    [
        (GREETING, b"554 no service", Outcome(Verdict.AGAIN, Reason.SIGN_IN, "554")),
        (GREETING, b"421 busy", Outcome(Verdict.AGAIN, Reason.LATER, "421")),
        (SENDER, b"451 4.7.1 later", Outcome(Verdict.AGAIN, Reason.LATER, "451 4.7.1")),
        (SENDER, b"550 5.1.8 who", Outcome(Verdict.FINAL, Reason.SENDER_REFUSED, "550 5.1.8")),
        (RECIPIENT, b"450 4.2.0 greylisted", Outcome(Verdict.AGAIN, Reason.LATER, "450 4.2.0")),
        (RECIPIENT, b"550 5.1.1 <pia@example.org>",
         Outcome(Verdict.FINAL, Reason.ADDRESS_REFUSED, "550 5.1.1", address_is_bad=True)),
        (DATA, b"452 full", Outcome(Verdict.AGAIN, Reason.LATER, "452")),
        (DATA, b"554 no", Outcome(Verdict.FINAL, Reason.LETTER_REFUSED, "554")),
        (DONE, b"451 later", Outcome(Verdict.AGAIN, Reason.LATER, "451")),
        (DONE, b"554 5.6.0 spam", Outcome(Verdict.FINAL, Reason.LETTER_REFUSED, "554 5.6.0")),
        (SENDER, b"nonsense", Outcome(Verdict.AGAIN, Reason.LATER, "-1")),
    ],
)  # fmt: skip
def test_a_refusal_is_understood(server: Server, at: str, answer: bytes, outcome: Outcome) -> None:
    server.is_in_trouble(at, answer)
    assert hand_over(server) == outcome


@pytest.mark.parametrize("trouble", ["drop", "hang", b"500 what"])
def test_a_server_that_does_not_say_goodbye_has_the_letter_all_the_same(
    server: Server, trouble: Trouble
) -> None:
    server.is_in_trouble(QUIT, trouble)
    assert (hand_over(server), len(server.letters)) == (SENT, 1)


def test_nobody_listening_is_tried_again() -> None:
    with serving() as server:
        url = server.url
    outcome = deliver(Config(smtp_url=url), LETTER, message_id=MESSAGE_ID)
    assert outcome == Outcome(Verdict.AGAIN, Reason.UNREACHABLE)


def test_a_password_is_not_told_without_tls(server: Server) -> None:
    url = server.url.replace("smtp://", "smtp://kap:secret@")
    outcome = deliver(Config(smtp_url=url), LETTER, message_id=MESSAGE_ID)
    assert (outcome, server.heard) == (Outcome(Verdict.AGAIN, Reason.NOT_SAFE), ["EHLO", "QUIT"][:1])


def test_a_server_that_speaks_no_tls_where_it_should_is_not_safe(server: Server) -> None:
    url = server.url.replace("smtp://", "smtps://")
    outcome = deliver(Config(smtp_url=url, mail_timeout_seconds=2), LETTER, message_id=MESSAGE_ID)
    assert outcome == Outcome(Verdict.AGAIN, Reason.NOT_SAFE)


def test_an_address_the_server_cannot_write_is_refused_for_good(server: Server) -> None:
    outcome = hand_over(server, Letter(to="pía@example.org", subject="A line", text="Hello.\n"))
    assert outcome == Outcome(Verdict.FINAL, Reason.LETTER_REFUSED, "553 5.6.7")
    assert server.letters == []


def test_letters_that_may_be_stopped_say_so_in_their_head(server: Server) -> None:
    hand_over(server, Letter(to="pia@example.org", subject="A", text="B", unsubscribe=UNSUBSCRIBE))
    (arrived,) = server.letters
    assert arrived["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_line_break_in_an_address_adds_no_line(server: Server) -> None:
    with pytest.raises((ValueError, smtplib.SMTPException)):
        hand_over(server, Letter(to="pia@example.org\r\nBcc: eve@example.org", subject="A", text="B"))
    assert server.letters == []
