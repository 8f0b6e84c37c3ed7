from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kap.db import db
from kap.jobs.models import Job, JobState


def unfinished_count(practice_id: UUID) -> int:
    """Jobs of a practice that wait or run."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Job)
            .where(Job.practice_id == practice_id, Job.state.in_((JobState.WAITING, JobState.RUNNING)))
        )
        or 0
    )


def failed_since(practice_id: UUID, since: datetime, limit: int = 20) -> list[Job]:
    """Jobs of a practice that failed for good, newest first."""
    return list(
        db.session.scalars(
            select(Job)
            .where(Job.practice_id == practice_id, Job.state == JobState.FAILED, Job.ended_at >= since)
            .order_by(Job.ended_at.desc())
            .limit(limit)
        )
    )
