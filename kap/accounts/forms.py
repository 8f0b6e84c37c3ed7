from zoneinfo import available_timezones

from wtforms import (
    BooleanField,
    EmailField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, Email, InputRequired, Length, NumberRange, Optional

from kap.access.permissions import Role
from kap.accounts.rules import MAX_PASSWORD, MOST_TALK_HOURS, TALK_HOURS
from kap.web.forms import Form, without_nul


class SignInForm(Form):
    email = EmailField("E-mail address", validators=[InputRequired("Please enter your e-mail address.")])
    password = PasswordField(
        "Password", validators=[InputRequired("Please enter your password."), Length(max=MAX_PASSWORD)]
    )


class AcceptForm(Form):
    password = PasswordField("Choose a password", validators=[InputRequired("Please choose a password.")])
    repeat = PasswordField("The same once more", validators=[InputRequired("Please type it once more.")])

    def validate_repeat(self, field: PasswordField) -> None:
        if field.data != self.password.data:
            raise ValidationError("The two are not the same.")


class ChangePasswordForm(AcceptForm):
    current = PasswordField("Your password now", validators=[InputRequired("Please enter your password.")])


class InviteForm(Form):
    name = StringField("Name", validators=[DataRequired("Please enter a name."), Length(max=120)])
    email = EmailField(
        "E-mail address",
        validators=[DataRequired("Please enter an e-mail address."), Email("This is not an e-mail address."),
                    Length(max=200)],
    )  # fmt: skip
    role = SelectField(
        "Role",
        choices={Role.THERAPIST.value: "Therapist", Role.ADMIN.value: "Administrator"},
        default=Role.THERAPIST.value,
        validators=[InputRequired("Please choose a role.")],
    )


class PracticeForm(Form):
    name = StringField(
        "Name of the practice", validators=[DataRequired("Please enter a name."), Length(max=120)]
    )
    zone = StringField("Time zone", validators=[DataRequired("Please enter a time zone.")])
    help_text = TextAreaField("Help in a crisis", validators=[Length(max=10_000)], filters=[without_nul])

    talk_hours = IntegerField(
        "Hours within which someone answers a patient who would like to talk",
        default=TALK_HOURS,
        validators=[
            Optional(),
            NumberRange(1, MOST_TALK_HOURS, f"Please choose between 1 and {MOST_TALK_HOURS} hours."),
        ],
    )
    writing_links = BooleanField("Patients may write through a link, without a password")

    def validate_zone(self, field: StringField) -> None:
        if field.data not in available_timezones():
            raise ValidationError("This is not a time zone. Europe/Berlin or America/New_York would be one.")
