"""Taking the journal away, and bringing one along. Neither leaves a trace that tells staff there is one."""

from collections.abc import Iterator

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from kap.access.guard import current_actor
from kap.access.permissions import Permission
from kap.clock import now
from kap.config import current_config
from kap.db import db
from kap.integration import bringing, takeaway, taking
from kap.integration.blueprint import bp
from kap.integration.bringing import Arrival, Outcome
from kap.integration.take_forms import BringForm
from kap.patients.guard import own_record_view
from kap.patients.models import Patient
from kap.problems import Invalid, NotThere

NO_PART = "There is no such part of your journal."


@bp.get("/my/journal/take")
@own_record_view(Permission.JOURNAL_WRITE)
def take(patient: Patient) -> str:
    ranges = taking.ranges_of(patient)
    count = sum(len(each.ids) for each in ranges)
    return render_template("integration/take.html", ranges=ranges, count=count)


@bp.get("/my/journal/take/page")
@own_record_view(Permission.JOURNAL_WRITE)
def take_page(patient: Patient) -> Response:
    return _download(takeaway.page(patient, at=now()), "text/html; charset=utf-8", "my-journal.html")


@bp.get("/my/journal/take/archive")
@own_record_view(Permission.JOURNAL_WRITE)
def take_archive(patient: Patient) -> Response:
    return _download(takeaway.archive(patient, at=now()), "application/zip", "my-journal.zip")


@bp.get("/my/journal/take/paper")
@own_record_view(Permission.JOURNAL_WRITE)
def take_paper(patient: Patient) -> BaseResponse:
    """One portion of the journal as a PDF; `part` counts from 1."""
    ranges = taking.ranges_of(patient)
    if not ranges:
        return redirect(url_for("integration.take"))
    part = request.args.get("part", 1, int)
    if not 1 <= part <= len(ranges):
        raise NotThere(NO_PART)
    name = "my-journal.pdf" if len(ranges) == 1 else f"my-journal-{part}-of-{len(ranges)}.pdf"
    footer = f"My journal, taken on {takeaway.date_of(now())}"
    pdf = takeaway.paper(patient, ranges[part - 1].ids, footer=footer)
    return _download(pdf, "application/pdf", name)


@bp.get("/my/journal/bring")
@own_record_view(Permission.JOURNAL_WRITE)
def bringing_page(patient: Patient) -> str:
    return _bring_page(BringForm(formdata=None))


@bp.post("/my/journal/bring")
@own_record_view(Permission.JOURNAL_WRITE)
def bring_journal(patient: Patient) -> BaseResponse:
    form = BringForm()
    if not form.validate():
        return make_response(_bring_page(form), 422)
    db.session.rollback()  # the file is looked at, and what is in it sealed, before any row is locked
    try:
        outcome = _taken_in(form.file.data, patient)
    except Invalid as objection:
        form.file.errors = [str(objection)]
        return make_response(_bring_page(form), 422)
    flash(_words(outcome), "success")
    return redirect(url_for("integration.journal"), 303)


def _taken_in(upload: FileStorage, patient: Patient) -> Outcome:
    config, at = current_config(), now()
    with bringing.opened(
        upload.stream,
        at=at,
        longest_text=config.form_megabytes * 1_000_000,
        most_bytes=2 * config.upload_megabytes * 1_000_000,
    ) as archive:
        arrival = Arrival(archive, patient, current_actor())
        db.session.rollback()
        try:
            arrival.prepare()
            return arrival.take_in(at=at)
        except BaseException:
            db.session.rollback()
            arrival.forget()
            raise


def _words(outcome: Outcome) -> str:
    locked = f" Locked entries cannot be brought; {outcome.locked} stay out." if outcome.locked else ""
    if not outcome.new:
        return f"Everything in that file was here already. Nothing was added.{locked}"
    added = "One entry was added" if outcome.new == 1 else f"{outcome.new} entries were added"
    known = f" {outcome.known} were here already." if outcome.known else ""
    return f"{added}. Only you can see what you brought.{known}{locked}"


def _bring_page(form: BringForm) -> str:
    return render_template("integration/bring.html", form=form, most=current_config().upload_megabytes)


def _download(body: Iterator[bytes] | bytes, mimetype: str, name: str) -> Response:
    answer = Response(body, content_type=mimetype)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
