"""Server time and SQL statements of the main pages: `pages CASELOAD:PATIENTS …`, a practice for each.

`CASELOAD:PATIENTS:week` is one where everyone has a session this week, and its therapist's home alone.

Pages are asked for without a network, through all of the application, on SQLite in a fresh folder.
"""

import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from flask import Flask

from kap.accounts import passwords
from tests.bench.work import practice
from tests.bench.work.application import application, counted
from tests.conftest import PASSWORD, Browser

WARM_UP, TIMES = 3, 25

Door = tuple[Browser, str]
"""Who opens which page."""


def main(*sizes: str) -> None:
    with ExitStack() as stack:
        doors = [_pages(stack.enter_context(application()), *size.split(":")) for size in sizes]
        print(json.dumps({page: _costs([pages[page] for pages in doors]) for page in doors[0]}))


def _pages(app: Flask, caseload: str, patients: str, when: str = "") -> dict[str, Door]:
    with app.app_context():
        known = practice.fill(
            caseload=int(caseload),
            patients_in_all=int(patients),
            password_hash=passwords.hash_of(PASSWORD),
            this_week=when == "week",
        )
        anyone, therapist, patient = Browser(app), Browser(app), Browser(app)
        therapist.sign_in(practice.THERAPIST)
        patient.sign_in(practice.PATIENT)
    if when == "week":
        return {"therapist's home": (therapist, "/")}
    return {
        "sign-in page": (anyone, "/sign-in"),
        "therapist's home": (therapist, "/"),
        "patients": (therapist, "/patients"),
        "chart": (therapist, f"/patients/{known}"),
        "library": (therapist, "/music"),
        "patient's home": (patient, "/"),
        "journal": (patient, "/my/journal"),
    }


def _costs(doors: Sequence[Door]) -> list[dict[str, float]]:
    """Of each door: median milliseconds of one answer, and its statements. They are opened in turns."""
    taken: list[list[tuple[float, int]]] = [[] for _ in doors]
    for _ in range(WARM_UP + TIMES):
        for costs, (browser, path) in zip(taken, doors, strict=True):
            costs.append(_cost(browser, path))
    return [{"ms": median(ms for ms, _ in costs[WARM_UP:]), "statements": costs[-1][1]} for costs in taken]


def _cost(browser: Browser, path: str) -> tuple[float, int]:
    """Milliseconds and statements of one answer. Refuses any answer but a page."""
    with browser.client.application.app_context(), counted() as statements:
        started = time.perf_counter()
        answer = browser.get(path)
        wall_s = time.perf_counter() - started
    assert answer.status_code == 200, f"{path} answered {answer.status}"
    return 1000 * wall_s, len(statements)


main(*sys.argv[1:])
