"""Recorded guidance: kept, trimmed, retired. None of these commits."""

from datetime import datetime
from pathlib import Path

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.audio.clips import Edit
from kap.audio.decode import Source
from kap.audio.errors import AudioError
from kap.db import db
from kap.jobs import queue
from kap.music import playlist_queries
from kap.music.models import TrackState, VoiceClip
from kap.problems import Conflict, Invalid
from kap.storage import storage

RECORDING_KIND = "recording"


def store_recording(path: Path) -> str:
    """Look at a recording and keep a copy; its key. Slow, and touches no row. Raises `Invalid`."""
    try:
        with Source(path):
            return storage().put(path, kind=RECORDING_KIND)
    except AudioError as error:
        raise Invalid(f"This recording cannot be used: {error.reason}.") from error


def enter(key: str, *, title: str, actor: Actor, at: datetime) -> VoiceClip:
    """Enter a stored recording and have it made into a clip, silence at its ends cut off."""
    clip = VoiceClip(
        practice_id=actor.practice_id,
        state=TrackState.WAITING,
        title=title,
        recorded_key=key,
        edit=Edit().as_dict(),
        made_at=at,
        made_by_id=actor.id,
        version=1,
    )
    db.session.add(clip)
    db.session.flush()
    _prepare(clip)
    audit.record(Permission.VOICE_EDIT, actor=actor, subject=clip)
    return clip


def edit(clip: VoiceClip, *, title: str, edit: Edit, version: int, actor: Actor) -> None:
    """Give another title or other edges; mixes that hold it have to be rendered again."""
    _expect(clip, version)
    if Edit.from_dict(clip.edit) != edit or clip.state is TrackState.REFUSED:
        clip.edit = {**clip.edit, **edit.as_dict()}
        clip.state, clip.problem = TrackState.WAITING, None
        _prepare(clip)
        for playlist in playlist_queries.playlists_with(clip):
            playlist.version += 1  # it will sound different, so its mix is no longer current
    clip.title = title
    clip.version += 1
    audit.record(Permission.VOICE_EDIT, actor=actor, subject=clip)


def retire(clip: VoiceClip, *, actor: Actor, at: datetime) -> None:
    """Offer it no longer; playlists that hold it keep it, and `restore` undoes it."""
    clip.retired_at = clip.retired_at or at
    audit.record(Permission.VOICE_EDIT, actor=actor, subject=clip)


def restore(clip: VoiceClip, *, actor: Actor) -> None:
    clip.retired_at = None
    audit.record(Permission.VOICE_EDIT, actor=actor, subject=clip)


def _prepare(clip: VoiceClip) -> None:
    queue.enqueue("music.prepare_clip", practice_id=clip.practice_id, about=clip.id, clip_id=clip.id)


def _expect(clip: VoiceClip, version: int) -> None:
    if clip.version != version:
        raise Conflict("Someone changed this recording since you opened it. Yours is not saved yet.")
