"""The service worker, and the page it shows in a room's place while there is no network."""

import hashlib
import json
import re
from pathlib import Path

from flask import Response, current_app, make_response, render_template, url_for

from kap.access.guard import public
from kap.sessions.blueprint import bp

# Whose pages play music: a session's own, and the page to listen again. Only these are ever kept.
ROOMS = r"^/(patients/[0-9a-f-]{36}/sessions/[0-9a-f-]{36}|my/sessions/[0-9a-f-]{36}/music)$"
# By their names, as other rooms make them: a page, and the one that stands in for it without a network.
HELP = ("home.help_now", "home.help_here")
PLAN = ("safety.own", "safety.here")
# Pages of other rooms that open without a network: a pattern of addresses, and the view of what stands in for
# them, which is public, names nobody and fills itself from what the device kept.
STAND_INS = ((r"^/my/journal(/new|/[0-9a-f-]{36}/write)?$", "integration.write_here"),)
STYLES = ("fonts", "tokens", "base", "shell", "components", "drawings", "sessions")
STYLES_OF_OTHERS = ("home", "readiness", "integration", "print")
SCRIPTS = (
    "offline", "kept", "keep", "kap", "live", "player", "others", "output", "drafts", "places", "server",
    "theme-early", "plan-here", "plan-kept", "autosave", "held", "waiting", "write-here", "writer",
)  # fmt: skip
FONTS = (
    "atkinson-hyperlegible-next-latin-wght-normal",
    "literata-latin-wght-normal",
)
DRAWINGS = ("icons.svg", "mark.svg")
SHELL_FILES = (
    *(f"css/{name}.css" for name in STYLES + STYLES_OF_OTHERS),
    *(f"js/{name}.js" for name in SCRIPTS),
    *(f"fonts/{name}.woff2" for name in FONTS),
    *DRAWINGS,
)


@bp.get("/service-worker.js")
@public  # nothing in it is about anybody
def service_worker() -> Response:
    """One classic script, as some browsers run no modules in a service worker.

    It changes whenever anything of the shell does, which is how a browser notices another version of Kap.
    """
    # What stands in for a page is the same for everyone.
    stand_ins = [PLAN[1], *(view for _, view in STAND_INS)]
    pages = [_shell_page(), *(str(current_app.view_functions[view]()) for view in stand_ins)]
    constants = {
        "VERSION": _digest(*pages),
        "SHELL": [
            url_for("sessions.offline"),
            *(url_for(view) for view in stand_ins),
            *(url_for("static", filename=name) for name in SHELL_FILES),
        ],
        "ROOMS": ROOMS,
        "HELP": [url_for(name) for name in HELP],
        "PLAN": [url_for(name) for name in PLAN],
        "STAND_INS": [(pattern, url_for(view)) for pattern, view in STAND_INS],
    }
    script = "\n".join(
        [
            *(f"const {name} = {json.dumps(value)};" for name, value in constants.items()),
            *(_classic(name) for name in ("kept.js", "drafts.js", "plan-kept.js")),
            _script("service-worker.js"),
        ]
    )
    response = make_response(script)
    response.mimetype = "text/javascript"
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/offline")
@public  # it names nobody, and fills itself from what the device kept
def offline() -> str:
    return _shell_page()


def _shell_page() -> str:
    return render_template("sessions/offline.html", styles=STYLES)


def _digest(*pages: str) -> str:
    digest = hashlib.sha256("".join(pages).encode())
    for name in (*SHELL_FILES, "js/service-worker.js"):
        digest.update(_static(name).read_bytes())
    return digest.hexdigest()[:16]


def _classic(name: str) -> str:
    """A module whose imports stand in front of it."""
    return re.sub(r"^import .*\n", "", _script(name), flags=re.MULTILINE).replace("export ", "")


def _script(name: str) -> str:
    return _static(f"js/{name}").read_text(encoding="utf-8")


def _static(name: str) -> Path:
    return Path(current_app.static_folder or "") / name
