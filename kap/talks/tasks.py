"""The letters about a wish to talk, and the look at the clock. A letter names nobody and says nothing
clinical."""

from uuid import UUID

from kap.accounts.models import User
from kap.clock import now
from kap.config import current_config
from kap.db import db, transaction
from kap.jobs.registry import Progress, task
from kap.mail import Letter, composer
from kap.patients.models import Patient
from kap.talks import actions, queries
from kap.talks.actions import OVERDUE, TO_ADMINISTRATOR, TO_TEAM
from kap.talks.models import TalkRequest
from kap.talks.rules import Standing


@task(OVERDUE)
def look(progress: Progress, *, talk: str) -> None:
    """Nobody has seen it in the practice's time: write once more, and to the administrators too."""
    with transaction():
        found = db.session.get(TalkRequest, UUID(talk), with_for_update=True)
        if found is None or found.told_again_at or found.standing(now()) is not Standing.OVERDUE:
            return
        actions.tell_again(found, at=now())


@composer(TO_TEAM, title="Someone asked for an answer")
def asked(talk: str, user: str) -> Letter | None:
    """None once somebody has seen it, or for one who left the care team since."""
    found, reader = _unseen(talk), db.session.get(User, UUID(user))
    if found is None or reader is None or reader.id not in _ids(found.patient):
        return None
    waited = (
        "Someone still waits for an answer from you" if found.told_again_at else "Someone has asked for you"
    )
    return _letter(
        reader,
        waited,
        f"{waited}. Please sign in as soon as you can; it stands at the top of your page of today.",
    )


@composer(TO_ADMINISTRATOR, title="A request that waits")
def nobody(talk: str, user: str) -> Letter | None:
    """For those who answer for the practice: that someone waits, and not who."""
    found, reader = _unseen(talk), db.session.get(User, UUID(user))
    if found is None or reader is None or reader.closed_at is not None:
        return None
    return _letter(
        reader,
        "A request waits for an answer",
        "A request to a team of yours has not been answered in the time that the practice set. Please ask "
        "your colleagues to look at their page of today.",
    )


def _unseen(talk: str) -> TalkRequest | None:
    found = db.session.get(TalkRequest, UUID(talk))
    return found if found is not None and found.seen_at is None else None


def _ids(patient: Patient) -> set[UUID]:
    return {user.id for user in queries.members_of(patient)}


def _letter(reader: User, subject: str, sentence: str) -> Letter:
    return Letter(
        to=reader.email,
        subject=subject,
        text=f"Hello,\n\n{sentence}\n\n{current_config().address}/\n",
    )
