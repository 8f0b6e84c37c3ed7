"""Giving a programme to a whole caseload, and finding what is due to them: `give_programmes CASELOAD …`.

Each in a practice of its own; with everything that the page does, on SQLite in a fresh folder.
"""

import json
import sys
import time
from datetime import timedelta
from statistics import median

from sqlalchemy import select

from kap.accounts import passwords
from kap.accounts.models import Practice
from kap.clock import day_in, now
from kap.db import db
from kap.patients.models import Patient
from kap.programmes import queries
from tests.bench.work import practice
from tests.bench.work.application import application, counted
from tests.conftest import PASSWORD, Browser

PROGRAMME = "single-session"
TIMES = 9


def main(*sizes: str) -> None:
    print(json.dumps({size: _costs(int(size)) for size in sizes}))


def _costs(caseload: int) -> dict[str, dict[str, float]]:
    with application() as app, app.app_context():
        known = practice.fill(
            caseload=caseload, patients_in_all=caseload, password_hash=passwords.hash_of(PASSWORD)
        )
        browser = Browser(app)
        browser.sign_in(practice.THERAPIST)
        everyone = [str(each) for each in db.session.scalars(select(Patient.id))]
        _give(browser, [str(known)])  # the first to have it; its texts are kept from now on
        return {
            "give": _give(browser, [each for each in everyone if each != str(known)]),
            "due": _due(),
        }


def _give(browser: Browser, patients: list[str]) -> dict[str, float]:
    day = day_in(now(), "Europe/Berlin").isoformat()
    with counted() as statements:
        started = time.perf_counter()
        answer = browser.post(
            "/programmes/give", {"programme": PROGRAMME, "starts_on": day, "patient": patients}
        )
        wall_s = time.perf_counter() - started
    assert answer.status_code == 303, answer.text
    return {"ms": 1000 * wall_s, "statements": len(statements)}


def _due() -> dict[str, float]:
    """What is due within a week, as reminders ask for it."""
    taken = []
    for _ in range(TIMES):
        db.session.close()
        with counted() as statements:
            there = db.session.scalars(select(Practice)).one()
            started = time.perf_counter()
            found = queries.due_between(there, now() - timedelta(days=1), now() + timedelta(days=7))
            taken.append(1000 * (time.perf_counter() - started))
    assert found
    return {"ms": median(taken), "statements": len(statements)}


main(*sys.argv[1:])
