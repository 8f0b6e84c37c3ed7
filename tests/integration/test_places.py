"""Where in a session an entry belongs, with and without its music."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import select

from kap.db import db, transaction
from kap.integration.models import JournalEntry
from kap.integration.places import USUAL_PHASES, phase_at, phase_names, placed
from kap.integration.rules import Writing
from kap.music.models import Mix, MixState, Playlist
from kap.sessions.models import DosingSession
from tests.conftest import NOON, Browser, Cast

AtBrowser = Callable[[str], Browser]
PLAN = {
    "length_s": 180,
    "tracks": [],
    "phases": [
        {"label": label, "start_s": start, "end_s": start + 60, "from": 0.1, "to": 0.5}
        for label, start in (("Settle in", 0), ("Peak", 60), ("Return", 120))
    ],
}


@pytest.mark.parametrize(
    "moment, phase", [(0, "Settle in"), (59.9, "Settle in"), (60, "Peak"), (179, "Return"), (500, "Return")]
)
def test_the_part_in_which_a_moment_lies(moment: float, phase: str) -> None:
    assert phase_at(PLAN, moment) == phase


def test_without_parts_there_is_no_name() -> None:
    assert phase_at({**PLAN, "phases": []}, 10) == ""


def test_the_parts_to_choose_from() -> None:
    assert phase_names([PLAN, PLAN]) == ("Settle in", "Peak", "Return")
    assert phase_names([]) == phase_names([{**PLAN, "phases": []}]) == USUAL_PHASES


def test_where_music_played_its_moment_says_the_part() -> None:
    session_id = uuid4()
    chosen = Writing("x", session_id=session_id, moment_s=70, phase="Return")
    assert placed(chosen, {session_id: PLAN}).phase == "Peak"
    assert placed(chosen, {}).phase == "Return"
    without = Writing("x", session_id=session_id, phase="Return")
    assert placed(without, {session_id: PLAN}) == without


@pytest.fixture
def held(cast: Cast, closed_session: Callable[..., DosingSession]) -> DosingSession:
    """A session of Pia's whose music is known; she may not hear it again yet."""
    session = closed_session(cast.pia, NOON)
    with transaction():
        playlist = Playlist(
            practice_id=cast.practice.id, name="P", arc="iv-40", length_s=180, seed=0, made_at=NOON, version=1
        )
        db.session.add(playlist)
        db.session.flush()
        session = db.session.get_one(DosingSession, session.id)
        session.mix = Mix(
            practice_id=cast.practice.id, playlist_id=playlist.id, playlist_order=0, state=MixState.READY,
            length_s=180, made_at=NOON, plan=PLAN,
        )  # fmt: skip
    return session


def test_a_part_is_kept_and_shown(at_browser: AtBrowser, cast: Cast, held: DosingSession) -> None:
    pia = at_browser("pia")
    for version, (fields, shown) in enumerate(
        [({"phase": "Return"}, ", Return"), ({"moment": "1:10"}, ", at 1:10 of its music, Peak")]
    ):
        entry_id = "6d2c3f6e-5f3b-4b0e-8b3c-0f6f0a2f9a11"
        data = {"text": "Beside it", "session": str(held.id), "version": version, **fields}
        assert pia.post(f"/my/journal/{entry_id}", data).status_code == 303
        assert shown in pia.get(f"/my/journal/{entry_id}").text
        assert shown in pia.get("/my/journal").text
    (entry,) = db.session.scalars(select(JournalEntry))
    assert (entry.phase, entry.moment_s) == ("Peak", 70)


def test_the_player_is_there_only_where_the_therapist_allows_it(
    at_browser: AtBrowser, cast: Cast, held: DosingSession
) -> None:
    pia, path = at_browser("pia"), f"/my/journal/{uuid4()}/write?session={held.id}&moment=70&listen=1"
    page = pia.get(path).text
    assert ("data-player" in page, '<option value="Peak">' in page) == (False, True)
    with transaction():
        session = db.session.get_one(DosingSession, held.id)
        session.listening_allowed_at = session.opened_at = NOON
    page = pia.get(path).text
    assert ("data-player" in page, 'data-start="70.0"' in page) == (True, True)
    assert "data-player" not in at_browser("pau").get(path).text
