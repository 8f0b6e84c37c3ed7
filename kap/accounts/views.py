"""Signing in and out, invitations, one's own account."""

from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import PasswordField

from kap.access.guard import current_actor, public, requires
from kap.access.permissions import Permission
from kap.accounts import actions, passwords, queries, signin
from kap.accounts.forms import AcceptForm, ChangePasswordForm, SignInForm
from kap.accounts.models import User
from kap.accounts.rules import (
    MAX_FAILURES_ACCOUNT,
    MAX_FAILURES_ADDRESS,
    device_of,
    is_throttled,
    normal_email,
    password_objection,
)
from kap.clock import now
from kap.db import db, reading
from kap.sealed import instance_key
from kap.web.errors import held_form

bp = Blueprint("accounts", __name__)
WRONG = "That e-mail address and password do not go together."
TOO_MANY = "Too many tries. Please wait a quarter of an hour, then try again."


@bp.get("/sign-in")
@public
def sign_in() -> str | Response:
    target = _own_path(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target or url_for("home.index"))
    return render_template("accounts/sign_in.html", form=SignInForm(), next=target)


@bp.post("/sign-in")
@public
def sign_in_send() -> Response:
    form = SignInForm()
    target = _own_path(request.form.get("next"))
    held = held_form()
    if not form.validate():
        return _sign_in_page(form, target, held, status=422)
    user = _checked(form.email.data or "", form.password.data or "")
    if not isinstance(user, User):
        form.password.errors = [user]
        return _sign_in_page(form, target, held, status=429 if user == TOO_MANY else 422)
    row, token = actions.sign_in(user, device=device_of(request.user_agent.string), at=now())
    actions.forget_failures(_bucket("account", normal_email(form.email.data or "")))
    signin.begin(row, token)
    if held and target:
        return make_response(render_template("accounts/resume.html", held=held, path=target))
    return redirect(target or url_for("home.index"))


@bp.post("/sign-out")
@public
def sign_out() -> Response:
    if current_user.is_authenticated:
        actions.sign_out(current_user.session_id, actor=current_actor(), at=now())
    signin.end()
    return redirect(url_for("accounts.sign_in"))


@bp.get("/invitation/<token>")
@public
def invitation(token: str) -> str:
    found = queries.open_invitation(token, at=now())
    return render_template("accounts/invitation.html", invitation=found, form=AcceptForm(), token=token)


@bp.post("/invitation/<token>")
@public
def invitation_accept(token: str) -> Response:
    with reading():  # the hash below is slow on purpose; no write lock is held meanwhile
        found = queries.open_invitation(token, at=now())
        form = AcceptForm()
        valid = form.validate() and _good_password(form.password, found.user)
        page = render_template("accounts/invitation.html", invitation=found, form=form, token=token)
        db.session.rollback()
    if not valid:
        return make_response(page, 422)
    password_hash = passwords.hash_of(form.password.data or "")
    found = queries.open_invitation(token, at=now())
    user = actions.accept(found, password_hash=password_hash, at=now())
    row, session_token = actions.sign_in(user, device=device_of(request.user_agent.string), at=now())
    signin.begin(row, session_token)
    return redirect(url_for("home.index"))


@bp.get("/account")
@requires(Permission.ACCOUNT_MANAGE)
def account() -> str:
    return _account_page(ChangePasswordForm())


@bp.post("/account/password")
@requires(Permission.ACCOUNT_MANAGE)
def change_password() -> Response:
    form = ChangePasswordForm()
    db.session.rollback()  # the guard has looked who this is
    with reading():  # checking and hashing are slow on purpose; no write lock is held meanwhile
        user: User = current_user.user
        valid = form.validate() and _is_theirs(form.current, user) and _good_password(form.password, user)
        page = _account_page(form)
        db.session.rollback()
    if not valid:
        return make_response(page, 422)
    password_hash = passwords.hash_of(form.password.data or "")
    actions.change_password(
        user, password_hash=password_hash, actor=user.actor, keep_session=current_user.session_id, at=now()
    )
    flash("Your password is changed. Every other device is signed out.", "success")
    return redirect(url_for("accounts.account"))


@bp.post("/account/devices/<uuid:session_id>/sign-out")
@requires(Permission.ACCOUNT_MANAGE)
def sign_out_device(session_id: UUID) -> Response:
    if session_id not in {device.id for device in queries.devices_of(current_user.id)}:
        raise NotFound
    actions.sign_out(session_id, actor=current_actor(), at=now())
    flash("That device is signed out.", "success")
    return redirect(url_for("accounts.account"))


@bp.post("/account/devices/sign-out")
@requires(Permission.ACCOUNT_MANAGE)
def sign_out_everywhere() -> Response:
    actions.sign_out_everywhere(current_user.user, actor=current_actor(), at=now())
    signin.end()
    flash("You are signed out on every device.", "success")
    return redirect(url_for("accounts.sign_in"))


def _account_page(form: ChangePasswordForm) -> str:
    devices = [device for device in queries.devices_of(current_user.id) if signin.may_be_used(device)]
    return render_template("accounts/account.html", form=form, devices=devices, here=current_user.session_id)


def _sign_in_page(
    form: SignInForm, target: str | None, held: list[tuple[str, str]], *, status: int
) -> Response:
    if held:
        page = render_template("accounts/sign_in_again.html", form=form, held=held, held_path=target)
    else:
        page = render_template("accounts/sign_in.html", form=form, next=target)
    return make_response(page, status)


def _checked(email: str, password: str) -> User | str:
    """The user these belong to, or the sentence that refuses. As slow for a name nobody has."""
    account, address = _bucket("account", normal_email(email)), _bucket("address", request.remote_addr or "")
    with reading():
        throttled = _throttled(account, MAX_FAILURES_ACCOUNT) or _throttled(address, MAX_FAILURES_ADDRESS)
        user = queries.user_by_email(email)
        known = (user.id, user.password_hash) if user and user.closed_at is None else (None, None)
        db.session.rollback()  # what is slow on purpose comes next: nothing may be read, or locked, meanwhile
    if throttled:
        return TOO_MANY
    user_id, stored = known
    if passwords.matches(stored, password):
        return db.session.get_one(User, user_id)
    actions.count_failure(account, at=now())
    actions.count_failure(address, at=now())
    return WRONG


def _throttled(bucket: str, limit: int) -> bool:
    row = queries.throttle_of(bucket)
    return row is not None and is_throttled(failures=row.failures, since=row.since, now=now(), limit=limit)


def _bucket(kind: str, name: str) -> str:
    return instance_key().lookup_digest(f"throttle:{kind}", name)


def _is_theirs(field: PasswordField, user: User) -> bool:
    """Throttled like a sign-in: an unlocked device must not be a place to guess passwords at."""
    found = _checked(user.email, field.data or "")
    if isinstance(found, User):
        return True
    field.errors = [TOO_MANY if found == TOO_MANY else "This is not your password."]
    return False


def _good_password(field: PasswordField, user: User) -> bool:
    objection = password_objection(field.data or "", about=[user.name, user.email])
    if objection:
        field.errors = [objection]
    return objection is None


def _own_path(target: str | None) -> str | None:
    """`target` when it is a path of ours: a sign-in must not send people elsewhere."""
    if (
        not target
        or not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or urlsplit(target).netloc
    ):
        return None
    return target
