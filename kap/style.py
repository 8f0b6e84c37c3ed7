"""`/style`: every component in every state and palette. The application registers it in development only."""

import math
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, render_template
from wtforms import (
    BooleanField,
    DateField,
    Form,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired

from kap.access.guard import public
from kap.home.timeline import Happening
from kap.sessions.programme import PhaseSpan

bp = Blueprint("style", __name__)
PALETTES = ("light", "dark", "night")


class Sample(Form):
    """One field of each kind."""

    name = StringField("Name", [InputRequired("Write a name.")])
    password = PasswordField("Password", [InputRequired()])
    route = SelectField(
        "Route", [InputRequired()], choices=[("iv", "Intravenous"), ("sublingual", "Sublingual")]
    )
    day = DateField("Date of the session", [InputRequired("Choose a date.")])
    line = TextAreaField("A personal line")
    words = TextAreaField("Write what you want to keep", [InputRequired()])
    mood = RadioField(
        "How are you right now?",
        [InputRequired()],
        choices=[("1", "Low"), ("2", "Heavy"), ("3", "Even"), ("4", "Light"), ("5", "Bright")],
    )
    share = BooleanField("My care team may read this entry")


EVENTS = (
    Happening(
        "calendar",
        datetime(2026, 6, 18, 9, 30, tzinfo=UTC),
        "Second session planned",
        "Sublingual, 100 minutes",
        "#",
        "ahead",
    ),
    Happening(
        "message-circle",
        datetime(2026, 6, 11, 16, 5, tzinfo=UTC),
        "Shared an entry",
        "Waits to be read",
        "#",
        "needs",
    ),
    Happening(
        "headphones",
        datetime(2026, 6, 10, 10, 0, tzinfo=UTC),
        "First session",
        "Intravenous, 85 minutes",
        "#",
    ),
    Happening("book-open", datetime(2026, 6, 3, 8, 12, tzinfo=UTC), "Read: The day of the session", "", ""),
)
PHASES = (
    PhaseSpan("Settle", -10, 0),
    PhaseSpan("Onset", 0, 10),
    PhaseSpan("Ascent", 10, 20),
    PhaseSpan("Peak", 20, 40),
    PhaseSpan("Descent", 40, 50),
    PhaseSpan("Return", 50, 65),
    PhaseSpan("Ground", 65, 75),
)
ARC = ((-10, 0.15), (0, 0.22), (10, 0.38), (20, 0.68), (40, 0.7), (50, 0.33), (65, 0.18), (75, 0.1))
STAGES = (
    ("Prepare", "done"),
    ("Session", "done"),
    ("First days", "now"),
    ("Weeks after", "ahead"),
    ("Three months", "ahead"),
)


@bp.get("/style")
@public
def style() -> str:
    """The page itself; it shows samples only and knows nobody."""
    return render_template("style/style.html", samples=[_sample(palette) for palette in PALETTES])


def _sample(palette: str) -> dict[str, Any]:
    """What one palette's column shows. Each form has its own prefix, so that no two fields share an id."""
    filled = Sample(
        prefix=f"{palette}-", name="Maren Holt", day=datetime(2026, 6, 18, tzinfo=UTC).date(), mood="4"
    )
    wrong = Sample(prefix=f"{palette}-wrong-")
    wrong.validate()
    return {
        "palette": palette,
        "form": filled,
        "wrong": wrong,
        "events": EVENTS,
        "phases": PHASES,
        "arc": ARC,
        "stages": STAGES,
        "peaks": _sample_peaks(),
    }


def _sample_peaks(pairs: int = 1000) -> bytes:
    """A swell and a fall with some grain, as (lowest, highest) pairs of signed bytes."""
    values = bytearray()
    for place in range(pairs):
        swell = math.sin(math.pi * place / pairs) ** 0.7
        grain = 0.55 + 0.45 * math.sin(place * 12.9898) * math.sin(place * 0.31)
        height = int(120 * swell * abs(grain))
        values += bytes(((-height) % 256, height))
    return bytes(values)
