"""The next step, for every combination there is."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from kap.home.rules import WRITE_WITHIN, ChartStanding, ChartStep, Standing, Step, chart_step, next_step

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
CLOSED = (None, NOW, NOW - timedelta(hours=3), NOW - WRITE_WITHIN + timedelta(seconds=1), NOW - WRITE_WITHIN)


@pytest.mark.parametrize("closed_at", CLOSED)
def test_a_patients_next_step_in_every_case(closed_at: datetime | None) -> None:
    fresh = closed_at is not None and NOW - closed_at < timedelta(days=14)
    for in_session, writing, step_due, due, intention, missing, planned in product((True, False), repeat=7):
        step = next_step(
            Standing(
                in_session=in_session,
                closed_at=closed_at,
                writing_asked=writing,
                step_first=step_due,
                preparation_due=due,
                intention_wanted=intention,
                something_missing=missing,
                session_planned=planned,
            ),
            now=NOW,
        )
        wanted = [Step.BE_HERE] * in_session + [Step.FOLLOW] * writing + [Step.WRITE] * fresh
        wanted += [Step.FOLLOW] * step_due + [Step.PREPARE] * due
        wanted += [Step.INTEND] * intention + [Step.SETTLE] * missing + [Step.AWAIT] * planned + [Step.REST]
        assert step is wanted[0]


def test_a_charts_next_step_in_every_case() -> None:
    for archived, running, today, unread, sign_in, assigned, planned in product((True, False), repeat=7):
        step = chart_step(
            ChartStanding(
                archived=archived,
                in_session=running,
                session_today=today,
                unread=unread,
                can_sign_in=sign_in,
                assigned=assigned,
                session_planned=planned,
            )
        )
        wanted = [ChartStep.RESTORE] * archived + [ChartStep.RUN] * running + [ChartStep.TODAY] * today
        wanted += [ChartStep.READ] * unread + [ChartStep.INVITE] * (not sign_in)
        wanted += [ChartStep.ASSIGN] * (not assigned) + [ChartStep.PLAN] * (not planned)
        assert step is [*wanted, ChartStep.NOTHING][0]
