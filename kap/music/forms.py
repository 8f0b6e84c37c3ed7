from typing import Any
from uuid import UUID

from wtforms import FloatField, HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import NumberInput

from kap.music.actions import Change, Details, Rating
from kap.music.finding import LONGEST_STYLE, styles_in
from kap.music.models import Familiarity, Pulse, Track, Vocals
from kap.music.words import FAMILIARITY, PULSE, UNSAID, VOCALS
from kap.web.forms import Form, VersionedForm

UNCHOSEN = {"": UNSAID}
LEAVE = "leave"
NOTHING_SAID = "unsaid"
_LEAVE = {LEAVE: "Leave as it is"}


def _changes(choices: dict[str, str]) -> dict[str, str]:
    return _LEAVE | choices | {NOTHING_SAID: UNSAID}


class TrackForm(VersionedForm):
    title = StringField("Title", validators=[InputRequired("Please enter a title."), Length(max=200)])
    artist = StringField("Artist", validators=[Length(max=200)])
    album = StringField("Album", validators=[Length(max=200)])
    intensity = FloatField(
        "Intensity",
        widget=NumberInput(step=0.01, min=0, max=1),
        validators=[Optional(), NumberRange(0, 1, "Intensity lies between 0 and 1.")],
    )
    valence = FloatField(
        "Heavy or light",
        widget=NumberInput(step=0.01, min=0, max=1),
        validators=[Optional(), NumberRange(0, 1, "This lies between 0 and 1.")],
    )
    vocals = SelectField("Voices", choices=UNCHOSEN | VOCALS, validators=[Optional()])
    language = StringField("Language of the words", validators=[Length(max=60)])
    pulse = SelectField("Pulse", choices=UNCHOSEN | PULSE, validators=[Optional()])
    has_culture = SelectField(
        "Religious or cultural content",
        choices=UNCHOSEN | {"none": "None", "some": "Yes"},
        validators=[Optional()],
    )
    culture = StringField("Which", validators=[Length(max=200)])
    familiarity = SelectField("Familiarity", choices=UNCHOSEN | FAMILIARITY, validators=[Optional()])
    tags = StringField("Styles", validators=[Length(max=400)])
    licence = StringField("Licence", validators=[Length(max=100)])
    source = StringField("Source", validators=[Length(max=300)])

    def show(self, track: Track) -> "TrackForm":
        """Fill what is shown otherwise than it is kept."""
        self.has_culture.data = _culture_choice(track.culture)
        self.tags.data = ", ".join(track.tags)
        return self

    def validate_culture(self, field: StringField) -> None:
        if self.has_culture.data == "some" and not field.data:
            raise ValidationError("Please say which, so that it can be kept out where it does not belong.")

    def validate_tags(self, field: StringField) -> None:
        if any(len(style) > LONGEST_STYLE for style in styles_in(field.data or "")):
            raise ValidationError(f"A style has at most {LONGEST_STYLE} characters.")

    def details(self) -> Details:
        return Details(
            title=self.title.data or "",
            artist=self.artist.data or "",
            album=self.album.data or "",
            licence=self.licence.data or "",
            source=self.source.data or "",
            intensity=self.intensity.data,
            rating=Rating(
                valence=self.valence.data,
                vocals=Vocals(self.vocals.data) if self.vocals.data else None,
                language=self.language.data or "",
                pulse=Pulse(self.pulse.data) if self.pulse.data else None,
                culture=_culture(self.has_culture.data, self.culture.data),
                familiarity=Familiarity(self.familiarity.data) if self.familiarity.data else None,
                tags=styles_in(self.tags.data or ""),
            ),
        )


class ManyForm(Form):
    """One change of many tracks. What stays empty, or at "Leave as it is", stays as it is."""

    tracks = HiddenField()  # "id:version id:version …", as they were when the page was made
    licence = StringField("Licence", validators=[Length(max=100)])
    source = StringField("Source", validators=[Length(max=300)])
    vocals = SelectField("Voices", choices=_changes(VOCALS), validators=[Optional()])
    language = StringField("Language of the words", validators=[Length(max=60)])
    pulse = SelectField("Pulse", choices=_changes(PULSE), validators=[Optional()])
    has_culture = SelectField(
        "Religious or cultural content",
        choices=_changes({"none": "None", "some": "Yes"}),
        validators=[Optional()],
    )
    culture = StringField("Which", validators=[Length(max=200)])
    familiarity = SelectField("Familiarity", choices=_changes(FAMILIARITY), validators=[Optional()])
    add_style = StringField("Add a style", validators=[Length(max=LONGEST_STYLE)])
    remove_style = StringField("Remove a style", validators=[Length(max=LONGEST_STYLE)])
    place = SelectField(
        "In the library",
        choices=_LEAVE | {"retire": "Retire", "restore": "Restore"},
        validators=[Optional()],
    )

    def validate_culture(self, field: StringField) -> None:
        if self.has_culture.data == "some" and not field.data:
            raise ValidationError("Please say which, so that it can be kept out where it does not belong.")

    def validate_language(self, field: StringField) -> None:
        if field.data and self.vocals.data not in (LEAVE, "", None, Vocals.WORDS):
            raise ValidationError(
                "Only words have a language: choose voices with words, or leave this empty."
            )

    def validate_add_style(self, field: StringField) -> None:
        if len(styles_in(field.data or "")) > 1:
            raise ValidationError("One style at a time, please: leave out the comma.")

    validate_remove_style = validate_add_style

    def seen(self) -> dict[UUID, int]:
        """The version of each track that the page was made of. What is no such list is passed over."""
        found = {}
        for part in (self.tracks.data or "").split():
            key, _, version = part.partition(":")
            try:
                found[UUID(key)] = int(version)
            except ValueError:
                continue
        return found

    def change(self) -> Change:
        values: dict[str, Any] = {name: field.data for name, field in self._written().items() if field.data}
        if self.language.data:
            values["vocals"] = Vocals.WORDS
        for name, kind in (("vocals", Vocals), ("pulse", Pulse), ("familiarity", Familiarity)):
            chosen = self[name].data
            if chosen not in (LEAVE, "", None):
                values[name] = None if chosen == NOTHING_SAID else kind(chosen)
        if self.has_culture.data not in (LEAVE, "", None):
            values["culture"] = _culture(self.has_culture.data, self.culture.data)
        return Change(
            values,
            add_style=_one_style(self.add_style.data),
            remove_style=_one_style(self.remove_style.data),
            retired={"retire": True, "restore": False}.get(self.place.data),
        )

    def _written(self) -> dict[str, StringField]:
        return {"licence": self.licence, "source": self.source, "language": self.language}


def _culture_choice(culture: str | None) -> str:
    if culture is None:
        return ""
    return "some" if culture else "none"


def _culture(choice: str | None, words: str | None) -> str | None:
    return {"none": "", "some": words or ""}.get(choice or "")


def _one_style(words: str | None) -> str:
    return next(iter(styles_in(words or "")), "")
