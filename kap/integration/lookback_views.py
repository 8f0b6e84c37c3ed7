"""Looking back: the journal as a timeline to search, and what was written after each session side by side."""

from collections.abc import Iterable
from itertools import groupby

from flask import render_template, request

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.clock import in_zone
from kap.integration import lookback_queries, mark_queries
from kap.integration.blueprint import bp
from kap.integration.lookback_forms import LookForm
from kap.integration.lookback_queries import SOME, Line
from kap.integration.moments import FIRST, MOMENTS
from kap.integration.rules import first_words
from kap.patients.guard import own_record_view
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.sessions import queries as sessions
from kap.web.filters import zone


@bp.get("/my/journal")
@own_record_view(Permission.JOURNAL_WRITE)
def journal(patient: Patient) -> str:
    form = LookForm.on(sessions.past_of(patient), formdata=None, shown=request.args.get("shown", SOME, int))
    return _timeline(patient, form)


@bp.post("/my/journal")
@own_record_view(Permission.JOURNAL_WRITE)
def look(patient: Patient) -> str:
    """The same page, of what was looked for. It changes nothing."""
    form = LookForm.on(sessions.past_of(patient))
    form.validate()
    return _timeline(patient, form)


@bp.get("/my/journal/side-by-side")
@own_record_view(Permission.JOURNAL_WRITE)
def side_by_side(patient: Patient) -> str:
    moment = request.args.get("moment", FIRST)
    if moment not in MOMENTS:
        raise NotThere("There is no such moment.")
    columns = lookback_queries.side_by_side(current_actor(), patient, sessions.past_of(patient), moment)
    return render_template(
        "integration/side_by_side.html", columns=columns, moments=MOMENTS.values(), chosen=MOMENTS[moment]
    )


def _timeline(patient: Patient, form: LookForm) -> str:
    shown = max(form.shown.data or SOME, SOME)
    sought = form.sought()
    found = lookback_queries.timeline(current_actor(), patient, sought, shown=shown)
    form.offer(found.tags)
    return render_template(
        "integration/journal.html",
        form=form,
        sought=sought,
        timeline=found,
        months=_by_month(found.lines),
        more=min(shown + SOME, found.found),
        has_sessions=bool(form.known),
        brought=mark_queries.brought(current_actor(), patient),
        first_words=first_words,
    )


def _by_month(lines: Iterable[Line]) -> list[tuple[str, list[Line]]]:
    """The lines under the months in which they were written: November 2026."""
    months = groupby(lines, lambda line: f"{in_zone(line.entry.made_at, zone()):%B %Y}")
    return [(month, list(group)) for month, group in months]
