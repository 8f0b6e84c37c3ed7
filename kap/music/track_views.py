"""One track: hearing, seeing, describing and retiring it."""

from typing import Any
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.audio.suggest import CAVEAT, suggest
from kap.clock import now
from kap.music import actions, queries
from kap.music.blueprint import bp
from kap.music.finding import wanted_from
from kap.music.forms import TrackForm
from kap.music.models import Track, TrackState
from kap.music.rules import content_type
from kap.music.sound import SoundPicture, sound_picture
from kap.music.streaming import file_response
from kap.problems import Conflict, Invalid, NotThere
from kap.web.notices import offer_undo

NEXT_UNJUDGED = "unjudged"


@bp.get("/tracks/<uuid:track_id>")
@requires(Permission.LIBRARY_READ)
def track(track_id: UUID) -> str:
    found = queries.track_for(current_actor(), track_id)
    return _track_page(found, TrackForm(obj=found).show(found))


@bp.post("/tracks/<uuid:track_id>")
@requires(Permission.LIBRARY_ADD)
def describe(track_id: UUID) -> Response:
    found = queries.track_for(current_actor(), track_id)
    form = TrackForm()
    if not form.validate():
        return make_response(_track_page(found, form), 422)
    try:
        actions.describe(found, details=form.details(), version=form.version.data or 0, actor=current_actor())
    except Conflict as conflict:
        form.take_version(found.version)
        return make_response(_track_page(found, form, conflict=str(conflict)), 409)
    except Invalid as objection:
        form.form_errors.append(str(objection))
        return make_response(_track_page(found, form), 422)
    return redirect(_after_saving(found), 303)


@bp.post("/tracks/<uuid:track_id>/retire")
@requires(Permission.LIBRARY_ADD)
def retire(track_id: UUID) -> Response:
    found = queries.track_for(current_actor(), track_id)
    actions.retire(found, actor=current_actor(), at=now())
    undo = url_for("music.restore", track_id=found.id)
    offer_undo(f"“{found.title}” is retired. Playlists that hold it keep it.", undo)
    return redirect(url_for("music.library", **wanted_from(request.args).in_address()), 303)


@bp.post("/tracks/<uuid:track_id>/restore")
@requires(Permission.LIBRARY_ADD)
def restore(track_id: UUID) -> Response:
    found = queries.track_for(current_actor(), track_id)
    actions.restore(found, actor=current_actor())
    flash(f"“{found.title}” is back in the library.", "success")
    return redirect(_address(found.id), 303)


@bp.get("/tracks/<uuid:track_id>/file")
@requires(Permission.LIBRARY_READ)
def track_file(track_id: UUID) -> Response:
    found = queries.track_for(current_actor(), track_id)
    if found.file_key is None:
        raise NotThere("This track has no file yet.")
    return file_response(found.file_key, mimetype=content_type(found.codec))


def _address(track_id: UUID, **more: Any) -> str:
    """A track's page as part of the list that its reader came from."""
    return url_for("music.track", track_id=track_id, **wanted_from(request.args).in_address(), **more)


def _after_saving(track: Track) -> str:
    if request.form.get("then") != NEXT_UNJUDGED:
        flash("Saved.", "success")
        return _address(track.id)
    following = queries.next_unjudged(current_actor(), track)
    if following is None:
        flash(f"“{track.title}” is saved. No other track waits to be judged.", "success")
        return url_for("music.library", **wanted_from(request.args).in_address())
    flash(f"“{track.title}” is saved.", "success")
    return _address(following, judge="1")


def _track_page(found: Track, form: TrackForm, conflict: str | None = None) -> str:
    actor, wanted = current_actor(), wanted_from(request.args)
    ready = found.state is TrackState.READY
    return render_template(
        "music/track.html",
        track=found,
        form=form,
        job=queries.jobs_about([found]).get(found.id),
        ready=ready,
        conflict=conflict,
        kept=wanted.in_address(),
        neighbours=queries.neighbours(actor, wanted, found),
        unjudged=queries.unjudged_count(actor),
        words=queries.own_words(actor),
        suggestion=suggest(found) if ready else None,
        caveat=CAVEAT,
        judging="judge" in request.args,
        picture=_picture(found) if ready else None,
    )


def _picture(track: Track) -> SoundPicture:
    return sound_picture(
        duration_s=track.duration_s or 1.0,
        levels=track.levels,
        startles_s=track.startles_s,
        lead_silence_s=track.lead_silence_s,
        trail_silence_s=track.trail_silence_s,
    )
