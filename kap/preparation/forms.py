from datetime import date

from wtforms import DateField, IntegerField, RadioField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from kap.content.guides import library
from kap.preparation.rules import due_objection
from kap.web.forms import Form


def _line_ends(text: str | None) -> str:
    """As they are on the page: a plain form sends others, and the same words would look rewritten."""
    return (text or "").replace("\r\n", "\n")


class AssignForm(Form):
    guide = RadioField("Guide", validators=[InputRequired("Please choose a guide.")])
    due_on = DateField("Due on", validators=[Optional()])
    line = TextAreaField("A personal line", validators=[Optional(), Length(max=1000)])

    def __init__(self, *, today: date) -> None:
        super().__init__()
        self.today = today
        self.guide.choices = [
            (guide.slug, f"{guide.title}, {guide.minutes} min") for guide in library().values()
        ]

    def validate_due_on(self, field: DateField) -> None:
        if field.data and (objection := due_objection(field.data, today=self.today)):
            raise ValidationError(objection)


class IntentionForm(Form):
    # Longer than anyone writes by hand, short enough that a pasted book is refused.
    text = TextAreaField("In your own words", validators=[Length(max=20_000)], filters=[_line_ends])
    version = IntegerField(widget=HiddenInput(), default=0, validators=[Optional()])
