"""What is arranged for a session, and what a practice requires."""

import hashlib
from typing import Any

from wtforms import BooleanField, IntegerField, StringField, TelField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from kap.readiness.actions import Wanted
from kap.readiness.models import Arrangements
from kap.readiness.queries import Choice
from kap.readiness.rules import ITEM_WORDS, Item
from kap.readiness.wording import LONGEST_WORDING
from kap.safety.rules import LONGEST_MONTHS
from kap.sessions.rules import ROUTE_WORDS, Route
from kap.web.forms import Form, VersionedForm


class ArrangementsForm(VersionedForm):
    """Who brings the patient home, and two statements. A box that is ticked sends the `mark` of its words."""

    escort_name = StringField("Their name", validators=[Length(max=120)])
    escort_phone = TelField("Their phone number", validators=[Length(max=40)])
    fasting = StringField("Food and drink", validators=[Length(max=16)])
    travel = StringField("Way home", validators=[Length(max=16)])

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        # What is asked for is not called optional, though it is saved without.
        self.escort_name.flags.required = self.escort_phone.flags.required = True

    @classmethod
    def showing(cls, row: Arrangements | None) -> "ArrangementsForm":
        escort = row.escort if row else {}
        return cls(
            formdata=None,
            escort_name=escort.get("name", ""),
            escort_phone=escort.get("phone", ""),
            fasting=mark(row.fasting_words) if row and row.fasting_words else "",
            travel=mark(row.travel_words) if row and row.travel_words else "",
            version=row.version if row else 0,
        )

    def wanted(self, *, fasting: list[str], travel: list[str]) -> Wanted:
        """What a valid form says; `fasting` and `travel` are the words that its marks may stand for."""
        return Wanted(
            escort_name=self.escort_name.data or "",
            escort_phone=self.escort_phone.data or "",
            fasting=_words(self.fasting.data, fasting),
            travel=_words(self.travel.data, travel),
        )


def mark(words: str) -> str:
    """A short name for a wording, so that a page can say which one it showed."""
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _words(sent: str | None, known: list[str]) -> str | None:
    if not sent:
        return None
    return next((words for words in known if mark(words) == sent), "")  # "": words that nobody knows


class ReasonForm(Form):
    reason = TextAreaField("Why is it opened all the same?")


class ChoiceForm(VersionedForm):
    """What a practice requires. Its statements, one for each route, stand in fields of their own."""

    months = IntegerField(
        "Months for which a safety plan counts as current",
        validators=[InputRequired("Please enter a number of months."), NumberRange(1, LONGEST_MONTHS)],
    )

    @classmethod
    def showing(cls, choice: Choice, months: int) -> "ChoiceForm":
        values: dict[str, Any] = {"months": months, "version": choice.version}
        values |= {item.name.lower(): item in choice.required for item in Item}
        for route in Route:
            values[f"fasting_{route.value}"] = choice.own_fasting.get(route.value, "")
            values[f"travel_{route.value}"] = choice.own_travel.get(route.value, "")
        return cls(formdata=None, data=values)

    def required(self) -> frozenset[Item]:
        return frozenset(item for item in Item if self[item.name.lower()].data)

    def own(self, kind: str) -> dict[str, str]:
        return {route.value: (self[f"{kind}_{route.value}"].data or "").strip() for route in Route}


for _item in Item:
    setattr(ChoiceForm, _item.name.lower(), BooleanField(ITEM_WORDS[_item]))
for _route in Route:
    for _kind in ("fasting", "travel"):
        setattr(
            ChoiceForm,
            f"{_kind}_{_route.value}",
            TextAreaField(ROUTE_WORDS[_route], validators=[Length(max=LONGEST_WORDING)]),
        )
