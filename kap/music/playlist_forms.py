import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask_wtf.file import FileField, FileRequired
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import NumberInput

from kap.music.arc_forms import PlainFloat
from kap.music.arcs import Arc
from kap.music.arrangement import LONGEST_SILENCE_S
from kap.music.builder import Avoid, Candidate
from kap.music.playlist_actions import NAME_LENGTH
from kap.music.rules import LONGEST_MIN, SHORTEST_MIN
from kap.web.forms import Form, VersionedForm

LEAST_SURPLUS_MIN, USUAL_SURPLUS_MIN, MOST_SURPLUS_MIN = 15, 15, 60
MOST_SEED = 9_999
NOBODY = "For your colleagues and you. Please no patient's name: playlists belong to the whole practice."
_TIMECODE = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)")


def _each(text: str | None) -> tuple[str, ...]:
    """The parts of a list that is written with commas."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def _same(title: str) -> str:
    """Titles that differ in capitals and spaces alone are the same."""
    return " ".join(title.split()).casefold()


class NewPlaylistForm(Form):
    arc = RadioField("Arc", validators=[InputRequired("Please choose an arc.")])
    minutes = IntegerField(
        "Length in minutes",
        validators=[
            Optional(),
            NumberRange(SHORTEST_MIN, LONGEST_MIN, f"Between {SHORTEST_MIN} and {LONGEST_MIN} minutes."),
        ],
    )
    surplus = IntegerField(
        "Calm music after the end, in minutes",
        default=USUAL_SURPLUS_MIN,
        validators=[
            Optional(),
            NumberRange(
                LEAST_SURPLUS_MIN,
                MOST_SURPLUS_MIN,
                f"Between {LEAST_SURPLUS_MIN} and {MOST_SURPLUS_MIN} minutes.",
            ),
        ],
    )
    name = StringField("Name", validators=[Length(max=NAME_LENGTH)])
    avoid_voices = BooleanField("No voices at all")
    avoid_languages = StringField("No words in these languages", validators=[Length(max=200)])
    avoid_culture = BooleanField("Nothing religious or cultural")
    avoid_words = StringField("Nothing described as", validators=[Length(max=300)])
    avoid_titles = TextAreaField("Not these tracks", validators=[Length(max=2000)])
    seed = IntegerField("Order", default=0, validators=[Optional(), NumberRange(0, MOST_SEED)])

    def __init__(self, arcs: Mapping[str, Arc], tracks: Iterable[Candidate] = (), **values: Any) -> None:
        super().__init__(**values)
        self._arcs = arcs
        self._tracks = tracks
        self.arc.choices = {key: arc.title for key, arc in arcs.items()}

    @property
    def chosen(self) -> Arc:
        return self._arcs[self.arc.data]

    @property
    def length_min(self) -> float:
        return float(self.minutes.data or self.chosen.length_min)

    @property
    def surplus_s(self) -> float:
        return 60.0 * (self.surplus.data or USUAL_SURPLUS_MIN)

    @property
    def playlist_name(self) -> str:
        return self.name.data or f"{self.chosen.title}, {self.length_min:g} min"

    def avoid(self) -> Avoid:
        return Avoid.from_dict(
            {
                "voices": self.avoid_voices.data,
                "languages": _each(self.avoid_languages.data),
                "religious_or_cultural": self.avoid_culture.data,
                "words": _each(self.avoid_words.data),
                "track_ids": [track.id for track in self._tracks if _same(track.title) in self._titles()],
            }
        )

    def validate_avoid_titles(self, field: TextAreaField) -> None:
        known = {_same(track.title) for track in self._tracks}
        unknown = [title for title in _lines(field.data) if _same(title) not in known]
        if unknown:
            raise ValidationError(f"Not in your library: {', '.join(unknown)}. Write a title on each line.")

    def _titles(self) -> set[str]:
        return {_same(title) for title in _lines(self.avoid_titles.data)}


def wished(args: "MultiDict[str, str]") -> dict[str, Any]:
    """What an address asks to avoid: `avoid_voices=1&avoid_language=…&avoid_culture=1&avoid_word=…`."""
    return {
        "avoid_voices": "avoid_voices" in args,
        "avoid_languages": ", ".join(args.getlist("avoid_language"))[:200],
        "avoid_culture": "avoid_culture" in args,
        "avoid_words": ", ".join(args.getlist("avoid_word"))[:300],
    }


class NameForm(VersionedForm):
    name = StringField("Name", validators=[InputRequired("Please enter a name."), Length(max=NAME_LENGTH)])


class TimecodeField(StringField):
    """A moment of the music as players write it, such as 12:30 or 1:05:00; `seconds` once it is valid."""

    @property
    def seconds(self) -> float:
        hours, minutes, seconds = (int(part or 0) for part in self._match().groups())
        return float(hours * 3600 + minutes * 60 + seconds)

    def pre_validate(self, form: Any) -> None:
        if self.data:
            self._match()

    def _match(self) -> "re.Match[str]":
        match = _TIMECODE.fullmatch((self.data or "").strip())
        if match is None:
            raise ValidationError("Write it as minutes and seconds, such as 12:30.")
        return match


_MOMENT = [InputRequired("Say when, such as 12:30.")]


class PinForm(VersionedForm):
    at = TimecodeField("Begins at", validators=_MOMENT)


class VoiceForm(VersionedForm):
    """Which guidance is heard when."""

    clip = SelectField("Guidance", validators=[InputRequired("Choose what is said.")])
    at = TimecodeField("Begins at", validators=_MOMENT)

    def __init__(self, clips: Mapping[str, str], **values: Any) -> None:
        super().__init__(**values)
        self.clip.choices = dict(clips)


class SilenceForm(VersionedForm):
    seconds = IntegerField(
        "Seconds of silence",
        default=30,
        widget=NumberInput(min=1, max=LONGEST_SILENCE_S),
        validators=[
            InputRequired("Say how long."),
            NumberRange(1, LONGEST_SILENCE_S, f"Between 1 second and {LONGEST_SILENCE_S // 60} minutes."),
        ],
    )
    after = SelectField("After", validators=[Optional()])

    def __init__(self, places: Mapping[str, str], **values: Any) -> None:
        super().__init__(**values)
        self.after.choices = {**places, "": "At the beginning"}


class ListFileForm(Form):
    list = FileField("Playlist file", validators=[FileRequired("Choose a file first.")])


class ImportForm(Form):
    """What to make of an imported list: the arc it is shown along, and the places it came to."""

    name = StringField("Name", validators=[InputRequired("Please enter a name."), Length(max=NAME_LENGTH)])
    arc = SelectField("Arc", validators=[InputRequired("Please choose an arc.")])
    minutes = PlainFloat(
        "Length in minutes",
        validators=[
            Optional(),
            NumberRange(SHORTEST_MIN, LONGEST_MIN, f"Between {SHORTEST_MIN} and {LONGEST_MIN} minutes."),
        ],
    )
    surplus = IntegerField(
        "Calm music after the end, in minutes",
        default=USUAL_SURPLUS_MIN,
        validators=[Optional(), NumberRange(0, MOST_SURPLUS_MIN, f"Up to {MOST_SURPLUS_MIN} minutes.")],
    )

    def __init__(self, arcs: Mapping[str, Arc], **values: Any) -> None:
        super().__init__(**values)
        self.arc.choices = {key: arc.title for key, arc in arcs.items()}

    @property
    def surplus_s(self) -> float:
        return 60.0 * (USUAL_SURPLUS_MIN if self.surplus.data is None else self.surplus.data)
