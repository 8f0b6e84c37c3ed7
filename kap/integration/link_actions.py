"""Links that open one page to write. None of these commits, and none leaves an event: that a patient wants
to write, and when, is theirs to know."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, update

from kap.crypto import new_token, token_digest
from kap.db import db
from kap.integration import actions, queries
from kap.integration import link_queries as links
from kap.integration.link_models import WritingLink
from kap.integration.link_rules import asked_until, reminded_until
from kap.integration.models import JournalEntry
from kap.integration.rules import Writing
from kap.patients.models import Patient
from kap.problems import Conflict

USED = "This link was used, or it has ended. You can have another sent to you, or sign in."
# Longer than any moment lasts. A link that is over is of no use to anyone, and says when somebody wrote.
FORGOTTEN_AFTER = timedelta(days=14)


class GrantEnded(Conflict):
    """What the link allowed is over: it was sent, time ran out, or the entry went on elsewhere."""


def ask(patient: Patient, *, moment: str, session_id: UUID | None, at: datetime) -> WritingLink:
    """A link that the patient asked for; it ends the one they asked for before."""
    _forget_old(patient, at)
    db.session.execute(
        update(WritingLink)
        .where(WritingLink.patient_id == patient.id, WritingLink.asked, WritingLink.opened_at.is_(None))
        .values(ended_at=at)
    )
    return _make(patient, moment, session_id, asked=True, until=at, at=at)


def renew(link: WritingLink, *, minutes: int, at: datetime) -> str:
    """The secret of a link that was asked for, made as its letter is written. It ends the one before."""
    link.expires_at = asked_until(at, minutes)
    return _renewed(link)


def remind(
    patient: Patient, *, moment: str, session_id: UUID | None, until: datetime, at: datetime
) -> str | None:
    """The secret of a link that goes with a reminder; None once a link of that moment was opened.

    Call it as the letter is written. A letter may arrive twice, so each of its links works until one is used.
    """
    _forget_old(patient, at)
    before = links.links_of(patient, moment, session_id)
    if not patient.practice.writing_links or any(link.opened_at for link in before):
        return None
    until = reminded_until(until, at)
    return _renewed(_make(patient, moment, session_id, asked=False, until=until, at=at))


def open_link(link: WritingLink, *, at: datetime) -> str:
    """Use the link up, and those of the same moment with it. Returns the secret of what it grants.

    Raises `Conflict` when somebody was faster.
    """
    if not link.asked:
        _end_others(link, at)
    token = new_token()
    taken = db.session.execute(
        update(WritingLink)
        .where(WritingLink.id == link.id, WritingLink.opened_at.is_(None), WritingLink.ended_at.is_(None))
        .values(opened_at=at, token_digest=None, grant_digest=token_digest(token))
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise Conflict(USED)
    return token


def entry_of(link: WritingLink) -> JournalEntry | None:
    """What was written through this link. Raises `GrantEnded` where it went on elsewhere, or was deleted."""
    entry = queries.entry_by(link.patient, link.entry_id)
    if (entry.version if entry is not None else 0) != link.entry_version:
        raise GrantEnded(USED)
    return entry


def write(link: WritingLink, *, text: str, version: int, at: datetime) -> JournalEntry | None:
    """Put words on the link's page. Raises `GrantEnded`, and `Overwritten` between two pages of this link."""
    queries.locked(link.entry_id)
    entry_of(link)
    writing = Writing(text=text, session_id=link.session_id)
    entry = actions.write(link.patient, entry_id=link.entry_id, writing=writing, version=version, at=at)
    if entry is not None:
        link.entry_version = entry.version
    return entry


def end(link: WritingLink, *, at: datetime) -> None:
    link.ended_at = at


def _make(
    patient: Patient, moment: str, session_id: UUID | None, *, asked: bool, until: datetime, at: datetime
) -> WritingLink:
    link = WritingLink(
        patient=patient,
        patient_id=patient.id,
        session_id=session_id,
        moment=moment,
        asked=asked,
        entry_id=uuid4(),
        entry_version=0,
        made_at=at,
        expires_at=until,
    )
    db.session.add(link)
    db.session.flush()
    return link


def _end_others(link: WritingLink, at: datetime) -> None:
    """Held in one order, so that of two links opened at once one is refused."""
    for other in links.links_of(link.patient, link.moment, link.session_id, to_change=True):
        if other.id == link.id:
            continue
        if other.opened_at is not None:
            raise Conflict(USED)
        other.ended_at = other.ended_at or at


def _renewed(link: WritingLink) -> str:
    token = new_token()
    link.token_digest = token_digest(token)
    db.session.flush()
    return token


def _forget_old(patient: Patient, at: datetime) -> None:
    db.session.execute(
        delete(WritingLink).where(
            WritingLink.patient_id == patient.id,
            WritingLink.made_at < at - FORGOTTEN_AFTER,
        )
    )
