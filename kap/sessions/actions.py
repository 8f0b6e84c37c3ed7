"""Planning, opening, noting and closing a dosing session; writing an intention. None of these commits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.music import playlist_queries as music
from kap.patients import queries as patients
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid
from kap.sessions import queries, rules
from kap.sessions.models import DosingSession, Intention, SessionDevice, SessionNote, UnreadyOpening
from kap.sessions.rules import Outlet, Route, SessionState, Verb

LONGEST_TEXT = 20_000
# An intention saves itself while it is typed; one sitting is one event in the log.
SITTING = timedelta(minutes=10)
OPENED_UNREADY = "sessions:session:open-unready"  # as the log names it; the reason stays with the session

IS_NOW = {
    SessionState.PLANNED: "This session is not open.",
    SessionState.OPEN: "This session is open already.",
    SessionState.CLOSED: "This session is closed.",
    SessionState.CANCELLED: "This session is cancelled.",
}


@dataclass(frozen=True)
class Plan:
    """When a session is to be, and with what. No playlist: a session without music."""

    planned_at: datetime
    route: Route
    therapist_id: UUID
    playlist_id: UUID | None


@dataclass(frozen=True)
class Unready:
    """What was missing as a session was opened, in words, and why it was opened all the same."""

    missing: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Report:
    """What a device that shows the player says of itself."""

    device_id: UUID
    outlet: Outlet
    position_s: float
    playing: bool


Follower = Callable[[Patient, Actor], None]
_followers: list[Follower] = []


def follows_sessions(act: Follower) -> Follower:
    """Have `act` called whenever the days of a patient's sessions change, in the transaction that does it.

    So that rooms above can keep in step what they hold, without this one knowing them.
    """
    _followers.append(act)
    return act


def _have_followed(session: DosingSession, actor: Actor) -> None:
    for act in _followers:
        act(session.patient, actor)


def plan(patient: Patient, *, wanted: Plan, actor: Actor) -> DosingSession:
    """Raises `Invalid` for a therapist outside the care team, `NotThere` for another practice's playlist."""
    session = DosingSession(patient=patient, patient_id=patient.id, state=SessionState.PLANNED)
    _apply(wanted, session, actor=actor)
    db.session.add(session)
    audit.record(Permission.SESSION_PLAN, actor=actor, patient_id=patient.id, subject=session)
    _have_followed(session, actor)
    return session


def change(session: DosingSession, *, wanted: Plan, version: int, actor: Actor) -> None:
    """Plan anew. Raises `Conflict` when someone else did since `version`, or it is no longer planned."""
    with _changing(session, Verb.CHANGE):
        if session.version != version:
            raise Conflict("Someone changed this plan since you opened it. Yours is not saved yet.")
        _apply(wanted, session, actor=actor)
        audit.record(Permission.SESSION_PLAN, actor=actor, patient_id=session.patient_id, subject=session)
    _have_followed(session, actor)


def cancel(session: DosingSession, *, actor: Actor) -> None:
    with _changing(session, Verb.CANCEL):
        audit.record(Permission.SESSION_PLAN, actor=actor, patient_id=session.patient_id, subject=session)
    _have_followed(session, actor)


def reinstate(session: DosingSession, *, actor: Actor) -> None:
    """Undo `cancel`."""
    with _changing(session, Verb.REINSTATE):
        audit.record(Permission.SESSION_PLAN, actor=actor, patient_id=session.patient_id, subject=session)
    _have_followed(session, actor)


def open_session(
    session: DosingSession, *, actor: Actor, at: datetime, unready: Unready | None = None
) -> None:
    """Begin; the music is fixed to what is rendered now. Raises `Conflict` unless it is planned.

    Whether it may be opened is for `kap.readiness` to say, through which every page goes; what that found
    missing comes along as `unready` and stays with the session.
    """
    with _changing(session, Verb.OPEN):
        session.opened_at = at
        session.mix = music.ready_mix(session.playlist) if session.playlist else None
        _record(session, actor)
        if unready is not None:
            _keep_why(session, unready, actor=actor, at=at)
    _have_followed(session, actor)


def _keep_why(session: DosingSession, unready: Unready, *, actor: Actor, at: datetime) -> None:
    opening = UnreadyOpening(
        session=session,
        session_id=session.id,
        therapist_id=actor.id,
        at=at,
        missing=list(unready.missing),
        reason=unready.reason,
    )
    db.session.add(opening)
    audit.record(OPENED_UNREADY, actor=actor, patient_id=session.patient_id, subject=session)


def choose_music(session: DosingSession, *, playlist_id: UUID, actor: Actor) -> None:
    """Take a rendered playlist into an open session whose music has not begun."""
    with _changing(session, Verb.CHOOSE_MUSIC):
        if session.music_started_at is not None:
            raise Conflict("The music of this session has begun, so it stays.")
        playlist = music.playlist_for(actor, playlist_id)
        mix = music.ready_mix(playlist)
        if mix is None:
            raise Invalid("This playlist is not rendered yet.")
        session.playlist, session.mix = playlist, mix
        _record(session, actor)


def follow_music(session: DosingSession, *, position_s: float | None, actor: Actor, at: datetime) -> None:
    """Note when the music first sounded, and from then on how far it has come."""
    if session.music_started_at is None or session.state is not SessionState.OPEN:
        with _changing(session, Verb.PLAY):
            if session.mix_id is None:
                raise Conflict("This session has no music.")
            session.music_started_at = session.music_started_at or at
            _record(session, actor)
    if position_s is not None:
        # Not through the row: the player reports every minute, and no one else's change is stale for that.
        db.session.execute(
            update(DosingSession)
            .where(
                DosingSession.id == session.id,
                func.coalesce(DosingSession.music_reached_s, -1) < position_s,
            )
            .values(music_reached_s=position_s)
        )


def note_device(session: DosingSession, report: Report, *, at: datetime) -> None:
    """Keep where a device of the room stands, for the other devices to see. Raises `Conflict`."""
    if rules.after(session.state, Verb.PLAY) is None:
        raise Conflict(IS_NOW[session.state])
    if _update_device(session, report, at):
        return
    device = SessionDevice(
        session_id=session.id,
        device_id=report.device_id,
        outlet=report.outlet,
        position_s=report.position_s,
        playing=report.playing,
        at=at,
    )
    try:
        with db.session.begin_nested():
            db.session.add(device)
    except IntegrityError:  # its first two reports came in the same moment
        _update_device(session, report, at)


def _update_device(session: DosingSession, report: Report, at: datetime) -> bool:
    """Whether the device was known."""
    updated = db.session.execute(
        update(SessionDevice)
        .where(SessionDevice.session_id == session.id, SessionDevice.device_id == report.device_id)
        .values(outlet=report.outlet, position_s=report.position_s, playing=report.playing, at=at)
        .returning(SessionDevice.id)
    )
    return updated.first() is not None


def add_note(
    session: DosingSession,
    *,
    text: str,
    client_id: UUID,
    written_at: datetime,
    music_s: float | None,
    actor: Actor,
) -> SessionNote:
    """Add a note once: the same `client_id` with the same words is the same note.

    Raises `Invalid` for no words or too many, `Conflict` for other words under a known `client_id`.
    """
    text = text.strip()
    if not text:
        raise Invalid("Write a few words first.")
    if len(text) > LONGEST_TEXT:
        raise Invalid(f"A note can have {LONGEST_TEXT:,} characters. Please add it in two parts.")
    if rules.after(session.state, Verb.NOTE) is None:
        raise Conflict(IS_NOW[session.state])
    known = queries.note_by_client_id(session, client_id)
    if known is not None:
        return _same(known, text)
    note = SessionNote(
        session=session,
        session_id=session.id,
        author_id=actor.id,
        client_id=client_id,
        at=written_at,
        music_s=music_s,
        text=text,
    )
    try:
        with db.session.begin_nested():
            db.session.add(note)
    except IntegrityError:  # the same note was sent twice in the same moment
        known = queries.note_by_client_id(session, client_id)
        if known is None:
            raise
        return _same(known, text)
    audit.record(Permission.SESSION_RECORD, actor=actor, patient_id=session.patient_id, subject=note)
    return note


def close(session: DosingSession, *, actor: Actor, at: datetime) -> None:
    with _changing(session, Verb.CLOSE):
        session.closed_at = at
        db.session.execute(delete(SessionDevice).where(SessionDevice.session_id == session.id))
        _record(session, actor)


def reopen(session: DosingSession, *, actor: Actor, at: datetime) -> None:
    """Undo `close`, for as long as that can have been a slip of the hand."""
    if session.closed_at is not None and not rules.may_reopen(session.closed_at, at=at):
        raise Conflict("This session was closed more than an hour ago. You can still add notes.")
    with _changing(session, Verb.REOPEN):
        session.closed_at = None
        _record(session, actor)


def let_listen(session: DosingSession, *, actor: Actor, at: datetime) -> None:
    """Let the patient hear the session's music again. Raises `Conflict` unless it is over and had music."""
    if session.mix_id is None:
        raise Conflict("This session had no music, or it was removed since.")
    with _changing(session, Verb.LET_LISTEN):
        session.listening_allowed_at = session.listening_allowed_at or at
        audit.record(Permission.MUSIC_GIVE, actor=actor, patient_id=session.patient_id, subject=session)


def stop_listening(session: DosingSession, *, actor: Actor) -> None:
    """Undo `let_listen`."""
    with _changing(session, Verb.LET_LISTEN):
        session.listening_allowed_at = None
        audit.record(Permission.MUSIC_GIVE, actor=actor, patient_id=session.patient_id, subject=session)


def write_intention(patient: Patient, *, text: str, version: int, actor: Actor, at: datetime) -> Intention:
    """Write what the patient brings; `version` is 0 for the first time. The same words again are no change.

    Raises `Invalid` for too long a text, `Conflict` when it was rewritten since `version`.
    """
    if len(text) > LONGEST_TEXT:
        raise Invalid(f"An intention can have {LONGEST_TEXT:,} characters.")
    intention = queries.intention_of(patient)
    if intention is not None and intention.text == text:
        return intention
    if (intention.version if intention else 0) != version:
        raise Conflict("Your intention was changed somewhere else. Both versions are kept.")
    if intention is None:
        intention = _first_intention(patient, text=text, at=at)
        same_sitting = False
    else:
        same_sitting = at - intention.written_at < SITTING
        intention.text, intention.written_at = text, at
        db.session.flush()
    if not same_sitting:
        audit.record(Permission.INTENTION_WRITE, actor=actor, patient_id=patient.id, subject=intention)
    return intention


def _first_intention(patient: Patient, *, text: str, at: datetime) -> Intention:
    intention = Intention(patient=patient, patient_id=patient.id, written_at=at, text=text)
    try:
        with db.session.begin_nested():
            db.session.add(intention)
    except IntegrityError as error:
        raise Conflict("Your intention was written somewhere else in the same moment.") from error
    return intention


def _apply(wanted: Plan, session: DosingSession, *, actor: Actor) -> None:
    team = {member.user_id: member.user for member in patients.team_of(session.patient)}
    if wanted.therapist_id not in team:
        raise Invalid("Only someone of the care team can hold the session.")
    session.planned_at, session.route = wanted.planned_at, wanted.route
    session.therapist = team[wanted.therapist_id]
    session.playlist = music.playlist_for(actor, wanted.playlist_id) if wanted.playlist_id else None


def _same(known: SessionNote, text: str) -> SessionNote:
    if known.text != text:
        raise Conflict("A note of this page was added before with other words. Add this one again.")
    return known


def _record(session: DosingSession, actor: Actor) -> None:
    audit.record(Permission.SESSION_RECORD, actor=actor, patient_id=session.patient_id, subject=session)


@contextmanager
def _changing(session: DosingSession, verb: Verb) -> Iterator[None]:
    """Move `session` by `verb`. What changes inside reaches the database at once, so that losing a race is
    answered in words and leaves the row as the winner made it. Raises `Conflict`.
    """
    state = rules.after(session.state, verb)
    if state is None:
        raise Conflict(IS_NOW[session.state])
    try:
        with db.session.begin_nested():
            session.state = state
            yield
    except StaleDataError as error:
        raise Conflict("Someone changed this session in the same moment.") from error
    except IntegrityError as error:
        raise Conflict("Another session of this patient is open. Close that one first.") from error
