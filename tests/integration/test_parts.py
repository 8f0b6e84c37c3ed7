"""Entries of several parts: kept, placed, shared part by part, and seen no further."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from kap.db import db, transaction
from kap.integration import actions, files, queries
from kap.integration.models import EntryFile, FileKind, FileState, JournalEntry
from kap.integration.rules import SCALES, Part, Ratings, Writing
from kap.patients import actions as patients
from kap.patients import queries as care
from kap.problems import Invalid
from kap.sessions.models import DosingSession
from kap.storage import storage
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET

HOUR = timedelta(hours=1)
AtBrowser = Callable[[str], Browser]
CloseSession = Callable[..., DosingSession]
ABOUT = {"seconds": 1.0, "peaks": "", "remark": None, "words": "", "width": 1, "height": 1}
RATED = Ratings(mood_before=1, mood_after=8, body=3, liking=9, resonance=0, openness=10)


@pytest.fixture
def full(cast: Cast) -> JournalEntry:
    """An entry of Pia's with words, ratings, a voice note and a picture."""
    with transaction():
        entry = actions.write(
            cast.pia,
            entry_id=uuid4(),
            writing=Writing(text=SECRET, title="The well", tags=("water",), mood_after=7),
            version=0,
            at=NOON,
        )
        assert entry is not None
        for kind in FileKind:
            about = ABOUT | {"of": kind.value}
            actions.add_file(entry, kind, file_id=uuid4(), state=FileState.READY, about=about, at=NOON)
    return entry


@pytest.fixture
def tess_too(cast: Cast) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=NOON - HOUR)


def share(entry: JournalEntry, cast: Cast, *wanted: tuple[Part, UUID | None]) -> None:
    with transaction():
        actions.set_sharing(entry, set(wanted), actor=cast.actor("pia"), at=NOON)
    db.session.expire_all()


def seen_by(cast: Cast, name: str) -> list[frozenset[Part]]:
    patient = care.patient_by_id(cast.pia.id)
    assert patient is not None
    return [seen.parts for seen in queries.entries_visible_to(cast.actor(name), patient)]


def test_everything_on_the_page_comes_back(
    at_browser: AtBrowser, cast: Cast, closed_session: CloseSession
) -> None:
    session, entry_id, pia = closed_session(cast.pia, NOON), uuid4(), at_browser("pia")
    ticked = {f"notes_{name}": "y" for name in SCALES}
    fields = {
        "text": SECRET,
        "title": " The well ",
        "tags": "water,  old house, Water,,",
        "session": str(session.id),
        "moment": "1:02:03",
        "version": "0",
        **ticked,
        **{name: str(value) for name, value in RATED.given.items()},
    }
    assert pia.post(f"/my/journal/{entry_id}", fields).status_code == 303
    entry = db.session.get_one(JournalEntry, entry_id)
    assert (entry.title, entry.tags, entry.moment_s) == ("The well", ["water", "old house"], 3723.0)
    assert (entry.ratings, entry.session_id) == (RATED, session.id)
    page = pia.get(f"/my/journal/{entry_id}").text
    for words in (
        "The well",
        "old house",
        "at 1:02:03 of its music",
        "0 on a scale from 0, not at all, to 10",
    ):
        assert words in page
    form = pia.get(f"/my/journal/{entry_id}/write").text
    assert 'value="water, old house"' in form
    assert 'value="1:02:03"' in form
    same = pia.post(f"/my/journal/{entry_id}", {**fields, "version": "1"})
    assert same.status_code == 303
    db.session.expire_all()
    assert db.session.get_one(JournalEntry, entry_id).version == 1  # nothing was changed


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"moment": "soon"}, "such as 12:30 or 1:05:00"),
        ({"moment": "1:75"}, "such as 12:30 or 1:05:00"),
        ({"moment": "1:05"}, "Please choose the session whose music it is."),
        ({"tags": ",".join(str(number) for number in range(21))}, "Up to 20 themes"),
        ({"tags": "x" * 41}, "Up to 20 themes"),
        ({"title": "x" * 121}, "Please choose a shorter title."),
        ({"notes_body": "y", "body": "11"}, "Please choose between 0 and 10."),
    ],
)
def test_what_cannot_be_taken_is_given_back(
    at_browser: AtBrowser, cast: Cast, closed_session: CloseSession, fields: dict[str, str], sentence: str
) -> None:
    closed_session(cast.pia, NOON)
    answer = at_browser("pia").post(f"/my/journal/{uuid4()}", {"text": SECRET, "version": "0", **fields})
    assert (answer.status_code, sentence in answer.text, SECRET in answer.text) == (422, True, True)


def test_a_place_beside_the_music_is_filled_in(
    at_browser: AtBrowser, cast: Cast, closed_session: CloseSession
) -> None:
    session, pia = closed_session(cast.pia, NOON), at_browser("pia")
    begun = pia.get(f"/my/journal/new?session={session.id}&moment=754").headers["Location"]
    assert 'value="12:34"' in pia.get(begun).text
    elsewhere = pia.get(f"/my/journal/new?session={uuid4()}&moment=754").headers["Location"]
    assert 'value="12:34"' not in pia.get(elsewhere).text


def test_each_person_sees_their_parts_and_of_the_others_nothing(
    at_browser: AtBrowser, cast: Cast, full: JournalEntry, tess_too: None
) -> None:
    share(full, cast, (Part.RATINGS, None), (Part.TEXT, cast.theo.id), (Part.VOICE, cast.tess.id))
    assert seen_by(cast, "theo") == [{Part.TEXT, Part.RATINGS}]
    assert seen_by(cast, "tess") == [{Part.VOICE, Part.RATINGS}]
    assert seen_by(cast, "pia") == [set(Part)]
    address = f"/patients/{cast.pia.id}/journal/{full.id}"
    of_theo, of_tess = at_browser("theo").get(address).text, at_browser("tess").get(address).text
    for hidden in (SECRET, "The well", "water"):
        assert (hidden in of_theo, hidden in of_tess) == (True, False)
    assert "7 on a scale" in of_theo
    assert "7 on a scale" in of_tess
    seen = queries.shared_entry(cast.actor("tess"), full.patient, full.id)
    assert [file.about["of"] for file in seen.files] == ["voice"]
    assert (seen.text, seen.title, seen.tags) == ("", "", [])


def test_an_entry_shared_with_one_is_not_there_for_the_other(
    at_browser: AtBrowser, cast: Cast, full: JournalEntry, tess_too: None
) -> None:
    theo, tess, pia = at_browser("theo"), at_browser("tess"), at_browser("pia")
    paths = [
        "/",
        f"/patients/{cast.pia.id}",
        f"/patients/{cast.pia.id}/journal",
        f"/patients/{cast.pia.id}/trace",
    ]
    for path in paths:
        tess.get(path)  # her own looking leaves a trace: let it be there both times
    before = [tess.get(path).text for path in paths]
    share(full, cast, (Part.TEXT, cast.theo.id))
    assert theo.get(f"/patients/{cast.pia.id}/journal/{full.id}").status_code == 200
    say = {"comment_id": str(uuid4()), "text": "Between us"}
    assert theo.post(f"/patients/{cast.pia.id}/journal/{full.id}/comments", say).status_code == 303
    assert tess.get(f"/patients/{cast.pia.id}/journal/{full.id}").status_code == 404
    assert tess.post(f"/patients/{cast.pia.id}/journal/{full.id}/comments", say).status_code == 404
    for path, was in zip(paths, before, strict=True):
        page = tess.get(path).text
        assert str(full.id) not in page
        assert page.count("journal entry") == was.count("journal entry")
    own = pia.get("/my/trace").text
    assert "Read a shared journal entry" in own
    assert "Read a shared journal entry" in theo.get(paths[-1]).text


def test_leaving_the_team_ends_sight_at_once_and_coming_back_revives_no_name(
    cast: Cast, full: JournalEntry, tess_too: None
) -> None:
    share(full, cast, (Part.TEXT, cast.tess.id))
    assert seen_by(cast, "tess") == [{Part.TEXT}]
    pia, theo = care.patient_by_id(cast.pia.id), cast.actor("theo")
    assert pia is not None
    with transaction():
        patients.leave_team(pia, user_id=cast.tess.id, actor=theo, at=NOON)
    assert seen_by(cast, "tess") == []
    with transaction():
        patients.join_team(pia, colleague=cast.tess, actor=theo, at=NOON.replace(hour=14))
    assert seen_by(cast, "tess") == []


def test_the_form_shares_part_by_part_and_takes_back(
    at_browser: AtBrowser, cast: Cast, full: JournalEntry, tess_too: None
) -> None:
    pia, address = at_browser("pia"), f"/my/journal/{full.id}"
    theo = str(cast.theo.id)
    assert pia.post(f"{address}/sharing", {"text": theo, "ratings": ["team", theo]}).status_code == 303
    page = pia.get(address).text
    assert "Theo Thorne can read your words." in page
    assert "Your care team can read your ratings: Tess Tarn, Theo Thorne." in page
    assert "Only you can see your voice notes and your pictures." in page
    assert seen_by(cast, "theo") == [{Part.TEXT, Part.RATINGS}]
    assert pia.post(f"{address}/sharing", {"ratings": "team"}).status_code == 303
    assert seen_by(cast, "theo") == [{Part.RATINGS}]
    assert pia.post(f"{address}/sharing").status_code == 303
    assert seen_by(cast, "theo") == []
    assert "Only you can read this." in pia.get(address).text


@pytest.mark.parametrize("name", ["ana", "pau", "zoe"])
def test_only_people_on_the_care_team_can_be_named(
    at_browser: AtBrowser, cast: Cast, full: JournalEntry, name: str
) -> None:
    stranger = cast.actor(name).id
    answer = at_browser("pia").post(f"/my/journal/{full.id}/sharing", {"text": str(stranger)})
    assert answer.status_code == 422
    with pytest.raises(Invalid), transaction():
        actions.set_sharing(full, {(Part.TEXT, stranger)}, actor=cast.actor("pia"), at=NOON)


def test_what_is_added_later_is_private_until_it_is_shared(cast: Cast, entry: JournalEntry) -> None:
    with transaction():
        actions.share(entry, actor=cast.actor("pia"), at=NOON)
        actions.write(
            cast.pia, entry_id=entry.id, writing=Writing(text="More", mood_after=2), version=1, at=NOON
        )
        actions.add_file(entry, FileKind.VOICE, file_id=uuid4(), state=FileState.READY, about={}, at=NOON)
    assert seen_by(cast, "theo") == [{Part.TEXT}]


def test_a_shared_part_that_is_empty_shows_no_entry(cast: Cast, full: JournalEntry) -> None:
    share(full, cast, (Part.VOICE, None))
    assert seen_by(cast, "theo") == [{Part.VOICE}]
    with transaction():
        (note,) = db.session.scalars(select(EntryFile).where(EntryFile.kind == FileKind.VOICE))
        actions.remove_file(note)
    assert seen_by(cast, "theo") == []
    assert queries.new_shared(cast.actor("theo"), NOON) == []


@pytest.mark.parametrize("state", [state for state in FileState if state is not FileState.READY])
def test_a_file_that_is_not_ready_is_nobody_elses(cast: Cast, entry: JournalEntry, state: FileState) -> None:
    with transaction():
        actions.add_file(entry, FileKind.VOICE, file_id=uuid4(), state=state, about={}, at=NOON)
        actions.share(entry, actor=cast.actor("pia"), at=NOON)
        actions.share(entry, parts=[Part.VOICE], actor=cast.actor("pia"), at=NOON)
    assert seen_by(cast, "theo") == [{Part.TEXT}]


def test_a_file_is_stored_sealed_and_read_in_parts(cast: Cast, full: JournalEntry, tmp_path: Path) -> None:
    plain = bytes(range(256)) * 1000
    source = tmp_path / "note"
    source.write_bytes(plain)
    file = full.files[0]
    with transaction():
        file.file_key = files.store(file, source)
    stored = [path.read_bytes() for path in Path(str(storage().root)).rglob("*") if path.is_file()]
    assert [plain[:64] in held for held in stored] == [False]
    assert file.file_key is not None
    opened = files.opened(file, file.file_key)
    assert opened.size == len(plain)
    assert b"".join(opened.parts(70_000, 70_010)) == plain[70_000:70_010]
    with files.plain(file, file.file_key) as path:
        assert path.read_bytes() == plain
    assert not path.exists()
    assert b"voice" not in file.about_sealed


def test_a_file_asked_for_twice_is_made_once(cast: Cast, entry: JournalEntry) -> None:
    file_id = uuid4()
    with transaction():
        made = [
            actions.add_file(
                entry, FileKind.PICTURE, file_id=file_id, state=FileState.ARRIVING, about={"n": n}, at=NOON
            )
            for n in range(2)
        ]
    assert made[0] is made[1]
    assert [file.about for file in entry.files] == [{"n": 0}]


def test_a_line_that_is_being_typed_stops_no_words_from_being_saved(
    at_browser: AtBrowser, cast: Cast, closed_session: CloseSession
) -> None:
    session, entry_id = closed_session(cast.pia, NOON), uuid4()
    fields = {
        "text": SECRET,
        "version": "0",
        "moment": "12:",
        "session": str(session.id),
        "tags": "sea," + "x" * 41,
    }
    answer = at_browser("pia").post(f"/my/journal/{entry_id}", fields, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json and answer.json["version"]) == (200, 1)
    entry = db.session.get_one(JournalEntry, entry_id)
    assert (entry.text, entry.moment_s, entry.tags) == (SECRET, None, ["sea"])
