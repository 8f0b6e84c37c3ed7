import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.db import db, transaction
from kap.music import playlist_actions, queries
from kap.music.arcs import arcs
from kap.music.models import Playlist, PlaylistTrack, Track
from tests.conftest import Browser, Cast

AtBrowser = Callable[[str], Browser]
ARC = next(iter(arcs()))


def fresh(playlist_id: UUID) -> Playlist:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Playlist, playlist_id)


def titles(playlist_id: UUID) -> list[str]:
    return [place.track.title for place in fresh(playlist_id).places]


def test_a_playlist_is_built_from_an_arc_and_a_length(at_browser: AtBrowser, library: list[Track]) -> None:
    theo = at_browser("theo")
    answer = theo.post("/playlists/new", {"arc": ARC, "minutes": "1", "name": "Morning"})
    assert answer.status_code == 303
    playlist = db.session.scalars(select(Playlist)).one()
    assert answer.location == f"/playlists/{playlist.id}"
    assert (playlist.name, playlist.arc, playlist.length_s, playlist.version) == ("Morning", ARC, 60, 1)
    build = queries.laid_out(playlist)
    assert build.short_s == 0
    page = theo.get(answer.location).text
    for place, laid in zip(playlist.places, build.places, strict=True):
        assert place.track.title in page
        assert laid.why in page
    assert "Morning" in theo.get("/playlists").text


def test_a_playlist_without_a_name_is_called_after_its_arc(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    at_browser("theo").post("/playlists/new", {"arc": ARC, "minutes": "1", "name": ""})
    assert db.session.scalars(select(Playlist)).one().name == f"{arcs()[ARC].title}, 1 min"


def test_what_the_library_cannot_do_is_said_and_nothing_is_lost(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    answer = at_browser("theo").post("/playlists/new", {"arc": "im", "minutes": "90", "name": "Long one"})
    assert answer.status_code == 422
    assert "The tracks are 89 min short of 90 min." in answer.text
    assert 'value="Long one"' in answer.text
    assert 'value="90"' in answer.text
    assert db.session.scalars(select(Playlist)).all() == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"minutes": "1"}, "Please choose an arc."),
        ({"arc": "unknown", "minutes": "1"}, "Not a valid choice."),
        ({"arc": ARC, "minutes": "0"}, "Between 1 and 240 minutes."),
        ({"arc": ARC, "minutes": "soon"}, "Not a valid integer value."),
    ],
)
def test_a_playlist_needs_an_arc_and_a_length(
    at_browser: AtBrowser, data: dict[str, str], words: str
) -> None:
    answer = at_browser("theo").post("/playlists/new", data)
    assert answer.status_code == 422
    assert words in answer.text


def test_only_usable_tracks_are_chosen(at_browser: AtBrowser, cast: Cast, library: list[Track]) -> None:
    with transaction():
        library[0].retired_at = library[0].added_at
        library[1].intensity = None
    chosen = {candidate.id for candidate in queries.candidates(cast.actor("theo"))}
    assert chosen == {str(track.id) for track in library[2:]}
    assert queries.candidates(cast.actor("zoe")) == []


def test_tracks_move_up_and_down(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, order = at_browser("theo"), titles(playlist.id)
    second = fresh(playlist.id).places[1].id
    url = f"/playlists/{playlist.id}/places/{second}/move"
    answer = theo.post(url, {"to": "up", "version": 1})
    assert (answer.status_code, answer.location) == (
        303,
        f"/playlists/{playlist.id}#place-{second}",
    )
    assert titles(playlist.id) == [order[1], order[0], *order[2:]]
    theo.post(url, {"to": "down", "version": 2})
    assert titles(playlist.id) == order
    assert fresh(playlist.id).version == 3


def test_at_the_end_of_the_list_nothing_moves(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, order = at_browser("theo"), titles(playlist.id)
    first, last = (fresh(playlist.id).places[index].id for index in (0, -1))
    theo.post(f"/playlists/{playlist.id}/places/{first}/move", {"to": "up", "version": 1})
    theo.post(f"/playlists/{playlist.id}/places/{last}/move", {"to": "down", "version": 1})
    assert (titles(playlist.id), fresh(playlist.id).version) == (order, 1)


def test_a_track_is_removed_and_put_back_where_it_was(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, order = at_browser("theo"), titles(playlist.id)
    second = fresh(playlist.id).places[1]
    track_id, before = second.track_id, playlist.places[0].id
    theo.post(f"/playlists/{playlist.id}/places/{second.id}/remove", {"version": 1})
    assert titles(playlist.id) == [order[0], *order[2:]]
    assert [place.position for place in fresh(playlist.id).places] == list(range(len(order) - 1))
    undo = f"/playlists/{playlist.id}/add?track_id={track_id}&after={before}&version=2"
    assert undo.replace("&", "&amp;") in theo.get(f"/playlists/{playlist.id}").text
    theo.post(undo)
    assert titles(playlist.id) == order
    assert fresh(playlist.id).version == 3


def test_the_first_track_can_be_put_back_too(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, order = at_browser("theo"), titles(playlist.id)
    first = fresh(playlist.id).places[0]
    track_id = first.track_id
    theo.post(f"/playlists/{playlist.id}/places/{first.id}/remove", {"version": 1})
    theo.post(f"/playlists/{playlist.id}/add?track_id={track_id}&version=2")
    assert titles(playlist.id) == order


def test_a_track_is_replaced_by_one_that_is_not_in_yet(
    at_browser: AtBrowser, playlist: Playlist, library: list[Track]
) -> None:
    theo = at_browser("theo")
    places = fresh(playlist.id).places
    inside = {place.track_id for place in places}
    with transaction():
        spare = _copy_of(library[2])
        db.session.add(spare)
    page = theo.get(f"/playlists/{playlist.id}/choose?replace={places[1].id}").text
    assert page.count("Use this") == 1 + len(library) - len(inside)
    url = f"/playlists/{playlist.id}/places/{places[1].id}/replace"
    assert theo.post(url, {"track_id": str(spare.id), "version": 1}).status_code == 303
    assert fresh(playlist.id).places[1].track_id == spare.id
    again = theo.post(url, {"track_id": str(spare.id), "version": 2})
    assert again.status_code == 422
    assert "is already in this playlist" in again.text


def _copy_of(track: Track) -> Track:
    return Track(
        practice_id=track.practice_id,
        file_name="spare.flac",
        title="Spare",
        artist="",
        licence="",
        source="",
        state=track.state,
        duration_s=20.0,
        intensity=0.3,
        added_at=track.added_at,
    )


def test_a_short_playlist_says_what_is_missing(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo = at_browser("theo")
    for version in (1, 2):
        last = fresh(playlist.id).places[-1].id
        theo.post(f"/playlists/{playlist.id}/places/{last}/remove", {"version": version})
    page = theo.get(f"/playlists/{playlist.id}").text
    assert "before the playlist does." in page
    assert "It can be rendered once the tracks fill the length." in page
    refused = theo.post(f"/playlists/{playlist.id}/render")
    assert refused.status_code == 422
    assert "The tracks do not fill the length yet." in refused.text


def test_an_empty_playlist_offers_a_first_track(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo = at_browser("theo")
    for version in range(1, len(fresh(playlist.id).places) + 1):
        first = fresh(playlist.id).places[0].id
        theo.post(f"/playlists/{playlist.id}/places/{first}/remove", {"version": version})
    page = theo.get(f"/playlists/{playlist.id}").text
    assert "This playlist is empty." in page
    assert theo.get(f"/playlists/{playlist.id}/choose").status_code == 200


def test_a_change_that_comes_too_late_shows_both(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, tess, order = at_browser("theo"), at_browser("tess"), titles(playlist.id)
    second = fresh(playlist.id).places[1].id
    url = f"/playlists/{playlist.id}/places/{second}/move"
    theo.post(url, {"to": "up", "version": 1})
    late = tess.post(url, {"to": "down", "version": 1})
    assert late.status_code == 409
    assert f"You asked to move “{order[1]}” down: that was not done." in late.text
    assert titles(playlist.id) == [order[1], order[0], *order[2:]]
    assert 'name="version" value="2"' in late.text
    assert re.findall(r'name="version"[^>]* value="1"', late.text) == []
    tess.post(url, {"to": "down", "version": 2})
    assert titles(playlist.id) == order


def test_a_new_name_leaves_the_order_alone(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo = at_browser("theo")
    url = f"/playlists/{playlist.id}/name"
    assert theo.post(url, {"name": "Evening", "version": 1}).status_code == 303
    assert (fresh(playlist.id).name, fresh(playlist.id).version) == ("Evening", 1)
    assert theo.post(url, {"name": "", "version": 1}).status_code == 422
    late = theo.post(url, {"name": "Night", "version": 7})
    assert late.status_code == 409
    assert 'value="Night"' in late.text


def test_changes_of_a_playlist_are_on_record(at_browser: AtBrowser, playlist: Playlist) -> None:
    first = fresh(playlist.id).places[0].id
    at_browser("theo").post(f"/playlists/{playlist.id}/places/{first}/move", {"to": "down", "version": 1})
    acts = db.session.scalars(select(Event.act).where(Event.subject_id == playlist.id)).all()
    assert acts == [Permission.PLAYLIST_EDIT, Permission.PLAYLIST_EDIT]


def test_who_may_open_and_change_playlists(
    at_browser: AtBrowser, anyone: Browser, playlist: Playlist, library: list[Track]
) -> None:
    place = fresh(playlist.id).places[0].id
    name = "Forty seconds"
    reading = {"theo": 200, "tess": 200, "pia": 403, "ana": 403, "zoe": 404}
    writing = {"zoe": 404, "ana": 403, "pia": 403}
    base = f"/playlists/{playlist.id}"
    for path in (base, f"{base}/mix", f"{base}/choose?after={place}"):
        assert {who: at_browser(who).get(path).status_code for who in reading} == reading
        assert anyone.get(path).status_code == 302
    changes = (
        "/name",
        "/render",
        f"/add?track_id={library[0].id}&version=1",
        f"/places/{place}/move",
        f"/places/{place}/remove",
        f"/places/{place}/replace?track_id={library[0].id}&version=1",
    )
    for path in changes:
        statuses = {who: at_browser(who).post(base + path, {"name": "x"}).status_code for who in writing}
        assert statuses == writing
    assert name not in at_browser("zoe").get("/playlists").text
    assert fresh(playlist.id).version == 1


def test_another_practices_track_does_not_come_in(
    at_browser: AtBrowser, cast: Cast, playlist: Playlist, library: list[Track]
) -> None:
    with transaction():
        foreign = _copy_of(library[0])
        foreign.practice_id = cast.other.id
        db.session.add(foreign)
    answer = at_browser("theo").post(
        f"/playlists/{playlist.id}/add", {"track_id": str(foreign.id), "version": 1}
    )
    assert answer.status_code == 404
    assert fresh(playlist.id).version == 1


def test_a_place_that_is_not_there_is_not_found(at_browser: AtBrowser, playlist: Playlist) -> None:
    answer = at_browser("theo").post(
        f"/playlists/{playlist.id}/places/{uuid4()}/move", {"to": "up", "version": 1}
    )
    assert answer.status_code == 404


def test_mixes_and_places_are_read_in_a_constant_number_of_queries(
    cast: Cast, playlist: Playlist, library: list[Track]
) -> None:
    actor = cast.actor("theo")
    found = queries.playlist_for(actor, playlist.id)
    assert [type(place) for place in found.places] == [PlaylistTrack] * len(found.places)
    with transaction():
        first, second = (playlist_actions.request_mix(found, actor=actor, at=found.made_at) for _ in "ab")
    assert first.id == second.id
    assert queries.mixes_of([playlist.id]) == {}
    assert queries.latest_mix(found) is first
    assert queries.ready_mix(found) is None
