from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, Optional

from kap.clock import day_in, from_wall, in_zone, now
from kap.music.builder import Avoid
from kap.sessions.actions import Plan
from kap.sessions.rules import ROUTE_WORDS, Route, day_objection, moments_of
from kap.sessions.wishes import Wishes
from kap.web.forms import Form, VersionedForm

Choices = dict[str, str]


class PlanForm(VersionedForm):
    """A session's plan on the wall clock of `zone`. Therapists and playlists are words by id."""

    day = DateField("Date", validators=[InputRequired("Please choose a date.")])
    time = TimeField("Time", validators=[InputRequired("Please choose a time.")])
    occurrence = RadioField(
        "Which of the two",
        choices={"first": "The first, before the clocks go back", "second": "The second, an hour later"},
        validate_choice=False,
    )
    route = SelectField(
        "Route",
        choices={"": "Choose"} | {route.value: words for route, words in ROUTE_WORDS.items()},
        validators=[InputRequired("Please choose how the medicine is given.")],
    )
    therapist = SelectField("Therapist", validators=[InputRequired("Please choose a therapist.")])
    playlist = SelectField("Playlist", validators=[Optional()])

    def __init__(self, *, zone: str, therapists: Choices, playlists: Choices, **values: Any) -> None:
        super().__init__(**values)
        self.zone = zone
        self.therapist.choices = therapists
        self.occurrence.flags.required = True  # shown only where it is needed
        self.playlist.choices = {"": "No music"} | playlists

    def validate_day(self, field: DateField) -> None:
        today = day_in(now(), self.zone)
        if field.data and (objection := day_objection(field.data, today=today)):
            raise ValidationError(objection)

    def validate_time(self, field: TimeField) -> None:
        wall = self._wall()
        if wall is None or self.day.errors or self._moments():
            return
        later = in_zone(from_wall(wall, self.zone), self.zone)
        raise ValidationError(
            f"The clocks go forward that day and {wall:%H:%M} does not come. Did you mean {later:%H:%M}?"
        )

    def validate_occurrence(self, field: RadioField) -> None:
        if self.comes_twice and field.data not in ("first", "second"):
            raise ValidationError(
                f"The clocks go back that day and {self.time.data:%H:%M} comes twice. Please choose."
            )

    @property
    def comes_twice(self) -> bool:
        """Whether the time that was typed needs `occurrence`."""
        return len(self._moments()) == 2

    def plan(self) -> Plan:
        """What a valid form says."""
        return Plan(
            planned_at=self._moments()[-1 if self.occurrence.data == "second" else 0],
            route=Route(self.route.data),
            therapist_id=UUID(self.therapist.data),
            playlist_id=UUID(self.playlist.data) if self.playlist.data else None,
        )

    def _wall(self) -> datetime | None:
        return datetime.combine(self.day.data, self.time.data) if self.day.data and self.time.data else None

    def _moments(self) -> list[datetime]:
        wall = self._wall()
        if wall is None or self.day.errors:
            return []
        return moments_of(wall, self.zone)


class NoteForm(Form):
    """One note. `music_s` and `age_s` come from the page's script and are judged by the rules."""

    text = TextAreaField("Note")
    quick = HiddenField()  # the words of a button, said in place of typing or before it
    client_id = HiddenField()
    music_s = HiddenField()
    age_s = HiddenField()

    def words(self) -> str:
        typed = (self.text.data or "").strip()
        quick = (self.quick.data or "").strip()
        return f"{quick}. {typed}" if quick and typed else quick or typed

    def key(self) -> UUID:
        """The page's own name for this note; a new one where it sent none."""
        try:
            return UUID(self.client_id.data or "")
        except ValueError:
            return uuid4()

    def renew(self) -> None:
        """Make the next sending a note of its own."""
        self.client_id.data, self.client_id.raw_data = str(uuid4()), None


class WishesForm(VersionedForm):
    """What music somebody likes and what must not be played. Languages and styles are lists with commas."""

    likes = TextAreaField("Music you like", validators=[Length(max=5000), Optional()])
    voices = BooleanField("No voices at all")
    culture = BooleanField("Nothing religious or from a particular culture")
    # Short enough that the page which builds a playlist takes every one of them over.
    languages = StringField("Languages not to be sung in", validators=[Length(max=130), Optional()])
    words = StringField(
        "Styles, instruments or sounds to leave out", validators=[Length(max=200), Optional()]
    )

    @classmethod
    def showing(cls, wishes: Wishes, *, version: int) -> "WishesForm":
        avoid = wishes.avoid
        return cls(
            formdata=None,
            likes=wishes.likes,
            voices=avoid.voices,
            culture=avoid.religious_or_cultural,
            languages=", ".join(avoid.languages),
            words=", ".join(avoid.words),
            version=version,
        )

    def wishes(self) -> Wishes:
        """What a valid form says."""
        return Wishes(
            likes=(self.likes.data or "").strip(),
            avoid=Avoid.from_dict(
                {
                    "voices": self.voices.data,
                    "religious_or_cultural": self.culture.data,
                    "languages": (self.languages.data or "").split(","),
                    "words": (self.words.data or "").split(","),
                }
            ),
        )
