"""An arc as a form: a row for every point of its curve and for every phase, in any order."""

from itertools import pairwise
from typing import Any

from wtforms import BooleanField, FieldList, FloatField, FormField, IntegerField, SelectField, StringField
from wtforms import Form as Row
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import NumberInput

from kap.music.arcs import LONGEST_MIN, MOST_PHASES, MOST_POINTS, Arc
from kap.music.models import PracticeArc
from kap.web.forms import Form, VersionedForm

ROUTE_NAMES = {"iv": "IV", "im": "IM", "sublingual": "Sublingual", "intranasal": "Intranasal"}
WORD_CHOICES = {"none": "No voices", "wordless": "Voices without words", "allowed": "Any voices"}
PULSE_CHOICES = {"none": "No pulse", "slow": "Slow at most", "moderate": "Moderate at most", "fast": "Any"}
MOST_LEAD_MIN = 60
NEW_PHASE_MIN = 5.0
_WITHIN = NumberRange(-MOST_LEAD_MIN, LONGEST_MIN, f"Between −{MOST_LEAD_MIN} and {LONGEST_MIN} minutes.")


class PlainFloat(FloatField):
    """A number without a fraction it does not have."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{round(self.data, 2):g}"


class PointRow(Row):
    minute = PlainFloat("Minute", widget=NumberInput(step="any"), validators=[InputRequired(), _WITHIN])
    intensity = PlainFloat(
        "Intensity",
        widget=NumberInput(step="any", min=0, max=1),
        validators=[InputRequired(), NumberRange(0, 1, "Intensity lies between 0 and 1.")],
    )


class PhaseRow(Row):
    label = StringField("Name", validators=[InputRequired("A phase needs a name."), Length(max=60)])
    end = PlainFloat("Until minute", widget=NumberInput(step="any"), validators=[InputRequired(), _WITHIN])
    words = SelectField("Voices", choices=WORD_CHOICES, validators=[InputRequired()])
    pulse = SelectField("Pulse", choices=PULSE_CHOICES, validators=[InputRequired()])
    loudness_range = PlainFloat(
        "Loudness range up to",
        widget=NumberInput(step="any", min=0),
        validators=[Optional(), NumberRange(1, 60, "Between 1 and 60 LU.")],
    )
    startles = IntegerField(
        "Sudden rises at most",
        widget=NumberInput(min=0),
        validators=[Optional(), NumberRange(0, 99, "Between 0 and 99.")],
    )
    elastic = BooleanField("Takes up the difference in length")


class NewArcForm(Form):
    title = StringField("Name", validators=[InputRequired("Please give it a name."), Length(max=120)])
    start = SelectField("Start from", validators=[InputRequired()])

    def __init__(self, arcs: dict[str, Arc], **values: Any) -> None:
        super().__init__(**values)
        self.start.choices = {key: arc.title for key, arc in arcs.items()}


class ArcForm(VersionedForm):
    title = StringField("Name", validators=[InputRequired("Please give it a name."), Length(max=120)])
    route = SelectField("Route", choices=ROUTE_NAMES, validators=[InputRequired()])
    lead = PlainFloat(
        "Minutes of music before minute 0",
        widget=NumberInput(step="any", min=0),
        validators=[
            InputRequired(),
            NumberRange(0, MOST_LEAD_MIN, f"Between 0 and {MOST_LEAD_MIN} minutes."),
        ],
    )
    points = FieldList(FormField(PointRow), min_entries=1, max_entries=MOST_POINTS)
    phases = FieldList(FormField(PhaseRow), min_entries=1, max_entries=MOST_PHASES)

    @classmethod
    def of(cls, arc: PracticeArc) -> "ArcForm":
        drawn = arc.definition
        return cls(
            formdata=None,
            title=arc.title,
            route=arc.route,
            version=arc.version,
            lead=-drawn["phases"][0]["start"],
            points=[{"minute": minute, "intensity": intensity} for minute, intensity in drawn["points"]],
            phases=drawn["phases"],
        )

    def definition(self, before: dict[str, Any]) -> dict[str, Any]:
        """The arc as `arc_from` reads it; what the form does not show is kept from `before`."""
        rows = sorted(self.phases.data, key=lambda row: row["end"])
        starts = [-(self.lead.data or 0.0), *(row["end"] for row in rows)]
        return {
            **before,
            "title": self.title.data,
            "route": self.route.data,
            "points": sorted([row["minute"], row["intensity"]] for row in self.points.data),
            "phases": [
                {
                    "label": row["label"].strip(),
                    "start": start,
                    **{name: row[name] for name in _PHASE_KEEPS},
                }
                for start, row in zip(starts, rows, strict=False)
            ],
        }

    def messages(self) -> list[str]:
        """What has to be mended, each with the row it is in."""
        said = [str(message) for control in (self.title, self.route, self.lead) for message in control.errors]
        tables: list[tuple[str, Any]] = [("Point", self.points), ("Phase", self.phases)]
        for word, rows in tables:
            for number, row in enumerate(rows, start=1):
                said += [
                    f"{word} {number}, {control.label.text.lower()}: {message}"
                    for control in row.form
                    for message in control.errors
                ]
        return said + [str(message) for message in self.form_errors]

    def change_rows(self, wish: str) -> None:
        """Do what a button asked for: `add-point`, `remove-point-3`, `add-phase`, `remove-phase-0`."""
        verb, _, rest = wish.partition("-")
        kind, _, number = rest.partition("-")
        tables: dict[str, Any] = {"point": self.points, "phase": self.phases}
        rows = tables.get(kind)
        if rows is None:
            return
        if verb == "remove" and number.isdigit() and len(rows.entries) > 1:
            rows.entries = [entry for entry in rows.entries if entry.name != f"{rows.name}-{number}"]
        elif verb == "add" and len(rows.entries) < rows.max_entries:
            rows.append_entry(self._new_point() if kind == "point" else self._new_phase())

    def _new_point(self) -> dict[str, float]:
        """In the middle of the widest stretch without one."""
        known = sorted(
            (row["minute"], row["intensity"] or 0.0) for row in self.points.data if row["minute"] is not None
        )
        pairs = list(pairwise(known))
        if not pairs:
            return {"minute": 0.0, "intensity": 0.5}
        before, after = max(pairs, key=lambda pair: pair[1][0] - pair[0][0])
        return {"minute": (before[0] + after[0]) / 2, "intensity": (before[1] + after[1]) / 2}

    def _new_phase(self) -> dict[str, Any]:
        ends = [row["end"] for row in self.phases.data if row["end"] is not None]
        return {"label": "", "end": max(ends, default=0.0) + NEW_PHASE_MIN, "words": "none", "pulse": "slow"}


_PHASE_KEEPS = ("end", "words", "pulse", "loudness_range", "startles", "elastic")
