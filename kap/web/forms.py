"""The base of every form."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import EmailField, Field, IntegerField, StringField, TelField, TextAreaField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose token is the application's own check and whose text is tidied: see `_FILTERS`."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = False  # CSRFProtect checks every unsafe request, forms or not

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Field:
            filters = unbound_field.kwargs.get("filters", [])
            tidying = _FILTERS.get(unbound_field.field_class, ())
            bound: Field = unbound_field.bind(form=form, filters=[*filters, *tidying], **options)
            return bound


class VersionedForm(Form):
    """A form over a row that others may change meanwhile; `version` is the one the person has seen."""

    version = IntegerField(widget=HiddenInput(), default=0, validators=[Optional()])

    def take_version(self, version: int) -> None:
        """Go on from `version`, which the page is about to show: a field prefers what was sent."""
        self.version.data, self.version.raw_data = version, None


def without_nul(value: str | None) -> str | None:
    """For what is stored as it is: PostgreSQL takes no NUL. What is sealed may hold any character."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _strip(value: str | None) -> str | None:
    return value.strip() if isinstance(value, str) else value


def _with_line_feeds(value: str | None) -> str | None:
    """A plain form sends CRLF and a script LF; the same words must compare as the same."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


_FILTERS = {
    StringField: (without_nul, _strip),
    EmailField: (without_nul, _strip),
    TelField: (without_nul, _strip),
    TextAreaField: (_with_line_feeds,),
}
