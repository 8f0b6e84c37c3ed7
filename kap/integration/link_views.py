"""A link instead of a password: one page to write one new entry on, and nothing else.

The routes are public because nobody is signed in. What a browser may do here hangs on a cookie of its own,
which no other page knows. Getting an address only shows a button: mail providers open links.
"""

from datetime import timedelta
from uuid import UUID, uuid4

from flask import jsonify, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from kap.access.guard import public
from kap.accounts import actions as accounts
from kap.accounts import queries as people
from kap.accounts.rules import is_throttled, normal_email
from kap.accounts.signin import PRACTICE
from kap.clock import now
from kap.config import current_config
from kap.db import db, reading
from kap.integration import link_actions, link_letters, link_queries, prompt_queries
from kap.integration.actions import Overwritten
from kap.integration.blueprint import bp
from kap.integration.link_actions import USED, GrantEnded
from kap.integration.link_forms import AskForLinkForm, LinkPageForm
from kap.integration.link_models import WritingLink
from kap.integration.link_rules import MAX_ASKED_ACCOUNT, MAX_ASKED_ADDRESS
from kap.integration.models import JournalEntry
from kap.integration.prompt_rules import put_above
from kap.problems import Conflict
from kap.sealed import instance_key
from kap.web.errors import EXPIRED, held_form, wants_json

COOKIE = "kap-write"
NOTHING_YET = "There is nothing to send yet. Write a word first."


@bp.get("/write-link")
@public
def asking_for_link() -> str:
    return render_template("integration/link_ask.html", form=AskForLinkForm(formdata=None), asked=False)


@bp.post("/write-link")
@public
def ask_for_link() -> Response:
    """The same answer whether anyone has this address or not; and no more letters than make sense."""
    form = AskForLinkForm()
    if not form.validate():
        return make_response(render_template("integration/link_ask.html", form=form, asked=False), 422)
    email = form.email.data or ""
    account = _bucket("link", normal_email(email))
    address = _bucket("link-from", request.remote_addr or "")
    with reading():
        too_many = _throttled(address, MAX_ASKED_ADDRESS)
        enough = _throttled(account, MAX_ASKED_ACCOUNT)
        db.session.rollback()  # counting has a transaction of its own
    if too_many:
        form.email.errors = ["Too many tries. Please wait a quarter of an hour, then try again."]
        page = render_template("integration/link_ask.html", form=form, asked=False)
        return make_response(page, 429)
    accounts.count_failure(account, at=now())
    accounts.count_failure(address, at=now())
    if not enough:
        link_letters.ask_for_link(email)
    return make_response(render_template("integration/link_ask.html", form=form, asked=True))


@bp.get("/write/<token>")
@public
def open_link(token: str) -> Response:
    """A button, and nothing that tells who it is for."""
    link = link_queries.link_by_token(token)
    if link is None or not link.may_be_opened(now()):
        return _ended()
    return make_response(render_template("integration/link_open.html", token=token))


@bp.post("/write/<token>")
@public
def use_link(token: str) -> Response:
    link = link_queries.link_by_token(token)
    if link is None or not link.may_be_opened(now()):
        return _ended()
    try:
        grant = link_actions.open_link(link, at=now())
    except Conflict:
        return _ended()
    session.setdefault(PRACTICE, str(link.patient.practice_id))  # its own crisis help, and nothing more
    answer = make_response(redirect(url_for("integration.link_page"), 303))
    answer.set_cookie(
        _cookie(),
        grant,
        max_age=timedelta(hours=current_config().writing_link_hours),
        httponly=True,
        secure=current_config().secure,
        samesite="Strict",
    )
    return answer


@bp.get("/write")
@public
def link_page() -> Response:
    link = _granted()
    if link is None:
        return _ended()
    try:
        entry = link_actions.entry_of(link)
    except GrantEnded:
        return _ended()
    form = LinkPageForm(
        formdata=None, text=entry.text if entry else "", version=entry.version if entry else 0
    )
    asked = _prompting(link).text_of(request.args.get("ask", ""))
    form.text.data = put_above(asked, form.text.data or "")
    return make_response(_page(link, form))


@bp.post("/write")
@public
def write_by_link() -> Response:
    """Saved as it is typed, and sent by the button: that ends what the link allowed."""
    link = _granted(to_change=True)
    form = LinkPageForm()
    if link is None or not form.validate():
        return _ended_while_writing()
    try:
        entry = link_actions.write(link, text=form.text.data or "", version=form.version.data or 0, at=now())
    except GrantEnded:
        return _ended_while_writing()
    except Overwritten as other:
        return _two_versions(link, form, other)
    return _written(link, form, entry)


@bp.get("/written")
@public
def written_by_link() -> str:
    return render_template("integration/link_done.html")


def _cookie() -> str:
    return f"__Host-{COOKIE}" if current_config().secure else COOKIE


def _granted(*, to_change: bool = False) -> WritingLink | None:
    """The link this browser opened, while it may still write."""
    token = request.cookies.get(_cookie())
    link = link_queries.link_by_grant(token, to_change=to_change) if token else None
    if link is None or not link.grants(now(), current_config().writing_link_hours):
        return None
    return link


def _page(
    link: WritingLink, form: LinkPageForm, *, notice: str | None = None, other: Overwritten | None = None
) -> str:
    return render_template(
        "integration/link_write.html",
        link=link,
        practice_name=link.patient.practice.name,
        form=form,
        beside=_prompting(link),
        notice=notice,
        other=other,
        ends_at=(link.opened_at or now()) + timedelta(hours=current_config().writing_link_hours),
    )


def _prompting(link: WritingLink) -> prompt_queries.Prompting:
    return prompt_queries.prompting_by_link(link.patient, link.moment, link.session_id)


def _saved(entry: JournalEntry | None) -> Response:
    version, at = (entry.version, entry.edited_at) if entry is not None else (0, now())
    return jsonify(version=version, saved_at=at.isoformat(), text="Saved")


def _written(link: WritingLink, form: LinkPageForm, entry: JournalEntry | None) -> Response:
    """The words are saved: go on for a script and for a question, else end what the link allowed."""
    if wants_json():
        return _saved(entry)
    if "ask" in request.form:
        return redirect(url_for("integration.link_page", ask=request.form["ask"]), 303)
    if entry is None:
        return make_response(_page(link, form, notice=NOTHING_YET), 422)
    link_actions.end(link, at=now())
    answer = make_response(redirect(url_for("integration.written_by_link"), 303))
    answer.delete_cookie(_cookie(), secure=current_config().secure, httponly=True, samesite="Strict")
    return answer


def _two_versions(link: WritingLink, form: LinkPageForm, other: Overwritten) -> Response:
    """Between two pages of the same link: both are this link's own words."""
    if wants_json():
        body = jsonify(error=str(other), conflict={"text": other.text, "version": other.version})
        return make_response(body, 409)
    form.take_version(other.version)
    return make_response(_page(link, form, other=other), 409)


def _ended() -> Response:
    return make_response(render_template("integration/link_ended.html", sentence=USED), 404)


def _ended_while_writing() -> Response:
    """What was typed is kept: on the device by the page, and here over the sign-in that is asked for."""
    if wants_json():
        return make_response(jsonify(error=EXPIRED, signed_out=True), 401)
    held = held_form()
    path = url_for("integration.write", entry_id=_entry_id())
    page = render_template("accounts/sign_in_again.html", held=held, held_path=path if held else "/")
    return make_response(page, 401)


def _entry_id() -> UUID:
    """The page's own id for what is written, so that it is one entry however it arrives."""
    try:
        return UUID(request.form.get("entry_id", ""))
    except ValueError:
        return uuid4()


def _throttled(bucket: str, limit: int) -> bool:
    row = people.throttle_of(bucket)
    return row is not None and is_throttled(failures=row.failures, since=row.since, now=now(), limit=limit)


def _bucket(kind: str, name: str) -> str:
    return instance_key().lookup_digest(f"throttle:{kind}", name)
