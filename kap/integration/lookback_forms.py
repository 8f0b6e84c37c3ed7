from collections.abc import Sequence
from typing import Any
from uuid import UUID

from wtforms import IntegerField, SearchField, SelectField
from wtforms.validators import NumberRange, Optional
from wtforms.widgets import HiddenInput

from kap.integration.lookback_queries import SOME, Sought
from kap.sessions.models import DosingSession
from kap.web.filters import day
from kap.web.forms import Form


class LookForm(Form):
    """What to look for. It is sent as a form: in an address its words would stay in histories and logs."""

    words = SearchField("Words", validators=[Optional()])
    tag = SelectField("Theme", validators=[Optional()], validate_choice=False)
    session = SelectField("Session", validators=[Optional()], validate_choice=False)
    known: frozenset[str] = frozenset()  # the sessions there are to choose from

    shown = IntegerField(widget=HiddenInput(), default=SOME, validators=[Optional(), NumberRange(SOME)])

    @classmethod
    def on(cls, sessions: Sequence[DosingSession], **values: Any) -> "LookForm":
        form = cls(**values)
        form.known = frozenset(str(session.id) for session in sessions)
        about = [(str(session.id), day(session.closed_at or session.planned_at)) for session in sessions]
        form.session.choices = [("", "Any session"), *about]
        form.tag.choices = [("", "Any theme")]
        return form

    def offer(self, tags: Sequence[tuple[str, int]]) -> None:
        """Let the themes there are be chosen from."""
        self.tag.choices = [("", "Any theme"), *((tag, f"{tag} ({number})") for tag, number in tags)]

    def sought(self) -> Sought:
        """What was asked for; a session that is not the writer's own is none."""
        return Sought(
            words=self.words.data or "",
            tag=self.tag.data or "",
            session_id=UUID(self.session.data) if self.session.data in self.known else None,
        )
