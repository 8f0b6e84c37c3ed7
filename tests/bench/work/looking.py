"""Server time of looking for words in a long journal: `looking ENTRIES TIMES`, sealed and in plain text.

The page of the journal is asked for without a network, through all of the application, on SQLite in a fresh
folder. The peer holds the same entries readable in memory and does nothing but fold and look.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import uuid4

from flask import Flask

from kap import database
from kap.accounts import passwords
from kap.app import create_app
from kap.clock import now
from kap.config import Config
from kap.crypto import InstanceKey
from kap.db import db, transaction
from kap.integration import actions as integration
from kap.integration.rules import Writing
from kap.integration.searching import Wanted
from kap.patients.models import Patient
from tests.bench.work import practice
from tests.conftest import PASSWORD, Browser

WORDS_EACH = 100
COMMON = (
    "und ich war ganz ruhig dabei die Bäume standen still der Fluss so grün wie früher über mir "
    "the quiet stayed with me I called my sister and did not rehearse it first there was light"
)
RARE = "Grottenolm"
SOUGHT = '"mein grottenolm" ruhig'


def main(entries: str, times: str) -> None:
    with tempfile.TemporaryDirectory(prefix="kap-bench-") as folder:
        app = create_app(Config(instance=Path(folder), log_level="error"), key=InstanceKey(b"k" * 32))
        with app.app_context():
            database.upgrade(db.engine)
            written = _write(int(entries))
            patient = Browser(app)
            patient.sign_in(practice.PATIENT)
        print(json.dumps(_costs(app, patient, written, int(times))))
        with app.app_context():
            db.engine.dispose()


def _write(entries: int) -> list[Writing]:
    """Fill one patient's journal, always with the same words."""
    chance = random.Random(1)
    known = practice.fill(caseload=1, patients_in_all=1, password_hash=passwords.hash_of(PASSWORD))
    written = [_one(chance, number) for number in range(entries)]
    at = now()
    for first in range(0, entries, 100):
        with transaction():
            patient = db.session.get_one(Patient, known)
            for number, writing in enumerate(written[first : first + 100], start=first):
                when = at - timedelta(hours=number)
                integration.write(patient, entry_id=uuid4(), writing=writing, version=0, at=when)
    return written


def _one(chance: random.Random, number: int) -> Writing:
    words = chance.choices(COMMON.split(), k=WORDS_EACH)
    if number % 200 == 0:
        words += ["mein", RARE]
    return Writing(" ".join(words), title=f"Day {number}", tags=("quiet",) if number % 3 else ())


def _costs(app: Flask, patient: Browser, written: list[Writing], times: int) -> dict[str, float]:
    """Median milliseconds of an answer; of the sealed one also processor time. They take turns."""
    sealed, processor, plain = [], [], []
    found = sum(Wanted(SOUGHT).is_in(each.title, each.text, *each.tags) for each in written)
    for _ in range(times):
        with app.app_context():
            begun = time.process_time()
            sealed.append(_milliseconds(lambda: _looks(patient, found)))
            processor.append(1000 * (time.process_time() - begun))
        plain.append(_milliseconds(lambda: _looks_in(written)))
    return {"ms": median(sealed), "processor_ms": median(processor), "plain_ms": median(plain)}


def _milliseconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - begun)


def _looks(patient: Browser, found: int) -> None:
    answer = patient.post("/my/journal", {"words": SOUGHT})
    assert f"{found} entr" in answer.text or "One entry" in answer.text, answer.status


def _looks_in(written: list[Writing]) -> list[Writing]:
    wanted = Wanted(SOUGHT)
    return [each for each in written if wanted.is_in(each.title, each.text, *each.tags)]


main(*sys.argv[1:])
