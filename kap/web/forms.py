"""The base of every form."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose token is the application's own check and whose fields are stripped of stray space."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = False  # CSRFProtect checks every unsafe request, forms or not

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Field:
            filters = unbound_field.kwargs.get("filters", [])
            if unbound_field.field_class.__name__ in ("StringField", "EmailField", "TelField", "SearchField"):
                filters = [*filters, _strip]
            bound: Field = unbound_field.bind(form=form, filters=filters, **options)
            return bound


def _strip(value: str | None) -> str | None:
    return value.strip() if isinstance(value, str) else value
