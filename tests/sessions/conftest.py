"""A playlist with a finished mix, and a session planned with it for Pia."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kap.db import db, transaction
from kap.music.models import Mix, MixState, Playlist
from kap.sessions import actions
from kap.sessions.actions import Plan
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route
from tests.conftest import NOON, Cast
from tests.readiness.requiring import require

TOMORROW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

PLAN: dict[str, Any] = {
    "length_s": 120.0,
    "tracks": [
        {"title": "Moss", "artist": "Kap", "start_s": 0.0, "end_s": 66.0},
        {"title": "Tide", "artist": "", "start_s": 60.0, "end_s": 120.0},
    ],
    "phases": [
        {"name": "settle", "label": "Settle", "start_s": 0, "end_s": 30, "from": 0.1, "to": 0.3},
        {"name": "peak", "label": "Peak", "start_s": 30, "end_s": 80, "from": 0.5, "to": 0.8},
        {"name": "return", "label": "Return", "start_s": 80, "end_s": 120, "from": 0.5, "to": 0.1},
    ],
}


def make_playlist(cast: Cast, name: str = "Low tide", *, practice: str = "practice") -> Playlist:
    playlist = Playlist(
        practice_id=getattr(cast, practice).id, name=name, arc="iv-40", length_s=120, seed=1, made_at=NOON
    )
    db.session.add(playlist)
    return playlist


def make_mix(playlist: Playlist, *, state: MixState = MixState.READY) -> Mix:
    db.session.flush()
    mix = Mix(
        practice_id=playlist.practice_id,
        playlist=playlist,
        playlist_id=playlist.id,
        playlist_order=playlist.version,
        state=state,
        length_s=120,
        plan=PLAN,
        opus_key="mix/a",
        m4a_key="mix/b",
        made_at=NOON,
        ready_at=NOON,
    )
    db.session.add(mix)
    return mix


@pytest.fixture
def playlist(cast: Cast) -> Playlist:
    """Rendered and ready to play."""
    with transaction():
        made = make_playlist(cast)
        make_mix(made)
    return made


@pytest.fixture
def nothing_required(cast: Cast) -> None:
    """The practice opens its sessions whatever is missing."""
    require(cast.practice, cast.theo)


@pytest.fixture
def planned(cast: Cast, playlist: Playlist, nothing_required: None) -> DosingSession:
    with transaction():
        return actions.plan(
            cast.pia,
            wanted=Plan(TOMORROW, Route.IV, cast.theo.id, playlist.id),
            actor=cast.actor("theo"),
        )


def address(session: DosingSession, act: str = "") -> str:
    return f"/patients/{session.patient_id}/sessions/{session.id}{'/' if act else ''}{act}"


def fresh(session: DosingSession) -> DosingSession:
    """The row as it stands in the database now."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(DosingSession, session.id)
