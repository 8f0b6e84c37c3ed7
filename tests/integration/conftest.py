"""What the tests of the journal share: an entry of Pia's, written as the product does it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from kap.db import db, transaction
from kap.integration import actions
from kap.integration.models import JournalEntry
from kap.integration.rules import Writing
from kap.patients.models import Patient
from kap.sessions.models import DosingSession, Route, SessionState
from tests.conftest import NOON, Cast

SECRET = "The lantern over the water was my grandmother."


@pytest.fixture
def entry(cast: Cast) -> JournalEntry:
    """A private entry of Pia's."""
    return written(cast.pia, SECRET)


def written(
    patient: Patient, text: str, *, at: datetime = NOON, session_id: UUID | None = None
) -> JournalEntry:
    with transaction():
        made = actions.write(
            patient, entry_id=uuid4(), writing=Writing(text=text, session_id=session_id), version=0, at=at
        )
    assert made is not None
    return made


@pytest.fixture
def shared_entry(entry: JournalEntry, cast: Cast) -> JournalEntry:
    """An entry Pia shares."""
    with transaction():
        actions.share(entry, actor=cast.actor("pia"), at=NOON)
    return entry


@pytest.fixture
def closed_session(cast: Cast) -> Callable[..., DosingSession]:
    """`closed_session(patient, at)`: a session that closed at that time."""

    def close(patient: Patient, at: datetime) -> DosingSession:
        with transaction():
            session = DosingSession(
                patient_id=patient.id,
                therapist_id=cast.theo.id,
                state=SessionState.CLOSED,
                route=Route.IM,
                planned_at=at - timedelta(hours=2),
                closed_at=at,
            )
            db.session.add(session)
        return session

    return close
