"""Background work on mixes: a playlist rendered into one continuous file, and that file listened to again."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from kap.audio.encoding import BYTES_A_SECOND, prepare
from kap.audio.errors import AudioError
from kap.audio.plan import MixPlan, phase_target_lufs
from kap.audio.render import render
from kap.audio.scan import Scan, scan
from kap.clock import now
from kap.db import db, transaction
from kap.jobs import queue
from kap.jobs.models import Job
from kap.jobs.registry import Progress, TaskFailed, task
from kap.music.mix_order import Order, order_of, packet_store, playlist_of, sound_of
from kap.music.models import Mix, MixState, Track
from kap.music.queries import is_usable
from kap.music.rules import described, marks_of
from kap.music.task_files import Superseded, kept, local_files

MIX_KIND = "mix"
MIX_FORMATS = ("opus", "m4a")


def _fail(job: Job, sentence: str) -> None:
    mix = db.session.get(Mix, job.about)
    if mix is not None and mix.state is MixState.WAITING:
        mix.state, mix.problem = MixState.FAILED, sentence


@task("music.render_mix", on_failure=_fail)
def render_mix(progress: Progress, *, mix_id: str) -> None:
    """Render a playlist, as it is when the work begins, into one continuous file in two formats."""
    with transaction():
        mix = db.session.get(Mix, UUID(mix_id))
        order = order_of(playlist_of(mix)) if mix and mix.state is MixState.WAITING else None
    if order is None:
        return
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        outputs = {kind: Path(folder) / f"mix.{kind}" for kind in MIX_FORMATS}
        plan = _rendered(order, outputs, progress)
        progress(1.0, "Keeping the files")
        with kept(outputs, kind=MIX_KIND) as keys, transaction():
            _keep_mix(UUID(mix_id), order, plan, keys)


@task("music.render_flac")
def render_flac(progress: Progress, *, mix_id: str) -> None:
    """The same mix without loss, for keeping, as long as its playlist still sounds like it."""
    with transaction():
        mix = _without_flac(UUID(mix_id))
        order = order_of(playlist_of(mix)) if mix else None
        made_from = mix.playlist_order if mix else None
    if order is None:
        return
    if order.version != made_from:
        raise TaskFailed(
            "The playlist has changed since this mix was made. Render it again, then ask for FLAC."
        )
    with tempfile.TemporaryDirectory(prefix="kap-") as folder:
        outputs = {"flac": Path(folder) / "mix.flac"}
        _rendered(order, outputs, progress)
        progress(1.0, "Keeping the file")
        with kept(outputs, kind=MIX_KIND) as keys, transaction():
            mix = _without_flac(UUID(mix_id))
            if mix is None:
                raise Superseded
            mix.flac_key = keys["flac"]


@task("music.scan_mix")
def scan_mix(progress: Progress, *, mix_id: str) -> None:
    """Listen to a finished mix again and keep what was found with it."""
    with transaction():
        mix = _unscanned(UUID(mix_id))
        wanted = (mix.opus_key, mix.plan) if mix else None
    if wanted is None:
        return
    key, plan = wanted
    progress(0.0, "Listening to the finished mix")
    with local_files([key or ""]) as (path,):
        try:
            found = scan(path, marks_of(plan or {}), progress=progress)
        except AudioError as error:
            raise TaskFailed(f"The finished mix could not be listened to again: {error.reason}.") from error
    with transaction():
        mix = _unscanned(UUID(mix_id))
        if mix is not None:
            _keep_scan(mix, found)


@task("music.prepare_track")
def prepare_track(progress: Progress, *, track_id: str) -> None:
    """Encode a track at the level of its own intensity, so that its first mix is quick."""
    with transaction():
        track = db.session.get(Track, UUID(track_id))
        sound = sound_of(track) if track and is_usable(track) else None
        intensity = track.intensity if track else None
    if sound is None or intensity is None:
        return
    store = packet_store()
    if not store.has_room(round(sound.duration_s * BYTES_A_SECOND)):
        return
    progress(0.0, "Encoding")
    with local_files([sound.key]) as (path,):
        try:
            prepare(sound.piece(path, phase_target_lufs(intensity)), store, progress=progress)
        except AudioError as error:
            raise TaskFailed(f"This track cannot be encoded: {error.reason}.") from error


def _rendered(order: Order, outputs: dict[str, Path], progress: Progress) -> MixPlan:
    """Write the outputs. Raises TaskFailed with a sentence."""
    with local_files(order.keys) as sources:
        progress(0.0, "Planning")
        try:
            plan = order.plan(sources)
            render(plan, outputs, store=packet_store(), tags=order.tags, progress=_told(progress, outputs))
        except AudioError as error:
            raise TaskFailed(f"The mix could not be made: {error.reason}.") from error
    return plan


def _told(progress: Progress, outputs: dict[str, Path]) -> Callable[[float], None]:
    """Progress in words, said once."""
    steps = iter(["Mixing without loss" if "flac" in outputs else "Mixing"])
    return lambda part: progress(part, next(steps, None))


def _keep_mix(mix_id: UUID, order: Order, plan: MixPlan, keys: dict[str, str]) -> None:
    mix = db.session.get(Mix, mix_id, with_for_update=True, populate_existing=True)
    if mix is None or mix.state is not MixState.WAITING:
        raise Superseded
    mix.plan = described(plan, arc=order.build.arc, heard=order.heard())
    mix.opus_key, mix.m4a_key = keys["opus"], keys["m4a"]
    mix.playlist_order = order.version
    mix.length_s = round(plan.length_s)
    mix.state, mix.problem, mix.ready_at = MixState.READY, None, now()
    queue.enqueue("music.scan_mix", practice_id=mix.practice_id, about=mix.id, mix_id=mix.id)


def _unscanned(mix_id: UUID) -> Mix | None:
    mix = db.session.get(Mix, mix_id, with_for_update=True, populate_existing=True)
    return mix if mix and mix.state is MixState.READY and mix.scan is None else None


def _without_flac(mix_id: UUID) -> Mix | None:
    mix = db.session.get(Mix, mix_id, with_for_update=True, populate_existing=True)
    return mix if mix and mix.state is MixState.READY and mix.flac_key is None else None


def _keep_scan(mix: Mix, found: Scan) -> None:
    mix.scan, mix.levels = found.as_dict(), found.levels
    mix.loudness_lufs, mix.true_peak_dbtp = found.loudness_lufs, found.true_peak_dbtp
