from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from kap.web.forms import Form

LONGEST = 5_000


class OutcomeForm(Form):
    outcome = TextAreaField(
        "What came of it",
        validators=[
            DataRequired("Please write what came of it."),
            Length(max=LONGEST, message="Up to 5,000 characters, please."),
        ],
    )
