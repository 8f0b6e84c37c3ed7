"""What the tests of the homes share: a cast in the middle of the arc, written as the product does it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from time_machine import Traveller

from kap.accounts.models import User
from kap.content.guides import library
from kap.db import transaction
from kap.integration import actions as integration
from kap.integration.models import JournalEntry
from kap.integration.rules import Writing
from kap.patients.models import Patient
from kap.preparation import actions as preparation
from kap.preparation.models import Assignment
from kap.sessions import actions as sessions
from kap.sessions.actions import Plan
from kap.sessions.models import DosingSession, Route
from tests.conftest import Cast

TODAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # 13:00 in Berlin


@pytest.fixture
def clock() -> Iterator[Traveller]:
    """It is noon on 20 November 2026 until a test says otherwise."""
    with time_machine.travel(TODAY, tick=False) as coordinates:
        yield coordinates


def planned(patient: Patient, therapist: User, at: datetime) -> DosingSession:
    with transaction():
        return sessions.plan(
            patient,
            wanted=Plan(planned_at=at, route=Route.IM, therapist_id=therapist.id, playlist_id=None),
            actor=therapist.actor,
        )


def held(patient: Patient, therapist: User, at: datetime) -> DosingSession:
    """A session from `at` that was closed two hours later."""
    session = planned(patient, therapist, at)
    with transaction():
        sessions.open_session(session, actor=therapist.actor, at=at)
        sessions.close(session, actor=therapist.actor, at=at + timedelta(hours=2))
    return session


def given(patient: Patient, therapist: User, slug: str, due_on: date | None) -> Assignment:
    with transaction():
        return preparation.assign(
            patient, guide=library()[slug], due_on=due_on, line=None, actor=therapist.actor, at=TODAY
        )


def written(patient: Patient, text: str, at: datetime, *, shared_by: Cast | None = None) -> JournalEntry:
    with transaction():
        entry = integration.write(patient, entry_id=uuid4(), writing=Writing(text=text), version=0, at=at)
        assert entry is not None
        if shared_by is not None:
            integration.share(entry, actor=shared_by.actor("pia"), at=at)
    return entry
