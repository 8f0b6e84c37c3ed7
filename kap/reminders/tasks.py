"""The sweep that finds what is due."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kap import mail
from kap.accounts.models import Practice
from kap.clock import now
from kap.db import db, transaction
from kap.jobs.periodic import periodic
from kap.jobs.registry import Progress
from kap.reminders import actions
from kap.reminders import sources as _sources  # noqa: F401 - named so that the sweep knows them

EVERY = timedelta(minutes=5)


@periodic("reminders.sweep", every=EVERY)
def sweep(progress: Progress) -> None:
    """Write the letters that are due, one practice after the other, each in its own transaction."""
    if not mail.configured():
        return
    with transaction():
        ids = list(db.session.scalars(select(Practice.id).order_by(Practice.id)))
    for number, practice_id in enumerate(ids):
        progress(number / len(ids))
        try:
            with transaction():
                actions.write_due(db.session.get_one(Practice, practice_id), at=now())
        except IntegrityError:
            continue  # another worker was writing the same letters; what it left is found at the next turn
