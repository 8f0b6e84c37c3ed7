"""What a practice requires, chosen for a test."""

from kap.accounts.models import Practice, User
from kap.db import db, transaction
from kap.readiness import actions, queries
from kap.readiness.rules import Item
from tests.conftest import NOON


def require(practice: Practice, therapist: User, *items: Item) -> None:
    """Have a practice require these, and nothing else."""
    with transaction():
        row = queries.choice_row(practice.id)
        actions.choose(
            db.session.get_one(Practice, practice.id),
            required=frozenset(items),
            fasting={},
            travel={},
            plan_months=6,
            version=row.version if row else 0,
            actor=therapist.actor,
            at=NOON,
        )
