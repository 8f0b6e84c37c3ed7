"""Changing many tracks at once."""

from collections.abc import Iterable
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.clock import now
from kap.music import actions, queries
from kap.music.actions import ChangedMany
from kap.music.blueprint import bp
from kap.music.finding import wanted_from
from kap.music.forms import ManyForm
from kap.music.models import Track


@bp.get("/music/change")
@requires(Permission.LIBRARY_ADD)
def change_form() -> Response:
    """The form for the tracks that were ticked, or for all that a list shows."""
    actor, wanted = current_actor(), wanted_from(request.args)
    ids = queries.library_ids(actor, wanted) if "all" in request.args else _asked_for()
    tracks = queries.tracks_by_id(actor, ids)
    if not tracks:
        flash("Tick one or more tracks first.", "warning")
        return redirect(_back(), 303)
    return make_response(_page(tracks, ManyForm(formdata=None, tracks=_seen(tracks))))


@bp.post("/music/change")
@requires(Permission.LIBRARY_ADD)
def change_many() -> Response:
    actor, form = current_actor(), ManyForm()
    tracks = queries.tracks_to_change(actor, form.seen())
    if not tracks:
        flash("None of these tracks is in your library any more.", "warning")
        return redirect(_back(), 303)
    if not form.validate():
        return make_response(_page(tracks, form), 422)
    change = form.change()
    if change.is_empty:
        form.form_errors.append("Nothing is filled in yet, so there is nothing to change.")
        return make_response(_page(tracks, form), 422)
    changed = actions.change_many(tracks, change, seen=form.seen(), actor=actor, at=now())
    if changed.stale:
        return make_response(_again(changed, form))
    flash(f"{_tracks(changed.count)} changed.", "success")
    return redirect(_back(), 303)


def _again(changed: ChangedMany, form: ManyForm) -> str:
    """The form once more for what somebody else had changed, with all that was filled in."""
    others = "1 track" if len(changed.stale) == 1 else f"{len(changed.stale)} tracks"
    form.tracks.data = _seen(changed.stale)
    form.tracks.raw_data = None
    return _page(
        changed.stale,
        form,
        stale=f"{_tracks(changed.count)} changed. Somebody else changed {others} meanwhile, so nothing was"
        " changed there. Look at them below, and press the button again to change them too.",
    )


def _page(tracks: list[Track], form: ManyForm, stale: str | None = None) -> str:
    return render_template(
        "music/change.html",
        tracks=tracks,
        form=form,
        stale=stale,
        kept=wanted_from(request.args).in_address(),
        words=queries.own_words(current_actor()),
    )


def _back() -> str:
    return url_for("music.library", **wanted_from(request.args).in_address())


def _asked_for() -> list[UUID]:
    return request.args.getlist("track", type=UUID)


def _seen(tracks: Iterable[Track]) -> str:
    return " ".join(f"{track.id}:{track.version}" for track in tracks)


def _tracks(count: int) -> str:
    return "1 track was" if count == 1 else f"{count} tracks were"
