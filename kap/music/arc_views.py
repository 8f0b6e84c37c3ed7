"""Arcs: those that ship, and those a practice draws itself."""

import re
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.clock import now
from kap.music import arc_actions as actions
from kap.music import playlist_queries as queries
from kap.music.arc_forms import ROUTE_NAMES, ArcForm, NewArcForm
from kap.music.arcs import MOST_PHASES, MOST_POINTS, ArcError, arcs
from kap.music.blueprint import bp
from kap.music.models import PracticeArc
from kap.music.picture import curve_of
from kap.problems import Conflict
from kap.web.notices import offer_undo


@bp.get("/arcs")
@requires(Permission.LIBRARY_READ)
def arc_list() -> str:
    actor, retired = current_actor(), "retired" in request.args
    own = queries.practice_arcs(actor, retired=retired)
    return render_template(
        "music/arcs.html",
        own=[(row, queries.drawn(row)) for row in own],
        shipped={} if retired else arcs(),
        retired=retired,
        retired_count=len(queries.practice_arcs(actor, retired=True)),
        routes=ROUTE_NAMES,
        curve_of=curve_of,
    )


@bp.get("/arcs/new")
@requires(Permission.ARC_EDIT)
def new_arc() -> str:
    form = NewArcForm(queries.arcs_for(current_actor()), formdata=None, start=request.args.get("start"))
    return render_template("music/arc_new.html", form=form)


@bp.post("/arcs/new")
@requires(Permission.ARC_EDIT)
def draw_arc() -> Response:
    actor = current_actor()
    known = queries.arcs_for(actor)
    form = NewArcForm(known)
    if not form.validate():
        return make_response(render_template("music/arc_new.html", form=form), 422)
    drawn = actions.draw(known[form.start.data], title=form.title.data or "", actor=actor, at=now())
    return redirect(url_for("music.arc", arc_id=drawn.id), 303)


@bp.get("/arcs/<uuid:arc_id>")
@requires(Permission.LIBRARY_READ)
def arc(arc_id: UUID) -> str:
    found = queries.practice_arc_for(current_actor(), arc_id)
    return _arc_page(found, ArcForm.of(found))


@bp.post("/arcs/<uuid:arc_id>")
@requires(Permission.ARC_EDIT)
def redraw(arc_id: UUID) -> Response:
    found, form = queries.practice_arc_for(current_actor(), arc_id), ArcForm()
    wish = request.form.get("do", "")
    if wish:
        form.change_rows(wish)
        return make_response(_arc_page(found, form, unsaved=True))
    if not form.validate():
        return make_response(_arc_page(found, form), 422)
    try:
        actions.redraw(
            found,
            definition=form.definition(found.definition),
            version=form.version.data or 0,
            actor=current_actor(),
        )
    except ArcError as error:
        form.form_errors.append(_in_words(error))
        return make_response(_arc_page(found, form), 422)
    except Conflict as conflict:
        form.take_version(found.version)
        return make_response(_arc_page(found, form, conflict=str(conflict)), 409)
    flash("Saved. Playlists made from now on follow it; those that are there stay as they are.", "success")
    return redirect(url_for("music.arc", arc_id=found.id), 303)


@bp.post("/arcs/<uuid:arc_id>/retire")
@requires(Permission.ARC_EDIT)
def retire_arc(arc_id: UUID) -> Response:
    found = queries.practice_arc_for(current_actor(), arc_id)
    actions.retire(found, actor=current_actor(), at=now())
    undo = url_for("music.restore_arc", arc_id=found.id)
    offer_undo(f"“{found.title}” is retired. Playlists made from it stay as they are.", undo)
    return redirect(url_for("music.arc_list"), 303)


@bp.post("/arcs/<uuid:arc_id>/restore")
@requires(Permission.ARC_EDIT)
def restore_arc(arc_id: UUID) -> Response:
    found = queries.practice_arc_for(current_actor(), arc_id)
    actions.restore(found, actor=current_actor())
    flash(f"“{found.title}” is back.", "success")
    return redirect(url_for("music.arc", arc_id=found.id), 303)


def _in_words(error: ArcError) -> str:
    """“phases[2].end must come after its start” as a person would say it."""
    where = re.sub(r"(\w+?)s?\[(\d+)\]\.?", r"\1 \2, ", error.field).rstrip(", ").replace("_", " ")
    return f"{where.capitalize()} {error.reason}."


def _arc_page(
    found: PracticeArc, form: ArcForm, *, conflict: str | None = None, unsaved: bool = False
) -> str:
    return render_template(
        "music/arc.html",
        arc=found,
        curve=curve_of(queries.drawn(found)),
        form=form,
        conflict=conflict,
        unsaved=unsaved,
        most_points=MOST_POINTS,
        most_phases=MOST_PHASES,
    )
