"""What a patient writes to the questions of a guide. None of these commits."""

from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.preparation import queries
from kap.preparation.guide_queries import as_given, earlier_texts_of
from kap.preparation.models import Answer, Assignment
from kap.problems import Conflict, Invalid, NotThere

LONGEST = 20_000  # characters: longer than anyone writes by hand, short enough that a pasted book is refused
SITTING = timedelta(minutes=30)  # saving while typing is one act in the log, not fifty


class Overwritten(Conflict):
    """Someone wrote since the `version` this answer began from; theirs is `words`, at `version`."""

    def __init__(self, words: str, version: int) -> None:
        super().__init__("This answer was changed somewhere else. Both versions are kept.")
        self.words, self.version = words, version


def write(
    assignment: Assignment, *, item: str, words: str, version: int, actor: Actor, at: datetime
) -> Answer | None:
    """Keep an answer; `version` is 0 for the first time. The same words again are no change.

    A question of a text the patient had before is answered all the same: their page may be older than the
    exchange. Returns None while there is nothing to keep. Raises `Overwritten`, `Invalid` for too long an
    answer, `NotThere` for what was never asked.
    """
    if not _was_asked(assignment, item):
        raise NotThere("This guide does not ask that.")
    if len(words) > LONGEST:
        raise Invalid(f"An answer can have {LONGEST:,} characters. Please make it shorter.")
    answer = queries.answer_to(assignment, item)
    if answer is None and version == 0:
        return _first(assignment, item, words, actor=actor, at=at) if words.strip() else None
    if answer is None:
        raise Overwritten("", 0)
    if answer.words == words:
        return answer
    if version != answer.version:
        raise Overwritten(answer.words, answer.version)
    return _again(answer, words, actor=actor, at=at)


def _was_asked(assignment: Assignment, item: str) -> bool:
    texts = [as_given(assignment), *earlier_texts_of(assignment)]
    return any(question.key == item for guide in texts if guide for question in guide.questions)


def _first(assignment: Assignment, item: str, words: str, *, actor: Actor, at: datetime) -> Answer:
    try:
        # Sealing looks up the key while the answer is half made.
        with db.session.begin_nested(), db.session.no_autoflush:
            answer = Answer(
                assignment=assignment,
                assignment_id=assignment.id,
                item=item,
                words=words,
                written_at=at,
                version=1,
            )
            db.session.add(answer)
    except IntegrityError as error:
        db.session.expire(assignment, ["answers"])
        theirs = queries.answer_to(assignment, item)
        if theirs is None:
            raise
        if theirs.words == words:
            return theirs
        raise Overwritten(theirs.words, theirs.version) from error
    _record(answer, actor)
    return answer


def _again(answer: Answer, words: str, *, actor: Actor, at: datetime) -> Answer:
    same_sitting = at - answer.written_at < SITTING
    try:
        with db.session.begin_nested():
            answer.words, answer.written_at = words, at
            answer.version += 1
    except StaleDataError as error:
        theirs = queries.answer_to(answer.assignment, answer.item)
        raise Overwritten(theirs.words if theirs else "", theirs.version if theirs else 0) from error
    if not same_sitting:
        _record(answer, actor)
    return answer


def _record(answer: Answer, actor: Actor) -> None:
    audit.record(
        Permission.ASSIGNMENT_DO,
        actor=actor,
        patient_id=answer.assignment.patient_id,
        subject=answer,
    )
