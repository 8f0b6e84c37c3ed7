from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kap.db import Model, choice


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Model):
    """One piece of background work. `arguments` hold identifiers only, never content, names or tokens."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state_run_at", "state", "run_at"), Index("ix_job_about", "about"))

    practice_id: Mapped[UUID | None] = mapped_column(ForeignKey("practice.id"))
    task: Mapped[str] = mapped_column(String(80))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    about: Mapped[UUID | None]  # the row this works for, so that its page can show the progress
    state: Mapped[JobState] = mapped_column(choice(JobState), default=JobState.WAITING)
    made_at: Mapped[datetime]
    run_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    progress: Mapped[float] = mapped_column(default=0.0)  # 0 to 1
    step: Mapped[str | None] = mapped_column(String(120))  # what is being done, in words
    error: Mapped[str | None] = mapped_column(String(300))
    ended_at: Mapped[datetime | None]
