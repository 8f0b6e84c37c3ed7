"""Playlists taken elsewhere as lists, and lists from elsewhere made into playlists."""

import html
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from kap.db import db, transaction
from kap.music import playlist_actions, playlist_queries
from kap.music.exchange import FORMATS, Listing, Wanted, read, write
from kap.music.models import Playlist, Track
from tests.conftest import Browser

AtBrowser = Callable[[str], Browser]


def send(browser: Browser, content: str, name: str = "list.jspf") -> TestResponse:
    file = (io.BytesIO(content.encode()), name)
    return browser.post("/playlists/import", {"list": file})


def form_of(page: str) -> dict[str, object]:
    """What a browser would send from the page of what was found."""
    form = page[page.index('action="/playlists/import/make"') :]
    hidden = re.findall(r'<input type="hidden" name="place" value="([^"]*)">', form)
    chosen = re.findall(
        r'<select class="control" id="place-\d+" name="place">\s*<option value="([^"]*)"', form
    )
    own = re.search(r'name="own_arc" value="([^"]*)"', form)
    assert own is not None
    return {"place": hidden + chosen, "own_arc": html.unescape(own[1]), "name": "From elsewhere"}


def made() -> Playlist:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Playlist).where(Playlist.name == "From elsewhere")).one()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_playlist_leaves_as_a_list_that_can_be_read_again(
    at_browser: AtBrowser, playlist: Playlist, kind: str
) -> None:
    answer = at_browser("theo").get(f"/playlists/{playlist.id}/export/{kind}")
    assert answer.mimetype == FORMATS[kind].media_type
    assert answer.headers["Content-Disposition"] == f'attachment; filename="Forty seconds.{kind}"'
    listing = read(answer.data, file_name=f"list.{kind}")
    db.session.rollback()
    titles = [place.track.title for place in db.session.get_one(Playlist, playlist.id).places if place.track]
    assert [entry.title for entry in listing.entries] == titles
    assert listing.title == "Forty seconds"


def test_what_leaves_as_jspf_comes_back_as_it_was(at_browser: AtBrowser, playlist: Playlist) -> None:
    theo, url = at_browser("theo"), f"/playlists/{playlist.id}"
    first = db.session.get_one(Playlist, playlist.id).places[0].id
    theo.post(f"{url}/silence", {"seconds": 3, "after": str(first), "version": 1})
    theo.post(f"{url}/places/{first}/pin", {"at": "0:00", "version": 2})
    page = send(theo, theo.get(f"{url}/export/jspf").text)
    assert "Clear: 4 of 4. Nothing is made yet." in page.text
    answer = theo.post("/playlists/import/make", {**form_of(page.text), "arc": "list", "surplus": "0"})
    assert answer.status_code == 303, answer.text
    copy = made()
    assert answer.location == f"/playlists/{copy.id}"
    before = db.session.get_one(Playlist, playlist.id)
    assert playlist_actions.arrangement_of(copy) == playlist_actions.arrangement_of(before)
    assert [phase.label for phase in playlist_queries.arc_of(copy).phases] == [
        phase.label for phase in playlist_queries.arc_of(before).phases
    ]
    assert playlist_queries.laid_out(copy).short_s == 0


def test_what_was_found_is_shown_before_anything_is_made(at_browser: AtBrowser, library: list[Track]) -> None:
    with transaction():
        for track, title in zip(library, ("Moss", "Moss", "Low Tide", "Amber"), strict=False):
            track.title = title
        library[3].intensity = None
    entries = (
        Wanted(title="low tide!", duration_s=20),
        Wanted(title="Moss", duration_s=20),
        Wanted(title="Amber", duration_s=20),
        Wanted(title="Nobody Has This", artist="Someone"),
    )
    theo = at_browser("theo")
    page = send(theo, write(Listing(title="Theirs", entries=entries), "xspf"), "list.xspf")
    assert page.status_code == 200
    assert "Clear: 1 of 4. To choose: 1. Not found: 2. Nothing is made yet." in page.text
    assert "Nobody Has This, Someone" in page.text
    assert "but nobody has judged its intensity yet." in page.text
    assert db.session.scalars(select(Playlist)).all() == []
    sent = form_of(page.text)
    assert theo.post("/playlists/import/make", {**sent, "arc": "iv-40"}).status_code == 303
    titles = [place.track.title for place in made().places if place.track]
    assert sorted(titles) == ["Low Tide", "Moss"]


def test_a_form_that_comes_back_keeps_what_was_chosen(at_browser: AtBrowser, library: list[Track]) -> None:
    listing = Listing(entries=(Wanted(title=library[0].title, duration_s=20),))
    theo = at_browser("theo")
    sent = form_of(send(theo, write(listing, "m3u8"), "list.m3u8").text)
    back = theo.post("/playlists/import/make", {**sent, "arc": "iv-40", "name": "", "minutes": "45"})
    assert back.status_code == 422
    assert "Please enter a name." in back.text
    assert 'value="45"' in back.text
    assert form_of(back.text)["place"] == sent["place"]


def test_what_is_no_list_is_refused_with_a_sentence(at_browser: AtBrowser) -> None:
    theo = at_browser("theo")
    for content, name, words in (
        ("{", "list.jspf", "Nothing was made of it."),
        ("<playlist", "list.xspf", "Nothing was made of it."),
        ("Dear Theo,", "letter.txt", "The file is neither JSPF, XSPF, M3U8 nor CUE."),
    ):
        answer = send(theo, content, name)
        assert (answer.status_code, words in answer.text) == (422, True), name


def test_none_of_the_titles_may_be_there(at_browser: AtBrowser, library: list[Track]) -> None:
    listing = Listing(entries=(Wanted(title="Nobody Has This"),))
    page = send(at_browser("theo"), write(listing, "cue"), "list.cue").text
    assert "None of its titles is in your library" in page
    assert "import/make" not in page


def test_another_practices_tracks_and_a_foreign_arc_do_not_come_in(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    listing = Listing(entries=(Wanted(title=library[0].title, duration_s=20),))
    sent = form_of(send(at_browser("theo"), write(listing, "jspf")).text)
    zoe = at_browser("zoe")
    assert zoe.post("/playlists/import/make", {**sent, "arc": "iv-40"}).status_code == 404
    assert "Not found" in send(zoe, write(listing, "jspf")).text
    broken = {**sent, "own_arc": json.dumps({"title": 3}), "arc": "list"}
    assert at_browser("theo").post("/playlists/import/make", broken).status_code == 422
    assert at_browser("pia").get("/playlists/import").status_code == 403


def test_what_a_file_says_of_evidence_is_not_passed_on(
    at_browser: AtBrowser, library: list[Track], playlist: Playlist
) -> None:
    theo = at_browser("theo")
    listing = read(theo.get(f"/playlists/{playlist.id}/export/jspf").data, file_name="a.jspf")
    claims = {"evidence": "It cures.", "sources": [{"title": "Here", "url": "javascript:alert(1)"}]}
    brought = write(replace(listing, arc={**(listing.arc or {}), **claims}), "jspf")
    sent = {**form_of(send(theo, brought).text), "arc": "list", "surplus": "0"}
    answer = theo.post("/playlists/import/make", sent)
    page = theo.get(answer.headers["Location"]).text
    assert "From elsewhere" in page
    assert "It cures." not in page
    assert "javascript:" not in page


@pytest.mark.parametrize("own", ["[]", "3", '"iv"', "[" * 100_000])
def test_an_arc_that_is_none_is_left_out(at_browser: AtBrowser, library: list[Track], own: str) -> None:
    listing = Listing(entries=(Wanted(title=library[0].title, duration_s=20),))
    sent = form_of(send(at_browser("theo"), write(listing, "jspf")).text)
    answer = at_browser("theo").post("/playlists/import/make", {**sent, "own_arc": own, "arc": "list"})
    assert answer.status_code == 422


def test_a_list_longer_than_a_playlist_can_be_is_refused_at_once(at_browser: AtBrowser) -> None:
    listing = Listing(entries=tuple(Wanted(title="Silence", silence_s=5.0) for _ in range(201)))
    answer = send(at_browser("theo"), write(listing, "jspf"))
    assert answer.status_code == 422
    assert "201 of its pieces are in your library, and a playlist holds 200 at most." in answer.text
