from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from kap.content.guides import library
from kap.db import transaction
from kap.patients.models import Patient
from kap.preparation import actions
from kap.preparation.models import Assignment
from tests.conftest import Cast

THE_DAY = "the-day-of-the-session"
INTENTION = "intention"
WHAT_KAP_IS = "what-kap-is"


@pytest.fixture
def give(cast: Cast) -> Callable[..., Assignment]:
    """`give("the-day-of-the-session")`: Theo gives it to Pia, unless another patient is named."""

    def give_guide(
        slug: str, *, to: Patient | None = None, due_on: date | None = None, line: str | None = None
    ) -> Assignment:
        with transaction():
            return actions.assign(
                to or cast.pia,
                guide=library()[slug],
                due_on=due_on,
                line=line,
                actor=cast.actor("theo"),
                at=datetime.now(UTC),
            )

    return give_guide
