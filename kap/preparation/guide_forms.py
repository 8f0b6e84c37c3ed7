from typing import Any, ClassVar

from wtforms import BooleanField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional
from wtforms.widgets import DateInput, HiddenInput

from kap.content.document import LARGEST_FILE_BYTES
from kap.content.drafts import LAST, Draft
from kap.web.forms import VersionedForm, without_nul

AUDIENCES = {"patient": "The patient", "companion": "Whoever takes the patient home"}
TOO_LONG = f"This text is larger than {LARGEST_FILE_BYTES // 1000} kB. Please divide it into several guides."


class Wanted:
    """Not optional, but nothing stands in the way of keeping a draft without it."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        pass


class GuideForm(VersionedForm):
    """A draft as it is written. What is wrong with it is said when it is shown or published."""

    title = StringField("Title", validators=[Wanted(), Length(max=120)])
    summary = StringField("Summary, one line", validators=[Wanted(), Length(max=300)])
    body = TextAreaField(
        "Text",
        filters=[without_nul],
        validators=[Wanted(), Length(max=LARGEST_FILE_BYTES, message=TOO_LONG)],
    )
    sources = TextAreaField("Sources, one a line", filters=[without_nul], validators=[Length(max=20_000)])
    reviewed = StringField("Last reviewed on", widget=DateInput(), validators=[Wanted(), Length(max=20)])
    audience = RadioField(
        "Who reads it", choices=AUDIENCES, validators=[Wanted(), Optional()], default="patient"
    )
    asks_intention = BooleanField("Offer a box to write an intention")
    is_practice = BooleanField("A small practice, shown under the journal")
    note = StringField("What is new, for your colleagues", validators=[Length(max=300)])
    order = IntegerField(widget=HiddenInput(), default=LAST, validators=[Optional()])

    @classmethod
    def showing(cls, draft: Draft, version: int) -> "GuideForm":
        return cls(formdata=None, version=version, **draft.as_dict())

    def draft(self) -> Draft:
        return Draft(
            title=self.title.data or "",
            summary=self.summary.data or "",
            reviewed=self.reviewed.data or "",
            audience=self.audience.data or "patient",
            asks_intention=bool(self.asks_intention.data),
            is_practice=bool(self.is_practice.data),
            order=self.order.data or LAST,
            sources=self.sources.data or "",
            body=self.body.data or "",
            note=self.note.data or "",
        )
