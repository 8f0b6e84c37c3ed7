"""The programmes of a practice: reading, copying, writing, retiring; giving one to many patients."""

from datetime import date
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.clock import day_in, now
from kap.content.programmes import Programme
from kap.patients import queries as patients
from kap.patients.models import Patient
from kap.programmes import actions, shelf_actions
from kap.programmes import shelf_queries as queries
from kap.programmes.blueprint import bp
from kap.programmes.forms import GiveForm, ProgrammeForm
from kap.programmes.models import PracticeProgramme
from kap.programmes.places import guides_by_name
from kap.programmes.shelf_actions import Overwritten
from kap.programmes.words import length_words, title_of, when_words
from kap.web.notices import offer_undo


@bp.get("/programmes")
@requires(Permission.PROGRAMMES_READ)
def library() -> str:
    shelf = queries.shelf_of(current_actor().practice_id)
    return render_template("programmes/library.html", shelf=shelf, length_words=length_words)


@bp.get("/programmes/<programme>")
@requires(Permission.PROGRAMMES_READ)
def shown(programme: str) -> str:
    practice_id = current_actor().practice_id
    shelf = queries.shelf_of(practice_id)
    found = shelf.named(programme)
    return render_template(
        "programmes/programme.html",
        programme=found,
        is_own=found.slug in shelf.own,
        is_retired=shelf.is_retired(found.slug),
        length=length_words(found),
        reviewed=date.fromisoformat(found.reviewed) if found.reviewed else None,
        steps=_in_words(found),
    )


@bp.post("/programmes/<programme>/copy")
@requires(Permission.PROGRAMMES_EDIT)
def copy(programme: str) -> Response:
    found = queries.shelf_of(current_actor().practice_id).named(programme)
    row = shelf_actions.copy(found, actor=current_actor(), at=now())
    flash("This is your own copy. Change its name and its steps as you like.", "success")
    return redirect(url_for("programmes.edit", programme=row.slug))


@bp.get("/programmes/<programme>/edit")
@requires(Permission.PROGRAMMES_READ)
def edit(programme: str) -> Response:
    shelf = queries.shelf_of(current_actor().practice_id)
    if shelf.named(programme).slug not in shelf.own:  # what ships is copied first
        return redirect(url_for("programmes.shown", programme=programme))
    row = queries.own_programme(current_actor().practice_id, programme)
    form = ProgrammeForm.showing(queries.written(row), guides_by_name(row.practice_id), row.version)
    return make_response(_edit_page(row, form))


@bp.post("/programmes/<programme>/edit")
@requires(Permission.PROGRAMMES_EDIT)
def change(programme: str) -> Response:
    row = queries.own_programme(current_actor().practice_id, programme)
    form = ProgrammeForm(guides_by_name(row.practice_id))
    if not form.validate():
        return make_response(_edit_page(row, form), 422)
    wanted = form.programme(queries.written(row))
    try:
        shelf_actions.change(row, wanted, version=form.version.data or 0, actor=current_actor())
    except Overwritten as other:
        form.take_version(other.version)
        return make_response(_edit_page(row, form, other=other), 409)
    flash("Saved. Whoever was given this programme keeps it as it was.", "success")
    return redirect(url_for("programmes.edit", programme=programme), 303)


@bp.post("/programmes/<programme>/retire")
@requires(Permission.PROGRAMMES_EDIT)
def retire(programme: str) -> Response:
    shelf_actions.retire(programme, actor=current_actor(), at=now())
    undo = url_for("programmes.restore", programme=programme)
    offer_undo("Retired. Whoever was given this programme keeps it.", undo)
    return redirect(url_for("programmes.library"))


@bp.post("/programmes/<programme>/restore")
@requires(Permission.PROGRAMMES_EDIT)
def restore(programme: str) -> Response:
    shelf_actions.restore(programme, actor=current_actor())
    flash("Restored. It can be given again.", "success")
    return redirect(url_for("programmes.library"))


@bp.get("/programmes/give")
@requires(Permission.PROGRAMME_GIVE_MANY)
def giving_many() -> str:
    caseload = patients.caseload(current_actor(), search=request.args.get("q", "")[:100])
    chosen = _ids(request.args.getlist("patient"))
    everyone = "everyone" in request.args
    return _many_page([each for each in caseload.patients if everyone or each.id in chosen], _give_form())


@bp.post("/programmes/give")
@requires(Permission.PROGRAMME_GIVE_MANY)
def give_many() -> Response:
    chosen = _ids(request.form.getlist("patient"))
    wanted = [each for each in patients.caseload(current_actor()).patients if each.id in chosen]
    form = _give_form()
    if not form.validate() or not wanted:
        return make_response(_many_page(wanted, form, nobody=not wanted), 422)
    programme = queries.shelf_of(current_actor().practice_id).named(form.programme.data)
    given = actions.give_many(
        wanted, programme, starts_on=form.starts_on.data or form.today, actor=current_actor(), at=now()
    )
    flash(_given_words(programme, len(given)), "success")
    if len(given) < len(wanted):
        flash(_had_words(len(wanted) - len(given)), "warning")
    return redirect(url_for("patients.listing"), 303)


def _given_words(programme: Programme, count: int) -> str:
    who = "1 patient" if count == 1 else f"{count} patients"
    return f"“{programme.title}” is given to {who}. Each has the steps on the days of their own sessions."


def _had_words(count: int) -> str:
    if count == 1:
        return "1 patient had this programme already and keeps it as it is."
    return f"{count} patients had this programme already and keep it as it is."


def _ids(values: list[str]) -> set[UUID]:
    """What of it are ids; anything else names nobody."""
    found = set()
    for value in values:
        try:
            found.add(UUID(value))
        except ValueError:
            continue
    return found


def _give_form() -> GiveForm:
    practice = current_user.user.practice
    offered = queries.shelf_of(practice.id).offered
    return GiveForm(today=day_in(now(), practice.zone), offered=offered)


def _many_page(chosen: list[Patient], form: GiveForm, *, nobody: bool = False) -> str:
    return render_template("programmes/give_many.html", chosen=chosen, form=form, nobody=nobody)


def _edit_page(row: PracticeProgramme, form: ProgrammeForm, other: Overwritten | None = None) -> str:
    form.add_spare_rows()
    return render_template(
        "programmes/edit.html",
        row=row,
        form=form,
        programme=queries.written(row),
        other=_in_words(other.programme) if other else None,
        conflict=str(other) if other else "",
    )


def _in_words(programme: Programme) -> list[tuple[str, str]]:
    """What each step is, and when it comes."""
    guides = guides_by_name(current_actor().practice_id)
    return [(title_of(step, guides), when_words(step)) for step in programme.steps]
