"""The page of one playlist, which every change of it answers with."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import render_template, request, url_for

from kap.access.guard import current_actor
from kap.audio.levels import levels_to_lufs
from kap.jobs import queue
from kap.jobs.models import Job, JobState
from kap.music import arrangement, playlist_queries
from kap.music import playlist_actions as actions
from kap.music.builder import Avoid, Build, Missing, Place
from kap.music.finding import BANDS
from kap.music.mix_words import held_back
from kap.music.models import Mix, MixState, Playlist, PlaylistTrack, TrackState
from kap.music.picture import Got, Picture, Sounding, Speaking, picture
from kap.music.playlist_forms import NameForm, SilenceForm, VoiceForm
from kap.problems import Invalid
from kap.web.filters import timecode


@dataclass(frozen=True)
class Row:
    """A place as the list shows it; `heard` is None when it begins after the end."""

    place: PlaylistTrack
    heard: Place | None
    title: str
    token: str  # what `arrange` calls it


@dataclass(frozen=True)
class Shown:
    """What else a page says: an objection, or a form that came back."""

    objection: str | None = None
    lacking: Sequence[Missing] = ()
    name: NameForm | None = None
    silence: SilenceForm | None = None
    voice: VoiceForm | None = None


NOTHING_ELSE = Shown()


def playlist_page(found: Playlist, shown: Shown = NOTHING_ELSE) -> str:
    laid = playlist_queries.laid_out(found)
    rows = rows_of(found, laid)
    mix = mix_of(found)
    return render_template(
        "music/playlist.html",
        playlist=found,
        build=laid,
        arc=laid.arc,
        rows=rows,
        picture=_picture(found, laid, rows, mix["ready"] if mix["current"] else None),
        name_form=shown.name or NameForm(formdata=None, obj=found),
        silence_form=shown.silence or silence_form(found, blank=True),
        voice_form=shown.voice or voice_form(found, blank=True),
        avoided=Avoid.from_dict(found.avoid).in_words(),
        objection=shown.objection,
        lacking=[(missing, library_link(missing)) for missing in shown.lacking],
        obstacle=obstacle(found),
        **mix,
    )


def obstacle(found: Playlist) -> str | None:
    """What stands in the way of hearing the whole playlist, in a sentence."""
    try:
        actions.check_playable(found)
    except Invalid as objection:
        return str(objection)
    return None


def rows_of(found: Playlist, laid: Build) -> list[Row]:
    indices = playlist_queries.heard(found, laid)
    return [
        Row(
            place,
            None if index is None else laid.places[index],
            title_of(place),
            arrangement.encode([wanted]),
        )
        for place, index, wanted in zip(found.places, indices, actions.arrangement_of(found), strict=True)
    ]


def title_of(place: PlaylistTrack) -> str:
    return place.track.title if place.track else "Silence"


def mix_of(found: Playlist) -> dict[str, object]:
    """The newest mix and its job, the newest that can be played, and what is still done to that."""
    newest, ready = playlist_queries.latest_mix(found), playlist_queries.ready_mix(found)
    unfinished = newest is not None and newest.state is MixState.WAITING
    return {
        "newest": newest,
        "ready": ready,
        "job": queue.latest_about(newest.id, "music.render_mix") if newest and unfinished else None,
        "scanning": _under_way(ready, "music.scan_mix") if ready and ready.scan is None else None,
        "flac": _under_way(ready, "music.render_flac") if ready and ready.flac_key is None else None,
        "current": ready is not None and ready.is_current,
        "held": held_back(ready.plan or {"tracks": []}) if ready else [],
    }


def _under_way(mix: Mix, task: str) -> Job | None:
    job = queue.latest_about(mix.id, task)
    return job if job and job.state in (JobState.WAITING, JobState.RUNNING) else None


def silence_form(found: Playlist, *, blank: bool = False) -> SilenceForm:
    places = {str(place.id): title_of(place) for place in found.places}
    return SilenceForm(places, **({"formdata": None, "version": found.version} if blank else {}))


def voice_form(found: Playlist, *, blank: bool = False) -> VoiceForm:
    clips = {
        str(clip.id): f"{clip.title}, {timecode(clip.duration_s or 0)}"
        for clip in playlist_queries.voices_of(current_actor())
        if clip.state is TrackState.READY
    }
    return VoiceForm(clips, **({"formdata": None, "version": found.version} if blank else {}))


def library_link(missing: Missing) -> str:
    """The library's tracks of about the intensity that is wanted."""
    middle = (missing.low + missing.high) / 2
    band = next((name for name, (low, high) in BANDS.items() if low <= middle < high), None)
    return url_for("music.library", intensity=band)


def version_asked() -> int:
    return request.values.get("version", 0, type=int)


def place_asked(name: str) -> UUID | None:
    return request.values.get(name, type=UUID)


def address(found: Playlist, anchor: str | None = None) -> str:
    return url_for("music.playlist", playlist_id=found.id, _anchor=anchor)


def arrange_link(found: Playlist, wanted: Sequence[arrangement.Wanted]) -> str:
    """Where a button posts to have these places again."""
    return url_for(
        "music.arrange",
        playlist_id=found.id,
        places=arrangement.encode(wanted),
        version=found.version,
    )


def _picture(found: Playlist, laid: Build, rows: Sequence[Row], mix: object) -> Picture:
    numbers = {id(row.heard): number for number, row in enumerate(rows, start=1) if row.heard}
    titles = {str(row.place.track_id): row.title for row in rows}
    return picture(
        laid.arc,
        programme_s=laid.length_s,
        surplus_s=laid.surplus_s,
        pieces=[
            Sounding(
                titles.get(place.candidate_id or "", "Silence"),
                "silence" if place.candidate_id is None else "surplus" if place.is_surplus else "track",
                place.start_s,
                place.end_s,
                place.is_pinned,
                numbers.get(id(place)),
            )
            for place in laid.places
        ],
        voices=[
            Speaking(voice.clip.title, voice.at_s, voice.at_s + (voice.clip.duration_s or 0.0))
            for voice in found.voices
        ],
        got=_got(mix) if isinstance(mix, Mix) else None,
    )


def _got(mix: Mix) -> Got | None:
    if not mix.levels or not mix.plan:
        return None
    asked = [
        (track["start_s"], track["end_s"], track["target_lufs"])
        for track in mix.plan["tracks"]
        if track.get("target_lufs") is not None
    ]
    return Got(levels_to_lufs(mix.levels), asked)
