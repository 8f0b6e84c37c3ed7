"""Putting a letter in the log, sending it, and writing down what came of it."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import delete, exists, select

from kap.clock import now
from kap.config import current_config
from kap.db import db, transaction
from kap.jobs import queue
from kap.jobs.models import Job
from kap.jobs.registry import Progress, TaskFailed, task
from kap.mail import absence, smtp
from kap.mail.composing import COMPOSERS, Letter, NotNow
from kap.mail.models import BadAddress, SentLetter
from kap.mail.rules import WAITING, LetterState, Outcome, Reason, Verdict, pause_after, sentence
from kap.sealed import instance_key

NO_SERVER = Outcome(Verdict.FINAL, Reason.NO_SERVER)
KNOWN_BAD = Outcome(Verdict.FINAL, Reason.ADDRESS_KNOWN_BAD)
NO_ADDRESS = Outcome(Verdict.FINAL, Reason.NO_ADDRESS)


def configured() -> bool:
    """Whether this installation can send mail at all."""
    return bool(current_config().smtp_url)


def post(
    name: str,
    *,
    practice_id: UUID,
    patient_id: UUID | None = None,
    about: UUID | None = None,
    **identifiers: UUID | str | int,
) -> SentLetter:
    """Log the letter called `name` and send it once the caller's transaction is committed."""
    letter_id = uuid4()
    letter = SentLetter(
        id=letter_id,
        practice_id=practice_id,
        patient_id=patient_id,
        name=name,
        about=about,
        arguments={key: _plain(value) for key, value in identifiers.items()},
        message_id=f"<{uuid4()}@{urlsplit(current_config().address).hostname}>",
        state=LetterState.QUEUED,
        made_at=now(),
        attempts=0,
        code="",
    )
    if name not in COMPOSERS:
        raise ValueError(f"nobody writes letters called {name}")
    db.session.add(letter)
    _enqueue(letter, at=None)
    return letter


def post_again(letter: SentLetter, *, at: datetime) -> SentLetter:
    """Send a letter that did not arrive anew, to an address that is given another chance."""
    if letter.address_digest:
        forgive(letter.practice_id, letter.address_digest)
    letter.put_aside_at = letter.put_aside_at or at
    return post(
        letter.name,
        practice_id=letter.practice_id,
        patient_id=letter.patient_id,
        about=letter.about,
        **letter.arguments,
    )


def put_aside(letter: SentLetter, *, at: datetime) -> None:
    letter.put_aside_at = letter.put_aside_at or at


def address_digest(address: str) -> str:
    """What is stored of an address. Keyed, so that nobody finds it by trying addresses."""
    return instance_key().lookup_digest("mail", address.strip().lower())


def is_bad(practice_id: UUID, address: str | None) -> bool:
    """Whether letters to this address are known not to arrive."""
    return bool(address) and _is_bad(practice_id, address_digest(address or ""))


def forgive(practice_id: UUID, digest: str) -> None:
    """Let an address be tried again."""
    db.session.execute(
        delete(BadAddress).where(BadAddress.practice_id == practice_id, BadAddress.digest == digest)
    )


def mark_bad(practice_id: UUID, digest: str, *, at: datetime) -> None:
    if not _is_bad(practice_id, digest):
        db.session.add(BadAddress(practice_id=practice_id, digest=digest, since=at))


def _on_failure(job: Job, words: str) -> None:
    """The job ended for a reason of our own, so no outcome was written down."""
    letter = db.session.get(SentLetter, UUID(job.arguments["letter"]))
    if letter is not None and letter.state in WAITING:
        _settle(letter, LetterState.GIVEN_UP, Outcome(Verdict.FINAL, Reason.FAULT))


@task("mail.send", attempts=5, on_failure=_on_failure)
def send(progress: Progress, *, letter: str, attempt: int) -> None:
    """Make one attempt. Its number is part of the job, so that an attempt is never made up twice."""
    letter_id = UUID(letter)
    with transaction():
        row, written = _take(letter_id, attempt)
        if row is None or written is None:
            return
        message_id, digest = row.message_id, row.address_digest
        known_bad = digest is not None and _is_bad(row.practice_id, digest)
    if not written.to:
        outcome = NO_ADDRESS
    elif known_bad:
        outcome = KNOWN_BAD
    elif not configured():
        outcome = NO_SERVER
    elif (back := absence.away_until()) > now():
        with transaction():
            _put_off(letter_id, attempt, back)
        return
    else:
        outcome = smtp.deliver(current_config(), written, message_id=message_id)
        absence.note(outcome)
    with transaction():
        failure = _write_down(letter_id, attempt, outcome)
    if failure:
        raise TaskFailed(failure)


def _put_off(letter_id: UUID, attempt: int, until: datetime) -> None:
    """Make this attempt later; it was not made."""
    row = _locked(letter_id)
    if row is not None and row.state in WAITING and row.attempts < attempt:
        row.state, row.reason, row.next_at = LetterState.RETRYING, Reason.TOO_SLOW, until
        _enqueue(row, at=until)


def _take(letter_id: UUID, attempt: int) -> tuple[SentLetter | None, Letter | None]:
    """The row and the letter to send; None for what needs no sending now."""
    row = _locked(letter_id)
    if row is None or row.state not in WAITING or row.attempts >= attempt:
        return None, None
    try:
        written = COMPOSERS[row.name](**row.arguments)
    except NotNow as later:
        if row.next_at != later.until:  # unless a worker that is gone has seen to it
            row.state, row.reason, row.next_at = LetterState.RETRYING, Reason.QUIET, later.until
            _enqueue(row, at=later.until)
        return None, None
    if written is None:
        row.state, row.ended_at, row.next_at, row.reason = LetterState.NOT_NEEDED, now(), None, None
        return None, None
    row.tried_at = now()
    row.address_digest = address_digest(written.to) if written.to else None
    return row, written


def _write_down(letter_id: UUID, attempt: int, outcome: Outcome) -> str:
    """Record what an attempt came to, once. Returns the sentence for staff where it is final and bad."""
    row = _locked(letter_id)
    if row is None or row.attempts >= attempt:
        return ""
    row.attempts = attempt
    if outcome.address_is_bad and row.address_digest:
        mark_bad(row.practice_id, row.address_digest, at=now())
    if outcome.verdict is Verdict.SENT:
        _settle(row, LetterState.SENT, outcome)
        return ""
    if outcome.verdict is Verdict.FINAL:
        _settle(row, LetterState.REFUSED, outcome)
        return sentence(outcome.reason)
    pause = pause_after(attempt)
    if pause is None:
        _settle(row, LetterState.GIVEN_UP, outcome)
        return sentence(outcome.reason)
    row.state, row.reason, row.code, row.next_at = (
        LetterState.RETRYING, outcome.reason, outcome.code, now() + pause,
    )  # fmt: skip
    _enqueue(row, at=row.next_at)
    return ""


def _settle(row: SentLetter, state: LetterState, outcome: Outcome) -> None:
    row.state, row.reason, row.code = state, outcome.reason, outcome.code
    row.ended_at, row.next_at = now(), None


def _enqueue(letter: SentLetter, *, at: datetime | None) -> None:
    queue.enqueue(
        "mail.send", practice_id=letter.practice_id, about=letter.about, run_at=at,
        letter=letter.id, attempt=letter.attempts + 1,
    )  # fmt: skip


def _locked(letter_id: UUID) -> SentLetter | None:
    return db.session.scalars(
        select(SentLetter)
        .where(SentLetter.id == letter_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _is_bad(practice_id: UUID, digest: str) -> bool:
    found = exists().where(BadAddress.practice_id == practice_id, BadAddress.digest == digest)
    return bool(db.session.scalar(select(found)))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
