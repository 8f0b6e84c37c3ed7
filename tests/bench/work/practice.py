"""A practice in full swing, made by the rooms' own actions: one busy therapist and everyone else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import actions as accounts
from kap.accounts.models import Practice, User
from kap.clock import now
from kap.content.guides import library
from kap.db import db, transaction
from kap.integration import actions as integration
from kap.integration.rules import Writing
from kap.music import actions as music
from kap.music.actions import Stored
from kap.music.models import TrackState
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import Patient
from kap.preparation import actions as preparation
from kap.readiness.rules import Item
from kap.sessions import actions as sessions
from kap.sessions.actions import Plan
from kap.sessions.rules import Route
from tests.readiness.settling import Settling

SESSIONS_TODAY = 3  # as many as a therapist can hold, however many patients there are
ENTRIES = 12
CASELOAD = 200
THERAPIST, PATIENT = "therapist@example.org", "patient-1@example.org"


@dataclass(frozen=True)
class Swing:
    """The practice, when it is, and what everybody's password hashes to."""

    practice: Practice
    password_hash: str
    at: datetime
    this_week: bool


def fill(*, caseload: int, patients_in_all: int, password_hash: str, this_week: bool = False) -> UUID:
    """Make the practice. Returns the id of the patient whose pages are opened.

    The first therapist has `caseload` patients, who have all had a session, and the others share the rest;
    tracks are as many as patients of the first. Of ten patients one is behind and one has shared an entry.
    With `this_week`, everyone has a session in the days that come and lacks one thing before it.
    """
    with transaction():
        practice = accounts.found_practice(
            name="Bench", zone="Europe/Berlin", help_text="Call 112.", at=now()
        )
        swing = Swing(practice, password_hash, now(), this_week)
        therapist = _enter(swing, Role.THERAPIST, THERAPIST)
        _tracks(swing, therapist.actor, caseload)
    numbers = count(1)
    known = _admit(swing, therapist, caseload, numbers, held=True)
    for first in range(caseload, patients_in_all, CASELOAD):
        with transaction():
            other = _enter(swing, Role.THERAPIST, f"therapist-{first}@example.org")
        _admit(swing, other, min(CASELOAD, patients_in_all - first), numbers, held=False)
    with transaction():
        _write_much(db.session.get_one(Patient, known), swing)
    return known


def _enter(swing: Swing, role: Role, email: str) -> User:
    user = accounts.enter_user(
        practice=swing.practice,
        role=role,
        name=email.partition("@")[0].replace("-", " ").title(),
        email=email,
        actor=Actor.system(swing.practice.id),
        at=swing.at,
    )
    user.password_hash = swing.password_hash
    return user


def _tracks(swing: Swing, actor: Actor, how_many: int) -> None:
    for number in range(how_many):
        name = f"Track {number}.flac"
        entered = music.enter(
            Stored(name, digest=f"{number:064x}", key=f"track/{number}", size=30_000_000),
            practice_id=swing.practice.id,
            actor=actor,
            at=swing.at,
        )
        track = entered.track
        assert track is not None
        # what the measuring job writes of a file that was heard
        track.state, track.duration_s, track.intensity = TrackState.READY, 300.0, number / how_many
        track.loudness_lufs, track.true_peak_dbtp = -21.0, -8.0
        track.lead_silence_s = track.trail_silence_s = 0.5
        track.peaks = bytes(2000)


def _admit(swing: Swing, therapist: User, how_many: int, numbers: "count[int]", *, held: bool) -> UUID:
    """Admit patients and return the first one's id; with `held`, each has had a session."""
    admitted = []
    for place in range(how_many):
        with transaction():
            patient = _one_patient(swing, therapist, place, next(numbers))
            if held:
                _hold(swing, patient, therapist, place)
        admitted.append(patient.id)
    return admitted[0]


def _one_patient(swing: Swing, therapist: User, place: int, number: int) -> Patient:
    email = f"patient-{number}@example.org"
    patient = patients.admit(
        practice=swing.practice,
        identity=Identity(name=f"Patient {number}", born="1980-05-17", email=email),
        actor=therapist.actor,
        at=swing.at - timedelta(days=30),
    )
    patient.user = _enter(swing, Role.PATIENT, email)
    patient.user_id = patient.user.id
    db.session.flush()
    _prepare(swing, patient, therapist, behind=place % 10 == 1)
    ahead = timedelta(days=1 + place % 6 if swing.this_week else 8 + place % 60)
    if place < SESSIONS_TODAY:
        ahead = timedelta(minutes=1)
    wanted = Plan(swing.at + ahead, Route.IV, therapist.id, None)
    session = sessions.plan(patient, wanted=wanted, actor=therapist.actor)
    if swing.this_week:
        db.session.flush()
        settling = Settling(patient, session, patient.user.actor, therapist.actor, swing.at)
        settling.everything(but=list(Item)[place % len(Item)])
    if place % 10 == 2:
        _write(swing, patient, 1, shared=True)
    return patient


def _prepare(swing: Swing, patient: Patient, therapist: User, *, behind: bool) -> None:
    preparation.assign(
        patient,
        guide=next(iter(library().values())),
        due_on=(swing.at + timedelta(days=-2 if behind else 6)).date(),
        line=None,
        actor=therapist.actor,
        at=swing.at - timedelta(days=10),
    )


def _hold(swing: Swing, patient: Patient, therapist: User, place: int) -> None:
    """A session within the last three weeks, with a note."""
    at, actor = swing.at - timedelta(days=7 + place % 14), therapist.actor
    session = sessions.plan(patient, wanted=Plan(at, Route.IV, therapist.id, None), actor=actor)
    db.session.flush()
    sessions.open_session(session, actor=actor, at=at)
    sessions.add_note(session, text="Settled.", client_id=uuid4(), written_at=at, music_s=None, actor=actor)
    sessions.close(session, actor=actor, at=at + timedelta(hours=2))


def _write_much(patient: Patient, swing: Swing) -> None:
    for days_ago in range(1, ENTRIES + 1):
        _write(swing, patient, days_ago, shared=days_ago % 3 == 0)


def _write(swing: Swing, patient: Patient, days_ago: int, *, shared: bool) -> None:
    at = swing.at - timedelta(days=days_ago)
    text = "The quiet stayed with me, and I called my sister. " * 20
    entry = integration.write(patient, entry_id=uuid4(), writing=Writing(text), version=0, at=at)
    assert entry is not None
    if shared:
        assert patient.user is not None
        integration.share(entry, actor=patient.user.actor, at=at)
