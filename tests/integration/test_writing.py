"""Writing, as the browser does it with and without its script."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import escape
from threading import Barrier
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from kap.crypto import Unreadable
from kap.db import db, transaction
from kap.integration import actions
from kap.integration.actions import Overwritten
from kap.integration.models import JournalEntry
from kap.integration.rules import Writing
from kap.problems import NotThere
from kap.sessions.models import DosingSession
from tests.conftest import NOON, PASSWORD, Browser, Cast
from tests.integration.conftest import SECRET, written

AtBrowser = Callable[[str], Browser]
CloseSession = Callable[..., DosingSession]
SCRIPT = {"Accept": "application/json"}


def autosave(browser: Browser, entry_id: UUID, words: str, version: int, **fields: object) -> TestResponse:
    """What kap/static/js/autosave.js sends."""
    data = {"text": words, "version": version, **fields}
    return browser.post(f"/my/journal/{entry_id}", data, headers=SCRIPT)


def all_entries() -> list[JournalEntry]:
    db.session.expire_all()
    return list(db.session.scalars(select(JournalEntry).order_by(JournalEntry.made_at)))


def test_opening_the_page_makes_nothing(at_browser: AtBrowser, cast: Cast) -> None:
    pia = at_browser("pia")
    begun = pia.get("/my/journal/new")
    assert begun.status_code == 302
    address = begun.headers["Location"]
    assert pia.get(address).status_code == 200
    assert pia.get(address).status_code == 200  # a reload stays on the same page
    assert all_entries() == []


def test_writing_without_a_script(at_browser: AtBrowser, cast: Cast) -> None:
    pia = at_browser("pia")
    address = urlsplit(pia.get("/my/journal/new").headers["Location"]).path
    entry_id = address.split("/")[3]
    answer = pia.post(f"/my/journal/{entry_id}", {"text": "First line\r\nsecond", "version": "0"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/my/journal/{entry_id}")
    (entry,) = all_entries()
    assert (str(entry.id), entry.patient_id, entry.version) == (entry_id, cast.pia.id, 1)
    assert (entry.text, entry.mood_before, entry.mood_after, entry.shared_at) == (
        "First line\nsecond",
        None,
        None,
        None,
    )
    assert "First line\nsecond" in pia.get(f"/my/journal/{entry_id}").text
    assert "First line\nsecond" in pia.get("/my/journal").text


def test_the_first_save_makes_the_entry_exactly_once(at_browser: AtBrowser, cast: Cast) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    first, again = autosave(pia, entry_id, "One", 0), autosave(pia, entry_id, "One", 0)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    assert first.json is not None
    assert (first.json["version"], first.json["text"]) == (1, "Saved")
    assert [entry.text for entry in all_entries()] == ["One"]


def test_the_first_save_sent_twice_at_once_makes_one_entry(
    app: Flask, at_browser: AtBrowser, cast: Cast
) -> None:
    entry_id, browsers, start = uuid4(), [at_browser("pia") for _ in range(4)], Barrier(4)
    db.session.rollback()

    def send(browser: Browser) -> int:
        start.wait()
        with app.app_context():
            return autosave(browser, entry_id, "One", 0).status_code

    with ThreadPoolExecutor(4) as tabs:
        statuses = list(tabs.map(send, browsers))
    assert statuses == [200] * 4
    assert [(entry.text, entry.version) for entry in all_entries()] == [("One", 1)]


def test_each_save_counts_and_the_same_words_again_do_not(at_browser: AtBrowser, cast: Cast) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    sends = (("One", 0), ("One two", 1), ("One two", 1), ("One two", 7))
    versions = [autosave(pia, entry_id, words, version).json for words, version in sends]
    assert [answer and answer["version"] for answer in versions] == [1, 2, 2, 2]
    assert [entry.text for entry in all_entries()] == ["One two"]


def test_nothing_typed_makes_nothing(at_browser: AtBrowser, cast: Cast) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    answer = autosave(pia, entry_id, "  \n", 0)
    assert (answer.status_code, answer.json and answer.json["version"]) == (200, 0)
    plain = pia.post(f"/my/journal/{entry_id}", {"text": "", "version": "0"})
    assert plain.status_code == 422
    assert "There is nothing to save yet." in plain.text
    assert all_entries() == []


def test_a_mood_counts_only_when_its_box_is_ticked(at_browser: AtBrowser, cast: Cast) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    moods = {"mood_before": "0", "notes_mood_before": "y", "mood_after": "5"}
    assert autosave(pia, entry_id, "", 0, **moods).status_code == 200
    (entry,) = all_entries()
    assert (entry.mood_before, entry.mood_after) == (0, None)
    page = pia.get(f"/my/journal/{entry_id}").text
    assert "0 on a scale from 0, heavy, to 10, light" in page
    assert "After writing" not in page
    assert autosave(pia, entry_id, "", 1, mood_before="3").status_code == 200
    (entry,) = all_entries()
    assert (entry.mood_before, entry.mood_after) == (None, None)


@pytest.mark.parametrize("mood", ["-1", "11", "x"])
def test_a_mood_off_the_scale_is_refused_and_the_words_come_back(
    at_browser: AtBrowser, cast: Cast, mood: str
) -> None:
    pia = at_browser("pia")
    fields = {"text": SECRET, "version": "0", "mood_after": mood, "notes_mood_after": "y"}
    answer = pia.post(f"/my/journal/{uuid4()}", fields)
    assert answer.status_code == 422
    assert SECRET in answer.text
    assert all_entries() == []


def test_an_entry_about_a_session(at_browser: AtBrowser, cast: Cast, closed_session: CloseSession) -> None:
    session, pia = closed_session(cast.pia, NOON), at_browser("pia")
    page = pia.get(pia.get(f"/my/journal/new?session={session.id}").headers["Location"]).text
    assert f'<option selected value="{session.id}">' in page
    autosave(pia, uuid4(), "About it", 0, session=session.id)
    assert [entry.session_id for entry in all_entries()] == [session.id]


def test_another_persons_session_cannot_be_written_about(
    at_browser: AtBrowser, cast: Cast, closed_session: CloseSession
) -> None:
    session, pia = closed_session(cast.pau, NOON), at_browser("pia")
    assert str(session.id) not in pia.get(f"/my/journal/{uuid4()}/write?session={session.id}").text
    assert autosave(pia, uuid4(), "About it", 0, session=session.id).status_code == 422
    assert all_entries() == []


def test_a_stale_save_tells_the_script_both_versions(at_browser: AtBrowser, entry: JournalEntry) -> None:
    pia = at_browser("pia")
    assert autosave(pia, entry.id, "On the phone", 1).status_code == 200
    answer = autosave(pia, entry.id, "At the desk", 1)
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["conflict"] == {"text": "On the phone", "version": 2}
    assert [row.text for row in all_entries()] == ["On the phone"]


def test_a_stale_save_without_a_script_shows_both_and_lets_one_choose(
    at_browser: AtBrowser, entry: JournalEntry
) -> None:
    pia = at_browser("pia")
    autosave(pia, entry.id, "On the phone", 1)
    answer = pia.post(f"/my/journal/{entry.id}", {"text": "At the desk", "version": "1"})
    assert answer.status_code == 409
    assert "At the desk</textarea>" in answer.text
    assert '<p class="words journal-words" dir="auto">On the phone</p>' in answer.text
    assert 'name="version" value="2"' in answer.text
    assert pia.post(f"/my/journal/{entry.id}", {"text": "At the desk", "version": "2"}).status_code == 303
    assert [row.text for row in all_entries()] == ["At the desk"]


def test_sharing_does_not_make_an_open_page_stale(at_browser: AtBrowser, entry: JournalEntry) -> None:
    pia = at_browser("pia")
    pia.post(f"/my/journal/{entry.id}/share")
    assert autosave(pia, entry.id, "More words", 1).status_code == 200
    pia.post(f"/my/journal/{entry.id}/stop-sharing")
    assert autosave(pia, entry.id, "Still more words", 2).status_code == 200


def test_a_page_left_open_does_not_bring_a_deleted_entry_back_by_itself(
    at_browser: AtBrowser, entry: JournalEntry
) -> None:
    pia, entry_id = at_browser("pia"), entry.id
    assert pia.post(f"/my/journal/{entry_id}/delete").status_code == 303
    answer = autosave(pia, entry_id, "Typed elsewhere", 1)
    assert (answer.status_code, answer.json and answer.json["conflict"]) == (409, {"text": "", "version": 0})
    assert all_entries() == []
    assert autosave(pia, entry_id, "Typed elsewhere", 0).status_code == 200  # only by choice


def test_an_entry_of_a_megabyte(at_browser: AtBrowser, cast: Cast) -> None:
    pia, entry_id, words = at_browser("pia"), uuid4(), "water and light \n" * 62_000
    assert autosave(pia, entry_id, words, 0).status_code == 200
    assert pia.post(f"/my/journal/{entry_id}", {"text": words + "end", "version": "1"}).status_code == 303
    assert [entry.text for entry in all_entries()] == [words + "end"]
    assert words in pia.get(f"/my/journal/{entry_id}/write").text
    assert pia.get("/my/journal").status_code == 200


@pytest.mark.parametrize(
    "words",
    [
        "אני כאן, now, ואתה",
        "مرحبا بالعالم",
        "👩🏽\u200d🌾🏳️\u200d🌈 and e\u0301\u0323",
        "\n\nleading and trailing lines\n\n",
        "a\u0000b\u202ec",
        "‘quotes’ & “ampersands” \\ {{ 7 * 7 }}",
        "<script>alert(1)</script><img src=x onerror=alert(1)><b>bold</b></textarea>",
    ],
)
def test_words_come_back_exactly_as_typed_and_do_nothing(
    at_browser: AtBrowser, cast: Cast, words: str
) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    assert autosave(pia, entry_id, words, 0).status_code == 200
    assert [entry.text for entry in all_entries()] == [words]
    shown = escape(words, quote=False)
    page = pia.get(f"/my/journal/{entry_id}").text.replace("&#39;", "'").replace("&#34;", '"')
    assert f'dir="auto">{shown}</div>' in page
    assert "<script>alert" not in page
    assert "<script>alert" not in pia.get(f"/my/journal/{entry_id}/write").text
    assert "<script>alert" not in pia.get("/my/journal").text


def test_an_ended_sign_in_tells_the_script(at_browser: AtBrowser, entry: JournalEntry) -> None:
    pia = at_browser("pia")
    pia.post("/sign-out")
    answer = autosave(pia, entry.id, "Typed after the end", 1)
    assert (answer.status_code, answer.json and answer.json["signed_out"]) == (401, True)
    assert [row.text for row in all_entries()] == [SECRET]


def test_an_ended_sign_in_keeps_the_words_of_a_plain_form(at_browser: AtBrowser, cast: Cast) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    pia.post("/sign-out")
    answer = pia.post(f"/my/journal/{entry_id}", {"text": SECRET, "version": "0"})
    assert answer.status_code == 401
    assert SECRET in answer.text
    held = {"held-text": SECRET, "held-version": "0", "next": f"/my/journal/{entry_id}"}
    resumed = pia.post("/sign-in", {"email": "pia@example.org", "password": PASSWORD, **held})
    assert SECRET in resumed.text
    assert f'action="/my/journal/{entry_id}"' in resumed.text
    pia.post(f"/my/journal/{entry_id}", {"text": SECRET, "version": "0"})
    assert [entry.text for entry in all_entries()] == [SECRET]


def test_prompts_stand_beside_the_page(
    at_browser: AtBrowser, cast: Cast, closed_session: CloseSession
) -> None:
    pia = at_browser("pia")
    assert "On any day" in pia.get(f"/my/journal/{uuid4()}/write").text
    session = closed_session(cast.pia, NOON)
    page = pia.get(f"/my/journal/{uuid4()}/write?session={session.id}").text
    assert "On any day" not in page


def test_a_private_entry_lies_sealed_in_the_database(cast: Cast, entry: JournalEntry) -> None:
    with transaction():
        actions.write(
            cast.pia,
            entry_id=entry.id,
            writing=Writing(text=SECRET, mood_before=7, mood_after=9),
            version=1,
            at=NOON,
        )
    columns = "text_sealed, mood_before_sealed, mood_after_sealed"
    row = db.session.execute(text(f"SELECT {columns} FROM journal_entry")).one()  # noqa: S608
    sizes = [len(bytes(value)) for value in row]
    assert [SECRET.encode() in bytes(value) for value in row] == [False, False, False]
    assert sizes == [sizes[0]] * 3  # a short text and a number look the same


@pytest.mark.parametrize("owner", ["pia", "pau"])
def test_words_moved_to_another_row_do_not_open(cast: Cast, entry: JournalEntry, owner: str) -> None:
    other = written(getattr(cast, owner), "Another entry")
    with transaction():
        other.text_sealed = entry.text_sealed
    db.session.expire_all()
    with pytest.raises(Unreadable):
        _ = other.text
    assert entry.text == SECRET


def test_a_deleted_entry_leaves_the_table_with_its_comments(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    pia, entry_id = at_browser("pia"), shared_entry.id
    pia.post(f"/patients/{cast.pia.id}/journal/{entry_id}/comments", {"comment_id": uuid4(), "text": "Hm"})
    asked = pia.get(f"/my/journal/{entry_id}/delete")
    assert "It cannot be brought back." in asked.text
    assert pia.post(f"/my/journal/{entry_id}/delete").headers["Location"] == "/my/journal"
    counts = [
        db.session.scalar(select(func.count()).select_from(text(name)))
        for name in ("journal_entry", "comment")
    ]
    assert counts == [0, 0]
    assert pia.get(f"/my/journal/{entry_id}").status_code == 404


def test_another_persons_page_cannot_be_claimed(cast: Cast, entry: JournalEntry) -> None:
    with pytest.raises(NotThere):
        actions.write(cast.pau, entry_id=entry.id, writing=Writing(text="Mine"), version=0, at=NOON)
    with pytest.raises(NotThere):
        actions.write(cast.pau, entry_id=entry.id, writing=Writing(text=SECRET), version=1, at=NOON)


def test_the_action_says_what_stands_there(cast: Cast, entry: JournalEntry) -> None:
    with pytest.raises(Overwritten) as stale:
        actions.write(cast.pia, entry_id=entry.id, writing=Writing(text="New"), version=0, at=NOON)
    assert (stale.value.text, stale.value.version) == (SECRET, 1)
