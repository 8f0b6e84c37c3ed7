from typing import Any

from wtforms import FloatField, IntegerField, RadioField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import NumberInput

from kap.music.actions import Details
from kap.music.arcs import arcs
from kap.music.rules import LONGEST_MIN, SHORTEST_MIN
from kap.web.forms import Form, VersionedForm


class TrackForm(VersionedForm):
    title = StringField("Title", validators=[InputRequired("Please enter a title."), Length(max=200)])
    artist = StringField("Artist", validators=[Length(max=200)])
    intensity = FloatField(
        "Intensity",
        widget=NumberInput(step=0.01, min=0, max=1),
        validators=[Optional(), NumberRange(0, 1, "Intensity lies between 0 and 1.")],
    )
    licence = StringField("Licence", validators=[Length(max=100)])
    source = StringField("Source", validators=[Length(max=300)])

    def details(self) -> Details:
        return Details(
            title=self.title.data or "",
            artist=self.artist.data or "",
            licence=self.licence.data or "",
            source=self.source.data or "",
            intensity=self.intensity.data,
        )


class NewPlaylistForm(Form):
    arc = RadioField("Arc", validators=[InputRequired("Please choose an arc.")])
    minutes = IntegerField(
        "Length in minutes",
        validators=[
            Optional(),
            NumberRange(SHORTEST_MIN, LONGEST_MIN, f"Between {SHORTEST_MIN} and {LONGEST_MIN} minutes."),
        ],
    )
    name = StringField("Name", validators=[Length(max=120)])

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.arc.choices = [(arc.slug, f"{arc.title}, {arc.length_min:g} min") for arc in arcs().values()]

    @property
    def length_min(self) -> float:
        return float(self.minutes.data or arcs()[self.arc.data].length_min)

    @property
    def playlist_name(self) -> str:
        return self.name.data or f"{arcs()[self.arc.data].title}, {self.length_min:g} min"


class NameForm(VersionedForm):
    name = StringField("Name", validators=[InputRequired("Please enter a name."), Length(max=120)])
