"""Words that waited on a device: the server says when they arrived, and how long ago they were written."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kap.db import db
from kap.integration.models import JournalEntry
from kap.integration.rules import written_about
from tests.conftest import NOON, Browser, Cast

AtBrowser = Callable[[str], Browser]
SCRIPT = {"Accept": "application/json"}


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_a_span_that_can_be_is_taken_back_from_the_arrival(waited_s: int) -> None:
    about = written_about(waited_s, NOON)
    if about is None:
        assert waited_s < 600 or waited_s > 366 * 86_400
    else:
        assert (NOON - about).total_seconds() == waited_s


@pytest.mark.parametrize(
    ("waited", "expected_s"), [("7200", 7200), ("599", None), ("-5", None), ("x", None), ("9" * 30, None)]
)
def test_a_new_entry_remembers_when_it_was_written(
    at_browser: AtBrowser, cast: Cast, waited: str, expected_s: int | None
) -> None:
    pia, entry_id = at_browser("pia"), uuid4()
    sent = {"text": "In the train.", "version": "0", "waited": waited}
    assert pia.post(f"/my/journal/{entry_id}", sent, headers=SCRIPT).status_code == 200
    sent = {"text": "In the train. More.", "version": "1", "waited": "9000"}
    assert pia.post(f"/my/journal/{entry_id}", sent, headers=SCRIPT).status_code == 200
    entry = db.session.scalars(select(JournalEntry)).one()
    about = entry.written_about
    assert (about and entry.made_at - about) == (expected_s and timedelta(seconds=expected_s))
    assert ("Written at about" in pia.get(f"/my/journal/{entry_id}").text) == (expected_s is not None)


def test_the_page_without_network_is_the_same_for_everyone(
    at_browser: AtBrowser, anyone: Browser, cast: Cast
) -> None:
    pages = {
        browser.get("/journal-here").text for browser in (anyone, *map(at_browser, ("pia", "theo", "zed")))
    }
    assert len(pages) == 1
    assert 'csrf-token" content=""' in pages.pop()
    script = anyone.get("/service-worker.js").text
    assert '[["^/my/journal(/new|/[0-9a-f-]{36}/write)?$", "/journal-here"]]' in script
