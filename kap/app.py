"""Wiring: the only file that knows every room."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, request, session, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from kap import db, keys, paths, storage, worker
from kap.access.guard import PUBLIC, declare, may_in_practice, refuse_undeclared_routes
from kap.access.permissions import Permission, Role
from kap.accounts import messages as account_messages
from kap.accounts import signin
from kap.accounts.admin_views import bp as administration
from kap.accounts.views import bp as accounts
from kap.clock import day_in, now
from kap.config import Config, current_config
from kap.consents.views import bp as consents
from kap.crypto import InstanceKey, read_key_file
from kap.home.views import bp as home
from kap.integration import (
    file_tasks,
    file_views,
    forgetting,
    link_letters,
    link_views,
    mark_queries,
    mark_views,
    prompt_views,
)
from kap.integration.file_rules import PICTURE_MEGABYTES, VOICE_MEGABYTES
from kap.integration.views import bp as integration
from kap.music import mix_tasks, track_tasks, voice_tasks
from kap.music.views import bp as music
from kap.patients.guard import may_on
from kap.patients.models import Patient
from kap.patients.queries import own_record
from kap.patients.views import bp as patients
from kap.preparation import queries as preparation_queries
from kap.preparation.queries import Standing
from kap.preparation.views import bp as preparation
from kap.programmes import reminding as programme_reasons
from kap.programmes.views import bp as programmes
from kap.readiness.views import bp as readiness
from kap.reminders import letters as reminder_letters
from kap.reminders import tasks as reminder_tasks
from kap.reminders.views import bp as reminders
from kap.reminders.views import stop as stop_letters
from kap.safety.views import bp as safety
from kap.screening.views import bp as screening
from kap.sessions.views import bp as sessions
from kap.style import bp as style
from kap.talks import tasks as talk_tasks
from kap.talks.views import bp as talks
from kap.web import errors, filters, headers, logs, settle

ROOMS: tuple[Blueprint, ...] = (
    accounts,
    administration,
    patients,
    music,
    sessions,
    preparation,
    integration,
    consents,
    screening,
    talks,
    programmes,
    reminders,
    safety,
    readiness,
    home,
)
# Named so that what they register with the rooms, the worker and the post is known to be wanted.
TASKS_AND_LETTERS = (
    account_messages,
    file_views,
    file_tasks,
    forgetting,
    link_letters,
    talk_tasks,
    programme_reasons,
    reminder_letters,
    reminder_tasks,
    track_tasks,
    mix_tasks,
    voice_tasks,
)

ROUTES_OF_THE_JOURNAL = (link_views, mark_views, prompt_views)  # they stand on its blueprint

NAVIGATION: dict[Role, tuple[tuple[str, str, str], ...]] = {
    Role.THERAPIST: (
        ("Today", "home.index", "house"),
        ("Patients", "patients.listing", "users"),
        ("Music", "music.library", "music"),
        ("Guides", "preparation.library", "book-open"),
    ),
    Role.PATIENT: (
        ("Home", "home.index", "house"),
        ("Preparation", "preparation.own", "book-open"),
        ("Journal", "integration.journal", "pen-line"),
    ),
    Role.ADMIN: (
        ("Overview", "home.index", "house"),
        ("People", "administration.people", "users"),
        ("Practice", "administration.practice", "settings"),
        ("Log", "administration.log", "list"),
    ),
}

# Rooms whose pages stand under the main place of another.
BESIDE = {"programmes": "preparation"}


def create_app(config: Config, *, key: InstanceKey | None = None) -> Flask:
    """The application for one installation. Raises `KeyProblem` and `UndeclaredRoute`."""
    app = Flask("kap", template_folder=str(paths.TEMPLATES), static_folder=str(paths.STATIC))
    key = key or read_key_file(config.key_path)
    app.extensions["kap.config"] = config
    app.extensions["kap.key"] = key
    _set_flask(app, config, key)
    logs.install(config.log_level)
    db.configure(app, config.database)
    keys.install(app, config.keys_path, key)
    storage.install(app, config.storage)
    worker.install(app, config)
    settle.install(app)  # first, so that it settles after every other hook has had its say
    headers.install(app, secure=config.secure)
    app.before_request(_take_large_files)  # before the token is looked for, which reads the whole form
    protection = CSRFProtect(app)
    errors.install(app)
    filters.install(app)
    signin.install(app)
    protection.exempt(stop_letters)  # mail programs send it; the token of the letter is what allows it
    for room in (*ROOMS, style) if config.development else ROOMS:
        app.register_blueprint(room)
    declare(app.view_functions["static"], PUBLIC)
    app.context_processor(_page_context)
    refuse_undeclared_routes(app)
    return app


def _set_flask(app: Flask, config: Config, key: InstanceKey) -> None:
    app.config.update(
        SECRET_KEY=key.derive("cookies"),
        SESSION_COOKIE_NAME="__Host-kap" if config.secure else "kap",
        SESSION_COOKIE_SECURE=config.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(
            hours=max(config.staff_absolute_hours, config.patient_absolute_hours)
        ),
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,  # the default hour would lose a journal entry written over an afternoon
        MAX_CONTENT_LENGTH=config.form_megabytes * 1_000_000,  # files among it; see _take_large_files
        MAX_FORM_MEMORY_SIZE=config.form_megabytes * 1_000_000,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=7),
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _take_large_files() -> None:
    """Let a browser that is signed in send large files where they belong, and nobody anywhere else.

    Whether the sign-in still holds is asked later: a database transaction must not wait for an upload.
    """
    most_megabytes = {
        "music.upload": current_config().upload_megabytes,
        "music.add_voice": current_config().upload_megabytes,
        "integration.bring_journal": current_config().upload_megabytes,
        "integration.add_note": VOICE_MEGABYTES,
        "integration.add_picture": PICTURE_MEGABYTES,
    }.get(request.endpoint or "")
    if most_megabytes and "_user_id" in session:
        request.max_content_length = (most_megabytes + 1) * 1_000_000


def _page_context() -> dict[str, Any]:
    signed_in = current_user.is_authenticated
    return {
        "practice": current_user.user.practice.name if signed_in else None,
        "navigation": _navigation,
        "may": _may,
        "small_practices": _small_practices,
        "brought": _brought,
    }


def _small_practices() -> list[Standing]:
    """What stands under the journal of the patient who is signed in."""
    patient = own_record(current_user.actor)
    if patient is None:
        return []
    return preparation_queries.practices_of(patient, day_in(now(), patient.practice.zone))


def _brought(patient: Patient) -> list[mark_queries.Brought]:
    """What is marked for the next session, as far as the reader may see it."""
    return mark_queries.brought(current_user.actor, patient)


def _navigation() -> list[tuple[str, str, str, bool]]:
    """The signed-in person's main places: label, address, icon, and whether this is it."""
    if not current_user.is_authenticated:
        return []
    here = request.endpoint or ""
    return [
        (label, url_for(endpoint), icon, _is_here(here, endpoint))
        for label, endpoint, icon in NAVIGATION[current_user.role]
    ]


def _is_here(here: str, endpoint: str) -> bool:
    if endpoint.startswith("administration.") or endpoint == "home.index":
        return here == endpoint
    room = "patients" if "patient_id" in (request.view_args or {}) else here.split(".", maxsplit=1)[0]
    return BESIDE.get(room, room) == endpoint.split(".", maxsplit=1)[0]


def _may(permission: str, patient: Patient | None = None) -> bool:
    if not current_user.is_authenticated:
        return False
    wanted = Permission(permission)
    return (
        may_on(current_user.actor, wanted, patient)
        if patient
        else may_in_practice(current_user.actor, wanted)
    )
