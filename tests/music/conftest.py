"""Short real sound files, and a library made of them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete

from kap.audio.measure import Measured, measure
from kap.db import db, transaction
from kap.jobs.models import Job
from kap.music import actions, playlist_actions, queries
from kap.music.arcs import arcs
from kap.music.builder import build
from kap.music.models import Playlist, Track, TrackState
from kap.music.track_tasks import MEASURES
from tests.audio.sounds import tone, write_sound
from tests.conftest import Cast

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KINDS = ("flac", "mp3", "ogg", "m4a", "wav")


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tones of twenty seconds, one file of each kind; no two sound the same."""
    folder = tmp_path_factory.mktemp("sounds")
    return {
        kind: write_sound(
            folder / f"tone.{kind}", tone(20, hertz=220 + 55 * number, rate=16_000), kind, rate=16_000
        )
        for number, kind in enumerate(KINDS)
    }


@pytest.fixture(scope="session")
def measured(sounds: dict[str, Path]) -> dict[str, Measured]:
    return {kind: measure(path) for kind, path in sounds.items()}


@pytest.fixture
def library(cast: Cast, sounds: dict[str, Path], measured: dict[str, Measured]) -> list[Track]:
    """Five measured tracks of Theo's practice, from quiet to strong, as importing leaves them."""
    actor = cast.actor("theo")
    tracks = []
    for number, (kind, path) in enumerate(sounds.items()):
        with transaction():
            imported = actions.import_file(
                path, practice_id=actor.practice_id, actor=actor, file_name=f"{kind}.{kind}", at=NOON
            )
            track = imported.track
            assert track is not None
            for name in MEASURES:
                setattr(track, name, getattr(measured[kind], name))
            track.startles_s = list(measured[kind].startles_s)
            track.state, track.intensity = TrackState.READY, 0.15 + 0.1 * number
            db.session.execute(delete(Job).where(Job.about == track.id))  # measured already
        tracks.append(track)
    return tracks


@pytest.fixture
def playlist(cast: Cast, library: list[Track]) -> Playlist:
    """Forty seconds along the first arc, made of the library."""
    actor = cast.actor("theo")
    with transaction():
        chosen = build(next(iter(arcs().values())), length_s=40, candidates=queries.candidates(actor))
        return playlist_actions.make_playlist(chosen, name="Forty seconds", actor=actor, at=NOON)
