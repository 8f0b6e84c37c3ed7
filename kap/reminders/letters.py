"""The letter that reminds. It says that something is there, never what: whoever reads over a shoulder learns
nothing of a treatment. One link leads to the product; the other stops such letters."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flask import current_app, url_for
from itsdangerous import BadSignature, URLSafeSerializer

from kap.clock import in_zone, now
from kap.config import current_config
from kap.mail import Letter, NotNow, composer
from kap.patients.models import Patient
from kap.patients.reasons import Kind, Reason
from kap.problems import NotThere
from kap.reminders import queries, rules
from kap.sealed import instance_key

SENTENCES: dict[Kind, str] = {
    Kind.APPOINTMENT: "You have an appointment on {when}.",
    Kind.PREPARE: "There is something to read or do.",
    Kind.PAPERS: "Some questions and papers are waiting for you.",
    Kind.WRITE: "This may be a good time to write something down, if you like.",
    Kind.ANSWER: "Someone answered you.",
}
NO_LINK = "This link does not work. You can change your reminders after signing in, under your account."


@composer(queries.REMINDER, title="Reminder")
def reminder(letter_id: str) -> Letter | None:
    """What is still due of what the letter was made for; none when all is done, or may not be told."""
    moment = now()
    patient = queries.patient_of_letter(UUID(letter_id))
    if patient is None or patient.archived_at is not None or patient.user is None or patient.user.closed_at:
        return None
    stands = queries.standing_of(patient)
    reasons = queries.still_due(patient, UUID(letter_id), at=moment)
    if stands.paused or not reasons:
        return None
    if rules.is_quiet(moment, stands.zone, stands.quiet):
        raise NotNow(rules.quiet_until(moment, stands.zone, stands.quiet))
    kinds = [kind for kind in Kind if kind in {each.kind for each in reasons}]
    address = current_config().address
    with current_app.test_request_context():  # a job has no request to build paths in
        own_link = reasons[0].link if len(reasons) == 1 else None
        link = address + (own_link() if own_link else url_for("home.index"))
        stop = address + url_for("reminders.stopping", token=stop_token(patient, kinds))
    return Letter(
        to=queries.address_of(patient),
        subject="A reminder for you",
        text=_text(_sentences(reasons, patient.practice.zone), link, stop, _signature(patient)),
        unsubscribe=stop,
    )


def stop_token(patient: Patient, kinds: Sequence[Kind]) -> str:
    """For a link that stops letters of these kinds to this patient, and can do nothing else."""
    return _signer().dumps([patient.id.hex, *(kind.value for kind in kinds)])


def read_stop_token(token: str) -> tuple[UUID, list[Kind]]:
    """Raises `NotThere` for a token that is none of ours."""
    try:
        patient_id, *kinds = _signer().loads(token)
    except BadSignature as error:
        raise NotThere(NO_LINK) from error
    return UUID(hex=patient_id), [Kind(kind) for kind in kinds if kind in set(Kind)]


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(instance_key().derive("stop letters"), salt="stop")


def _sentences(reasons: Sequence[Reason], zone: str) -> list[str]:
    """One for each kind, and for each appointment: two guides are one thing to look at."""
    found: dict[str, None] = {}
    for kind in Kind:
        for each in reasons:
            if each.kind is kind:
                when = _when(each.tells, zone) if each.tells else ""
                found[SENTENCES[kind].format(when=when)] = None
    return list(found)


def _when(moment: datetime, zone: str) -> str:
    """Friday 20 November at 13:00 (Europe/Berlin): on the practice's clock, for that is where it is."""
    local = in_zone(moment, zone)
    return f"{local:%A} {local.day} {local:%B} at {local:%H:%M} ({zone})"


def _signature(patient: Patient) -> str:
    return queries.rules_of(patient.practice_id).signature


def _text(sentences: list[str], link: str, stop: str, signature: str) -> str:
    lines = ["Hello,", "", *sentences, "", "You find it here:", link, ""]
    if signature:
        lines += [signature, ""]
    lines += ["--", "You get this because reminders are on. To stop them without signing in:", stop]
    return "\n".join(lines) + "\n"
