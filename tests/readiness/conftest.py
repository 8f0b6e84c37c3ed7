"""Pia with a session planned, and everything that can be missing before it, there or not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from kap.db import db, transaction
from kap.patients.models import Patient
from kap.readiness.rules import Item
from kap.sessions import actions as sessions
from kap.sessions.actions import Plan
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route
from tests.conftest import Cast
from tests.readiness.requiring import require
from tests.readiness.settling import Settling

TODAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # 13:00 in Berlin


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(TODAY, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def planned(cast: Cast, clock: time_machine.Traveller) -> DosingSession:
    """Today at 15:00, in a practice that requires everything there is."""
    require(cast.practice, cast.theo, *Item)
    return plan(cast, cast.pia, TODAY + timedelta(hours=2))


def plan(cast: Cast, patient: Patient, at: datetime, name: str = "theo") -> DosingSession:
    with transaction():
        return sessions.plan(
            db.session.get_one(Patient, patient.id),
            wanted=Plan(at, Route.IV, getattr(cast, name).id, None),
            actor=cast.actor(name),
        )


def settle(cast: Cast, session: DosingSession, *, but: Item | None = None) -> None:
    """Everything is there, but for one item."""
    settling = Settling(cast.pia, session, cast.actor("pia"), cast.actor("theo"), TODAY)
    with transaction():
        settling.everything(but=but)


def address(session: DosingSession, end: str = "") -> str:
    return f"/patients/{session.patient_id}/sessions/{session.id}{'/' if end else ''}{end}"
