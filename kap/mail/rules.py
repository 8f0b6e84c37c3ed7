"""What a mail server's answer means, when a letter is tried again, and how that is told. Pure."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class LetterState(StrEnum):
    """Where a letter stands."""

    QUEUED = "queued"
    RETRYING = "retrying"  # tried, and to be tried again
    SENT = "sent"  # a mail server has taken it over; whether it is read nobody knows
    NOT_NEEDED = "not needed"  # it lost its reason before it was sent
    REFUSED = "refused"
    GIVEN_UP = "given up"  # tried for two days
    BOUNCED = "bounced"  # taken over, and then sent back


UNDELIVERED = (LetterState.REFUSED, LetterState.GIVEN_UP, LetterState.BOUNCED)
WAITING = (LetterState.QUEUED, LetterState.RETRYING)


class Step(StrEnum):
    """How far the conversation with the mail server had come."""

    CONNECT = "connect"  # with TLS and sign-in
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"  # the server was asked to take the letter and has not seen all of it
    HANDED_OVER = "handed over"  # it has seen all of it, or may have


class Reason(StrEnum):
    """Why a letter was not taken, as far as that can be said without naming anyone."""

    NO_SERVER = "no server"
    UNREACHABLE = "unreachable"
    NOT_SAFE = "not safe"
    SIGN_IN = "sign-in"
    TOO_SLOW = "too slow"
    BROKE_OFF = "broke off"
    MAY_HAVE_ARRIVED = "may have arrived"
    LATER = "later"
    SENDER_REFUSED = "sender refused"
    ADDRESS_REFUSED = "address refused"
    ADDRESS_KNOWN_BAD = "address known bad"
    NO_ADDRESS = "no address"
    LETTER_REFUSED = "letter refused"
    SENT_BACK = "sent back"
    EXPIRED = "expired"
    QUIET = "quiet"
    FAULT = "fault"


WORDS: dict[Reason, str] = {
    Reason.NO_SERVER: "No mail server is set up.",
    Reason.UNREACHABLE: "The mail server could not be reached.",
    Reason.NOT_SAFE: "The mail server offers no safe connection.",
    Reason.SIGN_IN: "The mail server did not let us in.",
    Reason.TOO_SLOW: "The mail server did not answer in time.",
    Reason.BROKE_OFF: "The mail server broke off before it had the letter.",
    Reason.MAY_HAVE_ARRIVED: (
        "The connection broke while the letter was handed over. It may have arrived, and may arrive twice."
    ),
    Reason.LATER: "The mail server asked to try again later.",
    Reason.SENDER_REFUSED: "The mail server does not take letters from our sender address.",
    Reason.ADDRESS_REFUSED: "The mail server refused the recipient's address.",
    Reason.ADDRESS_KNOWN_BAD: "Letters to this address did not arrive before, so it was not tried.",
    Reason.NO_ADDRESS: "There is no e-mail address to send it to.",
    Reason.LETTER_REFUSED: "The mail server refused the letter.",
    Reason.SENT_BACK: "It was sent back: the address takes no letters.",
    Reason.EXPIRED: "It was sent back: it could not be delivered in time.",
    Reason.QUIET: "It waits for the end of the quiet hours.",
    Reason.FAULT: "Something went wrong on our side; the log names the place.",
}

# Growing pauses: soon enough for a restart of the server and for greylisting, and about two days in all
# (RFC 5321 section 4.5.4.1 asks for pauses of half an hour at least, once the first tries have failed).
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 60, 180, 360, 720, 1440))

_ENHANCED = re.compile(rb"^([245])\.(\d{1,3})\.(\d{1,3})\b")  # RFC 3463
MAILBOX, POLICY = ("1", "2"), "7"


class Verdict(StrEnum):
    SENT = "sent"
    AGAIN = "again"
    FINAL = "final"


@dataclass(frozen=True)
class Outcome:
    """What one attempt came to. `code` is the server's status and nothing of its words."""

    verdict: Verdict
    reason: Reason | None = None
    code: str = ""
    address_is_bad: bool = False


SENT = Outcome(Verdict.SENT)


def judged(step: Step, code: int, words: bytes = b"") -> Outcome:
    """What the server's refusal at this step means. `code` is its reply, 4xx or 5xx.

    Before the sender is named a refusal is about us and not about the letter: a password that was changed, a
    server that is being moved. So it is tried again, whatever the code.
    """
    found = _ENHANCED.match(words)
    shown = f"{code} {found[0].decode()}" if found else str(code)
    if step is Step.CONNECT:
        return Outcome(Verdict.AGAIN, Reason.SIGN_IN if 500 <= code < 600 else Reason.LATER, shown)
    if not 500 <= code < 600:
        return Outcome(Verdict.AGAIN, Reason.LATER, shown)
    if step is Step.SENDER:
        return Outcome(Verdict.FINAL, Reason.SENDER_REFUSED, shown)
    if step is Step.RECIPIENT:
        is_mailbox = found is None or found[2].decode() in MAILBOX
        reason = Reason.ADDRESS_REFUSED if is_mailbox else Reason.LETTER_REFUSED
        return Outcome(Verdict.FINAL, reason, shown, address_is_bad=is_mailbox)
    return Outcome(Verdict.FINAL, Reason.LETTER_REFUSED, shown)


def broken(step: Step, *, timed_out: bool) -> Outcome:
    """What it means that the conversation ended at this step without an answer."""
    if step is Step.HANDED_OVER:
        return Outcome(Verdict.AGAIN, Reason.MAY_HAVE_ARRIVED)
    if timed_out:
        return Outcome(Verdict.AGAIN, Reason.TOO_SLOW)
    return Outcome(Verdict.AGAIN, Reason.UNREACHABLE if step is Step.CONNECT else Reason.BROKE_OFF)


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts, at least one; None when it is given up."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def sentence(reason: Reason | None) -> str:
    return WORDS[reason] if reason else ""
