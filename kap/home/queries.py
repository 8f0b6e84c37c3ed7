"""What the pages that look into several rooms show. Each is a fixed number of statements."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import queries as people
from kap.accounts.models import Invitation, Practice, User
from kap.clock import day_in, midnight
from kap.consents import queries as consents
from kap.consents.queries import Asked
from kap.home.rules import ChartStanding, ChartStep, Standing, Step, chart_step, next_step
from kap.integration import queries as integration
from kap.integration.visible import Visible
from kap.jobs import queries as jobs
from kap.jobs.models import Job
from kap.music import queries as music
from kap.patients import queries as patients
from kap.patients.models import CareTeamMember, Patient
from kap.patients.rules import age_on
from kap.preparation import queries as preparation
from kap.preparation.queries import Behind, Plan
from kap.preparation.queries import Standing as Given
from kap.screening import queries as screening
from kap.screening.queries import Screening
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession, SessionState
from kap.talks import queries as talks
from kap.talks.models import TalkRequest

DAYS_AHEAD = 7
SHARED_WITHIN = timedelta(days=60)
FAILED_WITHIN = timedelta(days=30)
ENTRIES_SHOWN = 5


@dataclass(frozen=True)
class PatientHome:
    """The next step with what it is about, then what is coming, then what is done."""

    step: Step
    write_about: DosingSession | None
    prepare: Given | None
    intend: Given | None
    upcoming: list[DosingSession]
    plan: Plan
    unsigned: list[Asked]
    wants_answers: bool  # to the health questions, before the series that comes
    past: list[DosingSession]
    entries: list[Visible]


@dataclass(frozen=True)
class TherapistHome:
    """Sessions that run or are planned today, those of the week, who is behind, what was shared."""

    today: list[DosingSession]
    soon: list[DosingSession]
    behind: list[Behind]
    shared: list[Visible]
    talks: list[TalkRequest]
    has_patients: bool


@dataclass(frozen=True)
class AdminHome:
    """What an administrator answers for. Nothing clinical."""

    administrators: int
    therapists: int
    invitations: list[Invitation]
    tracks: int
    track_seconds: float
    track_bytes: int
    unfinished_jobs: int
    failed_jobs: list[Job]


@dataclass(frozen=True)
class Chart:
    """One patient's arc, as far as their care team may see it."""

    step: ChartStep
    age: int | None
    invitation: Invitation | None  # open, so it can be revoked
    accepted: bool
    team: list[CareTeamMember]
    sessions: list[DosingSession]
    given: list[Given]
    entries: list[Visible]
    opened: frozenset[UUID]  # ids of the entries this therapist has opened
    needing: DosingSession | None  # the session that runs, else the next of today
    planned: DosingSession | None
    screening: Screening
    talks: list[TalkRequest]


def patient_home(patient: Patient, actor: Actor, *, at: datetime) -> PatientHome:
    plan = preparation.plan_of(patient, day_in(at, patient.practice.zone))
    upcoming = sessions.upcoming_of(patient, at)
    unwritten = integration.awaits_entry(patient, at)
    intend = _asks_for_intention(plan) if upcoming and not _has_intention(patient) else None
    step = next_step(
        Standing(
            in_session=sessions.open_of(patient) is not None,
            closed_at=unwritten.closed_at if unwritten else None,
            preparation_due=bool(plan.now),
            intention_wanted=intend is not None,
            session_planned=bool(upcoming),
        ),
        now=at,
    )
    return PatientHome(
        step=step,
        write_about=unwritten,
        prepare=plan.now[0] if plan.now else None,
        intend=intend,
        upcoming=upcoming,
        plan=plan,
        unsigned=[
            asked
            for asked in consents.asked_of(patient, on=day_in(at, patient.practice.zone))
            if asked.is_wanted
        ],
        wants_answers=screening.screening_of(patient, at=at).wants_answers,
        past=sessions.past_of(patient),
        entries=integration.entries_visible_to(actor, patient, limit=ENTRIES_SHOWN),
    )


def therapist_home(actor: Actor, practice: Practice, *, at: datetime) -> TherapistHome:
    today = day_in(at, practice.zone)
    tomorrow = midnight(today + timedelta(days=1), practice.zone)
    end = midnight(today + timedelta(days=1 + DAYS_AHEAD), practice.zone)
    # From yesterday on, because a session left open then still needs someone.
    found = sessions.in_window(actor, midnight(today - timedelta(days=1), practice.zone), end)
    begins = midnight(today, practice.zone)
    behind = preparation.behind(actor, today)
    shared = integration.new_shared(actor, at - SHARED_WITHIN)
    return TherapistHome(
        today=[each for each in found if each.planned_at < tomorrow and _is_of_today(each, begins)],
        soon=[each for each in found if each.planned_at >= tomorrow],
        behind=behind,
        shared=shared,
        talks=talks.open_for(actor, at),
        has_patients=patients.has_any(actor),
    )


def admin_home(actor: Actor, *, at: datetime) -> AdminHome:
    staff = [user for user in people.staff_of(actor) if user.closed_at is None]
    tracks, seconds, size = music.library_totals(actor)
    return AdminHome(
        administrators=sum(user.role is Role.ADMIN for user in staff),
        therapists=sum(user.role is Role.THERAPIST for user in staff),
        invitations=people.open_invitations(actor, at=at),
        tracks=tracks,
        track_seconds=seconds,
        track_bytes=size,
        unfinished_jobs=jobs.unfinished_count(actor.practice_id),
        failed_jobs=jobs.failed_since(actor.practice_id, at - FAILED_WITHIN),
    )


def chart_of(patient: Patient, actor: Actor, *, at: datetime) -> Chart:
    zone = patient.practice.zone
    today = day_in(at, zone)
    held = [each for each in sessions.sessions_of(patient) if each.state is not SessionState.CANCELLED]
    running = next((each for each in held if each.state is SessionState.OPEN), None)
    planned = [each for each in reversed(held) if _is_awaited(each, at)]
    of_today = next((each for each in planned if day_in(each.planned_at, zone) == today), None)
    given = preparation.assignments_of(patient)
    entries = integration.entries_visible_to(actor, patient)
    opened = integration.opened_by(actor, patient)
    invitation = _open_invitation(patient.user, at) if patient.user else None
    accepted = patient.user is not None and patient.user.password_hash is not None
    standing = ChartStanding(
        archived=patient.archived_at is not None,
        in_session=running is not None,
        session_today=of_today is not None,
        unread=any(entry.id not in opened for entry in entries),
        can_sign_in=accepted or invitation is not None,
        assigned=bool(given),
        session_planned=bool(planned),
    )
    return Chart(
        step=chart_step(standing),
        age=age_on(patient.birthday, today) if patient.birthday else None,
        invitation=invitation,
        accepted=accepted,
        team=patients.team_of(patient),
        sessions=held,
        given=given,
        entries=entries,
        opened=frozenset(opened),
        needing=running or of_today,
        planned=planned[0] if planned else None,
        screening=screening.screening_of(patient, at=at),
        talks=talks.open_of(patient),
    )


def _asks_for_intention(plan: Plan) -> Given | None:
    """The guide that has a place for the intention, if the patient was given one."""
    everything = (*plan.now, *plan.coming, *plan.done)
    return next((each for each in everything if each.guide.asks == "intention"), None)


def _has_intention(patient: Patient) -> bool:
    intention = sessions.intention_of(patient)
    return intention is not None and bool(intention.text.strip())


def _is_of_today(session: DosingSession, begins: datetime) -> bool:
    return session.planned_at >= begins or session.state is SessionState.OPEN


def _is_awaited(session: DosingSession, at: datetime) -> bool:
    return session.state is SessionState.PLANNED and session.planned_at >= at - sessions.AWAITED_FOR


def _open_invitation(user: User, at: datetime) -> Invitation | None:
    latest = people.latest_invitation(user.id)
    return latest if latest is not None and latest.is_open(at) else None
