"""A playlist made into one file: asked for, listened to while it is made, taken away."""

from uuid import UUID

from flask import make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from kap.access.guard import current_actor, requires
from kap.access.permissions import Permission
from kap.clock import now
from kap.db import db
from kap.music import mix_stream, playlist_queries
from kap.music import playlist_actions as actions
from kap.music.blueprint import bp
from kap.music.models import MixState
from kap.music.playlist_page import Shown, address, mix_of, obstacle, playlist_page
from kap.music.rules import MIX_TYPES, display_name
from kap.music.streaming import file_response
from kap.problems import Invalid, NotThere

FILE_TYPES = {**MIX_TYPES, "flac": "audio/flac"}


@bp.get("/playlists/<uuid:playlist_id>/mix")
@requires(Permission.LIBRARY_READ)
def mix(playlist_id: UUID) -> str:
    """The part of the playlist's page that says how far its mix is."""
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    return render_template("music/mix_state.html", playlist=found, obstacle=obstacle(found), **mix_of(found))


@bp.get("/playlists/<uuid:playlist_id>/listen")
@requires(Permission.MIX_PLAY)
def listen(playlist_id: UUID) -> Response:
    """The playlist as it stands, from its beginning, as fast as it can be made."""
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    actions.check_playable(found)
    music = mix_stream.listen(found)
    db.session.rollback()  # nothing waits for a listener
    return Response(music, mimetype=MIX_TYPES["opus"])


@bp.post("/playlists/<uuid:playlist_id>/render")
@requires(Permission.MIX_RENDER)
def render(playlist_id: UUID) -> Response:
    found = playlist_queries.playlist_for(current_actor(), playlist_id)
    try:
        actions.request_mix(found, actor=current_actor(), at=now())
    except Invalid as objection:
        return make_response(playlist_page(found, Shown(str(objection))), 422)
    return redirect(address(found, "mix"), 303)


@bp.post("/mixes/<uuid:mix_id>/flac")
@requires(Permission.MIX_RENDER)
def keep_flac(mix_id: UUID) -> Response:
    """Have a finished mix written once more without loss."""
    found = playlist_queries.mix_for(current_actor(), mix_id)
    try:
        actions.request_flac(found, actor=current_actor())
    except Invalid as objection:
        playlist = playlist_queries.playlist_for(current_actor(), found.playlist_id)
        return make_response(playlist_page(playlist, Shown(str(objection))), 422)
    return redirect(address(found.playlist, "mix"), 303)


@bp.get("/mixes/<uuid:mix_id>/<any(opus, m4a, flac):format>")
@requires(Permission.MIX_PLAY)
def mix_file(mix_id: UUID, format: str) -> Response:  # noqa: A002 - the address calls it so
    found = playlist_queries.mix_for(current_actor(), mix_id)
    key = {"opus": found.opus_key, "m4a": found.m4a_key, "flac": found.flac_key}[format]
    if found.state is not MixState.READY or key is None:
        raise NotThere("This mix is not ready yet.")
    name = f"{display_name(found.playlist.name)}.{format}" if "download" in request.args else None
    return file_response(key, mimetype=FILE_TYPES[format], download_name=name)
