"""Opening a session: with everything there, or with a written reason, and in no other way."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from time_machine import Traveller

from kap.access.audit import Event
from kap.consents import actions as consents
from kap.consents import queries as signed
from kap.db import db, transaction
from kap.readiness import actions, queries
from kap.readiness.rules import Item, State
from kap.sessions.models import DosingSession, SessionState, UnreadyOpening
from tests.conftest import Browser, Cast
from tests.readiness.conftest import TODAY, address, settle
from tests.readiness.requiring import require

At = Callable[[str], Browser]
REASON = "The bus strike; her brother walks her home."


def state_of(session: DosingSession) -> SessionState:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(DosingSession, session.id).state


def seen_on(page: str) -> list[str]:
    return re.findall(r'name="seen" value="([^"]+)"', page)


def missing_words(page: str) -> list[str]:
    return re.findall(r"<li><strong>([^<]+)</strong>", page)


def openings() -> list[UnreadyOpening]:
    db.session.rollback()
    return list(db.session.scalars(select(UnreadyOpening)))


def test_with_everything_there_a_session_opens_as_it_always_did(
    cast: Cast, planned: DosingSession, at_browser: At
) -> None:
    settle(cast, planned)
    theo = at_browser("theo")
    page = theo.get(address(planned)).text
    assert "Open session" in page
    assert (seen_on(page), 'name="reason"' in page) == ([], False)
    assert theo.post(address(planned, "open")).status_code == 303
    assert (state_of(planned), openings()) == (SessionState.OPEN, [])


@pytest.mark.parametrize("item", Item)
def test_with_one_item_missing_it_opens_only_with_a_reason(
    cast: Cast, planned: DosingSession, at_browser: At, item: Item
) -> None:
    settle(cast, planned, but=item)
    theo = at_browser("theo")
    page = theo.get(address(planned)).text
    missing = seen_on(page)
    # Without the guide that asks for it, an intention can be there all the same.
    assert missing == [item.value]
    for sent in ({}, {"reason": ""}, {"reason": " \n "}, {"reason": "", "seen": missing}):
        assert theo.post(address(planned, "open"), sent).status_code == 409
        assert state_of(planned) is SessionState.PLANNED
    assert openings() == []
    answer = theo.post(address(planned, "open"), {"reason": REASON, "seen": missing})
    assert (answer.status_code, state_of(planned)) == (303, SessionState.OPEN)
    [kept] = openings()
    assert (kept.reason, kept.therapist_id, len(kept.missing)) == (REASON, cast.theo.id, 1)


@pytest.mark.parametrize("item", Item)
def test_what_the_practice_does_not_require_is_never_in_the_way(
    cast: Cast, planned: DosingSession, at_browser: At, item: Item
) -> None:
    settle(cast, planned, but=item)
    require(cast.practice, cast.theo, *(each for each in Item if each is not item))
    assert at_browser("theo").post(address(planned, "open")).status_code == 303
    assert (state_of(planned), openings()) == (SessionState.OPEN, [])


def test_a_consent_taken_back_between_the_page_and_the_button(
    cast: Cast, planned: DosingSession, at_browser: At
) -> None:
    settle(cast, planned)
    theo = at_browser("theo")
    assert seen_on(theo.get(address(planned)).text) == []
    with transaction():
        signature = signed.standing_signature(cast.pia, "treatment")
        assert signature is not None
        consents.withdraw(signature, actor=cast.actor("pia"), at=TODAY)
    answer = theo.post(address(planned, "open"))
    assert (answer.status_code, state_of(planned)) == (409, SessionState.PLANNED)
    assert "Since this page was made, more is missing: Consents" in answer.text
    assert seen_on(answer.text) == ["consents"]


def test_a_reason_speaks_only_of_what_was_seen_and_survives_the_refusal(
    cast: Cast, planned: DosingSession, at_browser: At
) -> None:
    settle(cast, planned, but=Item.ESCORT)
    theo = at_browser("theo")
    seen = seen_on(theo.get(address(planned)).text)
    with transaction():
        signature = signed.standing_signature(cast.pia, "touch")
        assert signature is not None
        consents.withdraw(signature, actor=cast.actor("pia"), at=TODAY)
    answer = theo.post(address(planned, "open"), {"reason": REASON, "seen": seen})
    assert (answer.status_code, state_of(planned), openings()) == (409, SessionState.PLANNED, [])
    assert f">{REASON}</textarea>" in answer.text
    assert seen_on(answer.text) == ["consents", "escort"]
    again = theo.post(address(planned, "open"), {"reason": REASON, "seen": seen_on(answer.text)})
    assert (again.status_code, state_of(planned)) == (303, SessionState.OPEN)
    assert [words.split(":")[0] for words in openings()[0].missing] == ["Consents", "Escort"]


def test_too_long_a_reason_comes_back_whole(cast: Cast, planned: DosingSession, at_browser: At) -> None:
    words = "a" * (actions.LONGEST_REASON + 1)
    theo = at_browser("theo")
    seen = seen_on(theo.get(address(planned)).text)
    answer = theo.post(address(planned, "open"), {"reason": words, "seen": seen})
    assert (answer.status_code, state_of(planned)) == (422, SessionState.PLANNED)
    assert f">{words}</textarea>" in answer.text


def test_a_reason_for_a_session_that_is_open_by_then_is_not_lost(
    cast: Cast, planned: DosingSession, at_browser: At
) -> None:
    theo = at_browser("theo")
    seen = seen_on(theo.get(address(planned)).text)
    theo.post(address(planned, "open"), {"reason": "First", "seen": seen})
    answer = theo.post(address(planned, "open"), {"reason": REASON, "seen": seen})
    assert answer.status_code == 409
    assert "This session is open already." in answer.text
    assert f"“{REASON}”" in answer.text
    assert [each.reason for each in openings()] == ["First"]


def test_the_reason_stays_with_the_session_and_is_sealed(
    cast: Cast, planned: DosingSession, at_browser: At
) -> None:
    settle(cast, planned, but=Item.ESCORT)
    theo = at_browser("theo")
    theo.post(address(planned, "open"), {"reason": REASON, "seen": ["escort"]})
    for _ in range(2):
        page = theo.get(address(planned)).text
        assert "Opened although something was missing" in page
        assert REASON in page
        assert "Escort: name, phone number (missing)" in page
        theo.post(address(planned, "close"))
    db.session.rollback()
    raw = db.session.execute(text("SELECT missing_sealed, reason_sealed FROM unready_opening")).one()
    assert [word for word in (b"bus", b"Escort") for value in raw if word in bytes(value)] == []


def test_the_log_says_that_it_was_opened_unready_and_no_word_why(
    cast: Cast, planned: DosingSession, at_browser: At
) -> None:
    theo = at_browser("theo")
    seen = seen_on(theo.get(address(planned)).text)
    theo.post(address(planned, "open"), {"reason": REASON, "seen": seen})
    db.session.rollback()
    found = db.session.scalars(select(Event).where(Event.act == "sessions:session:open-unready")).all()
    assert [(event.actor_id, event.patient_id, event.subject_id) for event in found] == [
        (cast.theo.id, cast.pia.id, planned.id)
    ]
    trace = theo.get(f"/patients/{cast.pia.id}/trace").text
    assert "Opened a session although something was missing, with a written reason" in trace
    assert REASON not in trace


def test_only_the_care_team_opens_whatever_the_reason(
    cast: Cast, planned: DosingSession, at_browser: At
) -> None:
    sent = {"reason": REASON, "seen": [item.value for item in Item]}
    refused = {"tess": 404, "ana": 403, "pia": 403, "zoe": 404}
    for name, status in refused.items():
        assert at_browser(name).post(address(planned, "open"), sent).status_code == status
    assert state_of(planned) is SessionState.PLANNED


def test_a_session_is_judged_on_the_day_it_is_opened(
    cast: Cast, planned: DosingSession, at_browser: At, clock: Traveller
) -> None:
    """Planned for yesterday and opened after midnight: the consents of today count."""
    settle(cast, planned)
    with transaction():
        signature = signed.standing_signature(cast.pia, "touch")
        assert signature is not None
        signature.signed_at = TODAY.replace(month=5)  # six months and no day more
    [standing] = [
        line for line in queries.readiness_of(planned, at=TODAY).lines if line.item is Item.CONSENTS
    ]
    assert standing.state is State.MISSING
    with transaction():
        signature.signed_at = TODAY.replace(month=5, day=21)
    assert queries.readiness_of(planned, at=TODAY).missing == []
    clock.shift(24 * 3600)
    answer = at_browser("theo").post(address(planned, "open"))
    assert (answer.status_code, state_of(planned)) == (409, SessionState.PLANNED)


def test_there_is_one_way_to_open(app) -> None:  # type: ignore[no-untyped-def]
    opening = [rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.endswith("/open")]
    assert opening == ["readiness.open_session"]
