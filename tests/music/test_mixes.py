import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import av
import pytest
from flask import Flask
from sqlalchemy import select

from kap import worker
from kap.audio.synth import RECIPES, Recipe
from kap.config import Config
from kap.db import db, transaction
from kap.jobs import queue
from kap.jobs.models import Job, JobState
from kap.jobs.registry import TaskFailed
from kap.music import actions, mix_tasks, playlist_actions, playlist_queries, recipe_tracks
from kap.music.models import Mix, MixState, Playlist, PlaylistTrack, Track, TrackState
from kap.storage import Storage, storage
from tests.audio.sounds import ffmpeg_decoded
from tests.conftest import Browser, Cast

AtBrowser = Callable[[str], Browser]


def kept_files(kind: str) -> list[str]:
    return [key for key, *_ in list(storage().files()) if key.startswith(kind)]


def the_mix() -> Mix:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Mix).order_by(Mix.made_at.desc())).first() or pytest.fail("no mix")


@pytest.fixture
def mix(cast: Cast, playlist: Playlist, work: Callable[[], int]) -> Mix:
    """The playlist's mix, rendered."""
    with transaction():
        found = playlist_queries.playlist_for(cast.actor("theo"), playlist.id)
        playlist_actions.request_mix(found, actor=cast.actor("theo"), at=playlist.made_at)
    work()
    return the_mix()


def test_a_playlist_becomes_one_file_of_its_length(
    at_browser: AtBrowser, playlist: Playlist, work: Callable[[], int], tmp_path: Path
) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    assert theo.post(f"{url}/render").location == f"{url}#mix"
    assert "Waiting for its turn" in theo.get(url).text
    assert 'hx-trigger="every 1s"' in theo.get(f"{url}/mix").text
    assert work() == 2  # rendered, and listened to again
    mix = the_mix()
    assert (mix.state, mix.playlist_order, mix.length_s) == (MixState.READY, 1, 40)
    page = theo.get(url).text
    assert "Ready to play" in page
    assert f'src="/mixes/{mix.id}/opus"' in page
    assert "every 1s" not in page
    for kind in ("opus", "m4a"):
        heard = tmp_path / f"heard.{kind}"
        heard.write_bytes(theo.get(f"/mixes/{mix.id}/{kind}").data)
        assert len(ffmpeg_decoded(heard)) == pytest.approx(40 * 48_000, abs=2048)


def test_the_mix_says_what_plays_when(mix: Mix, playlist: Playlist) -> None:
    plan = mix.plan or pytest.fail("no plan")
    build = playlist_queries.laid_out(playlist)
    assert plan["length_s"] == 40.0
    assert [track["title"] for track in plan["tracks"]] == [
        place.track.title for place in playlist.places[: len(build.places)] if place.track
    ]
    assert plan["tracks"][0]["start_s"] == 0.0
    assert plan["tracks"][-1]["end_s"] == 40.0
    for told, laid in zip(plan["tracks"], build.places, strict=True):
        assert told["start_s"] == pytest.approx(laid.start_s, abs=4)  # joints of so short a mix differ
        assert -22.5 <= told["target_lufs"] <= -18.0
        assert told["bound_by"] in ("target", "ceiling", "boost")
    assert plan["phases"][0]["start_s"] == 0.0
    assert plan["phases"][-1]["end_s"] == pytest.approx(40.0)
    assert [phase["name"] for phase in plan["phases"]] == [phase.name for phase in build.arc.phases]
    assert -24 < (mix.loudness_lufs or 0) < -17
    assert (mix.true_peak_dbtp or 0) <= -2.0


def test_a_finished_mix_is_listened_to_again(mix: Mix) -> None:
    scan = mix.scan or pytest.fail("not listened to")
    assert (scan["samples"], scan["expected_samples"], scan["gaps_s"]) == (40 * 48_000, 40 * 48_000, [])
    assert len(mix.levels or b"") == 40
    assert mix.loudness_lufs == pytest.approx(scan["loudness_lufs"], abs=0.01)
    assert mix.true_peak_dbtp == pytest.approx(scan["true_peak_dbtp"], abs=0.01)


def test_a_surplus_follows_the_programme_and_silence_and_pins_are_kept(
    cast: Cast, playlist: Playlist, library: list[Track], work: Callable[[], int]
) -> None:
    first, second, third, fourth, _ = library
    with transaction():
        playlist.surplus_s = 30
        playlist.places = [
            PlaylistTrack(track=first, position=0),
            PlaylistTrack(silence_s=3.0, position=1),
            PlaylistTrack(track=second, position=2),
            PlaylistTrack(track=third, position=3, pinned_at_s=32.0),
            PlaylistTrack(track=fourth, position=4),
        ]
        playlist_actions.request_mix(playlist, actor=cast.actor("theo"), at=playlist.made_at)
    work()
    mix = the_mix()
    plan = mix.plan or pytest.fail(mix.problem or "no plan")
    assert (mix.length_s, plan["length_s"], plan["programme_s"], plan["samples"]) == (70, 70, 40, 70 * 48_000)
    heard = [
        (track["title"], track["is_surplus"], track.get("is_silence", False)) for track in plan["tracks"]
    ]
    assert heard[:4] == [
        (first.title, False, False),
        ("Silence", False, True),
        (second.title, False, False),
        (third.title, False, False),
    ]
    assert {is_surplus for _, is_surplus, _ in heard[4:]} == {True}
    assert plan["tracks"][3]["start_s"] == 32.0
    assert plan["tracks"][3]["end_s"] == 40.0
    assert (mix.scan or {})["gaps_s"] == []


def test_who_listens_before_it_is_rendered_hears_the_same_file(
    at_browser: AtBrowser, playlist: Playlist, work: Callable[[], int]
) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    heard = theo.get(f"{url}/listen")
    assert (heard.status_code, heard.mimetype) == (200, "audio/ogg")
    theo.post(f"{url}/render")
    work()
    assert theo.get(f"/mixes/{the_mix().id}/opus").data == heard.data


def test_listeners_of_music_in_the_making_leave_threads_for_everyone_else(
    app: Flask, at_browser: AtBrowser, playlist: Playlist
) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}/listen"
    listening = [theo.get(url) for _ in range(app.extensions["kap.config"].web_threads // 4)]
    assert {answer.status_code for answer in listening} == {200}
    refused = theo.get(url)
    assert (refused.status_code, "Too many people listen" in refused.text) == (422, True)
    listening[0].close()
    again = theo.get(url)
    assert again.status_code == 200
    for answer in (*listening[1:], again):
        answer.close()


def test_a_mix_is_kept_without_loss_when_somebody_asks_for_it(
    at_browser: AtBrowser, mix: Mix, playlist: Playlist, work: Callable[[], int], tmp_path: Path
) -> None:
    theo = at_browser("theo")
    for _ in range(2):
        theo.post(f"/mixes/{mix.id}/flac")
    assert work() == 1
    path = tmp_path / "mix.flac"
    path.write_bytes(theo.get(f"/mixes/{mix.id}/flac").data)
    assert len(ffmpeg_decoded(path)) == 40 * 48_000


def test_flac_of_an_order_that_is_gone_says_so(mix: Mix, playlist: Playlist) -> None:
    with transaction():
        playlist.version += 1
    with pytest.raises(TaskFailed, match="The playlist has changed since this mix was made"):
        mix_tasks.render_flac(lambda done, step=None: None, mix_id=str(mix.id))


def test_a_judged_track_is_encoded_before_anybody_asks_for_a_mix(
    app: Flask, config: Config, library: list[Track]
) -> None:
    shutil.rmtree(config.packets, ignore_errors=True)
    for _ in range(2):
        mix_tasks.prepare_track(lambda done, step=None: None, track_id=str(library[0].id))
        db.session.rollback()
    assert len(list(config.packets.iterdir())) == 2


def test_a_mix_is_made_once_per_order(
    at_browser: AtBrowser, mix: Mix, playlist: Playlist, work: Callable[[], int]
) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    theo.post(f"{url}/render")
    assert work() == 0
    second = playlist.places[1].id
    theo.post(f"{url}/places/{second}/move", {"to": "up", "version": 1})
    page = theo.get(url).text
    assert "The playlist has changed since this mix was made." in page
    assert f'src="/mixes/{mix.id}/opus"' in page
    assert "Changed since rendered" in theo.get("/playlists").text
    theo.post(f"{url}/render")
    assert work() == 2
    newer = the_mix()
    assert (newer.id != mix.id, newer.playlist_order, newer.state) == (True, 2, MixState.READY)
    assert playlist_queries.mixes_of([playlist.id]) == {playlist.id: newer}


def test_a_track_that_is_retired_still_plays(cast: Cast, playlist: Playlist, work: Callable[[], int]) -> None:
    with transaction():
        for place in playlist.places:
            assert place.track is not None
            place.track.retired_at = playlist.made_at
        playlist_actions.request_mix(playlist, actor=cast.actor("theo"), at=playlist.made_at)
    work()
    assert the_mix().state is MixState.READY


def test_a_lost_file_fails_with_a_sentence(
    at_browser: AtBrowser, playlist: Playlist, work: Callable[[], int]
) -> None:
    lost = playlist.places[0].track
    assert lost is not None
    storage().delete(lost.file_key or "")
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    theo.post(f"{url}/render")
    work()
    mix = the_mix()
    assert (mix.state, mix.problem) == (MixState.FAILED, "The storage has lost a file this needs.")
    page = theo.get(url).text
    assert "The storage has lost a file this needs." in page
    assert "Render again" in page
    assert theo.get(f"/mixes/{mix.id}/opus").status_code == 404
    assert kept_files("mix") == []


def test_a_render_whose_worker_died_is_finished_by_another(
    app: Flask, config: Config, cast: Cast, playlist: Playlist
) -> None:
    with transaction():
        mix = playlist_actions.request_mix(playlist, actor=cast.actor("theo"), at=playlist.made_at)
    mix_id = mix.id
    job_id = db.session.scalars(select(Job.id).where(Job.about == mix_id)).one()
    db.session.rollback()
    assert queue.claim(job_id, lease=timedelta(seconds=-1)) is not None  # and never heard of again
    assert worker.drain(app, config) == 2
    finished = the_mix()
    assert (finished.id, finished.state) == (mix_id, MixState.READY)
    assert sorted(kept_files("mix")) == sorted(str(key) for key in (finished.opus_key, finished.m4a_key))
    job = db.session.get_one(Job, job_id)
    assert (job.state, job.attempts) == (JobState.DONE, 2)


class Killed(BaseException):
    """The worker dies, with no chance to clean up after itself."""


def test_a_render_that_is_cut_off_leaves_no_half_file(
    app: Flask, cast: Cast, playlist: Playlist, work: Callable[[], int], at_browser: AtBrowser
) -> None:
    with transaction():
        mix = playlist_actions.request_mix(playlist, actor=cast.actor("theo"), at=playlist.made_at)
    mix_id = mix.id

    def die_half_way(done: float, step: str | None = None) -> None:
        if done > 0.5:
            raise Killed

    with pytest.raises(Killed):
        mix_tasks.render_mix(die_half_way, mix_id=str(mix_id))
    db.session.rollback()
    assert kept_files("mix") == []
    theo = at_browser("theo")
    assert theo.get(f"/mixes/{mix_id}/opus").status_code == 404
    assert work() == 2
    assert the_mix().state is MixState.READY


def test_the_slower_of_two_renders_takes_its_files_back(
    cast: Cast, playlist: Playlist, work: Callable[[], int]
) -> None:
    with transaction():
        mix = playlist_actions.request_mix(playlist, actor=cast.actor("theo"), at=playlist.made_at)
    mix_id, overtaken = mix.id, []

    def be_overtaken(done: float, step: str | None = None) -> None:
        if step == "Keeping the files":
            overtaken.append(work())

    mix_tasks.render_mix(be_overtaken, mix_id=str(mix_id))
    finished = the_mix()
    assert (overtaken, finished.state) == ([2], MixState.READY)
    assert sorted(kept_files("mix")) == sorted(str(key) for key in (finished.opus_key, finished.m4a_key))
    mix_tasks.render_mix(be_overtaken, mix_id=str(mix_id))  # finished work is not done again
    assert overtaken == [2]


@pytest.fixture
def short_recipe(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    recipe = replace(RECIPES[0], seconds=6)
    monkeypatch.setattr(recipe_tracks, "RECIPES", (recipe,))
    return recipe


def test_a_recipe_becomes_a_track(
    app: Flask, cast: Cast, short_recipe: Recipe, work: Callable[[], int]
) -> None:
    actor = cast.actor("theo")
    with transaction():
        actions.add_recipes(
            practice_id=actor.practice_id, actor=actor, at=cast.practice.made_at, recipes=(short_recipe,)
        )
    assert work() == 1
    db.session.expire_all()
    track = db.session.scalars(select(Track)).one()
    assert (track.state, track.title, track.codec, track.intensity) == (
        TrackState.READY,
        short_recipe.title,
        "flac",
        short_recipe.intensity,
    )
    assert track.duration_s == pytest.approx(6.0, abs=0.01)
    assert kept_files("track") == [track.file_key]
    with storage().local_path(track.file_key or "") as path, av.open(str(path)) as container:
        assert container.format.name == "flac"


@pytest.fixture(params=["local", "remote"])
def kept_where(request: pytest.FixtureRequest, app: Flask) -> None:
    """Files in a folder, and files in an object store."""
    if request.param == "remote":
        app.extensions["kap.storage"] = Storage("memory:///")


@pytest.mark.usefixtures("kept_where")
def test_ranges_of_a_file(app: Flask, cast: Cast, at_browser: AtBrowser, tmp_path: Path) -> None:
    content = bytes(range(256)) * 2500
    source = tmp_path / "content"
    source.write_bytes(content)
    track_id = _track_of(cast, storage().put(source, kind="track"))
    theo, url = at_browser("theo"), f"/tracks/{track_id}/file"
    whole = theo.get(url)
    assert (whole.status_code, whole.data == content) == (200, True)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Cache-Control"] == "private, no-cache"
    assert whole.content_type == "audio/mpeg"
    tag = whole.headers["ETag"]

    def part(wanted: str, **headers: str) -> tuple[int, bytes, str | None]:
        answer = theo.get(url, headers={"Range": wanted, **headers})
        return answer.status_code, answer.data, answer.headers.get("Content-Range")

    size = len(content)
    assert part("bytes=0-1") == (206, content[:2], f"bytes 0-1/{size}")
    assert part("bytes=300000-599999") == (206, content[300000:600000], f"bytes 300000-599999/{size}")
    assert part("bytes=639999-") == (206, content[-1:], f"bytes 639999-639999/{size}")
    assert part("bytes=-5") == (206, content[-5:], f"bytes 639995-639999/{size}")
    assert part("bytes=700000-") == (416, b"", f"bytes */{size}")
    assert part("bytes=0-9", **{"If-Range": tag})[0] == 206
    assert part("bytes=0-9", **{"If-Range": '"older"'})[0] == 200
    assert theo.get(url, headers={"If-None-Match": tag}).status_code == 304
    head = theo.client.head(url)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(size))


def _track_of(cast: Cast, key: str) -> UUID:
    with transaction():
        track = Track(
            practice_id=cast.practice.id,
            file_name="content.mp3",
            title="Content",
            artist="",
            licence="",
            source="",
            state=TrackState.READY,
            codec="mp3",
            file_key=key,
            added_at=cast.practice.made_at,
        )
        db.session.add(track)
    return track.id


def test_a_track_without_its_file_is_not_found(cast: Cast, at_browser: AtBrowser) -> None:
    track_id = _track_of(cast, "track/gone")
    assert at_browser("theo").get(f"/tracks/{track_id}/file").status_code == 404


def test_a_mix_is_played_and_downloaded_by_the_practices_therapists_only(
    at_browser: AtBrowser, anyone: Browser, mix: Mix
) -> None:
    mix_id = mix.id
    for kind, media_type in {"opus": "audio/ogg; codecs=opus", "m4a": "audio/mp4"}.items():
        url = f"/mixes/{mix_id}/{kind}"
        answers = {
            name: at_browser(name).get(url).status_code for name in ("theo", "tess", "zoe", "ana", "pia")
        }
        assert answers == {"theo": 200, "tess": 200, "zoe": 404, "ana": 403, "pia": 403}
        assert anyone.get(url).status_code == 302
        answer = at_browser("theo").get(f"{url}?download=1", headers={"Range": "bytes=0-99"})
        assert (answer.status_code, answer.content_type, len(answer.data)) == (206, media_type, 100)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="Forty seconds.{kind}"'
    assert at_browser("theo").get(f"/mixes/{mix_id}/flac").status_code == 404
