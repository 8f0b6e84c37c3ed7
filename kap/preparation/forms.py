from collections.abc import Sequence
from datetime import date

from wtforms import DateField, HiddenField, RadioField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from kap.content.guides import Guide
from kap.preparation.answers import LONGEST
from kap.preparation.rules import due_objection
from kap.web.forms import Form, VersionedForm


class AssignForm(Form):
    guide = RadioField("Guide", validators=[InputRequired("Please choose a guide.")])
    due_on = DateField("Due on", validators=[Optional()])
    line = TextAreaField("A personal line", validators=[Optional(), Length(max=1000)])

    def __init__(self, *, today: date, guides: Sequence[Guide]) -> None:
        super().__init__()
        self.today = today
        self.guide.choices = [(guide.slug, f"{guide.title}, {guide.minutes} min") for guide in guides]

    def validate_due_on(self, field: DateField) -> None:
        if field.data and (objection := due_objection(field.data, today=self.today)):
            raise ValidationError(objection)


class IntentionForm(VersionedForm):
    # Longer than anyone writes by hand, short enough that a pasted book is refused.
    text = TextAreaField("In your own words", validators=[Length(max=20_000)])


class AnswerForm(VersionedForm):
    text = TextAreaField(
        "Your answer",
        validators=[
            Length(max=LONGEST, message=f"An answer can have {LONGEST:,} characters. Please make it shorter.")
        ],
    )


class ConfirmForm(Form):
    wording = HiddenField(validators=[Length(max=16)])
    confirmed = HiddenField()
