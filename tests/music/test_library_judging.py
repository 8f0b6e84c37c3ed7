"""What a person says of a track, one at a time and many at once."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, update

from kap import database
from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.db import db, transaction
from kap.music import actions, queries
from kap.music.actions import Change
from kap.music.finding import Wanted
from kap.music.models import Familiarity, Playlist, Pulse, Track, TrackState, Vocals
from tests.conftest import Browser, Cast
from tests.music.conftest import NOON

AtBrowser = Callable[[str], Browser]
SAID = {
    "title": "Dawn",
    "intensity": "0.35",
    "valence": "0.6",
    "vocals": "words",
    "language": "Latin",
    "pulse": "slow",
    "has_culture": "some",
    "culture": "Gregorian chant",
    "familiarity": "some",
    "tags": "choir, drone, Choir",
}


def fresh(track: Track) -> Track:
    db.session.expire_all()
    return db.session.get_one(Track, track.id)


def judgement(track: Track) -> tuple[object, ...]:
    return (
        track.intensity,
        track.valence,
        track.vocals,
        track.language,
        track.pulse,
        track.culture,
        track.familiarity,
        track.tags,
    )


def listed(browser: Browser, **address: str) -> list[str]:
    """Titles of the tracks that the library shows, in order."""
    page = browser.get("/music", query_string=address).text
    return re.findall(r'<a href="/tracks/[^"]*">([^<]*)</a>', page)


def versions(*tracks: Track) -> str:
    return " ".join(f"{track.id}:{track.version}" for track in tracks)


def test_a_judgement_is_kept_and_what_is_left_open_stays_unknown(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    theo, track = at_browser("theo"), library[0]
    assert judgement(track)[1:] == (None, None, "", None, None, None, [])
    assert theo.post(f"/tracks/{track.id}", {**SAID, "version": 1}).status_code == 303
    kept = fresh(track)
    assert judgement(kept) == (
        0.35, 0.6, Vocals.WORDS, "Latin", Pulse.SLOW, "Gregorian chant", Familiarity.SOME, ["choir", "drone"],
    )  # fmt: skip
    page = theo.get(f"/tracks/{track.id}").text
    assert 'value="Gregorian chant"' in page
    assert 'value="choir, drone"' in page
    assert "Voices with words: Latin · Slow pulse · Gregorian chant" in theo.get("/music").text
    assert theo.post(f"/tracks/{track.id}", {"title": "Dawn", "intensity": "0.35", "version": 2})
    assert judgement(fresh(track)) == (0.35, None, None, "", None, None, None, [])


def test_no_culture_is_said_otherwise_than_nothing_said(at_browser: AtBrowser, library: list[Track]) -> None:
    theo, track = at_browser("theo"), library[0]
    url = f"/tracks/{track.id}"
    theo.post(url, {"title": "Dawn", "intensity": "0.3", "has_culture": "none", "version": 1})
    assert fresh(track).culture == ""
    unnamed = theo.post(url, {"title": "Kept", "intensity": "0.3", "has_culture": "some", "version": 2})
    assert unnamed.status_code == 422
    assert "Please say which" in unnamed.text
    assert 'value="Kept"' in unnamed.text
    assert fresh(track).culture == ""


def test_only_words_have_a_language(at_browser: AtBrowser, library: list[Track]) -> None:
    track = library[0]
    at_browser("theo").post(f"/tracks/{track.id}", {**SAID, "vocals": "wordless", "version": 1})
    assert (fresh(track).vocals, fresh(track).language) == (Vocals.WORDLESS, "")


def test_a_suggestion_is_shown_and_never_kept_by_itself(
    at_browser: AtBrowser, cast: Cast, library: list[Track]
) -> None:
    with transaction():
        library[0].intensity = None
    theo, url = at_browser("theo"), f"/tracks/{library[0].id}"
    page = theo.get(url).text
    (value,) = re.findall(r'data-fill="intensity" data-value="([\d.]+)"', page)
    assert f"Suggested {float(value):g}: " in page
    theo.post(url, {"title": "Dawn", "version": 1})
    assert fresh(library[0]).intensity is None
    assert library[0].id not in {UUID(one.id) for one in queries.candidates(cast.actor("theo"))}


def test_unjudged_tracks_are_gone_through_one_after_the_other(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    with transaction():
        for track, title in zip(library, ("Anker", "Äther", "Birke", "Chor", "Dach"), strict=True):
            track.title = title
            track.intensity = None if title in ("Äther", "Chor", "Dach") else 0.4
    theo = at_browser("theo")
    judged = {"title": "Chor", "intensity": "0.2", "then": "unjudged", "version": 1}
    following = theo.post(f"/tracks/{library[3].id}?sort=title", judged)
    assert following.headers["Location"] == f"/tracks/{library[4].id}?sort=title&judge=1"
    around = theo.post(f"/tracks/{library[4].id}", {**judged, "title": "Dach"})
    assert around.headers["Location"] == f"/tracks/{library[1].id}?judge=1"
    last = theo.post(f"/tracks/{library[1].id}", {**judged, "title": "Äther"})
    assert last.headers["Location"] == "/music"
    assert "No other track waits to be judged." in theo.get("/music").text


def test_a_track_knows_its_neighbours_in_the_list_it_was_opened_from(
    at_browser: AtBrowser, cast: Cast, library: list[Track]
) -> None:
    with transaction():
        for track, title in zip(library, "EDCBA", strict=True):
            track.title, track.vocals = title, Vocals.NONE if title in "ACE" else None
    page = at_browser("theo").get(f"/tracks/{library[2].id}?vocals=none&sort=title").text
    assert f'rel="prev" href="/tracks/{library[4].id}?vocals=none&amp;sort=title"' in page
    assert f'rel="next" href="/tracks/{library[0].id}?vocals=none&amp;sort=title"' in page
    assert "2 of 3" in page
    elsewhere = queries.neighbours(cast.actor("theo"), Wanted(vocals="none", sort="title"), library[1])
    assert (elsewhere.before, elsewhere.after, elsewhere.position) == (None, library[4].id, 0)


def test_the_library_is_filtered_by_all_that_can_be_said(at_browser: AtBrowser, library: list[Track]) -> None:
    with transaction():
        for track, title in zip(library, "abcde", strict=True):
            track.title = title
        a, b, c, d, e = library
        a.intensity, b.intensity, c.intensity, d.intensity, e.intensity = None, 0.29, 0.3, 0.79, 0.8
        a.vocals, b.vocals, b.language = Vocals.NONE, Vocals.WORDS, "ČEŠTINA"
        c.pulse, d.pulse = Pulse.NONE, Pulse.FAST
        a.culture, b.culture = "", "Psalm"
        c.familiarity = Familiarity.WELL_KNOWN
        a.tags, b.tags = ["Drone"], ["drone deep"]
        a.licence = "CC0"
        a.startles_s, b.startles_s = [3.0], None
    theo = at_browser("theo")
    for address, titles in (
        ({"intensity": "unknown"}, "a"),
        ({"intensity": "quiet"}, "b"),
        ({"intensity": "middle"}, "c"),
        ({"intensity": "very-strong"}, "e"),
        ({"vocals": "none"}, "a"),
        ({"vocals": "unknown"}, "cde"),
        ({"language": "čeština"}, "b"),
        ({"pulse": "fast"}, "d"),
        ({"culture": "none"}, "a"),
        ({"culture": "some"}, "b"),
        ({"culture": "unknown"}, "cde"),
        ({"familiarity": "well_known"}, "c"),
        ({"style": "DRONE"}, "a"),
        ({"q": "drone"}, "ab"),
        ({"startles": "some"}, "a"),
        ({"startles": "none"}, "cde"),
        ({"licence": "given"}, "a"),
        ({"licence": "missing", "vocals": "unknown", "pulse": "none"}, "c"),
        ({"sort": "intensity"}, "bcdea"),
        ({"sort": "title"}, "abcde"),
        ({"vocals": "nonsense"}, "abcde"),
    ):
        assert ("".join(listed(theo, **address)), address) == (titles, address)


def test_search_and_order_know_capitals_of_every_script(at_browser: AtBrowser, library: list[Track]) -> None:
    titles = ("Zeder", "ÄTHER", "ПОЛНОЧЬ", "Élan", "Dvořák")
    with transaction():
        for track, title in zip(library, titles, strict=True):
            track.title = title
        library[0].album = "Ångström"
    theo = at_browser("theo")
    for search, title in (
        ("äther", "ÄTHER"), ("полн", "ПОЛНОЧЬ"), ("élan", "Élan"), ("dvorak", "Dvořák"), ("ångstr", "Zeder"),
    ):  # fmt: skip
        assert listed(theo, q=search) == [title]
    assert listed(theo, sort="title") == ["ÄTHER", "Dvořák", "Élan", "Zeder", "ПОЛНОЧЬ"]


def test_an_address_with_empty_fields_is_tidied(at_browser: AtBrowser, library: list[Track]) -> None:
    answer = at_browser("theo").get("/music?q=&vocals=none&pulse=&sort=")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/music?vocals=none")


def test_many_tracks_are_changed_at_once(at_browser: AtBrowser, library: list[Track]) -> None:
    theo, (first, second, *others) = at_browser("theo"), library
    with transaction():
        second.licence, second.tags = "Mine", ["piano", "Drone"]
    form = theo.get(f"/music/change?track={first.id}&track={second.id}").text
    assert "Change 2 tracks" in form
    assert f'value="{versions(first, second)}"' in form or f'value="{versions(second, first)}"' in form
    answer = theo.post(
        "/music/change?vocals=unknown",
        {
            "tracks": versions(first, second),
            "vocals": "none",
            "pulse": "leave",
            "has_culture": "none",
            "familiarity": "unfamiliar",
            "source": "A shop",
            "add_style": "drone",
            "remove_style": "Piano",
            "place": "leave",
        },
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/music?vocals=unknown")
    assert "2 tracks were changed." in theo.get("/music").text
    for track, licence in ((first, ""), (second, "Mine")):
        kept = fresh(track)
        assert judgement(kept)[2:] == (Vocals.NONE, "", None, "", Familiarity.UNFAMILIAR, ["drone"])
        assert (kept.licence, kept.source, kept.version) == (licence, "A shop", 2)
    assert {fresh(track).version for track in others} == {1}
    acts = db.session.scalars(select(Event.act).where(Event.subject_id == second.id)).all()
    assert acts == [Permission.LIBRARY_ADD, Permission.LIBRARY_ADD]


def test_all_that_a_filter_shows_is_changed_over_every_page(
    at_browser: AtBrowser, cast: Cast, library: list[Track]
) -> None:
    with transaction():
        for number in range(40):
            db.session.add(
                Track(
                    practice_id=cast.practice.id,
                    file_name=f"{number}.flac",
                    title=f"Track {number:02}",
                    state=TrackState.READY,
                    added_at=NOON,
                    pulse=Pulse.FAST,
                )
            )
    theo = at_browser("theo")
    form = theo.get("/music/change?all=1&pulse=fast").text
    (seen,) = re.findall(r'name="tracks" type="hidden" value="([^"]*)"', form)
    assert len(seen.split()) == 40
    assert theo.post("/music/change", {"tracks": seen, "place": "retire"}).status_code == 303
    assert listed(theo) == sorted(track.title for track in library)
    assert theo.get("/music?retired=1").text.count('class="track"') == 25


def test_what_somebody_else_changed_meanwhile_is_shown_and_left_alone(
    at_browser: AtBrowser, library: list[Track]
) -> None:
    theo, (first, second, *_) = at_browser("theo"), library
    seen = versions(first, second)
    at_browser("tess").post(f"/tracks/{second.id}", {**SAID, "title": "Theirs", "version": 1})
    answer = theo.post("/music/change", {"tracks": seen, "licence": "CC0", "vocals": "none"})
    assert answer.status_code == 200
    assert "1 track was changed. Somebody else changed 1 track meanwhile" in answer.text
    assert 'value="CC0"' in answer.text
    assert f'value="{second.id}:2"' in answer.text
    assert (fresh(first).licence, fresh(second).licence, fresh(second).vocals) == ("CC0", "", Vocals.WORDS)
    theo.post("/music/change", {"tracks": f"{second.id}:2", "licence": "CC0", "vocals": "none"})
    assert (fresh(second).licence, fresh(second).vocals, fresh(second).language) == ("CC0", Vocals.NONE, "")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Nothing is filled in yet"),
        ({"has_culture": "some"}, "Please say which"),
        ({"vocals": "none", "language": "Latin"}, "Only words have a language"),
        ({"licence": "x" * 101}, "Field cannot be longer than 100 characters."),
        ({"add_style": "drone, piano"}, "One style at a time, please"),
        ({"remove_style": "drone, piano"}, "One style at a time, please"),
    ],
)
def test_a_change_of_many_that_does_not_hold_changes_none(
    at_browser: AtBrowser, library: list[Track], said: dict[str, str], words: str
) -> None:
    answer = at_browser("theo").post(
        "/music/change", {"tracks": versions(*library), "source": "", "add_style": "", **said}
    )
    assert answer.status_code == 422
    assert words in answer.text
    assert {fresh(track).version for track in library} == {1}


def test_nobody_changes_tracks_of_another_practice(at_browser: AtBrowser, library: list[Track]) -> None:
    zoe = at_browser("zoe")
    assert zoe.get(f"/music/change?track={library[0].id}").status_code == 303
    stolen = zoe.post("/music/change", {"tracks": f"{versions(*library)} nonsense 1:2", "licence": "Mine"})
    assert (stolen.status_code, stolen.headers["Location"]) == (303, "/music")
    assert {fresh(track).licence for track in library} == {""}


def test_a_retired_track_stays_in_its_playlists_and_comes_back(
    at_browser: AtBrowser, cast: Cast, library: list[Track], playlist: Playlist
) -> None:
    theo, inside = at_browser("theo"), playlist.places[0].track_id
    track = next(track for track in library if track.id == inside)
    theo.post("/music/change", {"tracks": versions(track), "place": "retire"})
    assert theo.get(f"/playlists/{playlist.id}").status_code == 200
    assert str(inside) not in {one.id for one in queries.candidates(cast.actor("theo"))}
    theo.post("/music/change", {"tracks": versions(fresh(track)), "place": "restore"})
    assert str(inside) in {one.id for one in queries.candidates(cast.actor("theo"))}


def test_a_change_of_many_tracks_reads_them_in_one_statement(cast: Cast) -> None:
    actor = cast.actor("theo")
    with transaction():
        for number in range(60):
            db.session.add(
                Track(
                    practice_id=cast.practice.id, file_name=f"{number}.flac", title=f"{number}", added_at=NOON
                )
            )
    ids = queries.library_ids(actor, Wanted())
    read: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            read.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    with transaction():
        tracks = queries.tracks_to_change(actor, ids)
        seen = {track.id: track.version for track in tracks}
        changed = actions.change_many(tracks, Change({"licence": "CC0"}), seen=seen, actor=actor, at=NOON)
    event.remove(db.engine, "before_cursor_execute", note)
    assert (changed.count, changed.stale, len(read)) == (60, [], 1)


def test_what_an_earlier_version_measured_less_of_is_measured_again(
    at_browser: AtBrowser, library: list[Track], work: Callable[[], int]
) -> None:
    with transaction():
        library[0].levels = library[0].loudness_range_lu = library[0].startles_s = None
    theo = at_browser("theo")
    assert "1 track was measured by an earlier version of Kap" in theo.get("/music").text
    assert theo.post("/music/measure").status_code == 303
    assert "measured by an earlier version" not in theo.get("/music").text
    theo.post("/music/measure")
    assert work() == 1
    track = fresh(library[0])
    assert (track.state, len(track.levels or b""), track.startles_s) == (TrackState.READY, 20, [])
    assert (track.title, track.version) == (library[0].title, 1)


def test_tracks_of_an_earlier_version_are_found(at_browser: AtBrowser, library: list[Track]) -> None:
    with transaction():
        library[0].title, library[0].artist = "ПОЛНОЧЬ", "Ärla"
    db.session.close()
    database.downgrade(db.engine, "0001")
    database.upgrade(db.engine)
    theo = at_browser("theo")
    assert [listed(theo, q=search) for search in ("полночь", "ärla", "M4A")] == [
        ["ПОЛНОЧЬ"],
        ["ПОЛНОЧЬ"],
        ["m4a"],
    ]


def test_more_tracks_than_a_statement_takes_values_are_changed_all_the_same(
    at_browser: AtBrowser, library: list[Track], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_VALUES", 1)
    theo, (first, second, third, *_) = at_browser("theo"), library
    theo.post("/music/change", {"tracks": versions(first, second), "licence": "CC0"})
    assert [fresh(track).licence for track in (first, second, third)] == ["CC0", "CC0", ""]


def test_of_two_who_save_in_the_same_moment_the_second_gets_their_words_back(
    at_browser: AtBrowser, library: list[Track], monkeypatch: pytest.MonkeyPatch
) -> None:
    track, describe = library[0], actions.describe

    def after_another(found: Track, **said: Any) -> None:
        db.session.execute(
            update(Track).where(Track.id == found.id).values(version=found.version + 1, artist="Theirs"),
            execution_options={"synchronize_session": False},
        )
        describe(found, **said)

    monkeypatch.setattr(actions, "describe", after_another)
    answer = at_browser("theo").post(f"/tracks/{track.id}", {**SAID, "title": "Mine", "version": 1})
    assert answer.status_code == 409
    assert 'value="Mine"' in answer.text
    assert "by Theirs" in answer.text
