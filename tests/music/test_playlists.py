import html
import re
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.db import db, transaction
from kap.music import playlist_actions, playlist_queries, queries
from kap.music.arcs import arcs
from kap.music.arrangement import Wanted, decode, encode
from kap.music.builder import Avoid
from kap.music.models import Playlist, PlaylistTrack, Track, Vocals
from tests.conftest import NOON, Browser, Cast

AtBrowser = Callable[[str], Browser]
ARC = next(iter(arcs()))


def fresh(playlist_id: UUID) -> Playlist:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Playlist, playlist_id)


def undone(page: str) -> str:
    """Where the page's offer to undo posts to."""
    found = re.search(r'action="(/playlists/[^"]+/arrange\?[^"]+)"', page)
    assert found is not None
    return html.unescape(found[1])


def titles(playlist_id: UUID) -> list[str]:
    return [place.track.title for place in fresh(playlist_id).places if place.track]


def test_a_playlist_is_built_from_an_arc_and_a_length(at_browser: AtBrowser, library: list[Track]) -> None:
    theo = at_browser("theo")
    answer = theo.post("/playlists/new", {"arc": ARC, "minutes": "1", "name": "Morning"})
    assert answer.status_code == 303
    playlist = db.session.scalars(select(Playlist)).one()
    assert answer.location == f"/playlists/{playlist.id}"
    assert (playlist.name, playlist.arc, playlist.length_s, playlist.version) == ("Morning", ARC, 60, 1)
    build = playlist_queries.laid_out(playlist)
    assert build.short_s == 0
    page = theo.get(answer.location).text
    for place, laid in zip(playlist.places, build.chosen, strict=True):
        assert place.track is not None
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
    theo.post(f"/playlists/{playlist.id}/places/{second.id}/remove", {"version": 1})
    assert titles(playlist.id) == [order[0], *order[2:]]
    assert [place.position for place in fresh(playlist.id).places] == list(range(len(order) - 1))
    undo = undone(theo.get(f"/playlists/{playlist.id}").text)
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


def _copy_of(track: Track | None) -> Track:
    assert track is not None
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
    assert "The tracks do not fill the length yet. Add a track, then render." in page
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
    found = playlist_queries.playlist_for(actor, playlist.id)
    assert [type(place) for place in found.places] == [PlaylistTrack] * len(found.places)
    with transaction():
        first, second = (playlist_actions.request_mix(found, actor=actor, at=found.made_at) for _ in "ab")
    assert first.id == second.id
    assert playlist_queries.mixes_of([playlist.id]) == {}
    assert playlist_queries.latest_mix(found) is first
    assert playlist_queries.ready_mix(found) is None


def arrange(browser: Browser, playlist: Playlist, wanted: list[Wanted], version: int) -> TestResponse:
    data = {"places": encode(wanted), "version": version}
    return browser.post(f"/playlists/{playlist.id}/arrange", data)


def arrangement(playlist: Playlist) -> list[Wanted]:
    return playlist_actions.arrangement_of(fresh(playlist.id))


def test_calm_music_follows_the_programme(at_browser: AtBrowser, library: list[Track]) -> None:
    theo = at_browser("theo")
    answer = theo.post("/playlists/new", {"arc": ARC, "minutes": "1", "surplus": "15"})
    playlist = db.session.scalars(select(Playlist)).one()
    assert (playlist.length_s, playlist.surplus_s) == (60, 900)
    laid = playlist_queries.laid_out(playlist)
    assert (laid.places[-1].end_s, laid.short_s) == (960, 0)
    page = theo.get(answer.location).text
    assert "The programme ends at 1:00; calm music goes on until 16:00." in page
    short = theo.post("/playlists/new", {"arc": ARC, "minutes": "1", "surplus": "5"})
    assert "Between 15 and 60 minutes." in short.text


def test_what_an_address_asks_to_avoid_is_filled_in(at_browser: AtBrowser) -> None:
    address = "avoid_voices=1&avoid_language=Latin&avoid_language=Greek&avoid_word=choir"
    page = at_browser("theo").get(f"/playlists/new?{address}").text
    assert re.search(r'<input checked [^>]*name="avoid_voices"', page)
    assert not re.search(r'<input checked [^>]*name="avoid_culture"', page)
    assert 'value="Latin, Greek"' in page
    assert 'value="choir"' in page


def test_what_is_to_be_left_out_is_kept_with_the_playlist(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    with transaction():
        for track in library:
            track.vocals = Vocals.NONE
        unwanted = library[0].title
    theo, wish = at_browser("theo"), {"arc": ARC, "minutes": "1", "avoid_voices": "y"}
    theo.post("/playlists/new", {**wish, "avoid_titles": f" {unwanted.upper()} "})
    playlist = db.session.scalars(select(Playlist)).one()
    assert Avoid.from_dict(playlist.avoid) == Avoid(voices=True, track_ids=(str(library[0].id),))
    assert unwanted not in titles(playlist.id)
    assert "no voices, 1 track left out by name" in theo.get(f"/playlists/{playlist.id}").text
    unknown = theo.post("/playlists/new", {**wish, "avoid_titles": "Nobody wrote this"})
    assert unknown.status_code == 422
    assert "Not in your library: Nobody wrote this." in unknown.text


def test_what_nobody_has_said_of_a_track_keeps_it_out(at_browser: AtBrowser, library: list[Track]) -> None:
    answer = at_browser("theo").post("/playlists/new", {"arc": ARC, "minutes": "1", "avoid_voices": "y"})
    assert answer.status_code == 422
    assert "These would make it possible:" in answer.text
    assert re.search(r'href="/music\?intensity=', answer.text)
    assert db.session.scalars(select(Playlist)).all() == []


def test_another_order_is_chosen_around_what_is_pinned(at_browser: AtBrowser, library: list[Track]) -> None:
    theo = at_browser("theo")
    theo.post("/playlists/new", {"arc": ARC, "minutes": "1"})
    playlist = db.session.scalars(select(Playlist)).one()
    before = arrangement(playlist)
    first = fresh(playlist.id).places[0]
    url, pinned = f"/playlists/{playlist.id}", first.track_id
    theo.post(f"{url}/places/{first.id}/pin", {"at": "0:00", "version": 1})
    answer = theo.post(f"{url}/rebuild", {"version": 2})
    assert answer.status_code == 303
    after = fresh(playlist.id)
    assert (after.seed, after.version) == (1, 3)
    assert [place.track_id for place in after.places if place.pinned_at_s == 0.0] == [pinned]
    laid = playlist_queries.laid_out(after)
    assert [place.start_s for place in laid.places if place.is_pinned] == [0.0]
    theo.post(undone(theo.get(url).text))
    assert [one.track_id for one in arrangement(playlist)] == [one.track_id for one in before]


def test_a_place_is_pinned_to_its_second_and_unpinned(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, second = at_browser("theo"), fresh(playlist.id).places[1].id
    url = f"/playlists/{playlist.id}/places/{second}"
    assert theo.post(f"{url}/pin", {"at": "0:18", "version": 1}).status_code == 303
    assert arrangement(playlist)[1].pinned_at_s == 18.0
    assert "Pinned: begins at 0:18." in theo.get(f"/playlists/{playlist.id}").text
    assert theo.post(f"{url}/unpin", {"version": 2}).status_code == 303
    assert arrangement(playlist)[1].pinned_at_s is None
    for at in ("soon", "0:77", "", "9:00"):
        assert theo.post(f"{url}/pin", {"at": at, "version": 3}).status_code == 422
    assert fresh(playlist.id).version == 3


def test_pins_cannot_stand_the_wrong_way_round(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, places = at_browser("theo"), [place.id for place in fresh(playlist.id).places]
    base = f"/playlists/{playlist.id}/places"
    theo.post(f"{base}/{places[1]}/pin", {"at": "0:20", "version": 1})
    answer = theo.post(f"{base}/{places[0]}/pin", {"at": "0:30", "version": 2})
    assert answer.status_code == 422
    assert "is pinned to a later second than" in answer.text


def test_silence_is_a_place_of_its_own(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, first = at_browser("theo"), fresh(playlist.id).places[0].id
    url = f"/playlists/{playlist.id}"
    answer = theo.post(f"{url}/silence", {"seconds": 5, "after": str(first), "version": 1})
    assert answer.status_code == 303
    assert [one.silence_s for one in arrangement(playlist)][:2] == [None, 5.0]
    laid = playlist_queries.laid_out(fresh(playlist.id))
    assert laid.places[1].candidate_id is None
    assert laid.places[1].end_s - laid.places[1].start_s == 5.0
    silence = fresh(playlist.id).places[1].id
    with transaction():
        db.session.add(_copy_of(db.session.scalars(select(Track)).first()))
    assert "Use Spare" in theo.get(f"{url}/choose?replace={silence}").text
    theo.post(f"{url}/places/{silence}/remove", {"version": 2})
    theo.post(undone(theo.get(url).text))
    assert [one.silence_s for one in arrangement(playlist)][:2] == [None, 5.0]
    assert theo.post(f"{url}/silence", {"seconds": 0, "version": 4}).status_code == 422


def test_dragging_gives_another_order(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, before = at_browser("theo"), arrangement(playlist)
    ids = [place.id for place in fresh(playlist.id).places]
    assert arrange(theo, playlist, before[::-1], 1).status_code == 303
    assert [one.track_id for one in arrangement(playlist)] == [one.track_id for one in before[::-1]]
    assert [place.id for place in fresh(playlist.id).places] == ids[::-1]
    late = arrange(at_browser("tess"), playlist, before, 1)
    assert late.status_code == 409
    assert "You asked to have another order: that was not done." in late.text


def test_an_arrangement_holds_only_what_may_be_in_it(
    at_browser: AtBrowser, cast: Cast, playlist: Playlist, library: list[Track]
) -> None:
    theo, before = at_browser("theo"), arrangement(playlist)
    assert arrange(theo, playlist, [*before, before[0]], 1).status_code == 422
    with transaction():
        foreign = _copy_of(library[0])
        foreign.practice_id = cast.other.id
        db.session.add(foreign)
    assert arrange(theo, playlist, [Wanted(foreign.id)], 1).status_code == 404
    unreadable = theo.post(f"/playlists/{playlist.id}/arrange", {"places": "~x", "version": 1})
    assert unreadable.status_code == 422
    assert arrangement(playlist) == before


def test_a_retired_track_may_stay_where_it_is(
    at_browser: AtBrowser, playlist: Playlist, library: list[Track]
) -> None:
    before = arrangement(playlist)
    with transaction():
        for track in library:
            db.session.get_one(Track, track.id).retired_at = NOON
    assert arrange(at_browser("theo"), playlist, before[::-1], 1).status_code == 303


def test_alternatives_come_with_their_reasons(
    at_browser: AtBrowser, playlist: Playlist, library: list[Track]
) -> None:
    with transaction():
        spare = _copy_of(library[2])
        db.session.add(spare)
    theo, place = at_browser("theo"), fresh(playlist.id).places[1].id
    page = theo.get(f"/playlists/{playlist.id}/places/{place}/alternatives").text
    assert "Use Spare" in page
    assert "Its intensity 0.30" in page
    gone = theo.get(f"/playlists/{playlist.id}/places/{uuid4()}/alternatives").text
    assert "No other track of the library fits here as well." in gone


def test_a_copy_leaves_the_first_as_it_is(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, order = at_browser("theo"), titles(playlist.id)
    answer = theo.post(f"/playlists/{playlist.id}/duplicate")
    copy = UUID(answer.location.rpartition("/")[2])
    assert (fresh(copy).name, titles(copy)) == ("Forty seconds, copied", order)
    theo.post(f"/playlists/{copy}/places/{fresh(copy).places[0].id}/remove", {"version": 1})
    assert titles(playlist.id) == order


def test_a_retired_playlist_is_not_listed_and_comes_back(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    theo.post(f"{url}/retire")
    page = theo.get("/playlists").text
    assert f"{url}/restore" in page
    assert f'href="{url}"' not in page
    assert f'href="{url}"' in theo.get("/playlists?retired=1").text
    theo.post(f"{url}/restore")
    assert fresh(playlist.id).retired_at is None


@given(
    st.lists(
        st.builds(
            Wanted,
            track_id=st.one_of(st.none(), st.uuids()),
            silence_s=st.integers(1, 1800).map(float),
            pinned_at_s=st.one_of(st.none(), st.integers(0, 1_000_000).map(lambda whole: whole / 100)),
        ).map(lambda place: replace(place, silence_s=None) if place.track_id else place),
        max_size=40,
    )
)
def test_an_arrangement_reads_back_as_it_was_written(places: list[Wanted]) -> None:
    assert decode(encode(places)) == places


@given(st.text(max_size=60))
def test_nothing_else_is_an_arrangement(text: str) -> None:
    try:
        places = decode(text)
    except ValueError:
        return
    assert decode(encode(places)) == places
