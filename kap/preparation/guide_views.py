"""The library of guides: reading, copying, writing, publishing, comparing, retiring, keeping as PDF."""

from typing import Any

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.accounts.queries import names_of, practice_of
from kap.clock import now
from kap.content.changes import changes
from kap.content.document import LARGEST_FILE_BYTES, ContentError
from kap.content.drafts import Draft, DraftError, draft_of, guide_of
from kap.content.guides import OWN, Guide, parse_guide
from kap.content.pdf import guide_pdf
from kap.preparation import guide_actions as actions
from kap.preparation import guide_queries as queries
from kap.preparation.blueprint import bp
from kap.preparation.guide_actions import Overwritten
from kap.preparation.guide_forms import GuideForm
from kap.preparation.models import PracticeGuide
from kap.problems import Conflict, Invalid, NotThere
from kap.web.errors import wants_json
from kap.web.notices import offer_undo

NAMED = 10
EXAMPLE = Draft(body="Write here in plain words.\n\n## A heading\n\n- [ ] {first} Something to tick\n")


@bp.get("/guides")
@requires(Permission.GUIDES_READ)
def library() -> str:
    return _library_page()


@bp.post("/guides")
@requires(Permission.GUIDES_EDIT)
def begin() -> Response:
    """A new guide, blank or from a file."""
    file = request.files.get("file")
    if file is None or not file.filename:
        row = actions.begin(EXAMPLE, actor=current_actor(), at=now())
        return redirect(url_for("preparation.edit", slug=row.slug))
    try:
        with file.stream as stream:
            guide = _read(file.filename, stream.read(LARGEST_FILE_BYTES + 1))
    except ContentError as error:
        return make_response(_library_page(refused=f"{error}. Nothing was taken in."), 422)
    row = actions.begin(draft_of(guide), actor=current_actor(), at=now())
    flash(f"“{guide.title}” is here as a draft. Publish it when it is ready to be given.", "success")
    return redirect(url_for("preparation.edit", slug=row.slug))


@bp.get("/guides/<slug>")
@requires(Permission.GUIDES_READ)
def guide(slug: str) -> Response:
    practice_id = current_actor().practice_id
    row = queries.practice_guide(practice_id, slug)
    versions = _versions(slug)
    if not versions:
        return redirect(url_for("preparation.edit", slug=slug))
    shown = queries.version_marked(versions, request.args.get("text", versions[0].mark))
    return make_response(
        render_template(
            "preparation/guide.html",
            guide=shown.guide,
            shown=shown,
            versions=versions,
            row=row,
            is_own=slug.startswith(OWN),
            names=names_of({each.kept.made_by_id for each in versions if each.kept and each.kept.made_by_id}),
            tracks=queries.tracks_for(practice_id, shown.guide),
            behind=queries.with_an_earlier_text(current_actor(), versions[0].guide),
        )
    )


@bp.get("/guides/<slug>/changes")
@requires(Permission.GUIDES_READ)
def changed(slug: str) -> str:
    """What is different between two texts: the newest and the one before, unless the address names others."""
    versions = _versions(slug)
    if not versions:
        raise NotThere(queries.NO_SUCH)
    new = queries.version_marked(versions, request.args.get("to", versions[0].mark))
    following = versions[min(versions.index(new) + 1, len(versions) - 1)]
    old = queries.version_marked(versions, request.args.get("from", following.mark))
    return render_template(
        "preparation/changes.html", slug=slug, old=old, new=new, passages=changes(old.guide, new.guide)
    )


@bp.get("/guides/<slug>/pdf")
@requires(Permission.GUIDES_READ)
def pdf(slug: str) -> Response:
    versions = _versions(slug)
    if not versions:
        raise NotThere(queries.NO_SUCH)
    shown = queries.version_marked(versions, request.args.get("text", versions[0].mark))
    return pdf_answer(shown.guide, practice_of(current_actor()).name)


@bp.post("/guides/<slug>/copy")
@requires(Permission.GUIDES_EDIT)
def copy(slug: str) -> Response:
    row = actions.copy(_guide(slug), actor=current_actor(), at=now())
    flash("This is your own copy. It is given to nobody until you publish it.", "success")
    return redirect(url_for("preparation.edit", slug=row.slug))


@bp.get("/guides/<slug>/edit")
@requires(Permission.GUIDES_READ)
def edit(slug: str) -> Response:
    if not slug.startswith(OWN):  # what ships is copied first
        return redirect(url_for("preparation.guide", slug=_guide(slug).slug))
    row = queries.own_guide(current_actor().practice_id, slug)
    draft = actions.present_draft(row)
    return make_response(_edit_page(row, GuideForm.showing(draft, row.version), shown=draft))


@bp.post("/guides/<slug>/edit")
@requires(Permission.GUIDES_EDIT)
def keep_draft(slug: str) -> Response:
    row, form = _being_written(slug)
    if not form.validate():
        return _refused(row, form)
    try:
        actions.keep_draft(row, form.draft(), version=form.version.data or 0)
    except Overwritten as other:
        return _two_drafts(row, form, other)
    if wants_json():
        return jsonify(version=row.version)
    flash("The draft is kept.", "success")
    return redirect(url_for("preparation.edit", slug=slug), 303)


@bp.post("/guides/<slug>/preview")
@requires(Permission.GUIDES_EDIT)
def preview(slug: str) -> Response:
    """The guide that the words in the form make; nothing is kept. A script gets that part of the page."""
    row, form = _being_written(slug)
    if not form.validate():
        return _refused(row, form)
    draft = form.draft()
    if wants_json():
        return jsonify(html=render_template("preparation/preview.html", **_preview(row, draft)))
    return make_response(_edit_page(row, form, shown=draft))


@bp.post("/guides/<slug>/publish")
@requires(Permission.GUIDES_EDIT)
def publish(slug: str) -> Response:
    row, form = _being_written(slug)
    if not form.validate():
        return _refused(row, form)
    draft = form.draft()
    try:
        guide_of(
            draft, slug=slug, version=1
        )  # before anything changes, so that it can be said beside its field
        actions.keep_draft(row, draft, version=form.version.data or 0)
        text = actions.publish(row, actor=current_actor(), at=now())
    except DraftError as error:
        form[error.field].errors = [str(error)]
        return make_response(_edit_page(row, form, shown=draft), 422)
    except Overwritten as other:
        return _two_drafts(row, form, other)
    except Invalid as error:
        return make_response(_edit_page(row, form, shown=draft, notice=str(error)), 422)
    flash(f"Version {text.version} is published. It is what patients are given from now on.", "success")
    return redirect(url_for("preparation.guide", slug=slug), 303)


@bp.post("/guides/<slug>/retire")
@requires(Permission.GUIDES_EDIT)
def retire(slug: str) -> Response:
    actions.retire(slug, actor=current_actor(), at=now())
    offer_undo("Retired. Whoever was given this guide keeps it.", url_for("preparation.restore", slug=slug))
    return redirect(url_for("preparation.library"))


@bp.post("/guides/<slug>/restore")
@requires(Permission.GUIDES_EDIT)
def restore(slug: str) -> Response:
    actions.restore(slug, actor=current_actor())
    flash("Restored. It can be given again.", "success")
    return redirect(url_for("preparation.library"))


@bp.post("/guides/<slug>/move-on")
@requires(Permission.GUIDES_EDIT)
def move_everyone_on(slug: str) -> Response:
    """Give the newest text to those of one's own patients who are still reading an earlier one."""
    newest = _guide(slug)
    moved, had = 0, []
    for assignment in queries.with_an_earlier_text(current_actor(), newest):
        try:
            moved += actions.move_on(assignment, to=newest, actor=current_actor(), at=now())
        except Conflict:
            had.append(assignment.patient.name)
    flash(_moved_words(moved), "success")
    if had:
        others = f" and {len(had) - NAMED} more" if len(had) > NAMED else ""
        names = ", ".join(had[:NAMED]) + others  # messages travel in a cookie of four kilobytes
        flash(f"Not moved, because they were given this guide separately: {names}.", "warning")
    return redirect(url_for("preparation.guide", slug=slug))


def pdf_answer(shown: Guide, practice: str) -> Response:
    """The guide to keep. Its name has no patient in it, nor has the file."""
    reviewed = f"{shown.reviewed.day} {shown.reviewed:%B %Y}"
    footer = f"{practice} · version {shown.version}, reviewed on {reviewed}"
    answer = make_response(guide_pdf(shown, footer=footer))
    answer.mimetype = "application/pdf"
    answer.headers.set("Content-Disposition", "attachment", filename=f"{shown.slug}.pdf")
    return answer


def _moved_words(count: int) -> str:
    return (
        "1 patient has the newest text now." if count == 1 else f"{count} patients have the newest text now."
    )


def _read(name: str, raw: bytes) -> Guide:
    try:
        return parse_guide(raw.decode(), "file", name) if len(raw) <= LARGEST_FILE_BYTES else _too_large(name)
    except UnicodeDecodeError as error:
        raise ContentError(name, raw.count(b"\n", 0, error.start) + 1, "the text is not UTF-8") from error


def _too_large(name: str) -> Guide:
    raise ContentError(name, 1, f"the file is larger than {LARGEST_FILE_BYTES // 1000} kB")


def _guide(slug: str) -> Guide:
    return queries.guide_for(current_actor().practice_id, slug)


def _versions(slug: str) -> list[queries.Version]:
    """Raises `NotThere`; empty for a guide that was never published."""
    practice_id = current_actor().practice_id
    try:
        return queries.versions_of(practice_id, slug)
    except NotThere:
        queries.own_guide(practice_id, slug)
        return []


def _being_written(slug: str) -> tuple[PracticeGuide, GuideForm]:
    return queries.own_guide(current_actor().practice_id, slug), GuideForm()


def _library_page(refused: str = "") -> str:
    shelf = queries.shelf_of(current_actor().practice_id)
    return render_template("preparation/library.html", shelf=shelf, refused=refused)


def _edit_page(
    row: PracticeGuide,
    form: GuideForm,
    *,
    shown: Draft,
    notice: str = "",
    other: Draft | None = None,
) -> str:
    return render_template(
        "preparation/edit.html",
        row=row,
        form=form,
        notice_words=notice,
        other=other,
        published=bool(_versions(row.slug)),
        **_preview(row, shown),
    )


def _preview(row: PracticeGuide, draft: Draft) -> dict[str, Any]:
    """The part of the page that shows the guide, or what stands in the way of one."""
    guide, problem = None, None
    try:
        guide = guide_of(draft, slug=row.slug, version=1)
    except DraftError as error:
        problem = error
    tracks = queries.tracks_for(row.practice_id, guide) if guide else {}
    return {"guide": guide, "problem": problem, "tracks": tracks}


def _refused(row: PracticeGuide, form: GuideForm) -> Response:
    if wants_json():
        words = " ".join(message for messages in form.errors.values() for message in messages)
        return make_response(jsonify(error=words), 422)
    return make_response(_edit_page(row, form, shown=actions.present_draft(row)), 422)


def _two_drafts(row: PracticeGuide, form: GuideForm, other: Overwritten) -> Response:
    if wants_json():
        conflict = {"text": other.draft.body, "version": other.version}
        return make_response(jsonify(conflict=conflict, error=str(other)), 409)
    form.take_version(other.version)
    page = _edit_page(row, form, shown=form.draft(), notice=str(other), other=other.draft)
    return make_response(page, 409)
