"""Voice notes and pictures of the journal: sent in pieces or as a whole, looked at, listened to, removed.

A recording that a browser makes is sent in pieces, each with its digest, and asked after until all have
arrived; whatever is sent twice is kept once. Content goes only to those who see the part of the entry.
"""

import io
from datetime import timedelta
from hashlib import sha256
from typing import BinaryIO
from uuid import UUID

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, observe
from kap.access.permissions import Permission
from kap.clock import now
from kap.db import db
from kap.integration import actions, file_actions, pictures, queries
from kap.integration.file_forms import FileForm, NoteForm, PictureForm, PieceForm, TakesForm
from kap.integration.file_rules import (
    MEGABYTE,
    MOST_TAKES,
    NO_ROOM,
    NOT_SOUND,
    PIECE_BYTES,
    TOO_LARGE_PICTURE,
    TOO_LARGE_VOICE,
    VOICE_MEGABYTES,
    may_be_sound,
)
from kap.integration.file_tasks import piece_place
from kap.integration.files import CannotStore, box_of, brought, opened
from kap.integration.models import EntryFile, FileKind, FileState
from kap.integration.pictures import NotAPicture
from kap.integration.views import bp, page_with
from kap.music.streaming import ranged
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import Invalid, NotThere
from kap.storage import FileMissing
from kap.web.errors import answer, wants_json

TYPES = {"opus": "audio/ogg", "m4a": "audio/mp4", "jpeg": pictures.TYPE}
SAME_VISIT = timedelta(hours=1)
BROKEN = "This piece did not arrive as it was sent."
MISSING = "The file is missing from the storage."


@bp.post("/my/journal/<uuid:entry_id>/notes")
@own_record_view(Permission.JOURNAL_WRITE)
def add_note(patient: Patient, entry_id: UUID) -> Response:
    """A recording made elsewhere, as a whole."""
    queries.check_writable(patient, entry_id)
    form = NoteForm()
    if not form.validate():
        return _not_kept(patient, entry_id, form)
    db.session.rollback()  # the file is sealed and stored before any row is locked
    sound, file_id = form.recording.data.stream, form.id_of_file
    try:
        _check_sound(sound)
        with brought(file_id, sound, place=piece_place(0, 0)) as content:
            entry = actions.begin(patient, entry_id=entry_id, at=now())
            file_actions.add_note(entry, file_id=file_id, content=content, at=now())
    except (Invalid, CannotStore) as objection:
        form.recording.errors = [_words_of(objection)]
        return _not_kept(patient, entry_id, form)
    return _kept(entry_id, file_id, "Your voice note has arrived.")


@bp.post("/my/journal/<uuid:entry_id>/notes/<uuid:file_id>")
@own_record_view(Permission.JOURNAL_WRITE)
def finish_note(patient: Patient, entry_id: UUID, file_id: UUID) -> Response:
    """Begin a recording, or end it: the answer says which of its pieces are still missing."""
    queries.check_writable(patient, entry_id)
    form = TakesForm()
    try:
        counts = form.counts() if form.validate() else None
    except ValueError:
        counts = None
    if counts is None:
        return answer(422, f"A voice note can have {VOICE_MEGABYTES} MB.")
    entry = actions.begin(patient, entry_id=entry_id, at=now())
    file = file_actions.await_note(entry, file_id=file_id, at=now())
    lacking = file_actions.finish_note(file, counts)
    shown = url_for("integration.own_file", entry_id=entry_id, file_id=file_id)
    return make_response(jsonify(state=file.state.value, missing=lacking, url=shown))


@bp.post("/my/journal/<uuid:entry_id>/notes/<uuid:file_id>/<int:take>/<int:number>")
@own_record_view(Permission.JOURNAL_WRITE)
def take_piece(patient: Patient, entry_id: UUID, file_id: UUID, take: int, number: int) -> Response:
    box = box_of(queries.own_file(patient, entry_id, file_id))
    form = PieceForm()
    if not form.validate() or take >= MOST_TAKES or number > VOICE_MEGABYTES * MEGABYTE // PIECE_BYTES:
        return answer(422, BROKEN)
    content = form.piece.data.stream.read(PIECE_BYTES + 1)
    if len(content) > PIECE_BYTES or sha256(content).hexdigest() != form.digest.data:
        return answer(422, BROKEN)
    db.session.rollback()
    try:
        key = box.put(io.BytesIO(content), place=piece_place(take, number))
    except CannotStore:
        return answer(503, NO_ROOM)
    file = queries.own_file(patient, entry_id, file_id, to_change=True)
    file_actions.take_piece(file, (take, number), key)
    return make_response(jsonify(ok=True))


@bp.post("/my/journal/<uuid:entry_id>/notes/<uuid:file_id>/keep")
@own_record_view(Permission.JOURNAL_WRITE)
def keep_note(patient: Patient, entry_id: UUID, file_id: UUID) -> Response:
    """The rest of a recording will not come any more: keep what has arrived."""
    file = queries.own_file(patient, entry_id, file_id, to_change=True)
    file_actions.keep_what_arrived(file)
    return redirect(url_for("integration.entry", entry_id=entry_id), 303)


@bp.post("/my/journal/<uuid:entry_id>/pictures")
@own_record_view(Permission.JOURNAL_WRITE)
def add_picture(patient: Patient, entry_id: UUID) -> Response:
    queries.check_writable(patient, entry_id)
    form = PictureForm()
    if not form.validate():
        return _not_kept(patient, entry_id, form)
    db.session.rollback()  # a picture is decoded, written anew and stored before any row is locked
    file_id = form.id_of_file
    try:
        picture = pictures.prepared(form.picture.data.stream)
        with brought(file_id, io.BytesIO(picture.content)) as content:
            file_actions.add_picture(
                actions.begin(patient, entry_id=entry_id, at=now()),
                file_id=file_id,
                content=content,
                words=form.words.data or "",
                width=picture.width,
                height=picture.height,
                at=now(),
            )
    except (Invalid, NotAPicture, CannotStore) as objection:
        form.picture.errors = [_words_of(objection)]
        return _not_kept(patient, entry_id, form)
    return _kept(entry_id, file_id, "Your picture is kept.")


@bp.get("/my/journal/<uuid:entry_id>/files/<uuid:file_id>")
@own_record_view(Permission.JOURNAL_WRITE)
def own_file(patient: Patient, entry_id: UUID, file_id: UUID) -> str:
    """The part of a page that says how far the work on it is, and shows or plays it once it is there."""
    found = queries.own_file(patient, entry_id, file_id)
    return render_template("integration/own_file.html", file=found, entry_id=entry_id)


@bp.get("/my/journal/<uuid:entry_id>/files/<uuid:file_id>/<any(opus, m4a, jpeg):format>")
@own_record_view(Permission.JOURNAL_WRITE)
def own_content(patient: Patient, entry_id: UUID, file_id: UUID, format: str) -> Response:  # noqa: A002
    return _content(queries.own_file(patient, entry_id, file_id), format)


@bp.get("/my/journal/<uuid:entry_id>/files/<uuid:file_id>/delete")
@own_record_view(Permission.JOURNAL_WRITE)
def file_deletion(patient: Patient, entry_id: UUID, file_id: UUID) -> str:
    found = queries.own_file(patient, entry_id, file_id)
    return render_template("integration/delete_file.html", file=found, entry_id=entry_id)


@bp.post("/my/journal/<uuid:entry_id>/files/<uuid:file_id>/delete")
@own_record_view(Permission.JOURNAL_WRITE)
def delete_file(patient: Patient, entry_id: UUID, file_id: UUID) -> Response:
    file = queries.own_file(patient, entry_id, file_id, to_change=True)
    what = "voice note" if file.kind is FileKind.VOICE else "picture"
    file_actions.remove(file)
    flash(f"The {what} is deleted.", "success")
    return redirect(url_for("integration.writing", entry_id=entry_id), 303)


@bp.get(
    "/patients/<uuid:patient_id>/journal/<uuid:entry_id>/files/<uuid:file_id>/<any(opus, m4a, jpeg):format>"
)
@patient_view(Permission.JOURNAL_READ_SHARED)
def shared_content(patient: Patient, entry_id: UUID, file_id: UUID, format: str) -> Response:  # noqa: A002
    """For the care team. Whatever led to it, the writer is told; a player's many requests are one visit."""
    actor = current_actor()
    file = queries.shared_file(actor, patient, entry_id, file_id)
    subject = file if file.kind is FileKind.VOICE else file.entry
    response = _content(file, format)
    if not queries.has_read_since(actor, subject, now() - SAME_VISIT):
        observe(Permission.JOURNAL_READ_SHARED, actor=actor, patient_id=patient.id, subject=subject)
    return response


@bp.errorhandler(413)
def _too_large(error: RequestEntityTooLarge) -> Response:
    sentences = {"integration.add_note": TOO_LARGE_VOICE, "integration.add_picture": TOO_LARGE_PICTURE}
    return answer(413, sentences.get(request.endpoint or ""))


def _check_sound(sound: BinaryIO) -> None:
    if not may_be_sound(sound.read(12)):
        raise Invalid(NOT_SOUND)
    if sound.seek(0, io.SEEK_END) > VOICE_MEGABYTES * MEGABYTE:
        raise Invalid(TOO_LARGE_VOICE)
    sound.seek(0)


def _words_of(objection: Exception) -> str:
    return NO_ROOM if isinstance(objection, CannotStore) else str(objection)


def _content(file: EntryFile, format: str) -> Response:  # noqa: A002 - as in the address
    key = {"opus": file.file_key, "m4a": file.aac_key, "jpeg": file.file_key}[format]
    if (
        key is None
        or file.state is not FileState.READY
        or (format == "jpeg") != (file.kind is FileKind.PICTURE)
    ):
        raise NotThere(MISSING)
    try:
        content = opened(file, key)
    except FileMissing as missing:
        raise NotThere(MISSING) from missing
    response = ranged(
        lambda start, end: b"".join(content.parts(start, end)), content.size, key=key, mimetype=TYPES[format]
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _kept(entry_id: UUID, file_id: UUID, words: str) -> Response:
    if wants_json():
        shown = url_for("integration.own_file", entry_id=entry_id, file_id=file_id)
        return make_response(jsonify(ok=True, url=shown))
    flash(words, "success")
    return redirect(url_for("integration.writing", entry_id=entry_id, _anchor="more"), 303)


def _not_kept(patient: Patient, entry_id: UUID, form: FileForm) -> Response:
    sentence = " ".join(message for messages in form.errors.values() for message in messages)
    if wants_json():
        return make_response(jsonify(error=sentence), 422)
    note_form = form if isinstance(form, NoteForm) else None
    picture_form = form if isinstance(form, PictureForm) else None
    page = page_with(patient, entry_id, notice=sentence, note_form=note_form, picture_form=picture_form)
    return make_response(page, 422)
