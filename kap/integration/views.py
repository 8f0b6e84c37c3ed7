"""The journal: a patient's own writing, and what they choose to share of it."""

from typing import Any
from uuid import UUID, uuid4

from flask import (
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, observe
from kap.access.permissions import Permission, Role
from kap.accounts import queries as people
from kap.clock import now
from kap.integration import actions, locked_views, lookback_views, mark_queries, prompt_queries, queries
from kap.integration.actions import Overwritten
from kap.integration.blueprint import bp
from kap.integration.file_forms import NoteForm, PictureForm
from kap.integration.forms import CommentForm, DeleteEverythingForm, EntryForm, SharingForm
from kap.integration.models import JournalEntry
from kap.integration.places import phase_names, placed
from kap.integration.prompt_queries import Prompting
from kap.integration.prompt_rules import put_above
from kap.integration.rules import SCALES, first_words, seconds_in, who_can_see
from kap.integration.visible import Visible
from kap.patients.guard import own_record_view, patient_view
from kap.patients.models import Patient
from kap.problems import Invalid, NotThere, Problem
from kap.sessions import queries as sessions
from kap.sessions.listening_views import own_files
from kap.sessions.models import DosingSession
from kap.sessions.programme import Programme
from kap.web.errors import STATUS, wants_json
from kap.web.filters import timecode
from kap.web.paging import page_of

__all__ = ["bp", "locked_views", "lookback_views"]  # their routes stand on the same blueprint

NOTHING_YET = "There is nothing to save yet. Write a word, or go back to your journal."


@bp.get("/my/journal/new")
@own_record_view(Permission.JOURNAL_WRITE)
def begin(patient: Patient) -> Response:
    """Give the page its own address, so that a reload finds the same words; nothing is made yet."""
    given = {name: request.args.get(name) for name in ("session", "moment", "prompts", "ask", "listen")}
    return redirect(url_for("integration.writing", entry_id=uuid4(), **given))  # type: ignore[arg-type]


@bp.get("/my/journal/<uuid:entry_id>/write")
@own_record_view(Permission.JOURNAL_WRITE)
def writing(patient: Patient, entry_id: UUID) -> Response:
    entry = queries.entry_by(patient, entry_id)
    if entry is not None and entry.is_locked:
        return redirect(url_for("integration.locked", entry_id=entry_id))
    about, phases = sessions.past_of(patient), phase_names(sessions.plans_heard_by(patient).values())
    if entry is not None:
        form = EntryForm.showing(entry, about, phases)
    else:
        asked = request.args.get("session", "")
        known = asked in {str(session.id) for session in about}
        moment = request.args.get("moment", None, int) if known else None
        form = EntryForm.on(
            about,
            phases,
            session=asked if known else "",
            moment="" if moment is None or moment < 0 else timecode(moment),
            version=0,
        )
    asked = prompting_for(patient, form, about).text_of(request.args.get("ask", ""))
    form.text.data = put_above(asked, form.text.data or "")
    return make_response(writing_page(patient, entry_id, form, about))


@bp.post("/my/journal/<uuid:entry_id>")
@own_record_view(Permission.JOURNAL_WRITE)
def write(patient: Patient, entry_id: UUID) -> Response:
    about, plans = sessions.past_of(patient), sessions.plans_heard_by(patient)
    form = EntryForm.on(about, phase_names(plans.values()))
    if not form.validate() and not (wants_json() and form.is_half_typed):
        return make_response(writing_page(patient, entry_id, form, about), 422)
    try:
        entry = actions.write(
            patient,
            entry_id=entry_id,
            writing=placed(form.writing(), plans),
            version=form.version.data or 0,
            at=now(),
        )
    except Overwritten as other:
        return two_versions(patient, entry_id, form, about, other)
    if wants_json():
        return _saved(entry)
    if entry is None:
        return make_response(writing_page(patient, entry_id, form, about, notice=NOTHING_YET), 422)
    flash("Saved.", "success")
    return redirect(url_for("integration.entry", entry_id=entry.id), 303)


@bp.get("/my/journal/<uuid:entry_id>")
@own_record_view(Permission.JOURNAL_WRITE)
def entry(patient: Patient, entry_id: UUID) -> Response:
    entry = queries.own_entry(patient, entry_id)
    if entry.is_locked:
        return redirect(url_for("integration.locked", entry_id=entry_id))
    return make_response(_own_page(patient, entry, CommentForm(formdata=None)))


@bp.post("/my/journal/<uuid:entry_id>/share")
@own_record_view(Permission.JOURNAL_SHARE)
def share(patient: Patient, entry_id: UUID) -> Response:
    entry = queries.own_entry(patient, entry_id, to_change=True)
    actions.share(entry, actor=current_actor(), at=now())
    undo = url_for("integration.stop_sharing", entry_id=entry_id)
    flash({"words": "Your care team can read this entry now.", "undo": undo}, "success")  # type: ignore[arg-type]
    return redirect(url_for("integration.entry", entry_id=entry_id), 303)


@bp.post("/my/journal/<uuid:entry_id>/stop-sharing")
@own_record_view(Permission.JOURNAL_SHARE)
def stop_sharing(patient: Patient, entry_id: UUID) -> Response:
    entry = queries.own_entry(patient, entry_id, to_change=True)
    actions.stop_sharing(entry, actor=current_actor(), at=now())
    flash("This entry is private again.", "success")
    return redirect(url_for("integration.entry", entry_id=entry_id), 303)


@bp.post("/my/journal/<uuid:entry_id>/sharing")
@own_record_view(Permission.JOURNAL_SHARE)
def set_sharing(patient: Patient, entry_id: UUID) -> Response:
    """Part by part, and person by person."""
    entry = queries.own_entry(patient, entry_id, to_change=True)
    form = SharingForm.on(entry, queries.team_of(patient))
    if not form.validate():  # someone has left the care team since the page was opened
        return make_response(_own_page(patient, entry, CommentForm(formdata=None), form), 422)
    actions.set_sharing(entry, form.wanted(), actor=current_actor(), at=now())
    flash("Who can see what of this entry is as you chose.", "success")
    return redirect(url_for("integration.entry", entry_id=entry_id, _anchor="sharing"), 303)


@bp.get("/my/journal/delete")
@own_record_view(Permission.JOURNAL_WRITE)
def deletion_of_everything(patient: Patient) -> str:
    return _deletion_of_everything(patient, DeleteEverythingForm(formdata=None))


@bp.post("/my/journal/delete")
@own_record_view(Permission.JOURNAL_WRITE)
def delete_everything(patient: Patient) -> Response:
    form = DeleteEverythingForm()
    if not form.validate():
        return make_response(_deletion_of_everything(patient, form), 422)
    actions.delete_everything(patient, actor=current_actor(), at=now())
    flash("Your whole journal is deleted.", "success")
    return redirect(url_for("integration.journal"), 303)


@bp.get("/my/journal/<uuid:entry_id>/delete")
@own_record_view(Permission.JOURNAL_WRITE)
def deletion(patient: Patient, entry_id: UUID) -> str:
    found = queries.own_entry(patient, entry_id)
    return render_template(
        "integration/delete.html",
        entry=found,
        words="A locked entry." if found.is_locked else first_words(found.text),
    )


@bp.post("/my/journal/<uuid:entry_id>/delete")
@own_record_view(Permission.JOURNAL_WRITE)
def delete(patient: Patient, entry_id: UUID) -> Response:
    entry = queries.own_entry(patient, entry_id, to_change=True)
    actions.delete(entry, actor=current_actor(), at=now())
    flash("The entry is deleted.", "success")
    return redirect(url_for("integration.journal"), 303)


@bp.get("/patients/<uuid:patient_id>/journal")
@patient_view(Permission.JOURNAL_READ_SHARED)
def shared(patient: Patient) -> str:
    page = page_of(queries.entries_visible_to(current_actor(), patient), request.args.get("page", 1, int))
    opened = queries.opened_by(current_actor(), patient)
    return render_template(
        "integration/shared.html",
        patient=patient,
        page=page,
        opened=opened,
        brought=mark_queries.brought(current_actor(), patient),
    )


@bp.get("/patients/<uuid:patient_id>/journal/<uuid:entry_id>")
@patient_view(Permission.JOURNAL_READ_SHARED)
def shared_entry(patient: Patient, entry_id: UUID) -> str:
    found = queries.shared_entry(current_actor(), patient, entry_id)
    return _shared_page(patient, found, CommentForm(formdata=None))


@bp.post("/patients/<uuid:patient_id>/journal/<uuid:entry_id>/comments")
@patient_view(Permission.COMMENT_WRITE)
def comment(patient: Patient, entry_id: UUID) -> Response:
    actor, form = current_actor(), CommentForm()
    is_writer = actor.role is Role.PATIENT
    try:
        if is_writer:
            entry = queries.own_entry(patient, entry_id, to_change=True)
        else:
            seen = queries.shared_entry(actor, patient, entry_id, to_change=True)
            entry = seen.row
        if not form.validate():
            page = _own_page(patient, entry, form) if is_writer else _shared_page(patient, seen, form)
            return make_response(page, 422)
        text = (form.text.data or "").strip()
        actions.comment(entry, comment_id=UUID(form.comment_id.data), text=text, actor=actor, at=now())
    except (Invalid, NotThere) as refusal:
        return _comment_given_back(refusal, form)
    if is_writer:
        return redirect(url_for("integration.entry", entry_id=entry_id, _anchor="comments"), 303)
    address = url_for(
        "integration.shared_entry", patient_id=patient.id, entry_id=entry_id, _anchor="comments"
    )
    return redirect(address, 303)


def page_with(
    patient: Patient,
    entry_id: UUID,
    *,
    notice: str,
    note_form: NoteForm | None = None,
    picture_form: PictureForm | None = None,
) -> str:
    """The page to write on, with what is to be said about a file that was not kept."""
    entry, about = queries.entry_by(patient, entry_id), sessions.past_of(patient)
    form = EntryForm.showing(entry, about) if entry is not None else EntryForm.on(about, formdata=None)
    return writing_page(
        patient, entry_id, form, about, notice=notice, note_form=note_form, picture_form=picture_form
    )


def _own_page(
    patient: Patient, entry: JournalEntry, form: CommentForm, sharing: SharingForm | None = None
) -> str:
    team = queries.team_of(patient)
    openings = queries.openings_of(entry)
    return render_template(
        "integration/entry.html",
        patient=patient,
        entry=entry,
        seen=Visible.to_writer(entry),
        brought=mark_queries.brought_entry(current_actor(), Visible.to_writer(entry)),
        scales=SCALES,
        who=who_can_see(entry.grants, entry.present, team),
        form=form,
        sharing=sharing or SharingForm.on(entry, team, formdata=None),
        readers=[member.name for member in team],
        openings=openings,
        names=people.names_of({opening.actor_id for opening in openings if opening.actor_id}),
    )


def _shared_page(patient: Patient, seen: Visible, form: CommentForm) -> str:
    """The entry for the care team. Whatever led to it, the writer is told that it was opened."""
    observe(Permission.JOURNAL_READ_SHARED, actor=current_actor(), patient_id=patient.id, subject=seen.row)
    return render_template(
        "integration/shared_entry.html",
        patient=patient,
        entry=seen,
        scales=SCALES,
        form=form,
        brought=mark_queries.brought_entry(current_actor(), seen),
    )


def _deletion_of_everything(patient: Patient, form: DeleteEverythingForm) -> str:
    return render_template("integration/delete_everything.html", form=form, count=queries.count_of(patient))


def _comment_given_back(refusal: Problem, form: CommentForm) -> Response:
    """The entry was taken back while a comment was being written."""
    page = render_template(
        "integration/comment_given_back.html", sentence=str(refusal), typed=form.text.data or ""
    )
    return make_response(page, STATUS[type(refusal)])


def writing_page(
    patient: Patient,
    entry_id: UUID,
    form: EntryForm,
    about: list[DosingSession],
    *,
    notice: str | None = None,
    other: Overwritten | None = None,
    note_form: NoteForm | None = None,
    picture_form: PictureForm | None = None,
) -> str:
    entry = queries.entry_by(patient, entry_id)
    grants, present = (entry.grants, entry.present) if entry is not None else ((), ())
    session = _chosen(form, about)
    return render_template(
        "integration/write.html",
        patient=patient,
        entry=entry,
        entry_id=entry_id,
        form=form,
        beside=prompting_for(patient, form, about),
        moment=request.values.get("prompts", ""),
        music=_music_beside(form, session),
        can_listen=session is not None and session.may_be_heard,
        who=who_can_see(grants, present, queries.team_of(patient)),
        notice=notice,
        other=other,
        note_form=note_form or NoteForm(formdata=None),
        picture_form=picture_form or PictureForm(formdata=None),
    )


def _chosen(form: EntryForm, about: list[DosingSession]) -> DosingSession | None:
    return next((session for session in about if str(session.id) == form.session.data), None)


def _music_beside(form: EntryForm, session: DosingSession | None) -> dict[str, Any] | None:
    """What the player beside the page needs, where it was asked for and the patient may listen again."""
    if session is None or not session.may_be_heard or "listen" not in request.args:
        return None
    plan = session.mix.plan if session.mix else None
    if plan is None:
        return None
    moment = None if form.moment.errors else seconds_in(form.moment.data or "")
    return {
        "session": session,
        "programme": Programme.of(plan),
        "files": own_files(session),
        "start": moment,
    }


def prompting_for(patient: Patient, form: EntryForm, about: list[DosingSession]) -> Prompting:
    """The questions beside the page: of the moment that a link to it names, else of the session it is about,
    else of the latest."""
    latest = about[0] if about else None
    moment = request.values.get("prompts", "")
    return prompt_queries.prompting(patient, _chosen(form, about) or latest, now(), moment=moment)


def _saved(entry: JournalEntry | None) -> Response:
    version, at = (entry.version, entry.edited_at) if entry is not None else (0, now())
    return jsonify(version=version, saved_at=at.isoformat(), text="Saved")


def two_versions(
    patient: Patient, entry_id: UUID, form: EntryForm, about: list[DosingSession], other: Overwritten
) -> Response:
    """Neither is lost: a script shows both, and so does the page, from which saving again is a choice."""
    if wants_json():
        return make_response(
            jsonify(error=str(other), conflict={"text": other.text, "version": other.version}), 409
        )
    form.take_version(other.version)
    return make_response(writing_page(patient, entry_id, form, about, other=other), 409)
