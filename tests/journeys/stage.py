"""Who and what is there when a journey begins, entered through the rooms' own actions."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import av
from sqlalchemy import select

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts import actions as accounts
from kap.accounts import passwords
from kap.accounts.models import Practice, User
from kap.app import create_app
from kap.clock import day_in, now
from kap.config import Config
from kap.content.guides import library
from kap.db import db, transaction
from kap.integration import link_letters
from kap.integration import queries as integration
from kap.jobs import queue
from kap.music import actions as music
from kap.music import playlist_actions as playlists
from kap.music import queries as library_of_music
from kap.music.arcs import arcs
from kap.music.builder import build
from kap.music.models import Mix, MixState, Playlist, Track, TrackState
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import Patient
from kap.preparation import actions as preparation
from kap.readiness import actions as readiness
from kap.readiness import queries as readiness_queries
from kap.readiness.rules import Item
from kap.sessions import actions as sessions
from kap.sessions import queries as session_queries
from kap.sessions.actions import Plan
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route
from kap.storage import storage
from tests.audio.sounds import noise, tone, write_sound
from tests.journeys.person import Person
from tests.product.conftest import process_pause
from tests.readiness.settling import Settling

PASSWORD = "quiet meadow lantern seven"
PRACTICE = "Linden"
Given = ParamSpec("Given")
Made = TypeVar("Made")
WORK_SECONDS = 60  # generous; the worker needs about two for what is asked of it here


@dataclass(frozen=True)
class Someone:
    """A person who can sign in."""

    email: str
    name: str
    user_id: UUID

    def sits_down(self, person: Person) -> Person:
        person.signs_in(self.email, PASSWORD)
        return person


@dataclass(frozen=True)
class PatientOnStage(Someone):
    patient_id: UUID

    @property
    def chart(self) -> str:
        return f"/patients/{self.patient_id}"


class Stage:
    """One practice with one therapist in the database of a running product; patients as they are asked for.

    It works in a thread of its own: Flask opens an event loop where a context ends, and in the thread of the
    tests Playwright's is running.
    """

    def __init__(self, instance: Path) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._setting: _Setting = self._thread.submit(_Setting, instance).result()
        self.therapist = self._setting.therapist

    def _ask(
        self,
        make: Callable[Concatenate["_Setting", Given], Made],
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Made:
        def inside() -> Made:
            with self._setting.app.app_context():
                return make(self._setting, *args, **kwargs)

        return self._thread.submit(inside).result()

    def patient(self, name: str = "Pia Pine") -> PatientOnStage:
        """Someone in the therapist's care, who has accepted their invitation."""
        return self._ask(_Setting.patient, name)

    def give(self, who: PatientOnStage, slug: str) -> None:
        """Assign a guide."""
        self._ask(_Setting.give, who, slug)

    def writing_link(self, who: PatientOnStage) -> str:
        """The path of a link to write, as a reminder carries it."""
        return self._ask(_Setting.writing_link, who)

    def allow_links(self, allowed: bool) -> None:
        """What the practice says about such links."""
        self._ask(_Setting.allow_links, allowed)

    def entries(self, who: PatientOnStage) -> list[str]:
        """What they wrote, the oldest first."""
        return self._ask(_Setting.entries, who)

    def give_due(self, who: PatientOnStage, slug: str) -> None:
        """Assign a guide that is due today, and have the worker look for reminders."""
        self._ask(_Setting.give_due, who, slug)

    def rendered_playlist(self, folder: Path) -> UUID:
        """A minute of music, uploaded, measured, judged, built and rendered by the product's worker."""
        return self._ask(_Setting.rendered_playlist, folder)

    def finished_playlist(self, folder: Path, *, programme_s: int, surplus_s: int = 0) -> UUID:
        """Music as if it had been rendered: soft noise in both formats, and a plan that says what plays."""
        return self._ask(_Setting.finished_playlist, folder, programme_s, surplus_s)

    def plan_session(self, who: PatientOnStage, playlist_id: UUID) -> str:
        """A session that is planned for now; the path of its page."""
        return self._ask(_Setting.plan_session, who, playlist_id)

    def open_session(self, who: PatientOnStage, playlist_id: UUID) -> str:
        """A session that is open and has its music; the path of its page."""
        return self._ask(_Setting.open_session, who, playlist_id)

    def held_session(self, who: PatientOnStage, playlist_id: UUID) -> str:
        """A session that is over, whose music they may hear again; the path of its page."""
        return self._ask(_Setting.held_session, who, playlist_id)

    def require(self, *items: Item) -> None:
        """Have the practice require these before a session and nothing else; at first it requires nothing."""
        self._ask(_Setting.require, *items)

    def session_before(self, who: PatientOnStage, *, but: Item | None = None) -> str:
        """A session planned for today with everything there that is asked before it, or all but one item."""
        return self._ask(_Setting.session_before, who, but)

    def notes(self, who: PatientOnStage) -> list[str]:
        """Every note of their sessions, in the order they were written."""
        return self._ask(_Setting.notes, who)

    def close(self) -> None:
        self._ask(_Setting.close)
        self._thread.shutdown()


class _Setting:
    def __init__(self, instance: Path) -> None:
        self.app = create_app(Config(instance=instance))
        self.patients = 0
        with self.app.app_context(), transaction():
            self.password_hash = passwords.hash_of(PASSWORD)
            practice = accounts.found_practice(
                name=PRACTICE, zone="Europe/Berlin", help_text="Call **112**.", at=now()
            )
            self.practice_id = practice.id
            user = self._enter(practice, Role.THERAPIST, "Theo Thorne", "theo@example.org")
            self.therapist = Someone(user.email, user.name, user.id)
            self._choose(practice, ())

    def close(self) -> None:
        db.engine.dispose()

    def _enter(self, practice: Practice, role: Role, name: str, email: str) -> User:
        user = accounts.enter_user(
            practice=practice,
            role=role,
            name=name,
            email=email,
            actor=Actor.system(practice.id),
            at=now(),
        )
        user.password_hash = self.password_hash
        return user

    @property
    def _actor(self) -> Actor:
        return db.session.get_one(User, self.therapist.user_id).actor

    def require(self, *items: Item) -> None:
        with transaction():
            self._choose(db.session.get_one(Practice, self.practice_id), items)

    def _choose(self, practice: Practice, items: tuple[Item, ...]) -> None:
        known = readiness_queries.choice_of(practice.id)
        readiness.choose(
            practice,
            required=frozenset(items),
            fasting={},
            travel={},
            plan_months=6,
            version=known.version,
            actor=self._actor,
            at=now(),
        )

    def session_before(self, who: PatientOnStage, but: Item | None) -> str:
        with transaction():
            session = self._planned(who, None)
            patient = session.patient
            assert patient.user is not None
            Settling(patient, session, patient.user.actor, self._actor, now()).everything(but=but)
            return f"{who.chart}/sessions/{session.id}"

    def patient(self, name: str) -> PatientOnStage:
        self.patients += 1
        email = f"patient{self.patients}@example.org"
        with transaction():
            practice = db.session.get_one(Practice, self.practice_id)
            identity = Identity(name=name, email=email)
            patient = patients.admit(practice=practice, identity=identity, actor=self._actor, at=now())
            patient.user = self._enter(practice, Role.PATIENT, name, email)
            patient.user_id = patient.user.id
            return PatientOnStage(email, name, patient.user.id, patient.id)

    def give(self, who: PatientOnStage, slug: str) -> None:
        with transaction():
            patient = db.session.get_one(Patient, who.patient_id)
            preparation.assign(
                patient, guide=library()[slug], due_on=None, line=None, actor=self._actor, at=now()
            )

    def writing_link(self, who: PatientOnStage) -> str:
        with transaction():
            patient = db.session.get_one(Patient, who.patient_id)
            path = link_letters.reminder_path(
                patient.id, moment="24h", session_id=None, until=now() + timedelta(hours=3), at=now()
            )
            assert path is not None
            return path

    def allow_links(self, allowed: bool) -> None:
        with transaction():
            db.session.get_one(Practice, self.practice_id).writing_links = allowed

    def entries(self, who: PatientOnStage) -> list[str]:
        patient = db.session.get_one(Patient, who.patient_id)
        found = integration.entries_visible_to(patient.user.actor, patient) if patient.user else []
        texts = [each.text for each in reversed(found)]
        db.session.rollback()
        return texts

    def give_due(self, who: PatientOnStage, slug: str) -> None:
        with transaction():
            patient = db.session.get_one(Patient, who.patient_id)
            today = day_in(now(), patient.practice.zone)
            preparation.assign(
                patient, guide=library()[slug], due_on=today, line=None, actor=self._actor, at=now()
            )
            queue.enqueue("reminders.sweep", practice_id=None)

    def plan_session(self, who: PatientOnStage, playlist_id: UUID) -> str:
        with transaction():
            return f"{who.chart}/sessions/{self._planned(who, playlist_id).id}"

    def open_session(self, who: PatientOnStage, playlist_id: UUID) -> str:
        with transaction():
            session = self._planned(who, playlist_id)
            sessions.open_session(session, actor=self._actor, at=now())
            return f"{who.chart}/sessions/{session.id}"

    def held_session(self, who: PatientOnStage, playlist_id: UUID) -> str:
        with transaction():
            session = self._planned(who, playlist_id)
            sessions.open_session(session, actor=self._actor, at=now())
            db.session.flush()
            sessions.close(session, actor=self._actor, at=now())
            sessions.let_listen(session, actor=self._actor, at=now())
            return f"{who.chart}/sessions/{session.id}"

    def _planned(self, who: PatientOnStage, playlist_id: UUID | None) -> DosingSession:
        wanted = Plan(
            planned_at=now() - timedelta(minutes=5),
            route=Route.IV,
            therapist_id=self.therapist.user_id,
            playlist_id=playlist_id,
        )
        patient = db.session.get_one(Patient, who.patient_id)
        session = sessions.plan(patient, wanted=wanted, actor=self._actor)
        db.session.flush()
        return session

    def notes(self, who: PatientOnStage) -> list[str]:
        patient = db.session.get_one(Patient, who.patient_id)
        held = session_queries.sessions_of(patient)
        found = [note.text for session in held for note in session_queries.notes_of(session)]
        db.session.rollback()
        return found

    def finished_playlist(self, folder: Path, programme_s: int, surplus_s: int) -> UUID:
        length_s = programme_s + surplus_s
        keys = {}
        for kind in ("opus", "m4a"):
            path = _rain(folder, kind, length_s)
            keys[kind] = storage().put(path, kind="mix")
        with transaction() as session:
            playlist = Playlist(
                practice_id=self.practice_id,
                name="Soft rain",
                arc="iv-40",
                length_s=programme_s,
                surplus_s=surplus_s,
                seed=1,
                made_at=now(),
            )
            session.add(playlist)
            session.flush()
            mix = Mix(
                practice_id=self.practice_id,
                playlist_id=playlist.id,
                playlist_order=playlist.version,
                state=MixState.READY,
                length_s=length_s,
                plan=_plan(programme_s, length_s),
                opus_key=keys["opus"],
                m4a_key=keys["m4a"],
                made_at=now(),
                ready_at=now(),
            )
            session.add(mix)
            return playlist.id

    def rendered_playlist(self, folder: Path) -> UUID:
        for number, (hertz, intensity) in enumerate([(220, 0.2), (330, 0.6)]):
            path = write_sound(folder / f"tone-{number}.flac", tone(45, hertz=hertz), "flac")
            with transaction():
                entered = music.import_file(
                    path, practice_id=self.practice_id, actor=self._actor, file_name=path.name, at=now()
                )
                assert entered.track is not None, entered.message
                entered.track.intensity = intensity
        self._wait_for(lambda: not self._any(Track, TrackState.WAITING))
        playlist_id = self._build()
        self._wait_for(lambda: self._any(Mix, MixState.READY))
        return playlist_id

    def _build(self) -> UUID:
        with transaction():
            candidates = library_of_music.candidates(self._actor)
            chosen = build(arcs()["iv-40"], length_s=60, candidates=candidates)
            playlist: Playlist = playlists.make_playlist(
                chosen, name="One minute", actor=self._actor, at=now()
            )
            db.session.flush()
            playlists.request_mix(playlist, actor=self._actor, at=now())
            return playlist.id

    def _any(self, kind: type[Track] | type[Mix], state: TrackState | MixState) -> bool:
        return db.session.scalars(select(kind.id).where(kind.state == state)).first() is not None

    @staticmethod
    def _wait_for(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WORK_SECONDS
        while True:
            holds = condition()
            db.session.rollback()
            if holds:
                return
            assert time.monotonic() < deadline, "the worker did not come to it"
            process_pause()


def _rain(folder: Path, kind: str, length_s: int) -> Path:
    """Soft noise: a little of it encoded, and its packets again and again."""
    once, path = 20, folder / f"finished.{kind}"
    drops = write_sound(folder / f"drops.{kind}", noise(once, level=0.02), kind)
    with av.open(str(path), "w") as made:
        stream: Any = None
        for turn in range(length_s // once):
            with av.open(str(drops)) as given:
                heard = given.streams.audio[0]
                stream = stream or made.add_stream_from_template(heard)
                assert heard.time_base is not None
                period = round(once / heard.time_base)
                for packet in given.demux(heard):
                    # What an encoder puts before the beginning belongs there once.
                    if packet.pts is None or packet.pts >= period or (turn and packet.pts < 0):
                        continue
                    packet.pts = packet.dts = packet.pts + turn * period
                    packet.stream = stream
                    made.mux(packet)
    return path


def _plan(programme_s: int, length_s: int) -> dict[str, Any]:
    """What plays when in `finished_playlist`: two tracks along three phases, then calm music."""
    thirds = [programme_s * part / 3 for part in range(4)]
    names, heights = ("Settle", "Peak", "Return"), (0.1, 0.5, 0.7, 0.1)
    tracks = [("Rain", 0, programme_s / 2), ("Fog", programme_s / 2, programme_s)]
    if length_s > programme_s:
        tracks.append(("Dew", programme_s, length_s))
    return {
        "length_s": length_s,
        "programme_s": programme_s,
        "tracks": [
            {"title": title, "artist": "", "start_s": start, "end_s": end} for title, start, end in tracks
        ],
        "phases": [
            {
                "name": name.lower(),
                "label": name,
                "start_s": thirds[number],
                "end_s": thirds[number + 1],
                "from": heights[number],
                "to": heights[number + 1],
            }
            for number, name in enumerate(names)
        ],
    }
