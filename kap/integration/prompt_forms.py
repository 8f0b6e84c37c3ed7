from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from kap.content.prompts import prompt_sets
from kap.integration.prompt_rules import LONGEST_PROMPT
from kap.web.forms import VersionedForm


class OwnPromptForm(VersionedForm):
    """A question for the journal, and the moment it is for."""

    text = StringField(
        "The question",
        validators=[
            DataRequired("Please write a question."),
            Length(max=LONGEST_PROMPT, message=f"Up to {LONGEST_PROMPT} characters, please."),
        ],
    )
    moment = SelectField("When it is asked", validators=[InputRequired("Please choose a moment.")])

    @classmethod
    def on(cls, **values: object) -> "OwnPromptForm":
        form = cls(**values)
        form.moment.choices = [(when, chosen.title) for when, chosen in prompt_sets().items()]
        return form
