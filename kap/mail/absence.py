"""A mail server that hangs is left alone for a while: else every letter would hold a worker in its turn."""

from datetime import datetime, timedelta

from flask import current_app

from kap.clock import now
from kap.mail.rules import Outcome, Reason

LEFT_ALONE = timedelta(minutes=1)
_AWAY = "kap.mail.away"


def away_until() -> datetime:
    """From when on the server may be asked; a moment that is over when it may be now."""
    until: datetime = current_app.extensions.get(_AWAY, now())
    return until


def note(outcome: Outcome) -> None:
    """Remember, in this process, whether the server answered in time."""
    if outcome.reason is Reason.TOO_SLOW:
        current_app.extensions[_AWAY] = now() + LEFT_ALONE
    else:
        current_app.extensions.pop(_AWAY, None)
