"""The library: listening, taking tracks in, describing and retiring them."""

import tempfile
from pathlib import Path
from uuid import UUID

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.audio.synth import RECIPES
from kap.clock import now
from kap.config import current_config
from kap.db import db
from kap.music import actions, playlist_views, queries
from kap.music.actions import Imported, Stored
from kap.music.blueprint import bp
from kap.music.forms import TrackForm
from kap.music.models import Track, TrackState
from kap.music.rules import content_type, intensity_words
from kap.music.streaming import file_response
from kap.problems import Conflict, Invalid, NotThere
from kap.web.errors import wants_json
from kap.web.notices import offer_undo

__all__ = ["bp", "playlist_views"]  # its routes stand on the same blueprint

REFUSALS_SHOWN = 6  # messages travel in a cookie of four kilobytes

bp.add_app_template_filter(intensity_words)


@bp.get("/music")
@requires(Permission.LIBRARY_READ)
def library() -> str:
    return _library_page()


@bp.post("/music")
@requires(Permission.LIBRARY_ADD)
def upload() -> Response:
    actor = current_actor()
    files = [file for file in request.files.getlist("files") if file.filename]
    db.session.rollback()  # files are read and stored before any row is locked
    stored = [_store(file) for file in files]
    at = now()
    results = [actions.enter(one, practice_id=actor.practice_id, actor=actor, at=at) for one in stored]
    if wants_json():
        return _upload_answer(results)
    if not results:
        flash("Choose one or more files first.", "error")
        return make_response(_library_page(), 422)
    _tell(results)
    return redirect(url_for("music.library"), 303)


@bp.get("/music/waiting")
@requires(Permission.LIBRARY_READ)
def waiting() -> str:
    """What became of tracks that a page shows as waiting, for that page to put in their place."""
    asked = request.args.getlist("track", type=UUID)[:100]
    tracks = queries.tracks_by_id(current_actor(), asked)
    return render_template("music/waiting.html", tracks=tracks, jobs=queries.jobs_about(tracks))


@bp.post("/music/recipes")
@requires(Permission.LIBRARY_ADD)
def add_recipes() -> Response:
    actor = current_actor()
    added = actions.add_recipes(practice_id=actor.practice_id, actor=actor, at=now())
    flash(f"{len(added)} tracks are being made. Each can be used as soon as it is there.", "success")
    return redirect(url_for("music.library"), 303)


@bp.get("/tracks/<uuid:track_id>")
@requires(Permission.LIBRARY_READ)
def track(track_id: UUID) -> str:
    found = queries.track_for(current_actor(), track_id)
    return _track_page(found, TrackForm(obj=found))


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
    flash("Saved.", "success")
    return redirect(url_for("music.track", track_id=found.id), 303)


@bp.post("/tracks/<uuid:track_id>/retire")
@requires(Permission.LIBRARY_ADD)
def retire(track_id: UUID) -> Response:
    found = queries.track_for(current_actor(), track_id)
    actions.retire(found, actor=current_actor(), at=now())
    undo = url_for("music.restore", track_id=found.id)
    offer_undo(f"“{found.title}” is retired. Playlists that hold it keep it.", undo)
    return redirect(url_for("music.library"), 303)


@bp.post("/tracks/<uuid:track_id>/restore")
@requires(Permission.LIBRARY_ADD)
def restore(track_id: UUID) -> Response:
    found = queries.track_for(current_actor(), track_id)
    actions.restore(found, actor=current_actor())
    flash(f"“{found.title}” is back in the library.", "success")
    return redirect(url_for("music.track", track_id=found.id), 303)


@bp.get("/tracks/<uuid:track_id>/file")
@requires(Permission.LIBRARY_READ)
def track_file(track_id: UUID) -> Response:
    found = queries.track_for(current_actor(), track_id)
    if found.file_key is None:
        raise NotThere("This track has no file yet.")
    return file_response(found.file_key, mimetype=content_type(found.codec))


def _store(file: FileStorage) -> Stored:
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        path = Path(folder) / "upload"
        file.save(path)
        return actions.store(path, file_name=file.filename or "")


def _upload_answer(results: list[Imported]) -> Response:
    """What a script is told; ours sends one file at a time."""
    arrived = [result for result in results if result.problem is None]
    answer = {
        "ok": bool(results) and len(arrived) == len(results),
        "name": ", ".join(result.file_name for result in results),
        "message": " ".join(result.message for result in results) or "There was no file in this.",
    }
    return make_response(jsonify(answer), 200 if results else 422)


def _tell(results: list[Imported]) -> None:
    arrived = sum(result.track is not None for result in results)
    if arrived:
        count = f"{arrived} of {len(results)} files" if len(results) > 1 else "The file"
        flash(f"{count} arrived. What can be used is known once it has been measured.", "success")
    others = [result.message for result in results if result.track is None]
    for message in others[:REFUSALS_SHOWN]:
        flash(message[:200], "warning")
    if len(others) > REFUSALS_SHOWN:
        flash(f"{len(others) - REFUSALS_SHOWN} more files were not added.", "warning")


def _library_page() -> str:
    actor = current_actor()
    search, retired = request.args.get("q", "")[:100], "retired" in request.args
    page = queries.library(actor, search=search, retired=retired, page=request.args.get("page", 1, int))
    present = queries.recipes_in(actor.practice_id)
    return render_template(
        "music/library.html",
        page=page,
        search=search,
        retired=retired,
        retired_count=queries.retired_count(actor),
        unjudged=queries.unjudged_count(actor),
        jobs=queries.jobs_about(page.rows),
        missing_recipes=sum(recipe.slug not in present for recipe in RECIPES),
        most_megabytes=current_config().upload_megabytes,
    )


def _track_page(found: Track, form: TrackForm, conflict: str | None = None) -> str:
    job = queries.jobs_about([found]).get(found.id)
    ready = found.state is TrackState.READY
    return render_template(
        "music/track.html", track=found, form=form, job=job, ready=ready, conflict=conflict
    )
