"""Administering a practice: its staff, its own details, the log. Nothing clinical is read here."""

from uuid import UUID
from zoneinfo import available_timezones

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from kap import mail
from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission, Role
from kap.access.words import words_for
from kap.accounts import actions, messages, queries
from kap.accounts.crisis_help import crisis_help
from kap.accounts.forms import InviteForm, PracticeForm
from kap.accounts.models import User
from kap.clock import now
from kap.config import current_config
from kap.problems import Conflict
from kap.web.notices import offer_undo
from kap.web.paging import read_page

bp = Blueprint("administration", __name__)
LOG_PER_PAGE = 50


@bp.get("/people")
@requires(Permission.PEOPLE_READ)
def people() -> str:
    return _people_page(InviteForm())


@bp.post("/people/invite")
@requires(Permission.PEOPLE_INVITE)
def invite() -> Response:
    form = InviteForm()
    if not form.validate():
        return make_response(_people_page(form), 422)
    try:
        user = actions.enter_user(
            practice=current_user.user.practice,
            role=Role(form.role.data),
            name=form.name.data or "",
            email=form.email.data or "",
            actor=current_actor(),
            at=now(),
        )
    except Conflict as taken:
        form.email.errors = [str(taken)]
        return make_response(_people_page(form), 409)
    return _invited(user)


@bp.post("/people/<uuid:user_id>/invite")
@requires(Permission.PEOPLE_INVITE)
def invite_again(user_id: UUID) -> Response:
    return _invited(queries.staff_member(current_actor(), user_id))


@bp.post("/people/<uuid:user_id>/revoke")
@requires(Permission.PEOPLE_INVITE)
def revoke(user_id: UUID) -> Response:
    user = queries.staff_member(current_actor(), user_id)
    actions.revoke_invitations(user, actor=current_actor(), at=now())
    flash(f"The invitation of {user.name} is revoked.", "success")
    return redirect(url_for("administration.people"))


@bp.post("/people/<uuid:user_id>/close")
@requires(Permission.PEOPLE_INVITE)
def close(user_id: UUID) -> Response:
    user = queries.staff_member(current_actor(), user_id)
    actions.close_account(user, actor=current_actor(), at=now())
    undo = url_for("administration.reopen", user_id=user.id)
    offer_undo(f"{user.name} is signed out everywhere and can sign in no more.", undo)
    return redirect(url_for("administration.people"))


@bp.post("/people/<uuid:user_id>/reopen")
@requires(Permission.PEOPLE_INVITE)
def reopen(user_id: UUID) -> Response:
    user = queries.staff_member(current_actor(), user_id)
    actions.reopen_account(user, actor=current_actor())
    flash(f"{user.name} can sign in again.", "success")
    return redirect(url_for("administration.people"))


@bp.get("/practice")
@requires(Permission.PRACTICE_EDIT)
def practice() -> str:
    return _practice_page(PracticeForm(obj=current_user.user.practice))


@bp.post("/practice")
@requires(Permission.PRACTICE_EDIT)
def edit_practice() -> Response:
    form = PracticeForm()
    if not form.validate():
        return make_response(_practice_page(form), 422)
    actions.edit_practice(
        current_user.user.practice,
        name=form.name.data or "",
        zone=form.zone.data or "",
        help_text=form.help_text.data or "",
        actor=current_actor(),
    )
    actions.settle_contact(
        current_user.user.practice,
        writing_links=form.writing_links.data,
        talk_hours=form.talk_hours.data or current_user.user.practice.talk_hours,
        actor=current_actor(),
    )
    flash("Saved.", "success")
    return redirect(url_for("administration.practice"))


@bp.get("/log")
@requires(Permission.AUDIT_READ)
def log() -> str:
    actor = current_actor()
    page = read_page(queries.events_of_practice(actor), request.args.get("page", 1, int), LOG_PER_PAGE)
    # Staff by name; a patient stays "a patient", so that the log never says who is in treatment.
    names = queries.names_of(
        {row.actor_id for row in page.rows if row.actor_id and row.actor_role != Role.PATIENT}
    )
    return render_template("administration/log.html", page=page, names=names, words_for=words_for)


def _people_page(form: InviteForm) -> str:
    actor, moment = current_actor(), now()
    return render_template(
        "administration/people.html",
        form=form,
        staff=queries.staff_of(actor),
        invited={each.user_id for each in queries.open_invitations(actor, at=moment)},
    )


def _practice_page(form: PracticeForm) -> str:
    return render_template(
        "administration/practice.html",
        form=form,
        zones=sorted(available_timezones()),
        shown=crisis_help(form.help_text.data or ""),
    )


def _invited(user: User) -> Response:
    """Invite `user` by mail where that is set up; else show the link, once, to be handed over."""
    days = current_config().invitation_days
    invitation, token = actions.invite(user, actor=current_actor(), days=days, at=now())
    if mail.configured():
        messages.send_invitation(invitation)
        flash(f"The invitation for {user.name} is on its way by e-mail.", "success")
        return redirect(url_for("administration.people"))
    link = messages.invitation_link(token)
    back = ("People", url_for("administration.people"))
    return make_response(
        render_template("accounts/invited.html", invitation=invitation, link=link, back=back)
    )
