"""Sharing one entry, reading it, talking under it, taking it back."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from kap.access.audit import Event, Outcome
from kap.access.permissions import Permission
from kap.db import db, transaction
from kap.integration import actions, queries
from kap.integration.models import Comment, JournalEntry
from kap.patients import actions as patients
from kap.problems import Invalid
from tests.conftest import NOON, Browser, Cast
from tests.integration.conftest import SECRET, written

AtBrowser = Callable[[str], Browser]


def events(subject: object) -> list[tuple[str, Outcome, object]]:
    """Acts on one thing, in order: what, how, by whom."""
    rows = db.session.scalars(select(Event).where(Event.subject_id == subject).order_by(Event.at))
    return [(row.act, row.outcome, row.actor_id) for row in rows]


def comments() -> list[tuple[str, object]]:
    db.session.expire_all()
    return [(row.text, row.author_id) for row in db.session.scalars(select(Comment).order_by(Comment.at))]


def test_one_entry_is_shared_read_discussed_and_taken_back(
    at_browser: AtBrowser, cast: Cast, entry: JournalEntry
) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    own, theirs = f"/my/journal/{entry.id}", f"/patients/{cast.pia.id}/journal/{entry.id}"
    assert theo.get(theirs).status_code == 404

    assert pia.post(f"{own}/share").headers["Location"] == own
    page = pia.get(own).text
    assert "Your care team can read this: Theo Thorne." in page
    assert "Nobody has opened it yet." in page

    assert SECRET in theo.get(theirs).text
    assert "Theo Thorne, <time" in pia.get(own).text

    say = {"comment_id": str(uuid4()), "text": "Thank you for trusting us with this."}
    answer = theo.post(f"{theirs}/comments", say)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{theirs}#comments")
    assert "Thank you for trusting us with this." in pia.get(own).text
    reply = {"comment_id": str(uuid4()), "text": "You are welcome."}
    assert pia.post(f"{theirs}/comments", reply).headers["Location"] == f"{own}#comments"
    assert comments() == [(say["text"], cast.theo.id), (reply["text"], cast.actor("pia").id)]

    assert pia.post(f"{own}/stop-sharing").status_code == 303
    gone = theo.get(theirs)
    assert gone.status_code == 404
    assert "It may no longer be shared." in gone.text
    assert "This entry is private again." in pia.get(own).text


def test_what_sharing_leaves_in_the_log(at_browser: AtBrowser, cast: Cast, entry: JournalEntry) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    for act in ("share", "share", "stop-sharing", "stop-sharing", "share"):
        pia.post(f"/my/journal/{entry.id}/{act}")
    theo.get(f"/patients/{cast.pia.id}/journal/{entry.id}")
    pia.get(f"/my/journal/{entry.id}")
    by_pia, by_theo = cast.actor("pia").id, cast.theo.id
    assert events(entry.id) == [
        (Permission.JOURNAL_SHARE, Outcome.DONE, by_pia),
        (Permission.JOURNAL_SHARE, Outcome.DONE, by_pia),
        (Permission.JOURNAL_SHARE, Outcome.DONE, by_pia),
        (Permission.JOURNAL_READ_SHARED, Outcome.READ, by_theo),
    ]


def test_the_writer_sees_every_opening(at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry) -> None:
    theo = at_browser("theo")
    for _ in range(2):
        theo.get(f"/patients/{cast.pia.id}/journal/{shared_entry.id}")
    theo.get(f"/patients/{cast.pia.id}/journal")  # a list opens nothing
    assert [opening.actor_id for opening in queries.openings_of(shared_entry)] == [cast.theo.id] * 2


def test_the_list_of_shared_entries_opens_none_of_them(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    theo = at_browser("theo")
    listing = theo.get(f"/patients/{cast.pia.id}/journal").text
    assert f"/journal/{shared_entry.id}" in listing
    assert "Not opened by you" in listing
    assert "lantern" not in listing
    theo.get(f"/patients/{cast.pia.id}/journal/{shared_entry.id}")
    assert "Not opened by you" not in theo.get(f"/patients/{cast.pia.id}/journal").text


def test_undo_stands_beside_the_news_that_it_is_shared(at_browser: AtBrowser, entry: JournalEntry) -> None:
    pia = at_browser("pia")
    pia.post(f"/my/journal/{entry.id}/share")
    page = pia.get(f"/my/journal/{entry.id}").text
    assert (
        page.count(f'action="/my/journal/{entry.id}/stop-sharing"') == 2
    )  # in the notice, and below the text


def test_the_page_names_whoever_can_read(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=NOON)
        cast.theo.closed_at = NOON
    page = at_browser("pia").get(f"/my/journal/{shared_entry.id}").text
    assert "Your care team can read this: Tess Tarn." in page


def test_a_comment_sent_twice_is_said_once(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    theo, say = at_browser("theo"), {"comment_id": str(uuid4()), "text": "Once"}
    address = f"/patients/{cast.pia.id}/journal/{shared_entry.id}/comments"
    assert [theo.post(address, say).status_code for _ in range(2)] == [303, 303]
    assert comments() == [("Once", cast.theo.id)]


@pytest.mark.parametrize(
    "fields", [{"text": " "}, {"text": "x" * 10_001}, {"text": "Words", "comment_id": "not one"}]
)
def test_a_comment_that_cannot_be_taken_comes_back(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry, fields: dict[str, str]
) -> None:
    address = f"/patients/{cast.pia.id}/journal/{shared_entry.id}/comments"
    for name in ("theo", "pia"):
        answer = at_browser(name).post(address, {"comment_id": str(uuid4()), **fields})
        assert answer.status_code == 422
        assert f"{fields['text']}</textarea>" in answer.text
    assert comments() == []


def test_a_comment_typed_while_the_entry_was_taken_back_is_given_back(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    theo, pia = at_browser("theo"), at_browser("pia")
    address = f"/patients/{cast.pia.id}/journal/{shared_entry.id}/comments"
    pia.post(f"/my/journal/{shared_entry.id}/stop-sharing")
    typed = {"comment_id": str(uuid4()), "text": "Half a thought"}
    for browser, status in ((theo, 404), (pia, 422)):
        answer = browser.post(address, typed)
        assert answer.status_code == status
        assert "Half a thought</textarea>" in answer.text
    assert comments() == []


def test_a_private_entry_has_nobody_to_talk_to(cast: Cast, entry: JournalEntry) -> None:
    with pytest.raises(Invalid):
        actions.comment(entry, comment_id=uuid4(), text="Hm", actor=cast.actor("pia"), at=NOON)


def test_comments_are_sealed_and_leave_with_sharing(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    with transaction():
        actions.comment(
            shared_entry, comment_id=uuid4(), text="Kept between us", actor=cast.actor("theo"), at=NOON
        )
    (comment,) = db.session.scalars(select(Comment))
    assert b"Kept between us" not in comment.text_sealed
    pia = at_browser("pia")
    pia.post(f"/my/journal/{shared_entry.id}/stop-sharing")
    page = pia.get(f"/my/journal/{shared_entry.id}").text
    assert "While this entry is private only you can see these comments." in page


@pytest.mark.parametrize("shares", [True, False])
@pytest.mark.parametrize("name", ["pia", "theo", "tess", "pau", "ana", "zoe", "zed"])
def test_who_may_list_an_entry(cast: Cast, name: str, shares: bool) -> None:
    """The whole rule: the writer always, their care team while it is shared, nobody else ever."""
    entry, other = written(cast.pia, SECRET), written(cast.pia, "Private", at=NOON + timedelta(hours=1))
    if shares:
        with transaction():
            actions.share(entry, actor=cast.actor("pia"), at=NOON)
    seen = [row.id for row in queries.entries_visible_to(cast.actor(name), cast.pia)]
    expected = {"pia": [other.id, entry.id], "theo": [entry.id] if shares else []}
    assert seen == expected.get(name, [])


def test_leaving_the_care_team_ends_reading(cast: Cast, shared_entry: JournalEntry) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=NOON)
        patients.leave_team(cast.pia, user_id=cast.theo.id, actor=cast.actor("theo"), at=NOON)
    assert queries.entries_visible_to(cast.actor("theo"), cast.pia) == []
    assert [seen.id for seen in queries.entries_visible_to(cast.actor("tess"), cast.pia)] == [shared_entry.id]


def test_a_refused_comment_is_answered_with_the_entry_and_so_counts_as_opening_it(
    at_browser: AtBrowser, cast: Cast, shared_entry: JournalEntry
) -> None:
    pia, theo = at_browser("pia"), at_browser("theo")
    answer = theo.post(f"/patients/{cast.pia.id}/journal/{shared_entry.id}/comments", {"text": ""})
    assert (answer.status_code, SECRET in answer.text) == (422, True)
    assert events(shared_entry.id)[1:] == [(Permission.JOURNAL_READ_SHARED, Outcome.READ, cast.theo.id)]
    assert "Theo Thorne, <time" in pia.get(f"/my/journal/{shared_entry.id}").text
