"""Planning a dosing session, its room while it runs, and its record."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, observe
from kap.access.permissions import Permission
from kap.clock import in_zone, now
from kap.music import playlist_queries as music
from kap.music.models import Playlist
from kap.patients import queries as patients
from kap.patients.guard import patient_view
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid
from kap.sessions import actions, listening_views, offline_views, queries, rules, wishes, wishes_views
from kap.sessions.actions import Report
from kap.sessions.blueprint import bp
from kap.sessions.forms import Choices, NoteForm, PlanForm
from kap.sessions.listening_views import keepable
from kap.sessions.models import DosingSession, SessionNote, SessionState
from kap.sessions.programme import Programme
from kap.sessions.rules import OUTLET_WORDS, Outlet
from kap.sessions.wishes_views import avoid_of, shown_wishes
from kap.web.errors import STATUS, wants_json
from kap.web.notices import offer_undo

__all__ = [
    "bp",
    "listening_views",
    "offline_views",
    "wishes_views",
]  # their routes stand on the same blueprint

QUICK_NOTES = ("Settled", "Eye mask on", "Eye mask off", "Speaking", "Music changed")
PAGES = {
    SessionState.PLANNED: "sessions/planned.html",
    SessionState.CANCELLED: "sessions/planned.html",
    SessionState.OPEN: "sessions/live.html",
    SessionState.CLOSED: "sessions/record.html",
}


@bp.get("/patients/<uuid:patient_id>/sessions/new")
@patient_view(Permission.SESSION_PLAN)
def planning(patient: Patient) -> str:
    form = _plan_form(patient, data={"therapist": str(current_actor().id)})
    return _plan_page(patient, form)


@bp.post("/patients/<uuid:patient_id>/sessions/new")
@patient_view(Permission.SESSION_PLAN)
def plan(patient: Patient) -> Response:
    form = _plan_form(patient)
    if not form.validate():
        return make_response(_plan_page(patient, form), 422)
    session = actions.plan(patient, wanted=form.plan(), actor=current_actor())
    flash("The session is planned.", "success")
    return _to_page(session)


@bp.get("/patients/<uuid:patient_id>/sessions/<uuid:session_id>")
@patient_view(Permission.SESSION_READ)
def page(patient: Patient, session_id: UUID) -> str:
    return session_page(queries.session_of(patient, session_id))


@bp.get("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/edit")
@patient_view(Permission.SESSION_PLAN)
def details(patient: Patient, session_id: UUID) -> str:
    session = queries.session_of(patient, session_id)
    return _plan_page(patient, _plan_form(patient, session, data=_as_typed(session)), session)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/edit")
@patient_view(Permission.SESSION_PLAN)
def change(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    form = _plan_form(patient, session)
    if not form.validate():
        return make_response(_plan_page(patient, form, session), 422)
    try:
        actions.change(session, wanted=form.plan(), version=form.version.data or 0, actor=current_actor())
    except Conflict as conflict:
        form.take_version(session.version)
        return make_response(_plan_page(patient, form, session, str(conflict)), 409)
    flash("Saved.", "success")
    return _to_page(session)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/cancel")
@patient_view(Permission.SESSION_PLAN)
def cancel(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    actions.cancel(session, actor=current_actor())
    offer_undo("The session is cancelled.", _url("reinstate", session))
    return _to_page(session)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/reinstate")
@patient_view(Permission.SESSION_PLAN)
def reinstate(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    actions.reinstate(session, actor=current_actor())
    flash("The session is planned again.", "success")
    return _to_page(session)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/music")
@patient_view(Permission.SESSION_RECORD)
def choose_music(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    try:
        playlist_id = UUID(request.form.get("playlist", ""))
    except ValueError:
        raise Invalid("Choose a playlist first.") from None
    actions.choose_music(session, playlist_id=playlist_id, actor=current_actor())
    return _to_page(session)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/music-started")
@patient_view(Permission.SESSION_RECORD)
def music_started(patient: Patient, session_id: UUID) -> Response:
    """Repeated by the player for as long as the music plays, which also keeps the therapist signed in.

    A page that has not played yet only says that it is there. The answer is where the other devices are.
    """
    session = queries.session_of(patient, session_id)
    position = _music_position(session, request.form.get("position"))
    moment = now()
    if request.form.get("sounded") != "no":
        actions.follow_music(session, position_s=position, actor=current_actor(), at=moment)
    device_id = request.form.get("device", type=UUID)
    if device_id is None:
        return make_response("", 204)
    outlet = request.form.get("outlet", Outlet.UNNAMED, type=Outlet)
    playing = request.form.get("playing") == "yes"
    actions.note_device(session, Report(device_id, outlet, position or 0.0, playing), at=moment)
    return jsonify(others=_beside(session, device_id, moment))


def _beside(session: DosingSession, device_id: UUID, moment: datetime) -> list[dict[str, Any]]:
    return [
        {
            "name": OUTLET_WORDS[device.outlet],
            "position": device.position_s,
            "playing": device.playing,
            "age": (moment - device.at).total_seconds(),
        }
        for device in queries.devices_beside(session, device_id, at=moment)
    ]


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/notes")
@patient_view(Permission.SESSION_RECORD)
def add_note(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    form = NoteForm()
    moment = now()
    try:
        actions.add_note(
            session,
            text=form.words(),
            client_id=form.key(),
            written_at=rules.written_at(form.age_s.data, opened_at=session.opened_at or moment, at=moment),
            music_s=_music_position(session, form.music_s.data),
            actor=current_actor(),
        )
    except (Invalid, Conflict) as problem:
        if wants_json():
            raise
        return _note_refused(session, form, problem)
    if wants_json():
        return jsonify(html=render_template("sessions/notes.html", notes=_notes(session)))
    return redirect(_url("page", session) + "#notes", 303)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/close")
@patient_view(Permission.SESSION_RECORD)
def close(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    try:
        actions.close(session, actor=current_actor(), at=now())
    except Conflict as conflict:
        return _told(session, conflict)
    offer_undo("The session is closed.", _url("reopen", session))
    return _to_page(session)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/reopen")
@patient_view(Permission.SESSION_RECORD)
def reopen(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    try:
        actions.reopen(session, actor=current_actor(), at=now())
    except Conflict as conflict:
        return _told(session, conflict)
    return _to_page(session)


def session_page(
    session: DosingSession, *, told: str | None = None, note: NoteForm | None = None, **more: Any
) -> str:
    """The page of a session in whatever state it is. `told` says why something was not done.

    `more` is what `kap.readiness` shows on it: see `sessions/planned.html`.
    """
    actor, moment = current_actor(), now()
    intention = queries.intention_of(session.patient)
    if intention is not None:
        observe(Permission.INTENTION_READ, actor=actor, patient_id=session.patient_id, subject=intention)
    return render_template(
        PAGES[session.state],
        session=session,
        patient=session.patient,
        route=rules.ROUTE_WORDS[session.route],
        intention=intention,
        told=told,
        note=note or NoteForm(formdata=None, data={"client_id": str(uuid4())}),
        quick_notes=QUICK_NOTES,
        **_of_state(session, moment),
        **_music_wishes(session),
        **more,
    )


def _of_state(session: DosingSession, moment: datetime) -> dict[str, Any]:
    """What only one of the pages shows."""
    if session.state in (SessionState.PLANNED, SessionState.CANCELLED):
        mix = music.ready_mix(session.playlist) if session.playlist else None
        return {"mix": mix, "other": queries.open_of(session.patient), "files": keepable(session, mix)}
    facts: dict[str, Any] = {
        "programme": Programme.of(session.mix.plan) if session.mix and session.mix.plan else None,
        "notes": _notes(session),
        "unready": queries.unready_opening_of(session),
        "files": keepable(session, session.mix),
    }
    if session.state is SessionState.OPEN:
        facts["playlists"] = {} if session.music_started_at else _rendered_playlists()
        facts["outlets"] = {Outlet.UNNAMED: "Not said"} | {
            outlet: words for outlet, words in OUTLET_WORDS.items() if outlet is not Outlet.UNNAMED
        }
    elif session.closed_at and session.opened_at:
        facts["lasted_s"] = (session.closed_at - session.opened_at).total_seconds()
        facts["may_reopen"] = rules.may_reopen(session.closed_at, at=moment)
    return facts


def _music_wishes(session: DosingSession) -> dict[str, Any]:
    """What the patient wants of music, and what in the chosen playlist goes against it."""
    avoid = avoid_of(session.patient)
    playlist_id = session.playlist_id
    against = wishes.objections([playlist_id], avoid) if playlist_id else {}
    return {
        "wishes": shown_wishes(session.patient),
        "against": against.get(playlist_id, []) if playlist_id else [],
    }


def _notes(session: DosingSession) -> list[SessionNote]:
    """In the room the newest stands next to where one writes; a record is read from its beginning."""
    notes = queries.notes_of(session)
    return notes[::-1] if session.state is SessionState.OPEN else notes


def _music_position(session: DosingSession, given: str | None) -> float | None:
    return rules.music_position(given, length_s=session.mix.length_s) if session.mix else None


def _told(session: DosingSession, conflict: Conflict) -> Response:
    return make_response(session_page(session, told=str(conflict)), 409)


def _note_refused(session: DosingSession, form: NoteForm, problem: Invalid | Conflict) -> Response:
    form.renew()
    return make_response(session_page(session, told=str(problem), note=form), STATUS[type(problem)])


def _plan_page(
    patient: Patient, form: PlanForm, session: DosingSession | None = None, conflict: str | None = None
) -> str:
    intention = queries.intention_of(patient)
    if intention is not None:
        observe(Permission.INTENTION_READ, actor=current_actor(), patient_id=patient.id, subject=intention)
    return render_template(
        "sessions/plan.html",
        patient=patient,
        form=form,
        session=session,
        conflict=conflict,
        intention=intention,
        wishes=shown_wishes(patient),
    )


def _plan_form(patient: Patient, session: DosingSession | None = None, **values: Any) -> PlanForm:
    return PlanForm(
        zone=patient.practice.zone,
        therapists=_therapists(patient, session),
        playlists=_playlists(patient),
        **values,
    )


def _therapists(patient: Patient, session: DosingSession | None) -> Choices:
    team = {str(member.user_id): member.user.name for member in patients.team_of(patient)}
    if session is None or str(session.therapist_id) in team:
        return team
    # Someone who left the team: shown, so that opening the form does not quietly choose another.
    return {str(session.therapist_id): f"{session.therapist.name}, no longer on the care team"} | team


def _playlists(patient: Patient) -> Choices:
    found = _with_readiness()
    against = wishes.objections([playlist.id for playlist, _ in found], avoid_of(patient))
    return {
        str(playlist.id): f"{_with_length(playlist)}, {'ready to play' if is_ready else 'not rendered yet'}"
        + (", goes against a no-go" if playlist.id in against else "")
        for playlist, is_ready in found
    }


def _rendered_playlists() -> Choices:
    return {str(playlist.id): _with_length(playlist) for playlist, is_ready in _with_readiness() if is_ready}


def _with_readiness() -> list[tuple[Playlist, bool]]:
    """The practice's playlists, and whether there is a mix of each."""
    playlists = music.playlists_of(current_actor())
    ready = music.mixes_of(playlist.id for playlist in playlists)
    return [(playlist, playlist.id in ready) for playlist in playlists]


def _with_length(playlist: Playlist) -> str:
    return f"{playlist.name}, {playlist.length_s // 60} min"


def _as_typed(session: DosingSession) -> dict[str, Any]:
    local = in_zone(session.planned_at, session.patient.practice.zone)
    return {
        "day": local.date(),
        "time": local.time(),
        "occurrence": "second" if local.fold else "first",
        "route": session.route.value,
        "therapist": str(session.therapist_id),
        "playlist": str(session.playlist_id or ""),
        "version": session.version,
    }


def _url(endpoint: str, session: DosingSession) -> str:
    return url_for(f"sessions.{endpoint}", patient_id=session.patient_id, session_id=session.id)


def _to_page(session: DosingSession) -> Response:
    return redirect(_url("page", session), 303)
