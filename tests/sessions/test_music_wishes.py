import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import func, select, text

from kap.access.audit import Event
from kap.db import db, transaction
from kap.music.builder import Avoid
from kap.music.models import Playlist, PlaylistTrack, PlaylistVoice, Track, TrackState, Vocals, VoiceClip
from kap.problems import Conflict
from kap.sessions import queries, wishes
from kap.sessions.models import DosingSession
from kap.sessions.wishes import Objection, Wishes
from tests.conftest import NOON, Browser, Cast
from tests.sessions.conftest import address

At = Callable[[str], Browser]
ASKED = {
    "likes": "Cello, slow. Not the one from my wedding.",
    "voices": "y",
    "languages": "English, German ,",
    "words": "drums, organ",
    "version": "0",
}
AVOID = Avoid(voices=True, languages=("English", "German"), words=("drums", "organ"))
JSON = {"Accept": "application/json"}


def stored(cast: Cast) -> Wishes:
    db.session.rollback()
    db.session.expire_all()
    return wishes.in_force(queries.wishes_of(cast.pia))


def test_a_patient_says_what_they_like_and_the_care_team_sees_it(
    cast: Cast, at_browser: At, planned: DosingSession
) -> None:
    assert at_browser("pia").post("/my/music", ASKED).status_code == 303
    assert stored(cast) == Wishes("Cello, slow. Not the one from my wedding.", AVOID)
    page = at_browser("theo").get(address(planned)).text
    assert "Cello, slow. Not the one from my wedding." in page
    assert "no voices, no words in English, no words in German, no “drums”, no “organ”." in page
    assert "Written by Pia Pine" in page
    link = re.search(r'href="(/playlists/new[^"]*)"', page)
    assert link
    assert parse_qsl(urlsplit(link[1].replace("&amp;", "&")).query) == [
        ("avoid_voices", "1"),
        ("avoid_language", "English"),
        ("avoid_language", "German"),
        ("avoid_word", "drums"),
        ("avoid_word", "organ"),
    ]


def test_they_are_written_together_with_a_therapist(cast: Cast, at_browser: At) -> None:
    theo = at_browser("theo")
    assert "has not said which music" in theo.get(f"/patients/{cast.pia.id}/sessions/new").text
    theo.post(f"/patients/{cast.pia.id}/music-wishes", {"culture": "y", "version": "0"})
    assert stored(cast) == Wishes("", Avoid(religious_or_cultural=True))
    mine = at_browser("pia").get("/my/music").text
    [culture] = re.findall(r'<input[^>]*name="culture"[^>]*>', mine)
    assert " checked" in culture
    assert "Last written by Theo Thorne" in mine


def test_likes_are_sealed(cast: Cast, at_browser: At) -> None:
    at_browser("pia").post("/my/music", ASKED)
    db.session.rollback()
    [raw] = db.session.execute(text("SELECT likes_sealed, no_gos_sealed FROM music_wishes")).all()
    assert (b"Cello" in bytes(raw[0]), b"drums" in bytes(raw[1])) == (False, False)


def test_one_sitting_is_one_event_and_the_same_again_is_no_change(cast: Cast, at_browser: At) -> None:
    pia = at_browser("pia")
    versions = [
        pia.post("/my/music", ASKED | change, headers=JSON).get_json()["version"]
        for change in ({}, {"version": "1"}, {"version": "1", "likes": "Harp"})
    ]
    assert versions == [1, 1, 2]
    db.session.rollback()
    counted = select(func.count()).select_from(Event).where(Event.act == "sessions:wishes:write")
    assert db.session.scalar(counted) == 1


def test_two_people_write_at_once_and_neither_is_lost(cast: Cast, at_browser: At) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    theo.post(f"/patients/{cast.pia.id}/music-wishes", {"words": "gongs", "version": "0"})
    answer = pia.post("/my/music", ASKED, headers=JSON)
    assert answer.status_code == 409
    assert answer.get_json()["conflict"] == {
        "text": "No likes are written down.\nTo leave out: no “gongs”.",
        "version": 1,
    }
    page = pia.post("/my/music", ASKED)
    assert page.status_code == 409
    assert ("no “gongs”" in page.text, "Not the one from my wedding" in page.text) == (True, True)
    pia.post("/my/music", ASKED | {"version": "1"})
    assert stored(cast).avoid == AVOID
    with pytest.raises(Conflict), transaction():
        wishes.write(cast.pia, Wishes("Late"), version=1, actor=cast.actor("theo"), at=NOON)


def test_what_is_too_long_comes_back_with_its_words(cast: Cast, at_browser: At) -> None:
    answer = at_browser("pia").post("/my/music", ASKED | {"words": "a" * 501})
    assert (answer.status_code, "a" * 501 in answer.text) == (422, True)
    assert stored(cast) == Wishes()


def _track(cast: Cast, playlist: Playlist, position: int, title: str, **said: object) -> None:
    track = Track(
        practice_id=cast.practice.id,
        state=TrackState.READY,
        file_name=title,
        title=title,
        intensity=0.3,
        duration_s=300.0,
        added_at=NOON,
        version=1,
        **said,
    )
    db.session.add(track)
    db.session.flush()
    db.session.add(PlaylistTrack(playlist_id=playlist.id, track_id=track.id, position=position))


@pytest.fixture
def mixed(cast: Cast, playlist: Playlist) -> Playlist:
    """One track that is sung, one nobody has described, one that suits everybody, and spoken guidance."""
    with transaction():
        _track(cast, playlist, 0, "Aria", vocals=Vocals.WORDS, language="Italian", culture="", tags=["opera"])
        _track(cast, playlist, 1, "Unheard")
        _track(cast, playlist, 2, "Moss", vocals=Vocals.NONE, culture="", tags=["piano"])
        clip = VoiceClip(
            practice_id=cast.practice.id, title="Arriving", recorded_key="voice/a", edit={}, made_at=NOON
        )
        db.session.add(clip)
        db.session.flush()
        db.session.add(PlaylistVoice(playlist_id=playlist.id, clip_id=clip.id, at_s=30.0))
    return playlist


def test_music_against_a_no_go_is_named_and_the_unknown_counts_as_such(cast: Cast, mixed: Playlist) -> None:
    assert wishes.objections([mixed.id], Avoid(voices=True)) == {
        mixed.id: [
            Objection("Aria", ("it has voices",)),
            Objection("Unheard", ("nobody has said whether it has voices",)),
            Objection("Arriving", ("it is spoken guidance",)),
        ]
    }
    assert wishes.objections([mixed.id], Avoid(words=("oper",)))[mixed.id][0].title == "Aria"
    assert wishes.objections([mixed.id], Avoid()) == {}


def test_the_plan_warns_of_music_against_a_no_go(
    cast: Cast, at_browser: At, mixed: Playlist, planned: DosingSession
) -> None:
    theo = at_browser("theo")
    assert "goes against" not in theo.get(address(planned)).text
    with transaction():
        wishes.write(cast.pia, Wishes(avoid=Avoid(voices=True)), version=0, actor=cast.actor("pia"), at=NOON)
    page = theo.get(address(planned)).text
    assert "Some of the chosen music goes against what Pia Pine asked to leave out." in page
    assert "“Aria”: it has voices." in page
    assert "Low tide, 2 min, ready to play, goes against a no-go" in theo.get(address(planned, "edit")).text
