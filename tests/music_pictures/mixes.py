"""One finished mix for each route, made as the product makes it, from recipes alone."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from kap.access.actor import Actor
from kap.audio.measure import Measured
from kap.audio.plan import MixPlan, phase_target_lufs
from kap.audio.render import render
from kap.audio.synth import Recipe
from kap.music.arcs import Arc, arcs
from kap.music.builder import SURPLUS_S, Build, build
from kap.music.mix_order import Order, sound_of
from kap.music.models import Track, TrackState
from kap.music.queries import candidate
from kap.music.recipe_tracks import shelf_track
from kap.music.track_tasks import MEASURES
from tests.music_pictures import meters
from tests.music_pictures.drawing import MixPicture, Spectrogram, write_mix_svg, write_png

ROUTES = ("iv-40", "im", "sublingual", "intranasal")
_PRACTICE = uuid5(NAMESPACE_OID, "pictures")


@dataclass(frozen=True)
class MixRow:
    """What the table says of a mix."""

    title: str
    tracks: int
    wanted_s: float
    decoded_s: float
    lufs: float
    range_lu: float
    rise_db: float
    silences: int
    from_asked_db: float


def track_of(recipe: Recipe, path: Path, found: Measured) -> Track:
    """A library track as importing leaves it, in no database."""
    actor = Actor.system(_PRACTICE)
    track = shelf_track(recipe, practice_id=_PRACTICE, actor=actor, at=datetime(2026, 1, 1, tzinfo=UTC))
    track.id = uuid5(_PRACTICE, f"{recipe.slug} {recipe.seed}")
    track.file_key, track.state = str(path), TrackState.READY
    for name in MEASURES:
        setattr(track, name, getattr(found, name))
    track.startles_s = list(found.startles_s)
    return track


def describe(slug: str, shelf: Sequence[Track], folder: Path) -> MixRow:
    arc = arcs()[slug]
    made = build(arc, length_s=arc.length_min * 60, candidates=map(candidate, shelf), surplus_s=SURPLUS_S)
    plan = _plan(made, shelf)
    with tempfile.TemporaryDirectory(prefix="kap-") as place:
        path = Path(place) / "mix.opus"
        render(plan, {"opus": path})
        return _measured(arc, made, plan, path, folder / f"music-mix-{slug}")


def _plan(made: Build, shelf: Sequence[Track]) -> MixPlan:
    known = {str(track.id): track for track in shelf}
    sounds = tuple(sound_of(known[place.candidate_id]) for place in made.places if place.candidate_id)
    order = Order(version=1, build=made, sounds=sounds, voices=(), title=made.arc.title, practice="")
    return order.plan([Path(key) for key in order.keys])


def _measured(arc: Arc, made: Build, plan: MixPlan, path: Path, picture: Path) -> MixRow:
    loud = meters.loudness(path, true_peak=False)
    samples, spectrogram = 0, Spectrogram(plan.length_s, width=960, height=128)
    for wave in meters.decoded(path):
        samples += len(wave)
        spectrogram.push(wave)
    times = np.arange(0.0, plan.length_s, 10.0)
    asked = [(float(at), _asked(made, float(at))) for at in times]
    got = [(float(at), float(loud.short_term[min(int(at * 10), len(loud.short_term) - 1)])) for at in times]
    joints = [
        (segment.start / meters.RATE, (segment.start + segment.crossfade_in) / meters.RATE)
        for segment in plan.segments[1:]
    ]
    title = f"{arc.title}: {len(plan.segments)} tracks, {round(plan.programme_s / 60)} + 15 min"
    write_mix_svg(
        picture.with_suffix(".svg"), MixPicture(title, plan.length_s, plan.programme_s, asked, got, joints)
    )
    write_png(picture.with_suffix(".png"), spectrogram.pixels())
    away = [abs(one - other) for (_, one), (_, other) in zip(asked[3:-6], got[3:-6], strict=True)]
    return MixRow(
        title=arc.title,
        tracks=len(plan.segments),
        wanted_s=plan.length_s,
        decoded_s=samples / meters.RATE,
        lufs=loud.integrated_lufs,
        range_lu=loud.range_lu,
        rise_db=loud.largest_rise_db(leave_s=30.0),
        silences=meters.silences(path),
        from_asked_db=float(np.mean(away)),
    )


def _asked(made: Build, at_s: float) -> float:
    """The loudness the arc asks for; that of the calm music after its end."""
    within = min(at_s, made.length_s)
    return phase_target_lufs(made.arc.intensity_at(made.arc.start_min + within / 60))
