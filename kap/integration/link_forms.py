from wtforms import EmailField, TextAreaField
from wtforms.validators import Email, InputRequired, Length

from kap.web.forms import Form, VersionedForm


class AskForLinkForm(Form):
    email = EmailField(
        "E-mail address",
        validators=[
            InputRequired("Please enter your e-mail address."),
            Email("This is not an e-mail address."),
            Length(max=200),
        ],
    )


class LinkPageForm(VersionedForm):
    """The one page that a link opens: words, and nothing else."""

    text = TextAreaField("Your words")
