"""Arranging, choosing what is required, and opening a session. None of these commits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission, Role
from kap.accounts.models import Practice
from kap.clock import day_in
from kap.db import db
from kap.problems import Conflict, Invalid
from kap.readiness import queries, rules
from kap.readiness.models import Arrangements, ReadinessChoice
from kap.readiness.rules import Item, Readiness
from kap.safety.rules import LONGEST_MONTHS
from kap.sessions import actions as sessions
from kap.sessions.actions import Unready
from kap.sessions.models import DosingSession
from kap.sessions.rules import SessionState

SITTING = timedelta(minutes=30)  # saving while typing is one act in the log, not fifty
LONGEST_REASON = 5_000  # characters


class NotReady(Conflict):
    """Something is missing, and no reason was written; or more is missing than the page showed."""

    def __init__(self, sentence: str, found: Readiness) -> None:
        super().__init__(sentence)
        self.found = found


class Overwritten(Conflict):
    """Someone wrote since the `version` that was begun from."""

    def __init__(self) -> None:
        super().__init__("This was changed somewhere else. Both versions are kept.")


@dataclass(frozen=True)
class Wanted:
    """What is arranged. A statement that is confirmed comes with the words that were read; else None."""

    escort_name: str
    escort_phone: str
    fasting: str | None = None
    travel: str | None = None

    @property
    def escort(self) -> dict[str, str]:
        return {"name": self.escort_name.strip(), "phone": self.escort_phone.strip()}


def arrange(
    session: DosingSession, wanted: Wanted, *, version: int, actor: Actor, at: datetime
) -> Arrangements | None:
    """Keep what is arranged; `version` is 0 for the first time. The same again is no change.

    Only the patient confirms statements: of anyone else's, what stands there stays. Returns None while there
    is nothing to keep. Raises `Overwritten`, and `Conflict` when a statement reads differently by now or the
    session is no longer planned.
    """
    if session.state is not SessionState.PLANNED:
        raise Conflict("This session is no longer planned, so there is nothing to arrange for it.")
    known = queries.arrangements_of(session)
    if actor.role is Role.PATIENT:
        _refuse_other_words(session, wanted, known)
    else:
        wanted = _without_statements(wanted, known)
    if known is not None and _same(known, wanted):
        return known
    if (known.version if known else 0) != version:
        raise Overwritten
    if known is None:
        return _first(session, wanted, actor=actor, at=at) if _says_anything(wanted) else None
    is_same_sitting = known.written_by_id == actor.id and at - known.written_at < SITTING
    try:
        with db.session.begin_nested():
            _apply(known, wanted, actor=actor, at=at)
            known.version += 1
    except StaleDataError as error:
        raise Overwritten from error
    if not is_same_sitting:
        _record(Permission.ARRANGEMENTS_WRITE, session, known, actor)
    return known


def choose(
    practice: Practice,
    *,
    required: frozenset[Item],
    fasting: Mapping[str, str],
    travel: Mapping[str, str],
    plan_months: int,
    version: int,
    actor: Actor,
    at: datetime,
) -> ReadinessChoice:
    """Set what the practice requires. `fasting` and `travel`: own words by route, empty for those that ship.

    Raises `Conflict` when someone else did since `version`.
    """
    if not 1 <= plan_months <= LONGEST_MONTHS:
        raise Invalid(f"Please choose 1 to {LONGEST_MONTHS} months.")
    row = queries.choice_row(practice.id)
    if (row.version if row else 0) != version:
        raise Conflict("Someone changed this since you opened it. Yours is not saved yet.")
    values = {
        "required": [item.value for item in Item if item in required],
        "fasting": {route: words for route, words in fasting.items() if words},
        "travel": {route: words for route, words in travel.items() if words},
        "changed_at": at,
        "changed_by_id": _person(actor),
    }
    if row is None:
        row = ReadinessChoice(practice_id=practice.id, **values)
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError as error:
            raise Conflict("Someone chose this in the same moment. Yours is not saved yet.") from error
    else:
        for name, value in values.items():
            setattr(row, name, value)
    practice.safety_plan_months = plan_months
    db.session.flush()
    audit.record(Permission.READINESS_SET, actor=actor, subject=row)
    return row


def open_session(session: DosingSession, *, reason: str, seen: list[str], actor: Actor, at: datetime) -> None:
    """Open a session that has everything its practice requires, or with a written reason.

    `seen` are the items that the page named as missing: a reason speaks of those, and of nothing that was
    taken back since. Raises `NotReady`, `Invalid` for too long a reason, `Conflict` as sessions do.
    """
    reason = reason.strip()
    found = queries.readiness_of(session, at=at, on=day_in(at, session.patient.practice.zone))
    if session.state is not SessionState.PLANNED or not found.missing:
        sessions.open_session(session, actor=actor, at=at)
        return
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason can have {LONGEST_REASON:,} characters. Please make it shorter.")
    if added := rules.unseen(found.missing, seen):
        what = "; ".join(line.words for line in added)
        raise NotReady(f"Since this page was made, more is missing: {what}. The session is not open.", found)
    if not reason:
        raise NotReady("Something is missing. The session opens with a written reason.", found)
    missing = tuple(f"{line.words} ({line.state})" for line in found.missing)
    sessions.open_session(session, actor=actor, at=at, unready=Unready(missing, reason))


def _refuse_other_words(session: DosingSession, wanted: Wanted, known: Arrangements | None) -> None:
    """A statement is confirmed in the words that stand there now; one confirmed before may stay as it is."""
    choice = queries.choice_of(session.patient.practice_id)
    asked = (
        (wanted.fasting, choice.fasting(session.route).text, known and known.fasting_words),
        (wanted.travel, choice.travel(session.route).text, known and known.travel_words),
    )
    if any(words is not None and words not in (now, before) for words, now, before in asked):
        raise Conflict("What is asked of you was changed since you opened this page. Please load it again.")


def _without_statements(wanted: Wanted, known: Arrangements | None) -> Wanted:
    """What someone of the care team may write: who brings the patient home."""
    fasting, travel = (known.fasting_words, known.travel_words) if known else (None, None)
    return Wanted(wanted.escort_name, wanted.escort_phone, fasting, travel)


def _first(session: DosingSession, wanted: Wanted, *, actor: Actor, at: datetime) -> Arrangements:
    try:
        # Sealing looks up the key while the row is half made.
        with db.session.begin_nested(), db.session.no_autoflush:
            row = Arrangements(session=session, session_id=session.id, version=1)
            _apply(row, wanted, actor=actor, at=at)
            db.session.add(row)
    except IntegrityError as error:
        raise Overwritten from error
    _record(Permission.ARRANGEMENTS_WRITE, session, row, actor)
    return row


def _apply(row: Arrangements, wanted: Wanted, *, actor: Actor, at: datetime) -> None:
    row.escort = wanted.escort
    if row.fasting_words != wanted.fasting:
        row.fasting_words, row.fasting_at = wanted.fasting, at if wanted.fasting else None
    if row.travel_words != wanted.travel:
        row.travel_words, row.travel_at = wanted.travel, at if wanted.travel else None
    row.written_at, row.written_by_id = at, _person(actor)


def _same(row: Arrangements, wanted: Wanted) -> bool:
    return (row.escort, row.fasting_words, row.travel_words) == (
        wanted.escort,
        wanted.fasting,
        wanted.travel,
    )


def _says_anything(wanted: Wanted) -> bool:
    return any(wanted.escort.values()) or wanted.fasting is not None or wanted.travel is not None


def _record(act: Permission, session: DosingSession, row: Arrangements, actor: Actor) -> None:
    audit.record(act, actor=actor, patient_id=session.patient_id, subject=row)


def _person(actor: Actor) -> UUID:
    if actor.id is None:
        raise TypeError("this is a person's act")
    return actor.id
