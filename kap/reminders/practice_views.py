"""What holds for all letters of a practice, and what became of those to its staff. Nothing clinical."""

from datetime import time

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.mail import configured
from kap.mail import queries as mail
from kap.mail.composing import TITLES
from kap.mail.rules import sentence
from kap.patients.reasons import Kind
from kap.reminders import actions, queries
from kap.reminders.blueprint import bp
from kap.reminders.forms import RulesForm
from kap.reminders.rules import STAFF_WORDS, Limits
from kap.web.paging import read_page


@bp.get("/practice/letters")
@requires(Permission.LETTERS_RULES)
def practice() -> str:
    general = queries.rules_of(current_user.user.practice_id)
    form = RulesForm(
        data={
            "quiet_from": time(*divmod(general.quiet_from, 60)),
            "quiet_until": time(*divmod(general.quiet_until, 60)),
            "per_day": general.per_day,
            "per_week": general.per_week,
            "signature": general.signature,
        }
    )
    return _page(form, on=frozenset(Kind) - general.kinds_off)


@bp.post("/practice/letters")
@requires(Permission.LETTERS_RULES)
def set_rules() -> Response:
    form = RulesForm()
    on = frozenset(Kind(name) for name in request.form.getlist("kind") if name in set(Kind))
    quiet = form.quiet() if form.validate() else None
    if quiet is None:
        return make_response(_page(form, on=on), 422)
    actions.set_rules(
        current_user.user.practice,
        quiet=quiet,
        limits=Limits(form.per_day.data or 1, form.per_week.data or 1),
        on=on,
        signature=form.signature.data or "",
        actor=current_actor(),
    )
    flash("Saved.", "success")
    return redirect(url_for("reminders.practice"))


def _page(form: RulesForm, *, on: frozenset[Kind]) -> str:
    letters = mail.letters_of_practice(current_user.user.practice_id)
    return render_template(
        "reminders/practice.html",
        form=form,
        on=on,
        words={kind: words.capitalize() for kind, words in STAFF_WORDS.items()},
        page=read_page(letters, request.args.get("page", 1, int)),
        titles=TITLES,
        sentence=sentence,
        configured=configured(),
    )
