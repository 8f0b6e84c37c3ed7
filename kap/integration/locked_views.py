"""Locked entries: pages that lock and open in the browser, and what they send. No word arrives here."""

from uuid import UUID, uuid4

from flask import flash, jsonify, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.clock import now
from kap.integration import locked_actions, queries
from kap.integration.actions import Overwritten
from kap.integration.blueprint import bp
from kap.integration.locked_forms import LockedForm, UnlockForm
from kap.integration.models import JournalEntry
from kap.patients.guard import own_record_view
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid
from kap.web.errors import wants_json


@bp.get("/my/journal/new/locked")
@own_record_view(Permission.JOURNAL_WRITE)
def begin_locked(patient: Patient) -> Response:
    return redirect(url_for("integration.locking", entry_id=uuid4()))


@bp.get("/my/journal/<uuid:entry_id>/lock")
@own_record_view(Permission.JOURNAL_WRITE)
def locking(patient: Patient, entry_id: UUID) -> Response:
    entry = queries.entry_by(patient, entry_id)
    if entry is not None and entry.is_locked:
        return redirect(url_for("integration.locked", entry_id=entry_id))
    return make_response(_locking_page(entry_id, entry))


@bp.post("/my/journal/<uuid:entry_id>/lock")
@own_record_view(Permission.JOURNAL_WRITE)
def lock(patient: Patient, entry_id: UUID) -> Response:
    entry = locked_actions.own_or_none(patient, entry_id)
    form = LockedForm()
    if not form.validate():
        return make_response(_locking_page(entry_id, entry, notice=form.locked.errors), 422)
    try:
        locked_actions.lock(
            patient,
            entry_id=entry_id,
            locked=form.locked.data or "",
            version=form.version.data or 0,
            actor=current_actor(),
            at=now(),
        )
    except Overwritten as changed:
        page = _locking_page(entry_id, entry, notice=[f"{changed} Nothing is locked yet: begin once more."])
        return make_response(page, 409)
    flash("The entry is locked. Open it with your passphrase.", "success")
    return redirect(url_for("integration.locked", entry_id=entry_id), 303)


@bp.get("/my/journal/<uuid:entry_id>/locked")
@own_record_view(Permission.JOURNAL_WRITE)
def locked(patient: Patient, entry_id: UUID) -> Response:
    entry = queries.own_entry(patient, entry_id)
    if not entry.is_locked:
        return redirect(url_for("integration.entry", entry_id=entry_id))
    return make_response(render_template("integration/locked.html", entry=entry))


@bp.post("/my/journal/<uuid:entry_id>/locked")
@own_record_view(Permission.JOURNAL_WRITE)
def save_locked(patient: Patient, entry_id: UUID) -> Response:
    locked_actions.own_or_none(patient, entry_id)
    form = LockedForm()
    if not form.validate():
        raise Invalid("; ".join(form.locked.errors))
    try:
        entry = locked_actions.save(
            patient,
            entry_id=entry_id,
            locked=form.locked.data or "",
            version=form.version.data or 0,
            new_lock=form.new_lock.data,
            at=now(),
        )
    except Overwritten as other:
        if not wants_json():
            raise Conflict(str(other)) from other
        conflict = {"text": other.text, "version": other.version}
        return make_response(jsonify(error=str(other), conflict=conflict), 409)
    if wants_json():
        return jsonify(version=entry.version, saved_at=entry.edited_at.isoformat(), text="Saved")
    if form.new_lock.data:
        flash("The passphrase is changed. The old one and the old code open nothing any more.", "success")
        return redirect(url_for("integration.locked", entry_id=entry_id), 303)
    flash("Saved and locked.", "success")
    return redirect(url_for("integration.journal"), 303)


@bp.post("/my/journal/<uuid:entry_id>/unlock")
@own_record_view(Permission.JOURNAL_WRITE)
def unlock(patient: Patient, entry_id: UUID) -> Response:
    locked_actions.own_or_none(patient, entry_id)
    form = UnlockForm()
    if not form.validate():
        raise Invalid("Please shorten the title or the themes first; the entry is still locked.")
    locked_actions.unlock(
        patient, entry_id=entry_id, version=form.version.data or 0, at=now(), **form.words()
    )
    flash("It is an ordinary entry now, and still private.", "success")
    return redirect(url_for("integration.entry", entry_id=entry_id, _anchor="sharing"), 303)


def _locking_page(entry_id: UUID, entry: JournalEntry | None, *, notice: object = None) -> str:
    return render_template("integration/lock.html", entry_id=entry_id, entry=entry, notice=notice)
