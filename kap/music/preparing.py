"""Encoding a track before anybody asks for a mix of it."""

from datetime import timedelta

from kap.clock import now
from kap.jobs import queue
from kap.music.models import Track, TrackState

# Whoever judges a track often changes their mind, and work that somebody waits for goes first.
LATER = timedelta(minutes=2)


def prepare_later(track: Track) -> None:
    """Have a track that can be used encoded at the level of its own intensity, when there is time."""
    if track.state is TrackState.READY and track.intensity is not None:
        queue.enqueue(
            "music.prepare_track",
            practice_id=track.practice_id,
            about=track.id,
            run_at=now() + LATER,
            track_id=track.id,
        )
