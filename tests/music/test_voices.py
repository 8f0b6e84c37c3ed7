"""Spoken guidance: recorded, trimmed, laid over the music of a playlist."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.audio.clips import Edit
from kap.config import Config
from kap.db import db, transaction
from kap.music import playlist_queries, voice_actions
from kap.music.models import Playlist, PlaylistVoice, TrackState, VoiceClip
from kap.storage import storage
from tests.audio.sounds import tone, write_sound
from tests.conftest import NOON, Browser, Cast

AtBrowser = Callable[[str], Browser]
Work = Callable[[], int]
RATE = 16_000


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of sound between two silences of two seconds each, as a browser records it."""
    silence = np.zeros((2 * RATE, 2), np.float32)
    sound = np.concatenate([silence, tone(2, hertz=180, rate=RATE), silence])
    return write_sound(tmp_path_factory.mktemp("voices") / "said.m4a", sound, "m4a", rate=RATE)


@pytest.fixture
def clip(cast: Cast, recording: Path) -> VoiceClip:
    """A clip that nobody has prepared yet."""
    key = voice_actions.store_recording(recording)
    with transaction():
        return voice_actions.enter(key, title="Welcome", actor=cast.actor("theo"), at=NOON)


@pytest.fixture
def ready(clip: VoiceClip, work: Work) -> VoiceClip:
    work()
    return fresh(clip)


def fresh(clip: VoiceClip) -> VoiceClip:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(VoiceClip, clip.id)


def voices(playlist: Playlist) -> list[tuple[str, float]]:
    db.session.rollback()
    db.session.expire_all()
    laid = db.session.scalars(select(PlaylistVoice).where(PlaylistVoice.playlist_id == playlist.id))
    return sorted((voice.clip.title, voice.at_s) for voice in laid)


def version(playlist: Playlist) -> int:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Playlist, playlist.id).version


def form(**values: Any) -> dict[str, Any]:
    edges = {"start": 0, "end": "", "fade_in": 0.1, "fade_out": 0.3, "trim_silence": "y"}
    return {"title": "Welcome", "version": 1, **edges, **values}


def test_a_recording_is_kept_and_made_into_a_clip(
    at_browser: AtBrowser, cast: Cast, recording: Path, work: Work
) -> None:
    theo = at_browser("theo")
    file = (io.BytesIO(recording.read_bytes()), "recording.m4a")
    answer = theo.post("/voices", {"title": "Welcome", "recording": file})
    found = db.session.scalars(select(VoiceClip)).one()
    assert (answer.status_code, answer.location) == (303, f"/voices/{found.id}")
    assert (found.title, found.state) == ("Welcome", TrackState.WAITING)
    assert "Being prepared" in theo.get(answer.location).text
    assert theo.get(f"/voices/{found.id}/file").status_code == 404
    work()
    made = fresh(found)
    assert (made.state, made.problem) == (TrackState.READY, None)
    assert made.duration_s == pytest.approx(2.45, abs=0.2)  # the silence is gone, a breath is left
    assert made.peaks
    page = theo.get(answer.location).text
    assert f"/voices/{found.id}/file" in page
    heard = theo.get(f"/voices/{found.id}/file")
    assert (heard.status_code, heard.mimetype) == (200, "audio/flac")
    raw = theo.get(f"/voices/{found.id}/recording")
    assert (raw.mimetype, raw.data) == ("audio/mp4", recording.read_bytes())
    assert db.session.scalars(select(Event.act).where(Event.subject_id == found.id)).all() == [
        Permission.VOICE_EDIT
    ]


def test_a_script_is_told_where_the_recording_is(at_browser: AtBrowser, recording: Path) -> None:
    theo, asks = at_browser("theo"), {"Accept": "application/json"}
    file = (io.BytesIO(recording.read_bytes()), "recording.m4a")
    answer = theo.post("/voices", {"title": "Welcome", "recording": file}, headers=asks)
    found = db.session.scalars(select(VoiceClip)).one()
    assert answer.json == {"ok": True, "url": f"/voices/{found.id}"}
    refused = theo.post("/voices", {"title": ""}, headers=asks)
    assert refused.status_code == 422
    assert refused.json == {
        "ok": False,
        "message": "Please give it a name. Record something, or choose a sound file.",
    }


def test_what_is_no_sound_is_refused_with_a_sentence(at_browser: AtBrowser) -> None:
    file = (io.BytesIO(b"This is a letter."), "letter.webm")
    answer = at_browser("theo").post("/voices", {"title": "Welcome", "recording": file})
    assert answer.status_code == 422
    assert "This recording cannot be used: this is not a sound file we can read." in answer.text
    assert 'value="Welcome"' in answer.text
    assert db.session.scalars(select(VoiceClip)).all() == []


def test_a_long_recording_is_not_too_large_a_form(at_browser: AtBrowser, config: Config) -> None:
    file = (io.BytesIO(b"x" * (config.form_megabytes + 1) * 1_000_000), "long.webm")
    answer = at_browser("theo").post("/voices", {"title": "Welcome", "recording": file})
    assert answer.status_code == 422  # refused for what it holds, which was looked at


def test_other_edges_make_another_clip(at_browser: AtBrowser, ready: VoiceClip, work: Work) -> None:
    theo, url, before = at_browser("theo"), f"/voices/{ready.id}", ready.clip_key
    assert theo.post(url, form(title="Hello", start=2.5, end=3.5)).status_code == 303
    changed = fresh(ready)
    assert (changed.title, changed.state, changed.version) == ("Hello", TrackState.WAITING, 2)
    assert Edit.from_dict(changed.edit) == Edit(2.5, 3.5, True, 0.1, 0.3)
    work()
    made = fresh(ready)
    assert made.state == TrackState.READY
    assert made.duration_s == pytest.approx(1.0, abs=0.01)
    assert before is not None
    assert made.clip_key != before
    assert not _is_stored(before)


def _is_stored(key: str) -> bool:
    root = storage().root
    assert root is not None
    return (root / key).exists()


def test_another_name_leaves_the_sound_alone(at_browser: AtBrowser, clip: VoiceClip, work: Work) -> None:
    work()
    same = Edit()
    fields = {"fade_in": same.fade_in_s, "fade_out": same.fade_out_s}
    at_browser("theo").post(f"/voices/{clip.id}", form(title="Hello", **fields))
    assert (fresh(clip).title, fresh(clip).state) == ("Hello", TrackState.READY)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"title": ""}, "Please give it a name."),
        ({"start": 3, "end": 2}, "It has to end after it begins."),
        ({"fade_in": 31}, "Between 0 and 30 seconds."),
    ],
)
def test_edges_that_cannot_be_are_said(
    at_browser: AtBrowser, clip: VoiceClip, values: dict[str, Any], words: str
) -> None:
    answer = at_browser("theo").post(f"/voices/{clip.id}", form(**values))
    assert answer.status_code == 422
    assert words in answer.text
    assert fresh(clip).version == 1


def test_edges_with_nothing_between_them_are_refused_by_the_work(
    at_browser: AtBrowser, clip: VoiceClip, work: Work
) -> None:
    at_browser("theo").post(f"/voices/{clip.id}", form(start=0, end=1))
    work()
    made = fresh(clip)
    assert made.state == TrackState.REFUSED
    assert made.problem is not None
    assert made.problem.startswith("This recording cannot be used: ")
    assert made.problem in at_browser("theo").get(f"/voices/{clip.id}").text


def test_a_change_that_comes_too_late_keeps_what_was_entered(at_browser: AtBrowser, clip: VoiceClip) -> None:
    at_browser("theo").post(f"/voices/{clip.id}", form(title="First"))
    late = at_browser("tess").post(f"/voices/{clip.id}", form(title="Second"))
    assert late.status_code == 409
    assert 'value="Second"' in late.text
    assert fresh(clip).title == "First"


def test_guidance_is_laid_at_a_minute_and_taken_out(
    at_browser: AtBrowser, playlist: Playlist, ready: VoiceClip
) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    answer = theo.post(f"{url}/voices", {"clip": str(ready.id), "at": "0:12", "version": 1})
    assert (answer.status_code, answer.location) == (303, f"{url}#guidance")
    assert voices(playlist) == [("Welcome", 12.0)]
    assert version(playlist) == 2
    assert "Take Welcome out" in theo.get(url).text
    assert "Forty seconds" in theo.get(f"/voices/{ready.id}").text
    db.session.rollback()
    laid = db.session.scalars(select(PlaylistVoice)).one().id
    theo.post(f"{url}/voices/{laid}/remove", {"version": 2})
    assert voices(playlist) == []


def test_guidance_is_heard_over_the_music_of_its_place(
    at_browser: AtBrowser, playlist: Playlist, ready: VoiceClip
) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    theo.post(f"{url}/voices", {"clip": str(ready.id), "at": "0:08", "version": 1})
    laid = db.session.scalars(select(PlaylistVoice)).one().id
    bed = playlist_queries.bed_at(db.session.get_one(Playlist, playlist.id), 8.0)
    assert bed is not None
    assert bed.at_s == pytest.approx(8.0, abs=0.5)
    heard = theo.get(f"{url}/voices/{laid}/preview")
    assert (heard.status_code, heard.mimetype) == (200, "audio/flac")
    assert heard.data[:4] == b"fLaC"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("", "Say when, such as 12:30."),
        ("soon", "Write it as minutes and seconds, such as 12:30."),
        ("0:39", "“Welcome” has to begin and end while there is music."),
        ("0:11", "“Welcome” would be heard at the same time as “Welcome”."),
    ],
)
def test_guidance_cannot_lie_just_anywhere(
    at_browser: AtBrowser, playlist: Playlist, ready: VoiceClip, at: str, words: str
) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}/voices"
    theo.post(url, {"clip": str(ready.id), "at": "0:12", "version": 1})
    answer = theo.post(url, {"clip": str(ready.id), "at": at, "version": 2})
    assert answer.status_code == 422
    assert words in answer.text
    assert voices(playlist) == [("Welcome", 12.0)]


def test_another_cut_of_guidance_makes_its_playlists_sound_different(
    at_browser: AtBrowser, playlist: Playlist, ready: VoiceClip
) -> None:
    theo = at_browser("theo")
    theo.post(f"/playlists/{playlist.id}/voices", {"clip": str(ready.id), "at": "0:12", "version": 1})
    theo.post(f"/voices/{ready.id}", form(start=2.5, end=3.5))
    assert version(playlist) == 3
    refused = theo.post(f"/playlists/{playlist.id}/render")
    assert refused.status_code == 422
    assert "Some of its guidance is not ready yet." in refused.text


def test_retired_guidance_is_not_offered_and_comes_back(
    at_browser: AtBrowser, playlist: Playlist, ready: VoiceClip
) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    assert str(ready.id) in theo.get(url).text
    theo.post(f"/voices/{ready.id}/retire")
    assert f"/voices/{ready.id}/restore" in theo.get("/voices").text
    assert "Welcome" in theo.get("/voices?retired=1").text
    assert str(ready.id) not in theo.get(url).text
    theo.post(f"/voices/{ready.id}/restore")
    assert fresh(ready).retired_at is None


def test_who_may_hear_and_change_guidance(
    at_browser: AtBrowser, anyone: Browser, ready: VoiceClip, playlist: Playlist
) -> None:
    url = f"/voices/{ready.id}"
    for path in (url, f"{url}/file", f"{url}/recording", f"{url}/sound"):
        answers = {who: at_browser(who).get(path).status_code for who in ("tess", "pia", "ana", "zoe")}
        assert answers == {"tess": 200, "pia": 403, "ana": 403, "zoe": 404}
        assert anyone.get(path).status_code == 302
    for path in (url, f"{url}/retire", f"{url}/restore"):
        refused = {who: at_browser(who).post(path, form()).status_code for who in ("pia", "ana", "zoe")}
        assert refused == {"pia": 403, "ana": 403, "zoe": 404}
    assert "Welcome" not in at_browser("zoe").get("/voices").text


def test_another_practices_guidance_does_not_come_in(
    at_browser: AtBrowser, cast: Cast, playlist: Playlist, ready: VoiceClip
) -> None:
    with transaction():
        fresh(ready).practice_id = cast.other.id
    answer = at_browser("theo").post(
        f"/playlists/{playlist.id}/voices", {"clip": str(ready.id), "at": "0:12", "version": 1}
    )
    assert answer.status_code == 422
    assert voices(playlist) == []


def test_preparing_twice_makes_one_clip(clip: VoiceClip, work: Work, cast: Cast) -> None:
    with transaction():
        voice_actions.restore(clip, actor=cast.actor("theo"))
    assert work() == 1
    key = fresh(clip).clip_key
    assert work() == 0
    assert fresh(clip).clip_key == key
    assert isinstance(clip.id, UUID)
