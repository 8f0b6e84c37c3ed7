"""The sweep that finds what is due."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kap import mail
from kap.accounts.models import Practice
from kap.clock import now
from kap.db import db, reading, transaction
from kap.jobs.periodic import periodic
from kap.jobs.registry import Progress
from kap.reminders import actions, queries
from kap.reminders import sources as _sources  # noqa: F401 - named so that the sweep knows them

log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=5)


@periodic("reminders.sweep", every=EVERY)
def sweep(progress: Progress) -> None:
    """Write the letters that are due, one practice after the other, each in its own transaction."""
    if not mail.configured():
        return
    with reading():
        ids = list(db.session.scalars(select(Practice.id).order_by(Practice.id)))
        db.session.rollback()
    for number, practice_id in enumerate(ids):
        progress(number / len(ids))
        try:
            _write(practice_id)
        except Exception as error:  # one practice must not keep letters from the others
            db.session.rollback()
            log.error("reminders not written", practice=str(practice_id), error=type(error).__name__)


def _write(practice_id: UUID) -> None:
    if not _is_anything_due(practice_id):
        return
    try:
        with transaction():
            actions.write_due(db.session.get_one(Practice, practice_id), at=now())
    except IntegrityError:
        return  # another worker was writing the same letters; what it left is found at the next turn


def _is_anything_due(practice_id: UUID) -> bool:
    """Asked first without the lock that writing takes: mostly nothing is due, and others want to write."""
    with reading():
        found = queries.due(db.session.get_one(Practice, practice_id), at=now())
        db.session.rollback()
    return bool(found)
