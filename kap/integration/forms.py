from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from wtforms import (
    BooleanField,
    IntegerRangeField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from kap.integration.models import JournalEntry
from kap.integration.rules import MOOD_HEAVY, MOOD_LIGHT, Writing
from kap.sessions.models import DosingSession
from kap.web.filters import day
from kap.web.forms import Form, VersionedForm

COMMENT_LIMIT = 10_000
_MIDDLE = (MOOD_HEAVY + MOOD_LIGHT) // 2


def _mood(label: str) -> IntegerRangeField:
    return IntegerRangeField(
        label,
        default=_MIDDLE,
        validators=[Optional(), NumberRange(MOOD_HEAVY, MOOD_LIGHT, "Please choose between 0 and 10.")],
    )


class EntryForm(VersionedForm):
    """One page of the journal. A slider always has a value, so a mood counts only when its box is ticked."""

    text = TextAreaField("Your words")
    notes_mood_before = BooleanField("Note my mood before writing")
    mood_before = _mood("Mood before writing")
    notes_mood_after = BooleanField("Note my mood after writing")
    mood_after = _mood("Mood after writing")
    session = SelectField("About a session", validators=[Optional()])

    @classmethod
    def on(cls, sessions: Sequence[DosingSession], **values: Any) -> "EntryForm":
        """The form with `sessions` to choose from, filled from the request when it brings one."""
        form = cls(**values)
        about = [(str(session.id), day(session.closed_at or session.planned_at)) for session in sessions]
        form.session.choices = [("", "No session"), *about]
        return form

    @classmethod
    def showing(cls, entry: JournalEntry, sessions: Sequence[DosingSession]) -> "EntryForm":
        before, after = entry.mood_before, entry.mood_after
        return cls.on(
            sessions,
            text=entry.text,
            notes_mood_before=before is not None,
            mood_before=_MIDDLE if before is None else before,
            notes_mood_after=after is not None,
            mood_after=_MIDDLE if after is None else after,
            session=str(entry.session_id or ""),
            version=entry.version,
        )

    def writing(self) -> Writing:
        return Writing(
            text=self.text.data or "",
            mood_before=self.mood_before.data if self.notes_mood_before.data else None,
            mood_after=self.mood_after.data if self.notes_mood_after.data else None,
            session_id=UUID(self.session.data) if self.session.data else None,
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
