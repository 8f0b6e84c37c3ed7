import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from wtforms import (
    BooleanField,
    Field,
    IntegerRangeField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional, Regexp, ValidationError
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from kap.integration.models import JournalEntry
from kap.integration.places import USUAL_PHASES
from kap.integration.rules import (
    HIGHEST,
    LONGEST_TAG,
    LONGEST_TITLE,
    LOWEST,
    MOST_TAGS,
    SCALES,
    Member,
    Part,
    Scale,
    Writing,
    seconds_in,
    tags_in,
)
from kap.sessions.models import DosingSession
from kap.web.filters import day, timecode
from kap.web.forms import Form, VersionedForm

COMMENT_LIMIT = 10_000
TEAM = "team"
NOT_TYPED = "Please type the word delete, or go back to your journal."
_MIDDLE = (LOWEST + HIGHEST) // 2


def _slider(name: str) -> IntegerRangeField:
    return IntegerRangeField(
        SCALES[name].question,
        default=_MIDDLE,
        validators=[Optional(), NumberRange(LOWEST, HIGHEST, "Please choose between 0 and 10.")],
    )


def _audience(label: str) -> SelectMultipleField:
    return SelectMultipleField(label, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput())


class EntryForm(VersionedForm):
    """One page of the journal. A slider always has a value: a rating counts only when its box is ticked."""

    text = TextAreaField("Your words")
    title = StringField(
        "Title", validators=[Length(max=LONGEST_TITLE, message="Please choose a shorter title.")]
    )
    notes_mood_before = BooleanField("Note my mood before writing")
    mood_before = _slider("mood_before")
    notes_mood_after = BooleanField("Note my mood after writing")
    mood_after = _slider("mood_after")
    notes_body = BooleanField("Note how my body feels")
    body = _slider("body")
    notes_liking = BooleanField("Note how much I liked the music")
    liking = _slider("liking")
    notes_resonance = BooleanField("Note whether the music fitted what was in me")
    resonance = _slider("resonance")
    notes_openness = BooleanField("Note whether I let the music in")
    openness = _slider("openness")
    tags = StringField("Themes")
    session = SelectField("About a session", validators=[Optional()])
    moment = StringField("At this moment of its music")
    phase = SelectField("Or in this part of it", validators=[Optional()], validate_choice=False)

    def validate_tags(self, field: Field) -> None:
        found = tags_in(field.data or "")
        if len(found) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in found):
            raise ValidationError(f"Up to {MOST_TAGS} themes, each of up to {LONGEST_TAG} characters.")

    def validate_moment(self, field: Field) -> None:
        try:
            moment = seconds_in(field.data or "")
        except ValueError as error:
            raise ValidationError(
                "Please write it as a player shows it, such as 12:30 or 1:05:00."
            ) from error
        if moment is not None and not self.session.data:
            raise ValidationError("Please choose the session whose music it is.")

    @property
    def is_half_typed(self) -> bool:
        """Whether all that is amiss is a line that is perhaps being typed: no reason not to save the rest."""
        return set(self.errors) <= {"tags", "moment"}

    @classmethod
    def on(
        cls, sessions: Sequence[DosingSession], phases: Sequence[str] = USUAL_PHASES, **values: Any
    ) -> "EntryForm":
        """The form with `sessions` to choose from, filled from the request when it brings one."""
        form = cls(**values)
        about = [(str(session.id), day(session.closed_at or session.planned_at)) for session in sessions]
        form.session.choices = [("", "No session"), *about]
        named = [*phases, *([form.phase.data] if form.phase.data and form.phase.data not in phases else [])]
        form.phase.choices = [("", "No part in particular"), *((name, name) for name in named)]
        return form

    @classmethod
    def showing(
        cls,
        entry: JournalEntry,
        sessions: Sequence[DosingSession],
        phases: Sequence[str] = USUAL_PHASES,
    ) -> "EntryForm":
        writing = entry.writing
        given = writing.ratings.given
        return cls.on(
            sessions,
            phases,
            text=writing.text,
            title=writing.title,
            tags=", ".join(writing.tags),
            session=str(writing.session_id or ""),
            moment="" if writing.moment_s is None else timecode(writing.moment_s),
            phase=writing.phase,
            version=entry.version,
            **{f"notes_{name}": name in given for name in SCALES},
            **{name: given.get(name, _MIDDLE) for name in SCALES},
        )

    def sliders(self, *, about_music: bool) -> list[tuple[Field, Field, Scale]]:
        """Each box with its slider, and the scale with the words at both ends."""
        return [
            (self[f"notes_{name}"], self[name], scale)
            for name, scale in SCALES.items()
            if scale.about_music == about_music
        ]

    @property
    def says_more(self) -> bool:
        """Whether anything but the words is noted, or needs another look."""
        noted = any(self[f"notes_{name}"].data for name in SCALES)
        return noted or any(
            self[name].data or self[name].errors for name in ("title", "tags", "session", "moment", "phase")
        )

    def writing(self) -> Writing:
        ratings = {name: self[name].data for name in SCALES if self[f"notes_{name}"].data}
        return Writing(
            text=self.text.data or "",
            title=self.title.data or "",
            tags=tuple(tag for tag in tags_in(self.tags.data or "") if len(tag) <= LONGEST_TAG)[:MOST_TAGS],
            session_id=UUID(self.session.data) if self.session.data else None,
            moment_s=None if "moment" in self.errors else seconds_in(self.moment.data or ""),
            phase=(self.phase.data or "")[:LONGEST_TITLE],
            **ratings,
        )


class SharingForm(Form):
    """Who may see each part of an entry. What is not ticked is the writer's alone."""

    text = _audience("Your words")
    voice = _audience("Your voice notes")
    pictures = _audience("Your pictures")
    ratings = _audience("Your ratings")

    @classmethod
    def on(cls, entry: JournalEntry, team: Sequence[Member], **values: Any) -> "SharingForm":
        """With the parts that are in the entry, and the people of the care team, to choose from."""
        shared: dict[str, list[str]] = {part.value: [] for part in Part}
        for share in entry.shares:
            shared[share.part.value].append(TEAM if share.user_id is None else str(share.user_id))
        form = cls(**{**shared, **values})
        names = [(str(member.id), member.name) for member in team]
        for part in Part:
            if part not in entry.present:
                del form[part.value]
            else:
                form[part.value].choices = [(TEAM, "My care team, and whoever joins it"), *names]
        return form

    def wanted(self) -> set[tuple[Part, UUID | None]]:
        return {
            (Part(field.name), None if to == TEAM else UUID(to))
            for field in self
            for to in (field.data if field.raw_data else [])  # nothing ticked is an answer
        }


class DeleteEverythingForm(Form):
    typed = StringField(
        "Type the word delete",
        validators=[
            DataRequired(NOT_TYPED),
            Regexp("delete$", flags=re.IGNORECASE, message=NOT_TYPED),
        ],
    )


class CommentForm(Form):
    """A line under an entry. `comment_id` is chosen with the page, so that sending twice says it once."""

    comment_id = StringField(
        widget=HiddenInput(),
        default=lambda: str(uuid4()),
        validators=[validators.UUID("Please reload this page.")],
    )
    text = TextAreaField(
        "Your comment",
        validators=[
            DataRequired("Please write something first."),
            Length(
                max=COMMENT_LIMIT, message="A comment can have 10,000 characters. Please make it shorter."
            ),
        ],
    )
