"""A patient's arc as one line through time, for their care team."""

from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from kap.home.queries import Chart
from kap.integration.visible import Visible
from kap.patients.models import Patient
from kap.preparation.queries import Standing
from kap.preparation.rules import State
from kap.sessions.models import DosingSession, SessionState
from kap.sessions.rules import ROUTE_WORDS


@dataclass(frozen=True)
class Happening:
    """One stop: when, what, where it leads; `state` is done, ahead or needs."""

    icon: str
    at: datetime
    title: str
    text: str
    url: str
    state: str = "done"


def timeline_of(patient: Patient, chart: Chart) -> list[Happening]:
    """Everything on the chart, what is ahead first and then backwards through time."""
    stops = [_admission(patient)]
    stops += [_session(each) for each in chart.sessions]
    stops += [_guide(patient, each) for each in chart.given]
    stops += [_entry(patient, each, is_new=each.id not in chart.opened) for each in chart.entries]
    return sorted(stops, key=lambda stop: stop.at, reverse=True)


def _admission(patient: Patient) -> Happening:
    return Happening("user-plus", patient.admitted_at, "Admitted", "", "")


def _session(session: DosingSession) -> Happening:
    titles = {
        SessionState.PLANNED: ("Session planned", "ahead"),
        SessionState.OPEN: ("Session is open", "needs"),
        SessionState.CLOSED: ("Session", "done"),
    }
    title, state = titles[session.state]
    url = url_for("sessions.page", patient_id=session.patient_id, session_id=session.id)
    at = session.opened_at or session.planned_at
    return Happening("headphones", at, title, ROUTE_WORDS[session.route], url, state)


def _guide(patient: Patient, given: Standing) -> Happening:
    assignment = given.assignment
    url = url_for("preparation.assigned", patient_id=patient.id)
    if given.is_done:
        at = assignment.done_at or assignment.assigned_at
        return Happening("book-open", at, f"Finished: {given.guide.title}", "", url)
    words = {
        State.NOT_OPENED: "Not opened yet",
        State.OPENED: "Opened",
        State.STARTED: given.how_far,
    }
    return Happening(
        "book-open", assignment.assigned_at, f"Given: {given.guide.title}", words[given.state], url, "ahead"
    )


def _entry(patient: Patient, entry: Visible, *, is_new: bool) -> Happening:
    url = url_for("integration.shared_entry", patient_id=patient.id, entry_id=entry.id)
    at = entry.shared_at or entry.made_at
    text = "Not opened by you yet" if is_new else ""
    return Happening("pen-line", at, "Shared a journal entry", text, url, "needs" if is_new else "done")
