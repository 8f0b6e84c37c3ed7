"""The therapist's home: who lacks most comes first in a day, and 50 sessions cost as many statements as 5."""

import re
from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from time_machine import Traveller

from kap.content.guides import library
from kap.db import db, transaction
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import Patient
from kap.preparation import actions as preparation
from kap.readiness import actions, queries
from kap.readiness.actions import Wanted
from kap.readiness.rules import Item
from kap.safety import actions as safety
from kap.sessions.models import DosingSession
from tests.conftest import Browser, Cast
from tests.patients.test_caseload import statements
from tests.readiness.conftest import TODAY, plan
from tests.readiness.requiring import require

At = Callable[[str], Browser]
GUIDES = ("what-kap-is", "the-day-before", "the-first-night")


def admitted(cast: Cast, name: str) -> Patient:
    with transaction():
        return patients.admit(
            practice=cast.practice, identity=Identity(name=name), actor=cast.actor("theo"), at=TODAY
        )


def lived(cast: Cast, patient: Patient, session: DosingSession) -> None:
    """Something of everything that home asks about."""
    theo = cast.actor("theo")
    with transaction():
        for slug in GUIDES:
            preparation.assign(
                patient, guide=library()[slug], due_on=TODAY.date(), line=None, actor=theo, at=TODAY
            )
        actions.arrange(session, Wanted("Paul", ""), version=0, actor=theo, at=TODAY)
        safety.write(patient, {"signs": "x"}, version=0, actor=theo, at=TODAY)
        safety.note_talk(patient, version=1, actor=theo, at=TODAY)


def test_home_costs_the_same_for_50_sessions_as_for_5(
    app: Flask, cast: Cast, at_browser: At, clock: Traveller
) -> None:
    theo = at_browser("theo")

    def cost() -> int:
        with statements(app) as seen:
            answer = theo.get("/")
        assert answer.status_code == 200
        shown.append(answer.text.count("readiness-missing"))
        return len(seen)

    shown: list[int] = []
    costs = []
    for number in range(1, 51):
        patient = admitted(cast, f"Person {number}")
        session = plan(cast, patient, TODAY + timedelta(days=number % 6, hours=1))
        lived(cast, patient, session)
        if number in (5, 50):
            costs.append(cost())
    assert shown == [5, 50]
    assert costs[0] == costs[1]


def test_who_lacks_most_comes_first_within_the_day(cast: Cast, at_browser: At, clock: Traveller) -> None:
    require(cast.practice, cast.theo, Item.ESCORT, Item.MUSIC, Item.SAFETY_PLAN)
    day = TODAY + timedelta(days=1)
    sessions = {}
    for hour, name in enumerate(("Least", "Most", "Middle")):
        patient = admitted(cast, name)
        sessions[name] = plan(cast, patient, day + timedelta(hours=hour))
    later = plan(cast, admitted(cast, "Later"), day + timedelta(days=1))
    theo = cast.actor("theo")
    with transaction():
        for name in ("Least", "Middle"):
            actions.arrange(sessions[name], Wanted("Paul", "1"), version=0, actor=theo, at=TODAY)
        safety.write(sessions["Least"].patient, {"signs": "x"}, version=0, actor=theo, at=TODAY)
        safety.note_talk(sessions["Least"].patient, version=1, actor=theo, at=TODAY)
    page = at_browser("theo").get("/").text
    soon = page[page.index('id="soon"') :]
    assert re.findall(r"<h3>([^<]+)</h3>", soon) == ["Tomorrow, Saturday 21 November", "Sunday 22 November"]
    assert re.findall(r'/sessions/[^"]+">([^<]+)</a>', soon) == ["Most", "Middle", "Least", "Later"]
    unsaid = "Music likes and no-gos: not asked yet."
    assert re.findall(r"<strong>(\d) missing.</strong> ([^<]+)</span>", soon) == [
        ("3", f"Escort: name, phone number. {unsaid} Safety plan: nothing is written."),
        ("2", f"{unsaid} Safety plan: nothing is written."),
        ("1", unsaid),
        ("3", f"Escort: name, phone number. {unsaid} Safety plan: nothing is written."),
    ]
    db.session.rollback()
    assert [line.item for line in queries.readiness_of(later, at=TODAY).missing] == [
        Item.ESCORT,
        Item.MUSIC,
        Item.SAFETY_PLAN,
    ]


def test_home_tells_that_an_intention_is_there_and_not_what_it_says(
    cast: Cast, at_browser: At, planned: DosingSession
) -> None:
    """For the staff of the care team alone, as everything of a patient."""
    page = at_browser("theo").get("/").text
    assert "Intention: the guide on which it is written was not given" in page
    assert "Pia" not in at_browser("tess").get("/").text
