"""Mail that comes back: delivery status notifications (RFC 3464), read and taken into the log."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from sqlalchemy import select

from kap.clock import now
from kap.db import db
from kap.mail.models import SentLetter
from kap.mail.posting import mark_bad
from kap.mail.rules import LetterState, Reason
from kap.problems import Invalid, NotThere

LARGEST = 10_000_000  # bytes; a notification that quotes a letter of ours is far smaller
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
NOT_A_REPORT = "This is not a delivery status notification (RFC 3464)."
NOT_OURS = "It speaks of no letter that was sent from here."


@dataclass(frozen=True)
class Report:
    """What a notification says: of which letter, whether it failed for good, and the status (RFC 3463)."""

    message_id: str
    failed: bool
    status: str

    @property
    def address_is_bad(self) -> bool:
        """Class 5, about the mailbox: an address that will take no letter tomorrow either."""
        return self.failed and self.status.startswith(("5.0.", "5.1.", "5.2."))


def read_report(raw: bytes) -> Report:
    """Read a notification. Raises `Invalid` for anything else."""
    if len(raw) > LARGEST:
        raise Invalid(NOT_A_REPORT)
    message = message_from_bytes(raw, policy=compat32)
    if message.get_content_type() != "multipart/report" or not message.is_multipart():
        raise Invalid(NOT_A_REPORT)
    parts = list(message.walk())
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    message_id = next(filter(None, map(_message_id, parts[1:])), "")
    if status is None or not message_id:
        raise Invalid(NOT_A_REPORT)
    fields = _recipient_fields(status)
    found = _STATUS.search(fields.get("status", ""))
    return Report(
        message_id=message_id,
        failed=fields.get("action", "").strip().lower() == "failed",
        status=found[0] if found else "",
    )


def take_in(report: Report) -> SentLetter:
    """Write a bounce down. Twice is once, and a delay changes nothing. Raises `NotThere`."""
    letter = db.session.scalars(
        select(SentLetter).where(SentLetter.message_id == report.message_id).with_for_update()
    ).one_or_none()
    if letter is None:
        raise NotThere(NOT_OURS)
    if not report.failed or letter.state is LetterState.BOUNCED:
        return letter
    letter.state, letter.code, letter.ended_at, letter.next_at = (
        LetterState.BOUNCED,
        report.status,
        now(),
        None,
    )
    letter.reason = Reason.SENT_BACK if report.address_is_bad else Reason.EXPIRED
    if report.status.startswith("5.") and not report.address_is_bad:
        letter.reason = Reason.LETTER_REFUSED
    if report.address_is_bad and letter.address_digest:
        mark_bad(letter.practice_id, letter.address_digest, at=now())
    return letter


def _recipient_fields(status: Message) -> dict[str, str]:
    """The fields of the recipient it failed for. Our letters have one; a mailing list may report several."""
    payload = status.get_payload()
    blocks = [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []
    fields = [{name.lower(): str(value) for name, value in block.items()} for block in blocks]
    with_action = [each for each in fields if "action" in each]
    failed = [each for each in with_action if each["action"].strip().lower() == "failed"]
    return next(iter([*failed, *with_action]), {})


def _message_id(part: Message) -> str:
    """The Message-ID of the letter that is quoted, whole or by its head alone."""
    if part.get_content_type() == "message/rfc822":
        payload = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        return str(inner["Message-ID"] or "").strip() if isinstance(inner, Message) else ""
    if part.get_content_type() == "text/rfc822-headers":
        raw = part.get_payload(decode=True)
        return str(message_from_bytes(raw if isinstance(raw, bytes) else b"")["Message-ID"] or "").strip()
    return ""
