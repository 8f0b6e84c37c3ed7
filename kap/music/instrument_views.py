"""The instrument: original music, listened to, varied and kept."""

import hashlib
import secrets
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestedRangeNotSatisfiable, ServiceUnavailable
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.audio.synth import FAMILIES, LARGEST_SEED, RECIPES, Recipe, RecipeError, vary
from kap.audio.synth.sketch import KINDS
from kap.clock import now
from kap.db import db
from kap.music import queries, recipe_tracks
from kap.music.blueprint import bp
from kap.music.instrument_forms import SCALES, InstrumentForm, KeepForm, settings_of, suggested_title
from kap.music.rules import MIX_TYPES
from kap.music.sketches import Busy, Sketches
from kap.problems import Conflict, NotThere

__all__ = ["bp"]  # its routes stand on the same blueprint

SKETCHES = Sketches()


@bp.get("/music/instrument")
@requires(Permission.LIBRARY_ADD)
def instrument() -> Response:
    """The instrument as its address says; `track` begins with what that track is made from."""
    form = _asked()
    if not form.validate():
        return make_response(_page(form, _keep_form(form)), 422)
    if "vary" in request.args:
        neighbour = vary(form.recipe(), secrets.randbelow(LARGEST_SEED))
        return redirect(url_for("music.instrument", **settings_of(neighbour)), 303)
    return make_response(_page(form, _keep_form(form)))


@bp.post("/music/instrument")
@requires(Permission.LIBRARY_ADD)
def keep() -> Response:
    form = KeepForm()
    if not form.validate():
        return make_response(_page(form, form), 422)
    try:
        track = recipe_tracks.keep(form.whole_recipe(), actor=current_actor(), at=now())
    except Conflict as conflict:
        form.form_errors.append(str(conflict))
        return make_response(_page(form, form), 409)
    flash(f"“{track.title}” is being made. It can be used as soon as it is there.", "success")
    return redirect(url_for("music.track", track_id=track.id), 303)


@bp.get("/music/instrument/sketch.<format>")
@requires(Permission.LIBRARY_ADD)
def sketch(format: str) -> Response:  # noqa: A002 - the name in the address
    """Half a minute of what the address describes, composed while one waits."""
    if format not in KINDS:
        raise NotThere("There is no such format.")
    if not request.args:
        return redirect(url_for("music.instrument"), 303)
    form = _asked()
    if not form.validate():
        raise NotThere("There is no such sound.")
    db.session.rollback()  # composing takes seconds, and nothing else should wait for them
    try:
        return _sound(SKETCHES.of(form.recipe(), format), MIX_TYPES[format])
    except Busy as busy:
        raise ServiceUnavailable from busy


def _asked() -> InstrumentForm:
    """What the address says, filled up with how the family usually sounds."""
    return InstrumentForm(formdata=request.args, data=settings_of(_begin_with()))


def _begin_with() -> Recipe:
    track_id = request.args.get("track", type=UUID)
    if track_id is not None:
        try:
            recipe = recipe_tracks.recipe_of(queries.track_for(current_actor(), track_id))
        except RecipeError as error:
            raise NotThere("This version of Kap cannot play what this track was made from.") from error
        if recipe is None:
            raise NotThere("This track was not made on the instrument.")
        return recipe
    family = request.args.get("family", "")
    return next((recipe for recipe in RECIPES if recipe.family == family), RECIPES[0])


def _keep_form(form: InstrumentForm) -> KeepForm:
    title = suggested_title(form.family.data, form.root.data) if form.validate() else ""
    return KeepForm(formdata=None, data={**form.data, "title": title, "minutes": 5})


def _page(form: InstrumentForm, keep_form: KeepForm) -> str:
    names = list(settings_of(RECIPES[0]))
    return render_template(
        "music/instrument.html",
        form=form,
        keep_form=keep_form,
        settings={name: form[name].data for name in names},
        playable=not any(form[name].errors for name in names),
        families=FAMILIES,
        scales=SCALES,
        types=MIX_TYPES,
    )


def _sound(sound: bytes, mimetype: str) -> Response:
    """Bytes to a media element, in the ranges it asks for; the same address always sounds the same."""
    response = Response(sound, mimetype=mimetype)
    response.set_etag(hashlib.sha256(sound).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, max-age=3600"
    try:
        response.make_conditional(request.environ, accept_ranges=True, complete_length=len(sound))
    except RequestedRangeNotSatisfiable:
        return Response(status=416, headers={"Content-Range": f"bytes */{len(sound)}"})
    return response
