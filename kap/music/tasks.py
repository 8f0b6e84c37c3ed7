"""Background work of this room: measuring tracks, rendering recipes and mixes.

Every task may run again after a worker died in the middle: a file goes into the storage first and is named by
its row in one last short transaction, which finds out whether another run was faster.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kap.audio.errors import AudioError
from kap.audio.measure import Measured, measure
from kap.audio.plan import MixPlan, Piece, phase_target_lufs, plan_mix
from kap.audio.render import Rendered, render
from kap.audio.synth import RECIPES
from kap.audio.synth import render as render_recipe_file
from kap.clock import now
from kap.db import db, transaction
from kap.jobs.models import Job
from kap.jobs.registry import Progress, TaskFailed, task
from kap.music import queries
from kap.music.actions import FILE_KIND
from kap.music.builder import Build
from kap.music.models import Mix, MixState, Playlist, PlaylistTrack, Track, TrackState
from kap.music.rules import Named, described, title_from
from kap.storage import FileMissing, storage

MIX_KIND = "mix"
MIX_FORMATS = ("opus", "m4a")
RENDERING_SHARE = 0.85  # of the work on a recipe; the rest is measuring what came out


def _refuse(job: Job, sentence: str) -> None:
    track = db.session.get(Track, job.about)
    if track is not None and track.state is TrackState.WAITING:
        track.state, track.problem = TrackState.REFUSED, f"{track.file_name}: {sentence}"


def _fail(job: Job, sentence: str) -> None:
    mix = db.session.get(Mix, job.about)
    if mix is not None and mix.state is MixState.WAITING:
        mix.state, mix.problem = MixState.FAILED, sentence


@task("music.measure", on_failure=_refuse)
def measure_track(progress: Progress, *, track_id: str) -> None:
    """Measure an uploaded file once; what cannot be used as music is refused with a sentence."""
    with transaction():
        track = _waiting(track_id)
        key = track.file_key if track else None
    if key is None:
        return
    progress(0.0, "Measuring")
    try:
        with _files([key]) as (path,):
            found = measure(path, progress=progress)
    except AudioError as error:
        _keep_refusal(track_id, error.reason)
        return
    with transaction():
        track = _waiting(track_id)
        if track is not None:
            _keep_measured(track, found)


@task("music.render_recipe", on_failure=_refuse)
def render_recipe(progress: Progress, *, track_id: str) -> None:
    """Render a track from its recipe, keep the file and measure it."""
    with transaction():
        track = _waiting(track_id)
        slug = track.recipe if track else None
    if slug is None:
        return
    recipe = next((recipe for recipe in RECIPES if recipe.slug == slug), None)
    if recipe is None:
        raise TaskFailed("This version of Kap has no such recipe.")
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        path = Path(folder) / f"{slug}.flac"
        progress(0.0, "Being made")
        render_recipe_file(recipe, path, progress=lambda part: progress(part * RENDERING_SHARE))
        progress(RENDERING_SHARE, "Measuring")
        found = measure(path)
        size = path.stat().st_size
        with _kept({"flac": path}, kind=FILE_KIND) as keys, transaction():
            track = _waiting(track_id)
            if track is None:
                raise _Superseded
            track.file_key, track.file_bytes = keys["flac"], size
            _keep_measured(track, found)


@task("music.render_mix", on_failure=_fail)
def render_mix(progress: Progress, *, mix_id: str) -> None:
    """Render a playlist, as it is when the work begins, into one continuous file in two formats."""
    with transaction():
        order = _order_for(UUID(mix_id))
    if order is None:
        return
    with tempfile.TemporaryDirectory(prefix="kap-") as folder, _files(order.keys) as sources:
        progress(0.0, "Planning")
        try:
            plan = order.plan(sources)
            outputs = {kind: Path(folder) / f"mix.{kind}" for kind in MIX_FORMATS}
            rendered = render(plan, outputs, progress=_told(progress, plan))
        except AudioError as error:
            raise TaskFailed(f"The mix could not be made: {error.reason}.") from error
        progress(1.0, "Keeping the files")
        with _kept(outputs, kind=MIX_KIND) as keys, transaction():
            _keep_mix(UUID(mix_id), order, plan, rendered, keys)


class _Superseded(Exception):
    """Another run has finished this work; what this one made is not needed."""


@contextmanager
def _kept(files: dict[str, Path], *, kind: str) -> Iterator[dict[str, str]]:
    """Copies in the storage while their row is written; removed again unless it was."""
    keys: dict[str, str] = {}
    try:
        for name, path in files.items():
            keys[name] = storage().put(path, kind=kind)
        yield keys
    except _Superseded:
        _discard(keys)
    except BaseException:
        _discard(keys)
        raise


def _discard(keys: dict[str, str]) -> None:
    for key in keys.values():
        storage().delete(key)


@contextmanager
def _files(keys: list[str]) -> Iterator[list[Path]]:
    """Real files for keys of the storage. Raises `TaskFailed` when one is gone."""
    with ExitStack() as stack:
        try:
            paths = [stack.enter_context(storage().local_path(key)) for key in keys]
        except FileMissing as missing:
            raise TaskFailed("The storage has lost a file this needs.") from missing
        yield paths


def _waiting(track_id: str) -> Track | None:
    """The track, held until the transaction ends, if nobody has finished it yet."""
    track = db.session.get(Track, UUID(track_id), with_for_update=True, populate_existing=True)
    return track if track is not None and track.state is TrackState.WAITING else None


def _keep_measured(track: Track, found: Measured) -> None:
    track.state, track.problem = TrackState.READY, None
    track.codec, track.duration_s = found.codec, found.duration_s
    track.loudness_lufs, track.true_peak_dbtp = found.loudness_lufs, found.true_peak_dbtp
    track.lead_silence_s, track.trail_silence_s = found.lead_silence_s, found.trail_silence_s
    track.peaks = found.peaks
    if found.title and track.title == title_from(track.file_name):  # nobody has given it another title
        track.title = found.title
    track.artist = track.artist or found.artist or ""


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


@dataclass(frozen=True)
class _Order:
    """What a mix is made from, read in one moment and free of the database."""

    version: int
    build: Build
    tracks: list[Track]

    @property
    def keys(self) -> list[str]:
        return [track.file_key or "" for track in self.tracks]

    def plan(self, sources: list[Path]) -> MixPlan:
        return plan_mix(
            [
                _piece(track, path, phase_target_lufs(place.target_intensity))
                for track, path, place in zip(self.tracks, sources, self.build.places, strict=True)
            ],
            length_s=self.build.length_s,
        )


def _order_for(mix_id: UUID) -> _Order | None:
    """The playlist of an unfinished mix; None when the mix is finished or gone."""
    mix = db.session.scalars(
        select(Mix)
        .where(Mix.id == mix_id, Mix.state == MixState.WAITING)
        .options(joinedload(Mix.playlist).selectinload(Playlist.places).joinedload(PlaylistTrack.track))
        .execution_options(populate_existing=True)
    ).first()
    if mix is None:
        return None
    build = queries.laid_out(mix.playlist)
    heard = [place.track for place in mix.playlist.places[: len(build.places)]]
    return _Order(mix.playlist.version, build, heard)


def _piece(track: Track, path: Path, target_lufs: float) -> Piece:
    measured = (
        track.duration_s,
        track.loudness_lufs,
        track.true_peak_dbtp,
        track.lead_silence_s,
        track.trail_silence_s,
    )
    length, loudness, peak, lead, trail = (value or 0.0 for value in measured)
    return Piece(
        path=path,
        title=track.title,
        duration_s=length,
        loudness_lufs=loudness,
        true_peak_dbtp=peak,
        lead_silence_s=lead,
        trail_silence_s=trail,
        target_lufs=target_lufs,
    )


def _told(progress: Progress, plan: MixPlan) -> Callable[[float], None]:
    """Progress in words: which track the mix has come to."""
    told = 0

    def tell(part: float) -> None:
        nonlocal told
        at = part * plan.total_samples
        number = sum(segment.start <= at for segment in plan.segments)
        step = f"Mixing track {number} of {len(plan.segments)}" if number != told else None
        told = number
        progress(part, step)

    return tell


def _keep_mix(mix_id: UUID, order: _Order, plan: MixPlan, rendered: Rendered, keys: dict[str, str]) -> None:
    mix = db.session.get(Mix, mix_id, with_for_update=True, populate_existing=True)
    if mix is None or mix.state is not MixState.WAITING:
        raise _Superseded
    named = [Named(track.title, track.artist) for track in order.tracks]
    mix.plan = described(plan, arc=order.build.arc, tracks=named, places=order.build.places)
    mix.opus_key, mix.m4a_key = keys["opus"], keys["m4a"]
    mix.loudness_lufs, mix.true_peak_dbtp = rendered.loudness_lufs, rendered.true_peak_dbtp
    mix.playlist_order = order.version
    mix.length_s = round(rendered.duration_s)
    mix.state, mix.problem, mix.ready_at = MixState.READY, None, now()
