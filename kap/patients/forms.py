from wtforms import DateField, EmailField, StringField, TelField, ValidationError
from wtforms.validators import DataRequired, Email, Length, Optional

from kap.clock import now
from kap.patients.actions import Identity
from kap.patients.rules import birth_objection
from kap.web.forms import VersionedForm


class PatientForm(VersionedForm):
    name = StringField("Name", validators=[DataRequired("Please enter a name."), Length(max=120)])
    born = DateField("Date of birth", validators=[Optional()])
    email = EmailField(
        "E-mail address", validators=[Optional(), Email("This is not an e-mail address."), Length(max=200)]
    )
    phone = TelField("Phone", validators=[Optional(), Length(max=40)])

    def validate_born(self, field: DateField) -> None:
        if field.data and (objection := birth_objection(field.data, today=now().date())):
            raise ValidationError(objection)

    def identity(self) -> Identity:
        return Identity(
            name=self.name.data or "",
            born=self.born.data.isoformat() if self.born.data else None,
            email=self.email.data or None,
            phone=self.phone.data or None,
        )
