"""The letter with a link to write, and the link that a reminder may carry."""

from datetime import datetime
from uuid import UUID

from flask import current_app, url_for

from kap.accounts import queries as people
from kap.clock import now
from kap.config import current_config
from kap.content.prompts import prompts_for
from kap.db import db, transaction
from kap.integration import link_actions, link_queries
from kap.integration.link_models import WritingLink
from kap.integration.link_rules import ASKED_FOR
from kap.integration.prompt_rules import hours_since
from kap.jobs import queue
from kap.jobs.registry import Progress, task
from kap.mail import Letter, composer, configured, post
from kap.patients.models import Patient
from kap.sessions import queries as sessions

ASKED = "integration.link-asked"
LETTER = "integration.writing-link"


def ask_for_link(address: str) -> None:
    """Have a link sent to this address, if it is a patient's. As quick, and the same, for any other.

    The job holds a keyed digest of the address, which nobody can turn back or find by trying addresses.
    """
    queue.enqueue(ASKED, practice_id=None, digest=people.email_digest(address))


def reminder_path(
    patient_id: UUID, *, moment: str, session_id: UUID | None, until: datetime, at: datetime
) -> str | None:
    """Where a reminder of `moment` (a name in templates/prompts), which ends at `until`, may lead.

    Call it while the letter is composed, in its transaction, and keep the path nowhere else. It works once,
    until `until` and for a day at most, and opens one blank page with the questions of that moment. None
    where the practice sends no links, or where a link of that moment was used.
    """
    patient = db.session.get_one(Patient, patient_id)
    token = link_actions.remind(patient, moment=moment, session_id=session_id, until=until, at=at)
    return None if token is None else _path(token)


@task(ASKED)
def look_up(progress: Progress, *, digest: str) -> None:
    """Make the link and its letter, for a patient who may sign in where the practice allows it."""
    with transaction():
        patient = link_queries.patient_by_email_digest(digest)
        if patient is None:
            return
        moment = now()
        latest = sessions.latest_closed(patient)
        chosen = prompts_for(hours_since(latest.closed_at if latest else None, moment))
        about = latest.id if latest and chosen.offset_hours is not None else None
        link = link_actions.ask(patient, moment=chosen.when, session_id=about, at=moment)
        if link.is_wanted and configured():
            post(LETTER, practice_id=patient.practice_id, link=link.id)


@composer(LETTER, title="Link to write", shown=False)
def writing_link(link: str) -> Letter | None:
    """The secret is made as the letter is written, so no job ever holds it."""
    found, moment = db.session.get(WritingLink, UUID(link)), now()
    if (
        found is None
        or not found.is_wanted
        or found.opened_at
        or found.ended_at
        or moment - found.made_at > ASKED_FOR
    ):
        return None
    assert found.patient.user is not None  # noqa: S101 - or it is not wanted
    minutes = current_config().writing_link_minutes
    address = current_config().address + _path(link_actions.renew(found, minutes=minutes, at=moment))
    return Letter(
        to=found.patient.user.email,
        subject="The link you asked for",
        text=(
            f"Hello,\n\nHere is the link you asked for:\n\n{address}\n\n"
            f"It works once, for {minutes} minutes. It opens one page and nothing else. "
            "If you did not ask for it, you can ignore this letter.\n"
        ),
    )


def _path(token: str) -> str:
    with current_app.test_request_context():  # a job has no request to build paths in
        return url_for("integration.open_link", token=token)
