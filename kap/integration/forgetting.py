"""Deletion that is sure: keys and files of what was deleted are destroyed once the deletion has committed.

At once where that works, and otherwise by a job of the same transaction, which tries until it does. The job
says nothing: no practice, no patient, no entry.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from kap.clock import now
from kap.db import db, transaction
from kap.integration.models import Doomed
from kap.jobs import queue
from kap.jobs.models import Job
from kap.jobs.registry import Progress, task
from kap.keys import key_store
from kap.storage import storage

log = structlog.get_logger(__name__)
FORGET = "integration.forget"
TRY_AGAIN_AFTER = timedelta(hours=1)
AT_A_TIME = 500
_DOOMED = "kap.integration.doomed"


def forget(*, keys: Collection[UUID] = (), files: Collection[str] = ()) -> None:
    """Have these keys of the key store and files of the storage destroyed once this transaction commits.

    Call it in the transaction that deletes the rows they belong to.
    """
    if not keys and not files:
        return
    db.session.add_all([Doomed(key_id=key_id) for key_id in keys])
    db.session.add_all([Doomed(file_key=file_key) for file_key in files])
    _enqueue()
    doomed_keys, doomed_files = db.session.info.setdefault(_DOOMED, (set(), set()))
    doomed_keys.update(keys)
    doomed_files.update(files)


def _destroy(keys: Collection[UUID], files: Collection[str]) -> None:
    key_store().destroy(keys)
    for file_key in files:
        storage().delete(file_key)


def _enqueue(after: timedelta = timedelta(0)) -> None:
    queue.enqueue(FORGET, practice_id=None, run_at=now() + after)


def _try_again(job: Job, sentence: str) -> None:
    _enqueue(TRY_AGAIN_AFTER)


@task(FORGET, on_failure=_try_again)
def forget_the_doomed(progress: Progress) -> None:
    """Destroy whatever is still doomed."""
    while True:
        with transaction() as session:
            doomed = session.scalars(select(Doomed).limit(AT_A_TIME)).all()
        if not doomed:
            return
        _destroy(
            [row.key_id for row in doomed if row.key_id],
            [row.file_key for row in doomed if row.file_key],
        )
        with transaction() as session:
            session.execute(delete(Doomed).where(Doomed.id.in_([row.id for row in doomed])))
        progress(0.5)


@event.listens_for(Session, "after_commit")
def _destroy_after_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return  # only a savepoint: what it stands in may still be taken back
    keys, files = session.info.pop(_DOOMED, ((), ()))
    try:
        _destroy(keys, files)
    except Exception as error:  # the job of this transaction goes on with it
        log.warning("not destroyed at once", error=type(error).__name__)


@event.listens_for(Session, "after_rollback")
def _spare_after_rollback(session: Session) -> None:
    session.info.pop(_DOOMED, None)
