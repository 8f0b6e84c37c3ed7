from datetime import time

from wtforms import IntegerField, StringField, TimeField, ValidationError
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from kap.reminders.rules import Quiet, is_zone
from kap.web.forms import VersionedForm

NOT_A_ZONE = "This is not a time zone. Europe/Berlin or America/New_York would be one."
BOTH = "Please give both times, or neither."


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


class _QuietHours(VersionedForm):
    def quiet(self) -> Quiet | None:
        """What was given, or None."""
        begins, ends = self.quiet_from.data, self.quiet_until.data
        return Quiet(_minutes(begins), _minutes(ends)) if begins is not None and ends is not None else None


class ChoiceForm(_QuietHours):
    """What a patient chooses. The kinds are tick boxes beside it: see the template."""

    zone = StringField("Your time zone", validators=[Optional(), Length(max=60)])
    quiet_from = TimeField("Quiet from", validators=[Optional()])
    quiet_until = TimeField("Quiet until", validators=[Optional()])

    def validate_zone(self, field: StringField) -> None:
        if field.data and not is_zone(field.data):
            raise ValidationError(NOT_A_ZONE)

    def validate(self, extra_validators: object = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if (self.quiet_from.data is None) != (self.quiet_until.data is None):
            missing = self.quiet_until if self.quiet_until.data is None else self.quiet_from
            if not missing.errors:
                missing.errors = [BOTH]
            return False
        return valid


class RulesForm(_QuietHours):
    """What a practice sets for everyone."""

    quiet_from = TimeField("Quiet from", validators=[InputRequired("Please enter a time.")])
    quiet_until = TimeField("Quiet until", validators=[InputRequired("Please enter a time.")])
    per_day = IntegerField(
        "Letters to one person on a day, at most",
        validators=[InputRequired("Please enter a number."), NumberRange(1, 10)],
    )
    per_week = IntegerField(
        "Letters to one person in seven days, at most",
        validators=[InputRequired("Please enter a number."), NumberRange(1, 50)],
    )
    signature = StringField("Signed with", validators=[Length(max=80)])
