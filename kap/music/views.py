"""The library: what is in it, and taking tracks in."""

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.audio.synth import RECIPES
from kap.clock import now
from kap.config import current_config
from kap.db import db
from kap.jobs.models import Job, JobState
from kap.music import actions, instrument_views, many_views, playlist_views, queries, track_views
from kap.music.actions import Imported, Stored
from kap.music.blueprint import bp
from kap.music.finding import SORTS, chips, facets, wanted_from
from kap.music.models import Track, TrackState
from kap.music.rules import intensity_words
from kap.music.sound import wave_path
from kap.music.words import judged_words
from kap.web.errors import wants_json
from kap.web.filters import timecode

# Their routes stand on the same blueprint.
__all__ = ["bp", "instrument_views", "many_views", "playlist_views", "track_views"]

ASKED_AFTER = 100
REFUSALS_SHOWN = 6  # messages travel in a cookie of four kilobytes

bp.add_app_template_filter(intensity_words)
bp.add_app_template_filter(wave_path)


@bp.app_template_filter()
def judged(track: Track) -> list[str]:
    """What people have said of a track, in words."""
    names = ("vocals", "language", "pulse", "culture", "familiarity", "tags")
    return judged_words(**{name: getattr(track, name) for name in names})


@bp.get("/music")
@requires(Permission.LIBRARY_READ)
def library() -> Response:
    if _is_untidy(request.args):
        return redirect(url_for("music.library", **wanted_from(request.args).in_address()))
    return make_response(_library_page())


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
def waiting() -> Response:
    """What became of tracks that a page shows as waiting, for that page to put in their place."""
    asked = request.args.getlist("track", type=UUID)[:ASKED_AFTER]
    tracks = queries.tracks_by_id(current_actor(), asked, with_waves=not wants_json())
    jobs = queries.jobs_about(tracks)
    if wants_json():
        return jsonify([_standing(track, jobs.get(track.id)) for track in tracks])
    kept = wanted_from(request.args).in_address()
    return make_response(render_template("music/waiting.html", tracks=tracks, jobs=jobs, kept=kept))


@bp.post("/music/recipes")
@requires(Permission.LIBRARY_ADD)
def add_recipes() -> Response:
    actor = current_actor()
    added = actions.add_recipes(practice_id=actor.practice_id, actor=actor, at=now())
    flash(f"{len(added)} tracks are being made. Each can be used as soon as it is there.", "success")
    return redirect(url_for("music.library"), 303)


@bp.post("/music/measure")
@requires(Permission.LIBRARY_ADD)
def measure_again() -> Response:
    actor = current_actor()
    count = actions.measure_again(practice_id=actor.practice_id, actor=actor)
    flash(f"{count} tracks are being measured again. They can be used meanwhile.", "success")
    return redirect(url_for("music.library"), 303)


def _store(file: FileStorage) -> Stored:
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        path = Path(folder) / "upload"
        file.save(path)
        return actions.store(path, file_name=file.filename or "")


def _upload_answer(results: list[Imported]) -> Response:
    """What a script is told; ours sends one file at a time."""
    arrived = [result for result in results if result.problem is None]
    tracks = [result.track or result.duplicate_of for result in arrived]
    answer = {
        "ok": bool(results) and len(arrived) == len(results),
        "name": ", ".join(result.file_name for result in results),
        "message": " ".join(result.message for result in results) or "There was no file in this.",
        "known": any(result.duplicate_of for result in results),
        "tracks": [str(track.id) for track in tracks if track],
    }
    return make_response(jsonify(answer), 200 if results else 422)


def _standing(track: Track, job: Job | None) -> dict[str, Any]:
    """How far a track is, for a script that shows it."""
    running = job is not None and job.state is JobState.RUNNING
    return {
        "id": str(track.id),
        "state": track.state,
        "progress": job.progress if job and running else None,
        "message": _standing_in_words(track, job.step if job and running else None),
        "url": url_for("music.track", track_id=track.id),
    }


def _standing_in_words(track: Track, step: str | None) -> str:
    if track.state is TrackState.REFUSED:
        return track.problem or "This cannot be used."
    if track.state is TrackState.WAITING:
        return step or "Waiting to be measured"
    lufs = f"{track.loudness_lufs:.1f}".replace("-", "−")
    return f"Ready: {timecode(track.duration_s or 0)}, {lufs} LUFS."


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
    actor, wanted = current_actor(), wanted_from(request.args)
    page = queries.library(actor, wanted, page=request.args.get("page", 1, int))
    words, present = queries.own_words(actor), queries.recipes_in(actor.practice_id)
    return render_template(
        "music/library.html",
        page=page,
        wanted=wanted,
        kept=wanted.in_address(),
        chips=chips(wanted),
        facets=facets(language=words.languages, style=words.styles),
        sorts=SORTS,
        retired_count=queries.retired_count(actor),
        unjudged=queries.unjudged_count(actor),
        half_measured=len(queries.half_measured(actor)),
        jobs=queries.jobs_about(page.rows),
        missing_recipes=sum(recipe.slug not in present for recipe in RECIPES),
        most_megabytes=current_config().upload_megabytes,
    )


def _is_untidy(address: MultiDict[str, str]) -> bool:
    """A form sends its empty fields too; an address to keep has none."""
    return any(not value for _, value in address.items(multi=True))
