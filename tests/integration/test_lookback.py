"""Looking back: the writer's own entries, by words, themes and sessions, and side by side."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from kap.db import db, transaction
from kap.integration import actions
from kap.integration.lookback_queries import Sought, side_by_side, timeline
from kap.integration.models import JournalEntry
from kap.integration.rules import Writing
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET, written

AtBrowser = Callable[[str], Browser]
CloseSession = Callable[..., DosingSession]
HOUR = timedelta(hours=1)


def write(cast: Cast, writing: Writing, hours: float = 0) -> JournalEntry:
    with transaction():
        made = actions.write(cast.pia, entry_id=uuid4(), writing=writing, version=0, at=NOON + hours * HOUR)
    assert made is not None
    return made


def found(cast: Cast, sought: Sought, name: str = "pia") -> list[UUID]:
    return [line.entry.id for line in timeline(cast.actor(name), cast.pia, sought).lines]


def test_words_titles_and_themes_are_found_and_others_entries_are_not(cast: Cast) -> None:
    words = write(cast, Writing("Der Fluß war grün."), 0)
    title = write(cast, Writing("x", title="Am FLUSS"), 1)
    theme = write(cast, Writing("y", tags=("Fluss", "quiet")), 2)
    write(cast, Writing("Das Meer."), 3)
    written(cast.pau, "Ein Fluss.")
    assert found(cast, Sought("fluss")) == [theme.id, title.id, words.id]
    assert found(cast, Sought("fluss grun")) == [words.id]
    assert found(cast, Sought(tag="fluss")) == [theme.id]
    assert found(cast, Sought("meer", tag="fluss")) == []
    assert [found(cast, Sought("fluss"), name) for name in ("theo", "ana", "pau", "zoe")] == [[]] * 4


def test_the_words_that_were_looked_for_are_marked(at_browser: AtBrowser, cast: Cast) -> None:
    write(cast, Writing("The <b>river</b> was green."))
    page = at_browser("pia").post("/my/journal", {"words": "RIVER"}).text
    assert "The &lt;b&gt;<mark>river</mark>&lt;/b&gt; was green." in page
    assert "One entry has that." in page
    assert 'value="RIVER"' in page
    assert "Nothing you wrote has that." in at_browser("pia").post("/my/journal", {"words": "sea"}).text


def test_a_session_narrows_and_another_ones_does_not(
    at_browser: AtBrowser, cast: Cast, closed_session: CloseSession
) -> None:
    mine, other = closed_session(cast.pia, NOON), closed_session(cast.pau, NOON)
    about = write(cast, Writing("About it", session_id=mine.id))
    write(cast, Writing("Not about it"), 1)
    pia = at_browser("pia")
    page = pia.post("/my/journal", {"session": str(mine.id)}).text
    assert re.findall(r'<li id="entry-([^"]+)"', page) == [str(about.id)]
    for asked in (str(other.id), "nonsense", ""):
        assert pia.post("/my/journal", {"session": asked}).text.count('<li id="entry-') == 2


def test_themes_are_offered_with_their_numbers(cast: Cast) -> None:
    write(cast, Writing("a", tags=("Quiet", "sea")))
    write(cast, Writing("b", tags=("quiet",)), 1)
    assert timeline(cast.actor("pia"), cast.pia, Sought()).tags == [("Quiet", 2), ("sea", 1)]


def test_earlier_entries_follow_without_a_script(at_browser: AtBrowser, cast: Cast) -> None:
    for number in range(30):
        write(cast, Writing(f"River {number}"), number)
    pia = at_browser("pia")
    page = pia.get("/my/journal").text
    assert page.count('<li id="entry-') == 25
    more = re.search(r'href="(/my/journal\?shown=[^"#]+)', page)
    assert more is not None
    assert pia.get(unescape(more[1])).text.count('<li id="entry-') == 30
    page = pia.post("/my/journal", {"words": "river"}).text
    assert page.count('<li id="entry-') == 25
    assert 'name="shown" value="30"' in page
    assert pia.post("/my/journal", {"words": "river", "shown": "30"}).text.count('<li id="entry-') == 30
    assert pia.get("/my/journal?shown=-5").status_code == 200


def test_what_was_looked_for_stands_in_no_address(at_browser: AtBrowser, cast: Cast) -> None:
    write(cast, Writing("The river", tags=("grief",)))
    page = at_browser("pia").post("/my/journal", {"words": "river", "tag": "grief"}).text
    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', page)
    assert [each for each in addresses if "river" in each or "grief" in each] == []


def test_looking_changes_nothing(at_browser: AtBrowser, cast: Cast, entry: JournalEntry) -> None:
    pia, sent = at_browser("pia"), []

    def note(*args: object) -> None:
        sent.append(str(args[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert SECRET[:10] in pia.post("/my/journal", {"words": "lantern"}).text.replace(
            "<mark>", ""
        ).replace("</mark>", "")
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert [each for each in sent if each.startswith(("INSERT", "DELETE"))] == []


@pytest.mark.parametrize("entries", [1, 20])
def test_the_statements_do_not_grow_with_the_journal(cast: Cast, entries: int) -> None:
    for number in range(entries):
        write(cast, Writing(f"River {number}", tags=("a",)), number)
    db.session.expire_all()
    sent = []

    def note(*args: object) -> None:
        sent.append(str(args[2]))

    actor, patient = cast.actor("pia"), cast.pia
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert len(timeline(actor, patient, Sought("river")).lines) == entries
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len([each for each in sent if "journal_entry" in each]) <= 5


def test_side_by_side(at_browser: AtBrowser, cast: Cast, closed_session: CloseSession) -> None:
    first, second = closed_session(cast.pia, NOON), closed_session(cast.pia, NOON + 240 * HOUR)
    early = write(cast, Writing("A day after the first"), 24)
    write(cast, Writing("Three days after the first"), 72)
    late = write(cast, Writing("A day after the second", session_id=second.id), 240 + 30)
    actor, held = cast.actor("pia"), sessions.past_of(cast.pia)
    columns = side_by_side(actor, cast.pia, held, "24h")
    assert [(each.session.id, [entry.id for entry in each.entries]) for each in columns] == [
        (first.id, [early.id]),
        (second.id, [late.id]),
    ]
    assert [each.entries for each in side_by_side(cast.actor("theo"), cast.pia, held, "24h")] == [[], []]
    pia = at_browser("pia")
    page = pia.get("/my/journal/side-by-side").text
    assert ("A day after the first" in page, "Three days after" in page) == (True, False)
    assert "Three days after" in pia.get("/my/journal/side-by-side?moment=72h").text
    assert pia.get("/my/journal/side-by-side?moment=x").status_code == 404


def test_side_by_side_before_the_first_session(at_browser: AtBrowser, cast: Cast) -> None:
    assert "No session is over yet" in at_browser("pia").get("/my/journal/side-by-side").text
