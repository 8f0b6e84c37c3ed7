"""Playlists: built from an arc, looked at, named, copied, retired."""

from typing import Any
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.clock import now
from kap.db import db
from kap.music import (
    arc_views,
    exchange_views,
    mix_views,
    place_views,
    playlist_queries,
    queries,
    voice_views,
)
from kap.music import playlist_actions as actions
from kap.music.arc_forms import ROUTE_NAMES
from kap.music.arcs import Arc, arcs
from kap.music.blueprint import bp
from kap.music.builder import NotEnough, build
from kap.music.picture import curve_of
from kap.music.playlist_forms import NOBODY, NameForm, NewPlaylistForm, wished
from kap.music.playlist_page import Shown, address, library_link, playlist_page
from kap.problems import Conflict
from kap.web.notices import offer_undo
from kap.web.paging import page_of

# Their routes stand on the same blueprint.
__all__ = ["arc_views", "bp", "exchange_views", "mix_views", "place_views", "voice_views"]

OWN = "own"  # the place of a practice's own arcs beside the routes


@bp.get("/playlists")
@requires(Permission.LIBRARY_READ)
def playlists() -> str:
    actor, retired = current_actor(), "retired" in request.args
    page = page_of(playlist_queries.playlists_of(actor, retired=retired), request.args.get("page", 1, int))
    return render_template(
        "music/playlists.html",
        page=page,
        mixes=playlist_queries.mixes_of(playlist.id for playlist in page.rows),
        titles={playlist.id: playlist_queries.arc_of(playlist).title for playlist in page.rows},
        retired=retired,
        retired_count=len(playlist_queries.playlists_of(actor, retired=True)),
    )


@bp.get("/playlists/new")
@requires(Permission.PLAYLIST_EDIT)
def new_playlist() -> str:
    known = playlist_queries.arcs_for(current_actor())
    offered = _offered(known, _route_asked(known))
    wanted = request.args.get("arc") or next(iter(offered), None)
    form = NewPlaylistForm(known, formdata=None, arc=wanted, **wished(request.args))
    return _new_page(form, known)


@bp.post("/playlists/new")
@requires(Permission.PLAYLIST_EDIT)
def build_playlist() -> Response:
    actor = current_actor()
    known, candidates = playlist_queries.arcs_for(actor), queries.candidates(actor)
    form = NewPlaylistForm(known, candidates)
    if not form.validate():
        return make_response(_new_page(form, known), 422)
    avoid, seed = form.avoid(), form.seed.data or 0
    db.session.rollback()  # choosing takes a while when the library is large
    try:
        chosen = build(
            form.chosen,
            length_s=form.length_min * 60,
            surplus_s=form.surplus_s,
            candidates=candidates,
            avoid=avoid,
            seed=seed,
        )
    except NotEnough as lack:
        return make_response(_new_page(form, known, lack=lack), 422)
    made = actions.make_playlist(
        chosen, name=form.playlist_name, actor=actor, at=now(), seed=seed, avoid=avoid
    )
    return redirect(address(made), 303)


@bp.get("/playlists/<uuid:playlist_id>")
@requires(Permission.LIBRARY_READ)
def playlist(playlist_id: UUID) -> str:
    return playlist_page(playlist_queries.playlist_for(current_actor(), playlist_id))


@bp.post("/playlists/<uuid:playlist_id>/name")
@requires(Permission.PLAYLIST_EDIT)
def rename(playlist_id: UUID) -> Response:
    found, form = playlist_queries.playlist_for(current_actor(), playlist_id), NameForm()
    if not form.validate():
        return make_response(playlist_page(found, Shown(name=form)), 422)
    try:
        actions.rename(
            found, name=form.name.data or "", version=form.version.data or 0, actor=current_actor()
        )
    except Conflict as conflict:
        form.take_version(found.version)
        return make_response(playlist_page(found, Shown(str(conflict), name=form)), 409)
    flash("Saved.", "success")
    return redirect(address(found), 303)


@bp.post("/playlists/<uuid:playlist_id>/duplicate")
@requires(Permission.PLAYLIST_EDIT)
def duplicate(playlist_id: UUID) -> Response:
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    copy = actions.duplicate(found, actor=current_actor(), at=now())
    flash(f"This is a copy of “{found.name}”. Changing it leaves the first as it is.", "success")
    return redirect(address(copy), 303)


@bp.post("/playlists/<uuid:playlist_id>/retire")
@requires(Permission.PLAYLIST_EDIT)
def retire_playlist(playlist_id: UUID) -> Response:
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    actions.retire(found, actor=current_actor(), at=now())
    undo = url_for("music.restore_playlist", playlist_id=found.id)
    offer_undo(f"“{found.name}” is retired. Sessions that hold it keep it.", undo)
    return redirect(url_for("music.playlists"), 303)


@bp.post("/playlists/<uuid:playlist_id>/restore")
@requires(Permission.PLAYLIST_EDIT)
def restore_playlist(playlist_id: UUID) -> Response:
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    actions.restore(found, actor=current_actor())
    flash(f"“{found.name}” is back.", "success")
    return redirect(address(found), 303)


def _route_asked(known: dict[str, Arc]) -> str:
    """The route whose arcs are shown: the one asked for, else that of the playlist made last."""
    asked = request.args.get("route", "")
    if asked in ROUTE_NAMES or asked == OWN:
        return asked
    last = next(iter(playlist_queries.playlists_of(current_actor())), None)
    arc = known.get(request.args.get("arc") or (last.arc if last else ""))
    return arc.route if arc else next(iter(ROUTE_NAMES))


def _offered(known: dict[str, Arc], route: str) -> dict[str, Arc]:
    """The arcs of a route, or the practice's own."""
    if route == OWN:
        return {key: arc for key, arc in known.items() if key not in arcs()}
    return {key: arc for key, arc in known.items() if arc.route == route}


def _new_page(form: NewPlaylistForm, known: dict[str, Arc], lack: NotEnough | None = None) -> str:
    actor = current_actor()
    tracks, seconds, _ = queries.library_totals(actor)
    chosen = known.get(form.arc.data or "")
    route = chosen.route if request.method == "POST" and chosen else _route_asked(known)
    kept: dict[str, Any] = {name: request.args.getlist(name) for name in request.args if name != "route"}
    kept.pop("arc", None)
    return render_template(
        "music/new_playlist.html",
        form=form,
        lack=lack,
        lacking=[(missing, library_link(missing)) for missing in lack.missing] if lack else [],
        route=route,
        routes=[
            (words, url_for("music.new_playlist", route=key, **kept), key == route)
            for key, words in [*ROUTE_NAMES.items(), (OWN, "Your own")]
        ],
        offered=_offered(known, route),
        own=OWN,
        curve_of=curve_of,
        nobody=NOBODY,
        tracks=tracks,
        seconds=seconds,
        unjudged=queries.unjudged_count(actor),
    )
