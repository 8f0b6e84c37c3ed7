from datetime import date

from wtforms import DateField, RadioField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from kap.content.guides import library
from kap.preparation.rules import due_objection
from kap.web.forms import Form, VersionedForm


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


class IntentionForm(VersionedForm):
    # Longer than anyone writes by hand, short enough that a pasted book is refused.
    text = TextAreaField("In your own words", validators=[Length(max=20_000)])
