"""Playlists: built from an arc, changed by hand, rendered, played."""

from collections.abc import Callable
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.clock import now
from kap.db import db
from kap.jobs import queue
from kap.music import playlist_actions as actions
from kap.music import queries
from kap.music.arcs import arcs
from kap.music.blueprint import bp
from kap.music.builder import Build, NotEnough, build
from kap.music.forms import NameForm, NewPlaylistForm
from kap.music.models import MixState, Playlist
from kap.music.rules import MIX_TYPES, display_name
from kap.music.streaming import file_response
from kap.problems import Conflict, Invalid, NotThere
from kap.web.notices import offer_undo
from kap.web.paging import page_of

CURVE_POINTS = 80


@bp.get("/playlists")
@requires(Permission.LIBRARY_READ)
def playlists() -> str:
    page = page_of(queries.playlists_of(current_actor()), request.args.get("page", 1, int))
    mixes = queries.mixes_of(playlist.id for playlist in page.rows)
    return render_template("music/playlists.html", page=page, mixes=mixes, arcs=arcs())


@bp.get("/playlists/new")
@requires(Permission.PLAYLIST_EDIT)
def new_playlist() -> str:
    return _new_page(NewPlaylistForm(arc=request.args.get("arc") or next(iter(arcs()))))


@bp.post("/playlists/new")
@requires(Permission.PLAYLIST_EDIT)
def build_playlist() -> Response:
    form, actor = NewPlaylistForm(), current_actor()
    if not form.validate():
        return make_response(_new_page(form), 422)
    candidates = queries.candidates(actor)
    db.session.rollback()  # choosing takes a while when the library is large
    try:
        chosen = build(arcs()[form.arc.data], length_s=form.length_min * 60, candidates=candidates)
    except NotEnough as gap:
        return make_response(_new_page(form, objection=str(gap)), 422)
    playlist = actions.make_playlist(chosen, name=form.playlist_name, actor=actor, at=now())
    return redirect(url_for("music.playlist", playlist_id=playlist.id), 303)


@bp.get("/playlists/<uuid:playlist_id>")
@requires(Permission.LIBRARY_READ)
def playlist(playlist_id: UUID) -> str:
    return _playlist_page(queries.playlist_for(current_actor(), playlist_id))


@bp.get("/playlists/<uuid:playlist_id>/mix")
@requires(Permission.LIBRARY_READ)
def mix(playlist_id: UUID) -> str:
    """The part of the playlist's page that says how far its mix is."""
    found = queries.playlist_for(current_actor(), playlist_id)
    return render_template("music/mix.html", playlist=found, build=queries.laid_out(found), **_mix_of(found))


@bp.post("/playlists/<uuid:playlist_id>/name")
@requires(Permission.PLAYLIST_EDIT)
def rename(playlist_id: UUID) -> Response:
    found, form = queries.playlist_for(current_actor(), playlist_id), NameForm()
    if not form.validate():
        return make_response(_playlist_page(found, form=form), 422)
    try:
        actions.rename(
            found, name=form.name.data or "", version=form.version.data or 0, actor=current_actor()
        )
    except Conflict as conflict:
        form.take_version(found.version)
        return make_response(_playlist_page(found, form=form, objection=str(conflict)), 409)
    flash("Saved.", "success")
    return redirect(url_for("music.playlist", playlist_id=found.id), 303)


@bp.post("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/move")
@requires(Permission.PLAYLIST_EDIT)
def move(playlist_id: UUID, place_id: UUID) -> Response:
    by = -1 if request.values.get("to") == "up" else 1
    return _change(
        playlist_id,
        lambda found: actions.move(found, place_id, by=by, version=_version(), actor=current_actor()),
        wish=lambda found: f"move {_title(found, place_id)} {'up' if by < 0 else 'down'}",
        anchor=f"place-{place_id}",
    )


@bp.post("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/replace")
@requires(Permission.PLAYLIST_EDIT)
def replace(playlist_id: UUID, place_id: UUID) -> Response:
    queries.playlist_for(current_actor(), playlist_id)  # a stranger learns nothing from what a form lacks
    track = queries.track_for(current_actor(), _track_id())
    return _change(
        playlist_id,
        lambda found: actions.replace(
            found, place_id, track=track, version=_version(), actor=current_actor()
        ),
        wish=lambda found: f"put “{track.title}” in the place of {_title(found, place_id)}",
        anchor=f"place-{place_id}",
    )


@bp.post("/playlists/<uuid:playlist_id>/places/<uuid:place_id>/remove")
@requires(Permission.PLAYLIST_EDIT)
def remove(playlist_id: UUID, place_id: UUID) -> Response:
    return _change(
        playlist_id,
        lambda found: _remove(found, place_id),
        wish=lambda found: f"take {_title(found, place_id)} out",
        anchor="places",
    )


@bp.post("/playlists/<uuid:playlist_id>/add")
@requires(Permission.PLAYLIST_EDIT)
def add(playlist_id: UUID) -> Response:
    queries.playlist_for(current_actor(), playlist_id)
    track = queries.track_for(current_actor(), _track_id())
    after = request.values.get("after", type=UUID)
    return _change(
        playlist_id,
        lambda found: actions.add(found, track=track, after=after, version=_version(), actor=current_actor()),
        wish=lambda _: f"add “{track.title}”",
        anchor="places",
    )


@bp.get("/playlists/<uuid:playlist_id>/choose")
@requires(Permission.PLAYLIST_EDIT)
def choose(playlist_id: UUID) -> str:
    """Tracks to put in a place (`replace`) or after one (`after`), those that fit best first."""
    actor = current_actor()
    found = queries.playlist_for(actor, playlist_id)
    replaced, after = (request.args.get(name, type=UUID) for name in ("replace", "after"))
    beside = replaced or after
    place = queries.place_in(found, beside) if beside else None
    near = _target(queries.laid_out(found), place.position if place else 0)
    search = request.args.get("q", "")[:100]
    page = queries.choices_for(actor, found, near=near, search=search, page=request.args.get("page", 1, int))
    return render_template(
        "music/choose.html",
        playlist=found,
        place=place,
        replacing=bool(replaced),
        near=near,
        page=page,
        search=search,
    )


@bp.post("/playlists/<uuid:playlist_id>/render")
@requires(Permission.MIX_RENDER)
def render(playlist_id: UUID) -> Response:
    found = queries.playlist_for(current_actor(), playlist_id)
    try:
        actions.request_mix(found, actor=current_actor(), at=now())
    except Invalid as objection:
        return make_response(_playlist_page(found, objection=str(objection)), 422)
    return redirect(url_for("music.playlist", playlist_id=found.id, _anchor="mix"), 303)


@bp.get("/mixes/<uuid:mix_id>/<any(opus, m4a):format>")
@requires(Permission.MIX_PLAY)
def mix_file(mix_id: UUID, format: str) -> Response:  # noqa: A002 - the address calls it so
    found = queries.mix_for(current_actor(), mix_id)
    key = {"opus": found.opus_key, "m4a": found.m4a_key}[format]
    if found.state is not MixState.READY or key is None:
        raise NotThere("This mix is not ready yet.")
    name = f"{display_name(found.playlist.name)}.{format}" if "download" in request.args else None
    return file_response(key, mimetype=MIX_TYPES[format], download_name=name)


def _change(
    playlist_id: UUID,
    change: Callable[[Playlist], None],
    *,
    wish: Callable[[Playlist], str],
    anchor: str,
) -> Response:
    """Change a playlist, or show it as it is now beside what was asked for when that came too late."""
    found = queries.playlist_for(current_actor(), playlist_id)
    asked = wish(found)
    try:
        change(found)
    except Conflict as conflict:
        objection = f"{conflict} You asked to {asked}: that was not done. Below is how it stands now."
        return make_response(_playlist_page(found, objection=objection), 409)
    except Invalid as objection:
        return make_response(_playlist_page(found, objection=str(objection)), 422)
    return redirect(url_for("music.playlist", playlist_id=found.id, _anchor=anchor), 303)


def _remove(found: Playlist, place_id: UUID) -> None:
    """Take a track out, and offer to put it back where it was."""
    place = queries.place_in(found, place_id)
    before = found.places[place.position - 1].id if place and place.position else None
    actions.remove(found, place_id, version=_version(), actor=current_actor())
    if place is None:
        return
    undo = url_for(
        "music.add",
        playlist_id=found.id,
        track_id=place.track_id,
        after=before,
        version=found.version,
    )
    offer_undo(f"“{place.track.title}” is out.", undo)


def _version() -> int:
    return request.values.get("version", 0, type=int)


def _track_id() -> UUID:
    track_id = request.values.get("track_id", type=UUID)
    if track_id is None:
        raise Invalid("Choose a track first.")
    return track_id


def _title(found: Playlist, place_id: UUID) -> str:
    place = queries.place_in(found, place_id)
    return f"“{place.track.title}”" if place else "a track that is no longer there"


def _target(laid: Build, position: int) -> float:
    """The intensity the arc asks for at a place; at the end of the arc for one that is not heard."""
    if position < len(laid.places):
        return laid.places[position].target_intensity
    return laid.arc.phases[-1].end_intensity


def _new_page(form: NewPlaylistForm, objection: str | None = None) -> str:
    actor = current_actor()
    tracks, seconds, _ = queries.library_totals(actor)
    return render_template(
        "music/new_playlist.html",
        form=form,
        objection=objection,
        arcs=arcs(),
        tracks=tracks,
        seconds=seconds,
        unjudged=queries.unjudged_count(actor),
    )


def _playlist_page(found: Playlist, *, form: NameForm | None = None, objection: str | None = None) -> str:
    laid = queries.laid_out(found)
    arc = laid.arc
    steps = [arc.start_min + arc.length_min * step / CURVE_POINTS for step in range(CURVE_POINTS + 1)]
    return render_template(
        "music/playlist.html",
        playlist=found,
        build=laid,
        arc=arc,
        curve=[(minute, arc.intensity_at(minute)) for minute in steps],
        form=form or NameForm(formdata=None, obj=found),
        objection=objection,
        **_mix_of(found),
    )


def _mix_of(found: Playlist) -> dict[str, object]:
    """The newest mix and how its job stands, and the newest that can be played."""
    newest, ready = queries.latest_mix(found), queries.ready_mix(found)
    unfinished = newest is not None and newest.state is MixState.WAITING
    return {
        "newest": newest,
        "ready": ready,
        "job": queue.latest_about(newest.id, "music.render_mix") if newest and unfinished else None,
        "current": ready is not None and ready.is_current,
    }
