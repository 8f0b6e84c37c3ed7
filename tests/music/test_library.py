import re
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.audio.synth import RECIPES
from kap.db import db, transaction
from kap.music import actions, queries
from kap.music.models import Track, TrackState
from kap.storage import storage
from tests.audio.sounds import tone, write_sound
from tests.conftest import Browser, Cast
from tests.music.conftest import NOON

AtBrowser = Callable[[str], Browser]
JSON = {"Accept": "application/json"}


def upload(browser: Browser, files: Iterable[tuple[str, bytes]], **kwargs: Any) -> TestResponse:
    data = {"files": [(BytesIO(content), name) for name, content in files]}
    answer = browser.post("/music", data, content_type="multipart/form-data", **kwargs)
    answer.request.environ["wsgi.input"].close()  # the test client leaves its copy of a large body open
    return answer


def kept_files() -> list[str]:
    """The kind of every file in the storage."""
    return [key.split("/")[0] for key, *_ in list(storage().files())]


def tracks() -> list[Track]:
    db.session.expire_all()
    return list(db.session.scalars(select(Track).order_by(Track.file_name)))


def test_files_of_every_kind_arrive_and_are_measured(
    at_browser: AtBrowser, sounds: dict[str, Path], work: Callable[[], int]
) -> None:
    theo = at_browser("theo")
    answer = upload(theo, [(path.name, path.read_bytes()) for path in sounds.values()])
    assert answer.status_code == 303
    assert "5 of 5 files arrived" in theo.get("/music").text
    assert [track.state for track in tracks()] == [TrackState.WAITING] * 5
    assert work() == 5
    assert [(t.file_name, t.state, t.codec) for t in tracks()] == [
        ("tone.flac", TrackState.READY, "flac"),
        ("tone.m4a", TrackState.READY, "aac"),
        ("tone.mp3", TrackState.READY, "mp3"),
        ("tone.ogg", TrackState.READY, "vorbis"),
        ("tone.wav", TrackState.READY, "pcm_s16le"),
    ]
    assert {round(track.duration_s or 0) for track in tracks()} == {20}
    assert {len(track.peaks or b"") for track in tracks()} == {2000}


def test_a_script_gets_one_answer_per_file(at_browser: AtBrowser, sounds: dict[str, Path]) -> None:
    theo = at_browser("theo")
    good = upload(theo, [("Long_tone.flac", sounds["flac"].read_bytes())], headers=JSON)
    bad = upload(theo, [("notes.txt", b"not music at all")], headers=JSON)
    none = theo.post("/music", {}, headers=JSON)
    (track,) = tracks()
    assert (good.status_code, good.json) == (
        200,
        {
            "ok": True,
            "name": "Long_tone.flac",
            "message": "Long_tone.flac arrived and is being measured.",
            "known": False,
            "tracks": [str(track.id)],
        },
    )
    assert (bad.status_code, bad.json) == (
        200,
        {
            "ok": False,
            "name": "notes.txt",
            "message": "notes.txt: this is not a sound file we can read.",
            "known": False,
            "tracks": [],
        },
    )
    assert none.status_code == 422
    assert [track.title for track in tracks()] == ["Long tone"]


def test_what_is_no_music_is_named_and_the_others_arrive(
    at_browser: AtBrowser, sounds: dict[str, Path]
) -> None:
    theo = at_browser("theo")
    whole = sounds["wav"].read_bytes()
    files = [
        ("good.mp3", sounds["mp3"].read_bytes()),
        ("picture.jpg", b"\xff\xd8\xff\xe0" + b"x" * 500),
        ("empty.flac", b""),
        ("half.wav", whole[: len(whole) // 2]),
    ]
    assert upload(theo, files).status_code == 303
    page = theo.get("/music").text
    assert "1 of 4 files arrived" in page
    assert "picture.jpg: this is not a sound file we can read." in page
    assert "empty.flac: this file is empty." in page
    assert "half.wav: this file is cut short: its end is missing." in page
    assert [track.file_name for track in tracks()] == ["good.mp3"]
    assert kept_files() == ["track"]


def test_choosing_no_file_says_so(at_browser: AtBrowser) -> None:
    answer = at_browser("theo").post("/music", {})
    assert answer.status_code == 422
    assert "Choose one or more files first." in answer.text


def test_a_file_that_only_measuring_finds_bad_is_refused_and_let_go(
    at_browser: AtBrowser, tmp_path: Path, work: Callable[[], int]
) -> None:
    silent = write_sound(tmp_path / "silent.flac", tone(3, level=0.0), "flac")
    theo = at_browser("theo")
    upload(theo, [("silent.flac", silent.read_bytes())])
    work()
    (track,) = tracks()
    assert track.state is TrackState.REFUSED
    assert track.problem == "silent.flac: there is nothing to hear in this file."
    assert kept_files() == []
    assert "there is nothing to hear" in theo.get("/music").text
    again = upload(theo, [("other-name.flac", silent.read_bytes())], headers=JSON)
    assert again.get_json()["ok"] is False
    assert len(tracks()) == 1


def test_the_same_content_is_one_track_whatever_its_name(
    at_browser: AtBrowser, sounds: dict[str, Path]
) -> None:
    theo, tess, zoe = at_browser("theo"), at_browser("tess"), at_browser("zoe")
    content = sounds["ogg"].read_bytes()
    upload(theo, [("Evening.ogg", content)])
    second = upload(tess, [("Morning.ogg", content)], headers=JSON)
    assert second.json == {
        "ok": True,
        "name": "Morning.ogg",
        "message": "Morning.ogg is already in your library as “Evening”.",
        "known": True,
        "tracks": [str(tracks()[0].id)],
    }
    assert len(tracks()) == 1
    assert kept_files() == ["track"]
    other = upload(zoe, [("Morning.ogg", content)], headers=JSON)
    assert other.get_json()["message"] == "Morning.ogg arrived and is being measured."


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.flac", "passwd.flac"),
        ("夜の海 🌊.flac", "夜の海 🌊.flac"),
        ("a\u202egpj.flac", "a gpj.flac"),
        ("<script>alert(1)</script>.flac", "script>.flac"),
    ],
)
def test_a_file_name_is_only_ever_a_name(
    at_browser: AtBrowser, sounds: dict[str, Path], sent: str, kept: str
) -> None:
    theo = at_browser("theo")
    upload(theo, [(sent, sounds["flac"].read_bytes())])
    (track,) = tracks()
    assert track.file_name == kept
    assert kept_files() == ["track"]
    assert "<script>alert" not in theo.get("/music").text


def test_tags_name_a_track_that_nobody_named(
    at_browser: AtBrowser, tmp_path: Path, work: Callable[[], int], cast: Cast
) -> None:
    recording = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
    tags = {
        "title": "Spiegel",
        "artist": "A. P.",
        "album": "Stille",
        "isrc": "DE-A12-19-00001",
        "musicbrainz_trackid": recording,
    }
    first = write_sound(tmp_path / "a.flac", tone(3), "flac", tags=tags)
    second = write_sound(tmp_path / "b.flac", tone(3, hertz=300), "flac", tags=tags)
    upload(at_browser("theo"), [("a.flac", first.read_bytes()), ("b.flac", second.read_bytes())])
    with transaction():
        named = next(track for track in tracks() if track.file_name == "b.flac")
        details = actions.Details(title="Mine", artist="Me", licence="", source="", intensity=0.2)
        actions.describe(named, details=details, version=1, actor=cast.actor("theo"))
    work()
    assert [(track.title, track.artist) for track in tracks()] == [("Spiegel", "A. P."), ("Mine", "Me")]
    assert {(track.album, track.isrc, track.recording_mbid) for track in tracks()} == {
        ("Stille", "DEA121900001", recording)
    }


def test_a_track_is_described_and_a_stale_edit_keeps_both(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    theo, tess = at_browser("theo"), at_browser("tess")
    url = f"/tracks/{library[0].id}"
    words = {"title": "Dawn", "artist": "Nobody", "licence": "CC BY 4.0", "source": "shop", "version": 1}
    assert theo.post(url, {**words, "intensity": "0.35"}).status_code == 303
    stale = tess.post(url, {**words, "title": "Dusk", "intensity": "0.6"})
    assert stale.status_code == 409
    assert "It is now “Dawn”" in stale.text
    assert 'value="Dusk"' in stale.text
    assert 'name="version" type="hidden" value="2"' in stale.text
    db.session.expire_all()
    track = db.session.get_one(Track, library[0].id)
    assert (track.title, track.artist, track.licence, track.source, track.intensity, track.version) == (
        "Dawn",
        "Nobody",
        "CC BY 4.0",
        "shop",
        0.35,
        2,
    )
    assert tess.post(url, {**words, "title": "Dusk", "intensity": "0.6", "version": 2}).status_code == 303


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "Please enter a title."),
        ("intensity", "1.2", "Intensity lies between 0 and 1."),
        ("intensity", "calm", "Not a valid float value."),
        ("title", "x" * 201, "Field cannot be longer than 200 characters."),
    ],
)
def test_a_description_that_does_not_hold_is_not_lost(
    at_browser: AtBrowser, library: list[Track], field: str, value: str, words: str
) -> None:
    data = {"title": "Dawn", "artist": "Kept", "intensity": "0.4", "version": 1, field: value}
    answer = at_browser("theo").post(f"/tracks/{library[0].id}", data)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Kept"' in answer.text


def test_an_intensity_is_not_taken_away(at_browser: AtBrowser, library: list[Track]) -> None:
    answer = at_browser("theo").post(f"/tracks/{library[0].id}", {"title": "Dawn", "version": 1})
    assert answer.status_code == 422
    assert "An intensity can be changed, not taken away" in answer.text
    assert 'value="Dawn"' in answer.text


def test_a_track_is_retired_and_restored(at_browser: AtBrowser, library: list[Track]) -> None:
    theo, track = at_browser("theo"), library[0]
    assert theo.post(f"/tracks/{track.id}/retire").status_code == 303
    page = theo.get("/music").text
    assert "is retired. Playlists that hold it keep it." in page
    assert f'action="/tracks/{track.id}/restore"' in page  # the undo
    assert f'id="track-{track.id}"' not in page
    assert f'id="track-{track.id}"' in theo.get("/music?retired=1").text
    theo.post(f"/tracks/{track.id}/restore")
    assert f'id="track-{track.id}"' in theo.get("/music").text


def test_search_finds_words_in_title_artist_and_file_name(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    with transaction():
        for track in library:
            track.title = f"Piece {track.codec}"
        library[0].artist = "Hildegard 100%"
    theo = at_browser("theo")

    def found(search: str) -> list[str]:
        page = theo.get("/music", query_string={"q": search}).text
        return [track.title for track in library if f'id="track-{track.id}"' in page]

    assert found("hildegard") == [library[0].title]
    assert found("100%") == [library[0].title]
    assert found("piece FLAC") == ["Piece flac"]
    assert found("%") == [library[0].title]
    assert len(found("piece")) == 5
    assert found("nothing like it") == []


def test_the_library_is_paged_and_its_cost_does_not_grow(
    app: Flask, at_browser: AtBrowser, cast: Cast, library: list[Track]
) -> None:
    theo = at_browser("theo")
    few = _statements(app, lambda: theo.get("/music"))
    with transaction():
        for number in range(60):
            db.session.add(
                Track(
                    practice_id=cast.practice.id,
                    file_name=f"{number}.flac",
                    title=f"Track {number:02}",
                    artist="",
                    licence="",
                    source="",
                    state=TrackState.READY,
                    duration_s=60.0,
                    loudness_lufs=-20.0,
                    intensity=0.5,
                    peaks=bytes(2000),
                    added_at=NOON,
                )
            )
    many = _statements(app, lambda: theo.get("/music"))
    assert len(many) == len(few)
    read = [re.split(r"\sFROM\s", statement)[0] for statement in many]
    assert [columns for columns in read if "track.levels" in columns] == []
    page = theo.get("/music?page=3").text
    assert "51 to 65 of 65" in page
    assert page.count('class="track"') == 15


def _statements(app: Flask, act: Callable[[], object]) -> list[str]:
    seen: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return seen


def test_waiting_tracks_are_asked_after_together(
    at_browser: AtBrowser, sounds: dict[str, Path], work: Callable[[], int]
) -> None:
    theo, zoe = at_browser("theo"), at_browser("zoe")
    upload(theo, [("a.flac", sounds["flac"].read_bytes())])
    (track,) = tracks()
    page = theo.get("/music").text
    assert f'hx-get="/music/waiting?track={track.id}"' in page
    assert "Waiting to be measured" in page
    work()
    after = theo.get(f"/music/waiting?track={track.id}").text
    assert f'id="track-{track.id}" hx-swap-oob="true"' in after
    assert "hx-get" not in after
    assert str(track.id) not in zoe.get(f"/music/waiting?track={track.id}").text
    assert theo.get("/music/waiting?track=nonsense").status_code == 200


def test_a_script_follows_the_work_on_what_it_sent(
    at_browser: AtBrowser, sounds: dict[str, Path], tmp_path: Path, work: Callable[[], int]
) -> None:
    theo = at_browser("theo")
    silent = write_sound(tmp_path / "silent.flac", tone(3, level=0.0), "flac")
    for name, path in (("a.flac", sounds["flac"]), ("b.flac", silent)):
        upload(theo, [(name, path.read_bytes())], headers=JSON)
    good, bad = tracks()
    address = f"/music/waiting?track={good.id}&track={bad.id}"
    waiting = theo.get(address, headers=JSON).get_json()
    assert [(one["state"], one["message"]) for one in waiting] == [("waiting", "Waiting to be measured")] * 2
    work()
    loudness = f"{tracks()[0].loudness_lufs:.1f}".replace("-", "−")
    assert theo.get(address, headers=JSON).json == [
        {
            "id": str(good.id),
            "state": "ready",
            "progress": None,
            "message": f"Ready: 0:20, {loudness} LUFS.",
            "url": f"/tracks/{good.id}",
        },
        {
            "id": str(bad.id),
            "state": "refused",
            "progress": None,
            "message": "b.flac: there is nothing to hear in this file.",
            "url": f"/tracks/{bad.id}",
        },
    ]


def test_own_tracks_of_kap_are_made_once(at_browser: AtBrowser, cast: Cast, work: Callable[[], int]) -> None:
    theo = at_browser("theo")
    assert theo.post("/music/recipes").status_code == 303
    assert theo.post("/music/recipes").status_code == 303
    made = tracks()
    assert sorted(track.recipe or "" for track in made) == sorted(recipe.slug for recipe in RECIPES)
    assert {track.licence for track in made} == {"CC0 1.0"}
    assert {track.source for track in made} == {"Made by Kap from a recipe"}
    assert RECIPES[0].intensity == next(t.intensity for t in made if t.recipe == RECIPES[0].slug)


def test_a_folder_is_taken_in_file_by_file(
    app: Flask, cast: Cast, sounds: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "one.flac").write_bytes(sounds["flac"].read_bytes())
    (folder / "deep" / "two.mp3").write_bytes(sounds["mp3"].read_bytes())
    (folder / "deep" / "again.mp3").write_bytes(sounds["mp3"].read_bytes())
    (folder / "cover.txt").write_text("words")
    (folder / ".hidden" / "three.ogg").write_bytes(sounds["ogg"].read_bytes())
    actor = cast.actor("theo")
    origin = actions.Origin(licence="CC BY 4.0", source="A shop")
    results = []
    for file in actions.files_in(folder):
        with transaction():
            imported = actions.import_file(
                file, practice_id=actor.practice_id, actor=actor, file_name=file.name, at=NOON, origin=origin
            )
        results.append(imported)
    assert [result.message for result in results] == [
        "cover.txt: this is not a sound file we can read.",
        "again.mp3 arrived and is being measured.",
        "two.mp3 is already in your library as “again”.",
        "one.flac arrived and is being measured.",
    ]
    assert queries.library_totals(actor)[0] == 0  # nothing is measured yet
    assert {(track.licence, track.source) for track in tracks()} == {("CC BY 4.0", "A shop")}


def test_totals_count_what_can_be_used(cast: Cast, library: list[Track]) -> None:
    count, seconds, size = queries.library_totals(cast.actor("theo"))
    assert (count, round(seconds)) == (5, 100)
    assert size == sum(track.file_bytes or 0 for track in library)
    assert queries.library_totals(cast.actor("zoe")) == (0, 0.0, 0)


def test_changes_of_the_library_are_on_record(at_browser: AtBrowser, library: list[Track]) -> None:
    at_browser("theo").post(f"/tracks/{library[0].id}/retire")
    acts = db.session.scalars(select(Event.act).where(Event.subject_id == library[0].id)).all()
    assert acts == [Permission.LIBRARY_ADD, Permission.LIBRARY_ADD]


def test_who_may_open_the_library(at_browser: AtBrowser, anyone: Browser, library: list[Track]) -> None:
    track = library[0].id
    for path, statuses in {
        "/music": {"theo": 200, "tess": 200, "pau": 403, "ana": 403, "zoe": 200},
        f"/tracks/{track}": {"theo": 200, "tess": 200, "pau": 403, "ana": 403, "zoe": 404},
        f"/tracks/{track}/file": {"theo": 200, "tess": 200, "pau": 403, "ana": 403, "zoe": 404},
    }.items():
        assert {name: at_browser(name).get(path).status_code for name in statuses} == statuses
        assert anyone.get(path).status_code == 302
    assert str(track) not in at_browser("zoe").get("/music").text
    for path in (f"/tracks/{track}", f"/tracks/{track}/retire", f"/tracks/{track}/restore"):
        assert at_browser("zoe").post(path, {"title": "Stolen", "version": 1}).status_code == 404
        assert at_browser("ana").post(path, {"title": "Stolen", "version": 1}).status_code == 403
    for path in ("/music", "/music/recipes"):
        assert at_browser("pia").post(path).status_code == 403
