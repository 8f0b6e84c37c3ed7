"""Spoken guidance: recorded or uploaded, trimmed, listened to."""

import tempfile
from pathlib import Path
from uuid import UUID

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.audio.clips import preview_over
from kap.audio.errors import AudioError
from kap.clock import now
from kap.db import db
from kap.jobs import queue
from kap.music import playlist_queries as queries
from kap.music import voice_actions as actions
from kap.music.blueprint import bp
from kap.music.models import VoiceClip
from kap.music.streaming import file_response, sound_type
from kap.music.voice_forms import ClipForm, RecordingForm
from kap.problems import Conflict, Invalid, NotThere
from kap.storage import storage
from kap.web.errors import wants_json
from kap.web.notices import offer_undo

PREVIEW_TYPE = "audio/flac"


@bp.get("/voices")
@requires(Permission.LIBRARY_READ)
def voices() -> str:
    return _voices_page(RecordingForm(formdata=None))


@bp.post("/voices")
@requires(Permission.VOICE_EDIT)
def add_voice() -> Response:
    form, actor = RecordingForm(), current_actor()
    if not form.validate():
        return _not_kept(form)
    db.session.rollback()  # the file is read and stored before any row is locked
    try:
        key = _store(form.recording.data)
    except Invalid as objection:
        form.recording.errors = [str(objection)]
        return _not_kept(form)
    clip = actions.enter(key, title=form.title.data or "", actor=actor, at=now())
    url = url_for("music.voice", clip_id=clip.id)
    if wants_json():
        return make_response(jsonify({"ok": True, "url": url}))
    return redirect(url, 303)


@bp.get("/voices/<uuid:clip_id>")
@requires(Permission.LIBRARY_READ)
def voice(clip_id: UUID) -> str:
    found = queries.voice_for(current_actor(), clip_id)
    return _voice_page(found, ClipForm.of(found))


@bp.get("/voices/<uuid:clip_id>/sound")
@requires(Permission.LIBRARY_READ)
def voice_sound(clip_id: UUID) -> str:
    """The part of the page that says how far the clip is, and plays it once it is there."""
    found = queries.voice_for(current_actor(), clip_id)
    return render_template("music/voice_sound.html", clip=found, job=_job(found))


@bp.post("/voices/<uuid:clip_id>")
@requires(Permission.VOICE_EDIT)
def edit_voice(clip_id: UUID) -> Response:
    found, form = queries.voice_for(current_actor(), clip_id), ClipForm()
    if not form.validate():
        return make_response(_voice_page(found, form), 422)
    try:
        actions.edit(
            found,
            title=form.title.data or "",
            edit=form.edit(),
            version=form.version.data or 0,
            actor=current_actor(),
        )
    except Conflict as conflict:
        form.take_version(found.version)
        return make_response(_voice_page(found, form, conflict=str(conflict)), 409)
    flash("Saved.", "success")
    return redirect(url_for("music.voice", clip_id=found.id), 303)


@bp.post("/voices/<uuid:clip_id>/retire")
@requires(Permission.VOICE_EDIT)
def retire_voice(clip_id: UUID) -> Response:
    found = queries.voice_for(current_actor(), clip_id)
    actions.retire(found, actor=current_actor(), at=now())
    undo = url_for("music.restore_voice", clip_id=found.id)
    offer_undo(f"“{found.title}” is retired. Playlists that hold it keep it.", undo)
    return redirect(url_for("music.voices"), 303)


@bp.post("/voices/<uuid:clip_id>/restore")
@requires(Permission.VOICE_EDIT)
def restore_voice(clip_id: UUID) -> Response:
    found = queries.voice_for(current_actor(), clip_id)
    actions.restore(found, actor=current_actor())
    flash(f"“{found.title}” is back.", "success")
    return redirect(url_for("music.voice", clip_id=found.id), 303)


@bp.get("/voices/<uuid:clip_id>/file")
@requires(Permission.LIBRARY_READ)
def voice_file(clip_id: UUID) -> Response:
    found = queries.voice_for(current_actor(), clip_id)
    if found.clip_key is None:
        raise NotThere("This guidance is not ready yet.")
    return file_response(found.clip_key, mimetype="audio/flac")


@bp.get("/voices/<uuid:clip_id>/recording")
@requires(Permission.LIBRARY_READ)
def voice_recording(clip_id: UUID) -> Response:
    """As it came from the microphone or the file."""
    found = queries.voice_for(current_actor(), clip_id)
    return file_response(found.recorded_key, mimetype=sound_type(found.recorded_key))


@bp.get("/playlists/<uuid:playlist_id>/voices/<uuid:voice_id>/preview")
@requires(Permission.LIBRARY_READ)
def voice_over(playlist_id: UUID, voice_id: UUID) -> Response:
    """Guidance as it will be heard over the music of its place, a few seconds before it included."""
    found = queries.playlist_for(current_actor(), playlist_id)
    voice = queries.voice_in(found, voice_id)
    if voice is None or voice.clip.clip_key is None:
        raise NotThere("There is no such guidance in this playlist.")
    bed = queries.bed_at(found, voice.at_s)
    if bed is None:
        return file_response(voice.clip.clip_key, mimetype="audio/flac")
    clip_key = voice.clip.clip_key
    db.session.rollback()  # mixing takes a moment
    return Response(_over(clip_key, bed), mimetype=PREVIEW_TYPE, headers={"Cache-Control": "no-store"})


def _over(clip_key: str, bed: queries.Bed) -> bytes:
    with (
        tempfile.TemporaryDirectory(prefix="kap-") as folder,
        storage().local_path(clip_key) as clip,
        storage().local_path(bed.file_key) as music,
    ):
        made = Path(folder) / "preview.flac"
        try:
            preview_over(clip, music, made, music_at_s=bed.at_s, music_gain_db=bed.gain_db)
        except AudioError as error:
            raise Invalid(f"This cannot be heard just now: {error.reason}.") from error
        return made.read_bytes()


def _store(file: FileStorage) -> str:
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        path = Path(folder) / "recording"
        file.save(path)
        return actions.store_recording(path)


def _not_kept(form: RecordingForm) -> Response:
    if wants_json():
        words = " ".join(message for messages in form.errors.values() for message in messages)
        return make_response(jsonify({"ok": False, "message": words}), 422)
    return make_response(_voices_page(form), 422)


def _job(clip: VoiceClip) -> object:
    return queue.latest_about(clip.id, "music.prepare_clip")


def _voices_page(form: RecordingForm) -> str:
    actor, retired = current_actor(), "retired" in request.args
    return render_template(
        "music/voices.html",
        clips=queries.voices_of(actor, retired=retired),
        retired=retired,
        retired_count=len(queries.voices_of(actor, retired=True)),
        form=form,
    )


def _voice_page(clip: VoiceClip, form: ClipForm, conflict: str | None = None) -> str:
    return render_template(
        "music/voice.html",
        clip=clip,
        form=form,
        conflict=conflict,
        job=_job(clip),
        used_in=queries.playlists_with(clip),
    )
