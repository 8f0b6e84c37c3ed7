"""Running one claimed job: lease kept alive, progress written, end recorded."""

import threading
import traceback
from datetime import timedelta
from uuid import UUID

import structlog
from flask import Flask
from sqlalchemy import update

from kap.clock import now
from kap.db import db, own_transaction, transaction
from kap.jobs import queue
from kap.jobs.models import Job, JobState
from kap.jobs.registry import TASKS, Task, TaskFailed

log = structlog.get_logger(__name__)
PROGRESS_EVERY = timedelta(seconds=0.5)
RETRY_AFTER = timedelta(seconds=20)  # doubled at each attempt
MAX_STARTS = 8  # a job that kills its worker each time must not do so for ever
UNEXPECTED = "Something unexpected went wrong; the log names the place."


# What this process is working on, so that a process told to stop can hand it back.
_active: set["_Run"] = set()


class LeaseLost(Exception):
    """Another worker has taken this job over; this run must stop without leaving anything."""


def perform(app: Flask, job_id: UUID, *, lease: timedelta) -> None:
    """Claim and run one job, whatever happens to it. Does nothing when it is not to be had."""
    with app.app_context():
        job = queue.claim(job_id, lease=lease)
        if job is None:
            return
        run = _Run(app, job, lease)
        with run:
            try:
                if job.attempts > MAX_STARTS:
                    raise TaskFailed("This stopped the worker again and again, so it is not tried any more.")
                _task_of(job).run(run, **job.arguments)
                run.end(JobState.DONE)
            except LeaseLost:
                log.warning("lease lost", task=job.task, job=str(job.id))
            except TaskFailed as failure:
                run.give_up(str(failure))
            except Exception as error:
                log.error("job failed", task=job.task, job=str(job.id), **_where(error))
                run.retry_or_give_up()
            except BaseException:
                run.release()  # told to stop: the next worker need not wait for the lease to run out
                raise
            finally:
                db.session.rollback()


def hand_back(app: Flask) -> None:
    """Put what this process is working on back on the list; it is about to end."""
    with app.app_context():
        for run in list(_active):
            run.release()


def _task_of(job: Job) -> Task:
    if job.task not in TASKS:
        raise TaskFailed("This version of Kap does not know how to do this.")
    return TASKS[job.task]


def _where(error: BaseException) -> dict[str, str]:
    """Class and place of an error: its message may quote what a person typed, so it stays out of the log."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "at": f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "",
    }


class _Run:
    """One attempt at a job; called with a fraction it writes progress, as a context it keeps the lease."""

    def __init__(self, app: Flask, job: Job, lease: timedelta) -> None:
        self.app, self.job, self.lease = app, job, lease
        self._lost = threading.Event()
        self._stopped = threading.Event()
        self._written_at = now() - PROGRESS_EVERY
        self._heart = threading.Thread(target=self._beat, name=f"lease-{job.id}", daemon=True)

    def __enter__(self) -> "_Run":
        _active.add(self)
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._heart.join()
        _active.discard(self)

    def __call__(self, done: float, step: str | None = None) -> None:
        if self._lost.is_set():
            raise LeaseLost
        if now() - self._written_at < PROGRESS_EVERY and step is None:
            return
        self._written_at = now()
        values: dict[str, object] = {"progress": min(max(done, 0.0), 1.0)}
        if step is not None:
            values["step"] = step
        self._write(values)

    def end(self, state: JobState, error: str | None = None) -> None:
        progress = 1.0 if state is JobState.DONE else self.job.progress
        if not self._write(
            {"state": state, "error": error, "ended_at": now(), "lease_until": None, "progress": progress}
        ):
            raise LeaseLost

    def give_up(self, sentence: str) -> None:
        """Mark the job failed for good and let the task tell the row it worked for."""
        db.session.rollback()
        self.end(JobState.FAILED, sentence)
        task = TASKS.get(self.job.task)
        if task and task.on_failure:
            with transaction():
                task.on_failure(self.job, sentence)

    def release(self) -> None:
        """Put the job back on the list, as if this attempt had not been."""
        db.session.rollback()
        self._write({"state": JobState.WAITING, "lease_until": None, "attempts": Job.attempts - 1})

    def retry_or_give_up(self) -> None:
        db.session.rollback()
        if self.job.attempts >= _task_of(self.job).attempts:
            self.give_up(UNEXPECTED)
            return
        wait = RETRY_AFTER * 2 ** (self.job.attempts - 1)
        self._write({"state": JobState.WAITING, "run_at": now() + wait, "lease_until": None})

    def _write(self, values: dict[str, object]) -> bool:
        """Change the row if this attempt still owns it."""
        with own_transaction() as session:
            changed = session.execute(
                update(Job)
                .where(
                    Job.id == self.job.id, Job.attempts == self.job.attempts, Job.state == JobState.RUNNING
                )
                .values(**values)
            )
        return bool(changed.rowcount == 1)  # type: ignore[attr-defined]

    def _beat(self) -> None:
        with self.app.app_context():
            while not self._stopped.wait(self.lease.total_seconds() / 3):
                if not self._write({"lease_until": now() + self.lease}):
                    self._lost.set()
                    return
