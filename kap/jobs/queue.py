"""Putting work on the list, in the transaction of the change that needs it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from flask import current_app
from sqlalchemy import and_, event, or_, select, update
from sqlalchemy.orm import Session

from kap.clock import now
from kap.db import db, own_transaction
from kap.jobs.models import Job, JobState
from kap.jobs.registry import TASKS, arguments_are_plain

log = structlog.get_logger(__name__)
_UNSIGNALLED = "kap.jobs"


def enqueue(
    task: str,
    *,
    practice_id: UUID | None,
    about: UUID | None = None,
    run_at: datetime | None = None,
    **arguments: Any,
) -> Job:
    """Add a job to the caller's transaction; a worker hears of it after the commit."""
    plain = {name: str(value) if isinstance(value, UUID) else value for name, value in arguments.items()}
    if task not in TASKS or not arguments_are_plain(plain):
        raise ValueError(f"{task} is not a task, or its arguments are not plain")
    moment = now()
    job = Job(
        practice_id=practice_id,
        task=task,
        arguments=plain,
        about=about,
        made_at=moment,
        run_at=run_at or moment,
        state=JobState.WAITING,
        attempts=0,
        progress=0.0,
    )
    db.session.add(job)
    if job.run_at <= moment:
        db.session.info.setdefault(_UNSIGNALLED, []).append(job.id)
    return job


def latest_about(row_id: UUID, task: str) -> Job | None:
    """The newest job of this kind that works for the row."""
    return db.session.scalars(
        select(Job).where(Job.about == row_id, Job.task == task).order_by(Job.made_at.desc()).limit(1)
    ).first()


def claim(job_id: UUID, *, lease: timedelta) -> Job | None:
    """Take the job for this worker, or None when someone else has it or it is not due.

    One conditional UPDATE decides, so the same holds on SQLite and PostgreSQL however many workers ask.
    """
    moment = now()
    with own_transaction() as session:
        taken = session.execute(
            update(Job)
            .where(Job.id == job_id, _claimable(moment))
            .values(state=JobState.RUNNING, lease_until=moment + lease, attempts=Job.attempts + 1)
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            return None
        return session.get_one(Job, job_id)


def due(limit: int = 200) -> list[UUID]:
    """Jobs that wait for a worker, or whose worker has fallen silent, oldest first."""
    return list(db.session.scalars(select(Job.id).where(_claimable(now())).order_by(Job.run_at).limit(limit)))


def signal(job_ids: list[UUID]) -> None:
    """Tell the workers. A signal that gets lost is sent again by the sweep."""
    for job_id in job_ids:
        try:
            current_app.extensions["kap.signal"](str(job_id))
        except Exception as error:
            log.warning("signal not sent", job=str(job_id), error=type(error).__name__)


def _claimable(moment: datetime) -> Any:
    return or_(
        and_(Job.state == JobState.WAITING, Job.run_at <= moment),
        and_(Job.state == JobState.RUNNING, Job.lease_until < moment),
    )


@event.listens_for(Session, "after_commit")
def _signal_after_commit(session: Session) -> None:
    signal(session.info.pop(_UNSIGNALLED, []))


@event.listens_for(Session, "after_rollback")
def _forget_after_rollback(session: Session) -> None:
    session.info.pop(_UNSIGNALLED, None)
