"""Signing, confirming and taking back, as the patient and the care team do it."""

import hashlib
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select, text

from kap.clock import day_in, now
from kap.consents import queries
from kap.consents.models import Signature
from kap.consents.rules import Standing
from kap.content.consents import consents
from kap.db import db, transaction
from kap.sessions import actions as sessions
from kap.sessions.actions import Plan
from kap.sessions.rules import Route
from tests.conftest import NOON, Browser, Cast
from tests.patients.test_caseload import statements

At = Callable[[str], Browser]
TOUCH = {"kinds": ["hand", "steady"], "areas": "hands", "stop": "Lemon"}


def paper(slug: str, **changes: object) -> dict[str, object]:
    """A form filled in as it should be."""
    return {"digest": consents()[slug].digest, "name": "Pia Petrova", "agreed": "yes", **changes}


def standing(cast: Cast, slug: str) -> Standing:
    db.session.expire_all()
    asked = queries.asked_of(cast.pia, on=day_in(now(), cast.practice.zone))
    return next(each.verdict.standing for each in asked if each.consent.slug == slug)


def signatures() -> list[Signature]:
    return list(db.session.scalars(select(Signature).order_by(Signature.signed_at)))


@pytest.fixture
def pia(at_browser: At) -> Browser:
    return at_browser("pia")


def test_a_signature_keeps_the_text_the_name_the_time_and_the_device(
    app: Flask, cast: Cast, pia: Browser
) -> None:
    answer = pia.post("/my/consents/treatment", data=paper("treatment"), headers={"User-Agent": "A phone"})
    assert answer.status_code == 303
    [one] = signatures()
    assert one.source == consents()["treatment"].source
    assert one.digest == hashlib.sha256(one.source.encode()).hexdigest()
    assert (one.name, one.device, one.signed_by_id) == ("Pia Petrova", "A phone", cast.pia.user_id)
    assert standing(cast, "treatment") is Standing.VALID


def test_signing_twice_is_signing_once(app: Flask, cast: Cast, pia: Browser) -> None:
    for _ in range(2):
        assert pia.post("/my/consents/data", data=paper("data")).status_code == 303
    assert len(signatures()) == 1


def test_other_choices_replace_what_was_signed_and_both_are_kept(
    app: Flask, cast: Cast, pia: Browser
) -> None:
    pia.post("/my/consents/touch", data=paper("touch", **TOUCH))
    pia.post("/my/consents/touch", data=paper("touch", **{**TOUCH, "kinds": "hand"}))
    first, second = signatures()
    assert first.replaced_at is not None
    assert second.replaced_at is None
    assert second.chosen == {"choices": {"kinds": ["hand"], "areas": ["hands"]}, "words": {"stop": "Lemon"}}


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"name": " "}, "Please type your name: that is your signature."),
        ({"agreed": ""}, ""),
        ({"kinds": []}, "Please choose at least one thing under “What I agree to”."),
        ({"kinds": ["none", "hand"]}, "none of it and some of it cannot both hold"),
        ({"stop": ""}, "Please fill in “My word or sign to stop”."),
        ({"name": "P" * 121}, "A name can have 120 characters."),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    app: Flask, cast: Cast, pia: Browser, changes: dict[str, object], sentence: str
) -> None:
    form = paper("touch", **{**TOUCH, **changes})
    if changes == {"agreed": ""}:
        form.pop("agreed")
        sentence = "Please confirm that you have read the text and agree."
    answer = pia.post("/my/consents/touch", data=form)
    assert answer.status_code == 422
    assert sentence in answer.text
    if "stop" not in changes:
        assert 'value="Lemon"' in answer.text
    assert signatures() == []


def test_no_touch_at_all_needs_no_place_and_no_word(app: Flask, cast: Cast, pia: Browser) -> None:
    assert pia.post("/my/consents/touch", data=paper("touch", kinds="none")).status_code == 303


def test_a_text_renewed_while_it_was_read_is_not_signed(app: Flask, cast: Cast, pia: Browser) -> None:
    answer = pia.post("/my/consents/data", data=paper("data", digest="0" * 64))
    assert answer.status_code == 409
    assert "renewed while you were reading" in answer.text
    assert 'value="Pia Petrova"' in answer.text
    assert signatures() == []


def test_a_new_yes_to_touch_during_a_session_is_not_taken_and_a_no_is(
    app: Flask, cast: Cast, pia: Browser
) -> None:
    pia.post("/my/consents/touch", data=paper("touch", **TOUCH))
    theo = cast.actor("theo")
    with transaction():
        wanted = Plan(planned_at=NOON, route=Route.IV, therapist_id=cast.theo.id, playlist_id=None)
        dosing = sessions.plan(cast.pia, wanted=wanted, actor=theo)
        sessions.open_session(dosing, actor=theo, at=NOON)
    answer = pia.post("/my/consents/touch", data=paper("touch", **{**TOUCH, "kinds": ["hand", "help"]}))
    assert answer.status_code == 409
    assert "A dosing session is open." in answer.text
    assert [one.chosen["choices"]["kinds"] for one in signatures()] == [["hand", "steady"]]
    assert pia.post("/my/consents/touch/withdraw").status_code == 303
    assert standing(cast, "touch") is Standing.WITHDRAWN


def test_taking_back_shows_at_once_where_the_care_team_looks(
    app: Flask, cast: Cast, pia: Browser, at_browser: At
) -> None:
    pia.post("/my/consents/treatment", data=paper("treatment"))
    theo = at_browser("theo")
    page = f"/patients/{cast.pia.id}/consents"
    assert "Signed, holds until" in theo.get(page).text
    pia.post("/my/consents/treatment/withdraw")
    assert "Taken back" in theo.get(page).text
    assert standing(cast, "treatment") is Standing.WITHDRAWN


def test_touch_counts_once_the_care_team_has_confirmed_it(
    app: Flask, cast: Cast, pia: Browser, at_browser: At
) -> None:
    pia.post("/my/consents/touch", data=paper("touch", **TOUCH))
    assert standing(cast, "touch") is Standing.UNWITNESSED
    [one] = signatures()
    theo = at_browser("theo")
    for _ in range(2):
        assert theo.post(f"/patients/{cast.pia.id}/consents/{one.id}/witness").status_code == 303
    assert standing(cast, "touch") is Standing.VALID
    db.session.refresh(one)
    assert one.witness_id == cast.theo.id


def test_nothing_that_was_taken_back_can_be_confirmed(
    app: Flask, cast: Cast, pia: Browser, at_browser: At
) -> None:
    pia.post("/my/consents/touch", data=paper("touch", **TOUCH))
    pia.post("/my/consents/touch/withdraw")
    [one] = signatures()
    answer = at_browser("theo").post(f"/patients/{cast.pia.id}/consents/{one.id}/witness")
    assert answer.status_code == 409


def test_what_was_chosen_lies_sealed(app: Flask, cast: Cast, pia: Browser) -> None:
    pia.post("/my/consents/touch", data=paper("touch", **TOUCH))
    rows = db.session.execute(text("SELECT name_sealed, chosen_sealed, device FROM signature")).all()
    everything = b"".join(bytes(part) if not isinstance(part, str) else part.encode() for part in rows[0])
    assert b"Lemon" not in everything
    assert b"Petrova" not in everything


def test_a_signature_of_someone_else_is_not_there(
    app: Flask, cast: Cast, pia: Browser, at_browser: At
) -> None:
    pia.post("/my/consents/touch", data=paper("touch", **TOUCH))
    [one] = signatures()
    for name, expected in (
        ("pia", 200),
        ("theo", 200),
        ("tess", 404),
        ("pau", 404),
        ("zoe", 404),
        ("ana", 403),
    ):
        browser = pia if name == "pia" else at_browser(name)
        for end in ("", "/pdf"):
            answer = browser.get(f"/patients/{cast.pia.id}/consents/{one.id}{end}")
            assert answer.status_code == expected, (name, end)
            if expected != 200:
                assert "Lemon" not in answer.text
    # Through the record of another patient it is not there either.
    assert at_browser("tess").get(f"/patients/{cast.pau.id}/consents/{one.id}").status_code == 404


def test_many_patients_cost_as_many_statements_as_one(app: Flask, cast: Cast, pia: Browser) -> None:
    pia.post("/my/consents/touch", data=paper("touch", **TOUCH))
    counts = []
    for patients in ([cast.pia], [cast.pia, cast.pau]):
        queries.asked_of_all(patients, on=NOON.date())  # the patients are loaded, as a page has them
        with statements(app) as seen:
            found = queries.asked_of_all(patients, on=NOON.date())
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert {len(asked) for asked in found.values()} == {len(consents())}


@pytest.mark.parametrize("name", ["王小明", "נועה לוי", "Zoë Ångström"])
def test_a_name_in_any_script_can_be_kept_on_paper(app: Flask, cast: Cast, pia: Browser, name: str) -> None:
    pia.post("/my/consents/treatment", paper("treatment", name=name))
    [signature] = signatures()
    answer = pia.get(f"/patients/{cast.pia.id}/consents/{signature.id}/pdf")
    assert (answer.status_code, answer.data[:5]) == (200, b"%PDF-")
