"""The music of a session as files for a device, and again for the patient once the session is over."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.clock import now
from kap.music import playlist_queries as music
from kap.music.models import Mix
from kap.music.parts import parts_of
from kap.music.rules import MIX_TYPES
from kap.music.streaming import file_response
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.sessions import actions, queries
from kap.sessions.blueprint import bp
from kap.sessions.models import DosingSession, SessionState
from kap.sessions.programme import Programme
from kap.web.notices import offer_undo

PLAYED = ("opus", "m4a")  # in the order a browser is asked whether it plays them


@bp.get("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/music/<any(opus, m4a):format>")
@patient_view(Permission.SESSION_RECORD)
def music_parts(patient: Patient, session_id: UUID, format: str) -> Response:  # noqa: A002 - as in the address
    """How the file that will play, or plays, is made up: for a device that keeps it."""
    session = queries.session_of(patient, session_id)
    return _parts(_mix_to_keep(session), format)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/listening")
@patient_view(Permission.MUSIC_GIVE)
def let_listen(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    actions.let_listen(session, actor=current_actor(), at=now())
    offer_undo(f"{patient.name} can listen to this music again.", _url("stop_listening", session))
    return redirect(_url("page", session), 303)


@bp.post("/patients/<uuid:patient_id>/sessions/<uuid:session_id>/listening/stop")
@patient_view(Permission.MUSIC_GIVE)
def stop_listening(patient: Patient, session_id: UUID) -> Response:
    session = queries.session_of(patient, session_id)
    actions.stop_listening(session, actor=current_actor())
    offer_undo(f"{patient.name} cannot listen to this music any more.", _url("let_listen", session))
    return redirect(_url("page", session), 303)


@bp.get("/my/sessions/<uuid:session_id>/music")
@own_record_view(Permission.MUSIC_HEAR)
def listen(patient: Patient, session_id: UUID) -> str:
    session = queries.heard_again(patient, session_id)
    plan = session.mix.plan if session.mix else None
    if plan is None:
        raise NotThere("This music is not there any more.")
    return render_template(
        "sessions/listen.html", session=session, programme=Programme.of(plan), files=own_files(session)
    )


@bp.get("/my/sessions/<uuid:session_id>/music/<any(opus, m4a):format>")
@own_record_view(Permission.MUSIC_HEAR)
def own_music(patient: Patient, session_id: UUID, format: str) -> Response:  # noqa: A002
    mix = queries.heard_again(patient, session_id).mix
    return file_response(_key(mix, format), mimetype=MIX_TYPES[format])


@bp.get("/my/sessions/<uuid:session_id>/music/<any(opus, m4a):format>/parts")
@own_record_view(Permission.MUSIC_HEAR)
def own_music_parts(patient: Patient, session_id: UUID, format: str) -> Response:  # noqa: A002
    return _parts(queries.heard_again(patient, session_id).mix, format)


def keepable(session: DosingSession, mix: Mix | None) -> list[dict[str, str]]:
    """The files of `mix` as the player's sources, Opus first, and where each is described."""
    if mix is None:
        return []
    return [
        {
            "type": MIX_TYPES[kind],
            "file": url_for("music.mix_file", mix_id=mix.id, format=kind),
            "about": _url("music_parts", session, format=kind),
        }
        for kind in PLAYED
    ]


def own_files(session: DosingSession) -> list[dict[str, str]]:
    """The same for the patient who hears it again."""
    return [
        {
            "type": MIX_TYPES[kind],
            "file": url_for("sessions.own_music", session_id=session.id, format=kind),
            "about": url_for("sessions.own_music_parts", session_id=session.id, format=kind),
        }
        for kind in PLAYED
    ]


def _mix_to_keep(session: DosingSession) -> Mix | None:
    """Fixed from the opening on; before, what would be fixed now."""
    if session.state is SessionState.PLANNED:
        return music.ready_mix(session.playlist) if session.playlist else None
    return session.mix


def _parts(mix: Mix | None, kind: str) -> Response:
    parts = parts_of(_key(mix, kind))
    return jsonify({**asdict(parts), "etag": f'"{parts.etag}"', "type": MIX_TYPES[kind]})


def _key(mix: Mix | None, kind: str) -> str:
    key = {"opus": mix.opus_key, "m4a": mix.m4a_key}[kind] if mix else None
    if key is None:
        raise NotThere("There is no music to keep.")
    return key


def _url(endpoint: str, session: DosingSession, **values: Any) -> str:
    return url_for(f"sessions.{endpoint}", patient_id=session.patient_id, session_id=session.id, **values)
