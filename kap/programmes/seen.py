"""What the other rooms show of a step being done. Nobody ticks what can be seen."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kap.clock import day_in
from kap.consents import queries as consents
from kap.consents.queries import Asked
from kap.consents.rules import Standing as ConsentStanding
from kap.content.guides import successor_of
from kap.content.programmes import Kind
from kap.db import db
from kap.integration.models import JournalEntry
from kap.patients.models import Patient
from kap.preparation.models import Assignment
from kap.programmes.rules import Placed
from kap.screening import queries as screening
from kap.sessions.models import Intention, MusicWishes

SIGNED = (ConsentStanding.VALID, ConsentStanding.DUE, ConsentStanding.UNWITNESSED)


@dataclass(frozen=True)
class Seen:
    """What there is of many patients, each by their id. `written` stays empty unless a patient looks."""

    guides: Mapping[UUID, Mapping[str, Assignment]]
    signed: Collection[UUID] = ()
    answered: Collection[UUID] = ()
    intended: Mapping[UUID, datetime] = field(default_factory=dict)
    wished: Collection[UUID] = ()
    written: Mapping[UUID, list[datetime]] | None = None

    def guide(self, patient_id: UUID, slug: str) -> Assignment | None:
        return self.guides.get(patient_id, {}).get(successor_of(slug))


def seen_of(patients: Iterable[Patient], kinds: Collection[Kind], *, at: datetime, by_patient: bool) -> Seen:
    """A few statements, however many patients; only what steps of these `kinds` depend on.

    `by_patient`: the patients look themselves, so that their journal may be asked. To anyone else the answer
    would tell whether they wrote.
    """
    everyone = list(patients)
    ids = [patient.id for patient in everyone]
    return Seen(
        guides=_guides(ids),
        signed=_signed(everyone, at) if Kind.CONSENTS in kinds else (),
        answered=_answered(everyone, at) if Kind.HEALTH in kinds else (),
        intended=_intended(ids) if Kind.INTENTION in kinds else {},
        wished=_wished(ids) if Kind.MUSIC in kinds else (),
        written=_written(ids) if by_patient and Kind.JOURNAL in kinds else None,
    )


def is_done(seen: Seen, patient_id: UUID, placed: Placed, *, before: datetime | None) -> bool | None:
    """Whether what a step asks for is there; None where nobody may know.

    `before`: when the session before the step's own took place, for what is asked again each time.
    """
    return _DONE[placed.step.kind](seen, patient_id, placed, before)


def _guide_done(seen: Seen, patient_id: UUID, placed: Placed, _: datetime | None) -> bool:
    assignment = seen.guide(patient_id, placed.step.about)
    return assignment is not None and assignment.done_at is not None


def _intention_written(seen: Seen, patient_id: UUID, _: Placed, before: datetime | None) -> bool:
    at = seen.intended.get(patient_id)
    return at is not None and (before is None or at > before)


def _entry_written(seen: Seen, patient_id: UUID, placed: Placed, _: datetime | None) -> bool | None:
    if seen.written is None:
        return None
    return placed.moment is not None and any(at >= placed.moment for at in seen.written.get(patient_id, ()))


_DONE: Mapping[Kind, Callable[[Seen, UUID, Placed, datetime | None], bool | None]] = {
    Kind.GUIDE: _guide_done,
    Kind.CONSENTS: lambda seen, patient_id, *_: patient_id in seen.signed,
    Kind.HEALTH: lambda seen, patient_id, *_: patient_id in seen.answered,
    Kind.INTENTION: _intention_written,
    Kind.MUSIC: lambda seen, patient_id, *_: patient_id in seen.wished,
    Kind.JOURNAL: _entry_written,
    Kind.TASK: lambda *_: False,  # only the patient can say so
}


def _guides(ids: list[UUID]) -> dict[UUID, dict[str, Assignment]]:
    """What each was given and still has, by the guide's present name; done before not done."""
    found: dict[UUID, dict[str, Assignment]] = defaultdict(dict)
    rows = db.session.scalars(
        select(Assignment)
        .where(Assignment.patient_id.in_(ids), Assignment.withdrawn_at.is_(None))
        .order_by(Assignment.done_at.is_not(None), Assignment.assigned_at)
    )
    for row in rows:
        found[row.patient_id][successor_of(row.guide)] = row
    return found


def _signed(patients: list[Patient], at: datetime) -> set[UUID]:
    by_day: dict[date, list[Patient]] = defaultdict(list)
    for patient in patients:
        by_day[day_in(at, patient.practice.zone)].append(patient)
    asked: dict[UUID, list[Asked]] = {}
    for day, some in by_day.items():
        asked |= consents.asked_of_all(some, on=day)
    return {
        patient_id
        for patient_id, texts in asked.items()
        if all(each.consent.optional or each.verdict.standing in SIGNED for each in texts)
    }


def _answered(patients: list[Patient], at: datetime) -> set[UUID]:
    found = screening.screening_of_all(patients, at=at)
    return {
        patient_id
        for patient_id, each in found.items()
        if each.answers is not None and each.answers.finished_at is not None and not each.wants_answers
    }


def _intended(ids: list[UUID]) -> dict[UUID, datetime]:
    rows = db.session.scalars(
        select(Intention)
        .where(Intention.patient_id.in_(ids))
        .options(joinedload(Intention.patient).joinedload(Patient.data_key))
    )
    return {row.patient_id: row.written_at for row in rows if row.text.strip()}


def _wished(ids: list[UUID]) -> set[UUID]:
    return set(db.session.scalars(select(MusicWishes.patient_id).where(MusicWishes.patient_id.in_(ids))))


def _written(ids: list[UUID]) -> dict[UUID, list[datetime]]:
    found: dict[UUID, list[datetime]] = defaultdict(list)
    rows = db.session.execute(
        select(JournalEntry.patient_id, JournalEntry.made_at).where(JournalEntry.patient_id.in_(ids))
    )
    for patient_id, at in rows:
        found[patient_id].append(at)
    return found
