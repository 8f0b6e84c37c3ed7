"""Every route, as every kind of person of two practices: the answer is the one the policy table gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.routing import Rule

from kap.access.guard import PUBLIC, UndeclaredRoute, declared, may_in_practice, refuse_undeclared_routes
from kap.access.permissions import Permission, Role, Tie
from kap.access.policy import POLICY, allows
from kap.accounts import actions as accounts
from kap.consents import actions as signing
from kap.consents.actions import Given
from kap.content.consents import consents
from kap.content.guides import library
from kap.content.programmes import programmes as programmes_that_ship
from kap.db import db, transaction
from kap.integration import actions as integration
from kap.integration import prompt_actions as prompts
from kap.integration.rules import FileKind, FileState, Writing
from kap.mail.models import SentLetter
from kap.mail.rules import LetterState, Reason
from kap.music import arc_actions as arcs
from kap.music.arcs import arcs as shipped
from kap.music.models import (
    Mix,
    MixState,
    Playlist,
    PlaylistTrack,
    PlaylistVoice,
    Track,
    TrackState,
    VoiceClip,
)
from kap.patients import queries as patients
from kap.preparation import actions as preparation
from kap.programmes import actions as programmes
from kap.safety import actions as safety
from kap.screening import actions as screening
from kap.screening.said import Judged
from kap.sessions import actions as sessions
from kap.sessions.actions import Plan
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route, SessionState
from kap.talks import actions as talks
from tests.conftest import NOON, Browser, Cast

SOUNDS = {
    "preparation.audio": 404,  # the guide names no music
    "music.track_file": 404,
    "music.mix_file": 404,
    "sessions.music_parts": 404,
    "sessions.own_music": 404,
    "sessions.own_music_parts": 404,
    "music.listen": 422,
    "music.voice_file": 404,
    "music.voice_recording": 404,
    "music.voice_over": 404,
    "integration.own_content": 404,
    "integration.shared_content": 404,
}
TO_BE_CLAIMED = ("integration.writing", "integration.locking")
PEOPLE = ("ana", "theo", "tess", "pia", "pau", "zoe")


@dataclass(frozen=True)
class World:
    """One of everything that belongs to Pia, or to her practice, by the name the routes give it."""

    ids: dict[str, str]


@pytest.fixture
def world(app: Flask, cast: Cast) -> World:
    theo, pia = cast.actor("theo"), cast.actor("pia")
    with transaction() as session:
        track = Track(
            practice_id=cast.practice.id,
            state=TrackState.REFUSED,
            file_name="a.mp3",
            title="A",
            intensity=0.3,
            added_at=NOON,
            version=1,
        )
        playlist = Playlist(
            practice_id=cast.practice.id, name="P", arc="iv-40", length_s=600, seed=0, made_at=NOON, version=1
        )
        session.add_all([track, playlist])
        session.flush()
        place = PlaylistTrack(playlist_id=playlist.id, track_id=track.id, position=0)
        mix = Mix(
            practice_id=cast.practice.id, playlist_id=playlist.id, playlist_order=1, state=MixState.WAITING,
            length_s=600, made_at=NOON,
        )  # fmt: skip
        clip = VoiceClip(
            practice_id=cast.practice.id, title="C", recorded_key="recording/x", clip_key="clip/x",
            edit={}, made_at=NOON, version=1,
        )  # fmt: skip
        arc = arcs.draw(next(iter(shipped().values())), title="D", actor=theo, at=NOON)
        voice = PlaylistVoice(playlist_id=playlist.id, clip=clip, at_s=1.0)
        session.add_all([place, mix, clip, voice])
        guide = library()["intention"]
        assignment = preparation.assign(cast.pia, guide=guide, due_on=None, line="x", actor=theo, at=NOON)
        plan = Plan(planned_at=NOON, route=Route.IV, therapist_id=cast.theo.id, playlist_id=playlist.id)
        dosing = sessions.plan(cast.pia, wanted=plan, actor=theo)
        heard = _heard_session(cast, playlist)
        session.add(heard)
        given = programmes.give(
            cast.pia,
            programmes_that_ship()["single-session"],
            starts_on=NOON.date(),
            actor=theo,
            at=NOON,
        )
        entry = integration.write(
            cast.pia, entry_id=uuid4(), writing=Writing("private words"), version=0, at=NOON
        )
        assert entry is not None
        note = integration.add_file(
            entry,
            FileKind.VOICE,
            file_id=uuid4(),
            state=FileState.READY,
            about={"seconds": 1.0, "peaks": "", "remark": None},
            at=NOON,
        )
        integration.share(entry, actor=pia, at=NOON)
        treatment = consents()["treatment"]
        named = Given(name="Pia", choices={}, words={})
        signature = signing.sign(
            cast.pia, treatment, given=named, seen=treatment.digest, device="", actor=pia, at=NOON
        )
        screened = screening.record_review(
            cast.pia, Judged(), version=0, answers_version=0, actor=theo, at=NOON
        )
        asked = talks.ask(cast.pia, actor=pia, at=NOON)
        own_prompt, prompt = (
            prompts.add(whose, moment="24h", text="What helped?", actor=theo, at=NOON)
            for whose in (cast.pia, None)
        )
        letter = SentLetter(
            practice_id=cast.practice.id, patient_id=cast.pia.id, name="reminders.letter", arguments={},
            message_id="<one@example.org>", state=LetterState.BOUNCED, reason=Reason.SENT_BACK, code="",
            attempts=1, made_at=NOON, ended_at=NOON,
        )  # fmt: skip
        session.add(letter)
        safety.write(cast.pia, {"signs": "x"}, version=0, actor=pia, at=NOON)
        talk = safety.note_talk(cast.pia, version=1, actor=theo, at=NOON)
        device, _ = accounts.sign_in(_user(cast, "pia"), device="Her phone", at=NOON)
        session.flush()
    return World(
        {
            "patient_id": str(cast.pia.id),
            "assignment_id": str(assignment.id),
            "signature_id": str(signature.id),
            "consent": treatment.slug,
            "review_id": str(screened.id),
            "entry_id": str(entry.id),
            "file_id": str(note.id),
            "take": "0",
            "letter_id": str(letter.id),
            "talk_id": str(talk.id),
            "track_id": str(track.id),
            "playlist_id": str(playlist.id),
            "place_id": str(place.id),
            "mix_id": str(mix.id),
            "clip_id": str(clip.id),
            "voice_id": str(voice.id),
            "arc_id": str(arc.id),
            "list_format": "jspf",
            "format": "opus",
            "slug": guide.slug,
            "item": guide.items[0].key,
            "sound": "sample",
            "user_id": str(cast.theo.id),
            "token": "unknown",
            "request_id": str(asked.id),
            "own_prompt": str(own_prompt.id),
            "prompt": str(prompt.id),
            "filename": "css/base.css",
            "programme": "single-session",
            "given_id": str(given.id),
            "number": "1",
            "dosing": str(dosing.id),
            "heard": str(heard.id),
            "device": str(device.id),
        }
    )


def _heard_session(cast: Cast, playlist: Playlist) -> DosingSession:
    """One that is over, whose music Pia may hear again."""
    mix = Mix(
        practice_id=cast.practice.id, playlist_id=playlist.id, playlist_order=0, state=MixState.READY,
        length_s=600, made_at=NOON, plan={"length_s": 600, "tracks": [], "phases": []},
    )  # fmt: skip
    return DosingSession(
        patient=cast.pia,
        patient_id=cast.pia.id,
        therapist_id=cast.theo.id,
        state=SessionState.CLOSED,
        route=Route.IV,
        planned_at=NOON,
        opened_at=NOON,
        closed_at=NOON,
        listening_allowed_at=NOON,
        mix=mix,
    )


def _user(cast: Cast, name: str):  # type: ignore[no-untyped-def]
    person = getattr(cast, name)
    return person.user if hasattr(person, "user") else person


def _session(rule: Rule) -> str:
    """Which of the things that are called a session an address speaks of."""
    if "devices" in rule.rule:
        return "device"
    return "heard" if rule.rule.startswith("/my/sessions/") else "dosing"


def _prompt(rule: Rule) -> str:
    return "own_prompt" if "patient_id" in rule.arguments else "prompt"


def _routes(app: Flask, world: World) -> Iterator[tuple[str, str, Permission | str, Rule]]:
    """(method, address, declared access, rule) of every route, its gaps filled from the world."""
    for rule in app.url_map.iter_rules():
        access = declared(app.view_functions[rule.endpoint])
        assert access is not None
        which = {"session_id": _session(rule), "prompt_id": _prompt(rule)}
        values = {name: world.ids[which.get(name, name)] for name in rule.arguments}
        with app.test_request_context():
            address = app.url_map.bind("localhost").build(rule.endpoint, values)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield method, address, access, rule


def _expected(cast: Cast, name: str, access: Permission, rule: Rule) -> int | None:
    """The refusal `name` must get, or None when the policy allows the act on what is Pia's."""
    actor = cast.actor(name)
    assert actor.role is not None
    if "patient_id" in rule.arguments:
        tie = patients.tie(actor, cast.pia)
        return None if allows(actor.role, tie, access) else 404 if tie is Tie.NONE else 403
    if rule.rule.startswith("/my/"):
        if actor.role is not Role.PATIENT:
            return 403
        # A page to write on is blank until it is claimed: for another's id, as for one nobody has.
        own = rule.arguments - {"consent"}  # a text that everybody may read
        return 404 if name != "pia" and own and rule.endpoint not in TO_BE_CLAIMED else None
    if not may_in_practice(actor, access):
        return 403
    if "devices/<" in rule.rule:
        return None if name == "pia" else 404
    belongs_to_practice = rule.arguments & {
        "track_id",
        "playlist_id",
        "mix_id",
        "clip_id",
        "arc_id",
        "user_id",
        "prompt_id",
    }
    return 404 if name == "zoe" and belongs_to_practice else None


@pytest.mark.parametrize("name", PEOPLE)
def test_what_the_policy_refuses_is_refused(
    app: Flask, cast: Cast, world: World, at_browser: Callable[[str], Browser], name: str
) -> None:
    browser = at_browser(name)
    wrong = []
    for method, address, access, rule in _routes(app, world):
        if access == PUBLIC:
            continue
        expected = _expected(cast, name, Permission(access), rule)
        if expected is None:
            continue
        answer = browser.get(address) if method == "GET" else browser.post(address)
        if answer.status_code != expected:
            wrong.append((method, rule.rule, answer.status_code, expected))
    assert wrong == []


@pytest.mark.parametrize("name", PEOPLE)
def test_what_the_policy_allows_opens(
    app: Flask, cast: Cast, world: World, at_browser: Callable[[str], Browser], name: str
) -> None:
    browser = at_browser(name)
    wrong = []
    for method, address, access, rule in _routes(app, world):
        if method != "GET" or access == PUBLIC or _expected(cast, name, Permission(access), rule) is not None:
            continue
        answer = browser.get(address)
        # The track was refused, the mix is not rendered and the guidance not prepared: none has a file.
        missing_file = rule.endpoint in SOUNDS and answer.status_code == SOUNDS[rule.endpoint]
        if answer.status_code not in (200, 302, 303) and not missing_file:
            wrong.append((rule.rule, answer.status_code))
    assert wrong == []


def test_a_stranger_is_led_to_the_sign_in(app: Flask, world: World, anyone: Browser) -> None:
    wrong = []
    for method, address, access, rule in _routes(app, world):
        if access == PUBLIC:
            continue
        answer = anyone.get(address) if method == "GET" else anyone.post(address)
        led = answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in")
        if not (led if method == "GET" else answer.status_code == 401):
            wrong.append((method, rule.rule, answer.status_code))
    assert wrong == []


def test_nothing_unsafe_works_without_a_token(
    app: Flask, world: World, at_browser: Callable[[str], Browser]
) -> None:
    browser = at_browser("theo")
    accepted = []
    for method, address, _, rule in _routes(app, world):
        if method == "POST":
            db.session.rollback()
            with app.app_context():
                answer = browser.client.post(address, headers={"Sec-Fetch-Site": "cross-site"})
            # The sign-in page is shown again, which is no sign-in.
            if answer.status_code < 400 and answer.headers.get("Location") != "/sign-in":
                accepted.append(rule.rule)
    assert accepted == []


def test_no_other_host_is_ever_named(
    app: Flask, cast: Cast, world: World, at_browser: Callable[[str], Browser]
) -> None:
    """Pages may link to sources, but load nothing from anywhere else."""
    for name in ("theo", "pia", "ana"):
        browser = at_browser(name)
        for method, address, access, rule in _routes(app, world):
            if (
                method == "GET"
                and access != PUBLIC
                and _expected(cast, name, Permission(access), rule) is None
            ):
                answer = browser.get(address)
                page = answer.text if answer.mimetype == "text/html" else ""
                for attribute in ('src="http', 'srcset="http', 'action="http', 'rel="stylesheet" href="http'):
                    assert attribute not in page, rule.rule


def test_an_undeclared_route_stops_the_start(app: Flask) -> None:
    app.view_functions["forgotten"] = lambda: ""
    with pytest.raises(UndeclaredRoute, match="forgotten"):
        refuse_undeclared_routes(app)


def test_every_permission_guards_something_or_is_asked_for_in_a_page(app: Flask) -> None:
    guarding = {declared(view) for view in app.view_functions.values()}
    assert {permission for permission in Permission if permission not in guarding} <= {
        Permission.INTENTION_READ
    }


def test_the_administrator_has_no_clinical_permission() -> None:
    clinical = {
        "patients",
        "sessions",
        "preparation",
        "integration",
        "music",
        "consents",
        "screening",
        "readiness",
        "safety",
        "programmes",
    }
    held = {p for p, who in POLICY.items() if any(role is Role.ADMIN for role, _ in who)}
    assert {p for p in held if p.split(":")[0] in clinical} == set()


def test_ids_are_random(world: World) -> None:
    assert all(UUID(world.ids[name]).version == 4 for name in ("patient_id", "entry_id", "mix_id"))
