"""Background work on tracks: measuring what was uploaded and rendering recipes."""

import tempfile
from pathlib import Path
from uuid import UUID

from kap.audio.errors import AudioError
from kap.audio.measure import Measured, measure
from kap.audio.synth import Recipe, RecipeError
from kap.audio.synth import render as render_recipe_file
from kap.db import db, transaction
from kap.jobs.models import Job
from kap.jobs.registry import Progress, TaskFailed, task
from kap.music.actions import FILE_KIND
from kap.music.models import Track, TrackState
from kap.music.preparing import prepare_later
from kap.music.recipe_tracks import recipe_of
from kap.music.rules import title_from
from kap.music.task_files import Superseded, kept, local_files
from kap.storage import storage

# What a track keeps of a measurement, under the same names.
MEASURES = (
    "codec",
    "duration_s",
    "loudness_lufs",
    "true_peak_dbtp",
    "lead_silence_s",
    "trail_silence_s",
    "loudness_range_lu",
    "short_term_max_lufs",
    "brightness_hz",
    "onsets_per_s",
    "clipped_share",
    "peaks",
    "levels",
)
RENDERING_SHARE = 0.85  # of the work on a recipe; the rest is measuring what came out


def _refuse(job: Job, sentence: str) -> None:
    track = db.session.get(Track, job.about)
    if track is not None and track.state is TrackState.WAITING:
        track.state, track.problem = TrackState.REFUSED, f"{track.file_name}: {sentence}"


@task("music.measure", on_failure=_refuse)
def measure_track(progress: Progress, *, track_id: str) -> None:
    """Measure a file once; what cannot be used as music is refused with a sentence."""
    with transaction():
        track = _unmeasured(track_id)
        key = track.file_key if track else None
    if key is None:
        return
    progress(0.0, "Measuring")
    try:
        with local_files([key]) as (path,):
            found = measure(path, progress=progress)
    except AudioError as error:
        _keep_refusal(track_id, error.reason)
        return
    with transaction():
        track = _unmeasured(track_id)
        if track is not None:
            _keep_measured(track, found)


@task("music.render_recipe", on_failure=_refuse)
def render_recipe(progress: Progress, *, track_id: str) -> None:
    """Render a track from its recipe, keep the file and measure it."""
    with transaction():
        track = _waiting(track_id)
        recipe = _recipe_of(track) if track else None
    if recipe is None:
        return
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        path = Path(folder) / "track.flac"
        progress(0.0, "Being made")
        render_recipe_file(recipe, path, progress=lambda part: progress(part * RENDERING_SHARE))
        progress(RENDERING_SHARE, "Measuring")
        found = measure(path)
        size = path.stat().st_size
        with kept({"flac": path}, kind=FILE_KIND) as keys, transaction():
            track = _waiting(track_id)
            if track is None:
                raise Superseded
            track.file_key, track.file_bytes = keys["flac"], size
            _keep_measured(track, found)


def _recipe_of(track: Track) -> Recipe:
    try:
        recipe = recipe_of(track)
    except RecipeError as error:
        raise TaskFailed("This version of Kap cannot play this recipe.") from error
    if recipe is None:
        raise TaskFailed("This version of Kap has no such recipe.")
    return recipe


def _waiting(track_id: str) -> Track | None:
    """The track, held until the transaction ends, if nobody has finished it yet."""
    track = _held(track_id)
    return track if track is not None and track.state is TrackState.WAITING else None


def _unmeasured(track_id: str) -> Track | None:
    """The same, and also a track that an earlier version measured less of."""
    track = _held(track_id)
    if track is None or track.state is TrackState.REFUSED:
        return None
    return track if track.state is TrackState.WAITING or track.levels is None else None


def _held(track_id: str) -> Track | None:
    return db.session.get(Track, UUID(track_id), with_for_update=True, populate_existing=True)


def _keep_measured(track: Track, found: Measured) -> None:
    track.state, track.problem = TrackState.READY, None
    for name in MEASURES:
        setattr(track, name, getattr(found, name))
    track.startles_s = list(found.startles_s)
    if found.title and track.title == title_from(track.file_name):  # nobody has given it another title
        track.title = found.title
    for name in ("artist", "album", "isrc", "recording_mbid"):
        setattr(track, name, getattr(track, name) or getattr(found, name) or "")
    prepare_later(track)


def _keep_refusal(track_id: str, reason: str) -> None:
    """Say why, then let the file go: nothing will play it."""
    with transaction():
        track = _waiting(track_id)
        if track is None:
            return
        key, track.file_key, track.file_bytes = track.file_key, None, None
        track.state, track.problem = TrackState.REFUSED, f"{track.file_name}: {reason}."
    if key:
        storage().delete(key)
