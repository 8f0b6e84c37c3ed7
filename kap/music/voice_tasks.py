"""Background work on recorded voices: a recording trimmed, levelled and faded into a clip."""

import tempfile
from pathlib import Path
from uuid import UUID

from kap.audio.clips import Clip, Edit, prepare_clip
from kap.audio.decode import Source
from kap.audio.errors import AudioError
from kap.audio.measure import Wave
from kap.db import db, transaction
from kap.jobs.models import Job
from kap.jobs.registry import Progress, task
from kap.music.models import TrackState, VoiceClip
from kap.music.task_files import Superseded, kept, local_files
from kap.storage import storage

CLIP_KIND = "clip"
RECORDED = "recorded_s"  # kept beside the edit: how long the whole recording is


def _refuse(job: Job, sentence: str) -> None:
    clip = db.session.get(VoiceClip, job.about)
    if clip is not None and clip.state is TrackState.WAITING:
        clip.state, clip.problem = TrackState.REFUSED, sentence


@task("music.prepare_clip", on_failure=_refuse)
def prepare(progress: Progress, *, clip_id: str) -> None:
    """Make a clip of a recording as its edit says now; what cannot be used is refused with a sentence."""
    with transaction():
        clip = _waiting(clip_id)
        wanted = (clip.recorded_key, dict(clip.edit)) if clip else None
    if wanted is None:
        return
    recorded_key, edit = wanted
    progress(0.0, "Trimming and levelling")
    with tempfile.TemporaryDirectory(prefix="kap-") as folder, local_files([recorded_key]) as (source,):
        made = Path(folder) / "clip.flac"
        try:
            found, wave = prepare_clip(source, made, Edit.from_dict(edit)), _picture_of(source)
        except AudioError as error:
            _keep_refusal(clip_id, edit, error.reason)
            return
        progress(1.0, "Keeping the file")
        _keep(clip_id, edit, found, wave, made)


def _picture_of(recording: Path) -> bytes:
    """The wave of the whole recording, on which it is trimmed."""
    wave = Wave()
    with Source(recording) as source:
        for block in source.blocks():
            wave.push(block)
    return wave.peaks()


def _keep(clip_id: str, edit: dict[str, object], found: Clip, wave: bytes, made: Path) -> None:
    before = None
    with kept({"clip": made}, kind=CLIP_KIND) as keys, transaction():
        clip = _waiting(clip_id)
        if clip is None or clip.edit != edit:
            raise Superseded
        before, clip.clip_key = clip.clip_key, keys["clip"]
        clip.state, clip.problem = TrackState.READY, None
        clip.duration_s, clip.peaks = found.duration_s, wave
        clip.edit = {**edit, RECORDED: round(found.recorded_s, 2)}
    if before:
        storage().delete(before)


def _keep_refusal(clip_id: str, edit: dict[str, object], reason: str) -> None:
    with transaction():
        clip = _waiting(clip_id)
        if clip is not None and clip.edit == edit:
            clip.state, clip.problem = TrackState.REFUSED, f"This recording cannot be used: {reason}."


def _waiting(clip_id: str) -> VoiceClip | None:
    """The clip, held until the transaction ends, if nobody has finished it yet."""
    clip = db.session.get(VoiceClip, UUID(clip_id), with_for_update=True, populate_existing=True)
    return clip if clip is not None and clip.state is TrackState.WAITING else None
