"""Tasks that run again and again: a job is put on the list whenever the last is old enough."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from kap.db import db
from kap.jobs import queue
from kap.jobs.models import Job, JobState
from kap.jobs.registry import Function, task

PERIODS: dict[str, timedelta] = {}


def periodic(name: str, *, every: timedelta) -> Callable[[Function], Function]:
    """Register a task `f(progress)` that runs about `every` so often.

    Two workers may start it in the same moment, so it must not matter that it runs twice.
    """

    def decorate(function: Function) -> Function:
        PERIODS[name] = every
        return task(name, attempts=1)(function)

    return decorate


def enqueue_due(*, at: datetime) -> None:
    """Put what is due on the list, and take what is over off it: it tells nothing once it is done."""
    for name in due(at=at):
        db.session.execute(
            delete(Job).where(Job.task == name, Job.state.in_((JobState.DONE, JobState.FAILED)))
        )
        queue.enqueue(name, practice_id=None)


def due(*, at: datetime) -> list[str]:
    """Tasks that neither wait nor run, and whose last job is old enough."""
    jobs = db.session.execute(select(Job.task, Job.state, Job.made_at).where(Job.task.in_(PERIODS)))
    recent = {
        name
        for name, state, made_at in jobs
        if state in (JobState.WAITING, JobState.RUNNING) or made_at > at - PERIODS[name]
    }
    return [name for name in PERIODS if name not in recent]
