"""Giving a programme, and a programme as a form: a row for every step, in any order."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from wtforms import (
    DateField,
    FieldList,
    FormField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms import Form as Row
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import NumberInput

from kap.content.guides import Guide
from kap.content.programmes import (
    EACH,
    FIRST,
    FURTHEST_DAYS,
    KINDS,
    LAST,
    MOST_SESSIONS,
    MOST_STEPS,
    Concerns,
    Hour,
    Kind,
    Programme,
    ProgrammeStep,
    step_objection,
)
from kap.content.prompts import prompt_sets
from kap.programmes.actions import LONGEST_REASON
from kap.programmes.rules import start_objection
from kap.programmes.words import ordinal_word
from kap.web.forms import Form, VersionedForm, without_nul

SPARE_ROWS = 3
USUAL_SESSIONS = 12  # as many can be chosen by number where a programme has no number of sessions
BEFORE, AFTER = "before", "after"
HOURS = {
    Hour.DAY: "In the course of the day",
    Hour.EVENING: "In the evening",
    Hour.SAME: "At the session's time of day",
}


class GiveForm(Form):
    programme = RadioField("Programme", validators=[InputRequired("Please choose a programme.")])
    starts_on = DateField("Count sessions from", validators=[InputRequired("Please choose a day.")])

    def __init__(self, *, today: date, offered: Sequence[Programme], **values: Any) -> None:
        super().__init__(**values)
        self.today = today
        self.programme.choices = [(each.slug, each.title) for each in offered]
        if not self.is_submitted():
            self.starts_on.data = today

    def validate_starts_on(self, field: DateField) -> None:
        if field.data and (objection := start_objection(field.data, today=self.today)):
            raise ValidationError(objection)


class SkipForm(Form):
    reason = TextAreaField(
        "Why it is left out",
        filters=[without_nul],
        validators=[
            InputRequired("Please write in a few words why."),
            Length(max=LONGEST_REASON, message=f"A reason can have {LONGEST_REASON:,} characters."),
        ],
    )


class StepRow(Row):
    """One step. `what` holds its kind and, where it needs one, its guide or moment: guide:intention."""

    what = SelectField("What")
    words = StringField("The task, in your own words", filters=[without_nul])
    count = IntegerField("Days", widget=NumberInput(min=0, max=FURTHEST_DAYS), validators=[Optional()])
    side = SelectField("Before or after", choices={BEFORE: "days before", AFTER: "days after"})
    hangs = SelectField("Which session")
    hour = SelectField("Time of day", choices={each.value: words for each, words in HOURS.items()})

    def step(self) -> ProgrammeStep:
        kind, _, about = (self.what.data or "").partition(":")
        days = self.count.data or 0
        return ProgrammeStep(
            kind=Kind(kind),
            hangs=self.hangs.data or FIRST,
            days=-days if self.side.data == BEFORE else days,
            hour=Hour(self.hour.data or Hour.DAY),
            about=(self.words.data or "").strip() if Kind(kind) is Kind.TASK else about,
        )


class ProgrammeForm(VersionedForm):
    title = StringField("Name", validators=[InputRequired("Please give it a name."), Length(max=120)])
    summary = StringField("Summary, one line", validators=[Optional(), Length(max=300)])
    sessions = IntegerField(
        "Number of sessions",
        widget=NumberInput(min=1, max=MOST_SESSIONS),
        validators=[Optional(), NumberRange(1, MOST_SESSIONS, f"Between 1 and {MOST_SESSIONS}, or nothing.")],
    )
    steps = FieldList(FormField(StepRow), max_entries=MOST_STEPS + SPARE_ROWS)

    def __init__(self, guides: Mapping[str, Guide], **values: Any) -> None:
        super().__init__(**values)
        self.guides = guides
        for row in self.steps:
            self._offer(row.form)

    @classmethod
    def showing(cls, programme: Programme, guides: Mapping[str, Guide], version: int) -> "ProgrammeForm":
        form = cls(
            guides,
            formdata=None,
            title=programme.title,
            summary=programme.summary,
            sessions=programme.sessions,
            version=version,
            steps=[_row_values(step) for step in programme.steps],
        )
        form.add_spare_rows()
        return form

    def add_spare_rows(self) -> None:
        """Empty rows at the end, so that a step can be added without a script."""
        filled = sum(bool(row.form.what.data) for row in self.steps)
        while len(self.steps) < filled + SPARE_ROWS and len(self.steps) < (self.steps.max_entries or 0):
            self._offer(self.steps.append_entry({"side": BEFORE, "hangs": FIRST}).form)

    def kept_rows(self) -> list[StepRow]:
        """Those in which something is chosen; the others are left out."""
        return [row.form for row in self.steps if row.form.what.data]

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        rows = self.kept_rows()
        if not rows:
            self.form_errors.append("A programme needs a step.")
        for row in rows if is_valid else ():
            objection = step_objection(row.step(), sessions=self.sessions.data, guides=self.guides)
            if objection:
                row.what.errors = [*row.what.errors, objection]
                is_valid = False
        return is_valid and bool(rows)

    def programme(self, before: Programme) -> Programme:
        """What was written; what the form does not show is kept from `before`."""
        return Programme(
            slug=before.slug,
            title=self.title.data or "",
            summary=self.summary.data or "",
            sessions=self.sessions.data,
            steps=tuple(sorted((row.step() for row in self.kept_rows()), key=_in_time)),
            version=before.version,
            order=before.order,
            reviewed=before.reviewed,
            note=before.note,
            sources=before.sources,
        )

    def messages(self) -> list[str]:
        """What has to be mended, each with the row it is in."""
        said = [
            str(words) for control in (self.title, self.summary, self.sessions) for words in control.errors
        ]
        for number, row in enumerate(self.steps, start=1):
            said += [f"Step {number}: {words}" for control in row.form for words in control.errors]
        return said + [str(words) for words in self.form_errors]

    def _offer(self, row: StepRow) -> None:
        numbers = range(2, (self.sessions.data or USUAL_SESSIONS) + 1)
        row.what.choices = _what_there_is(self.guides, row.what.data or "")
        row.hangs.choices = {
            FIRST: "the first session",
            EACH: "each session",
            LAST: "the last session",
            **{str(number): f"the {ordinal_word(number)} session" for number in numbers},
        }
        if row.hangs.data and row.hangs.data not in row.hangs.choices:
            row.hangs.choices[row.hangs.data] = f"session {row.hangs.data}"


def _what_there_is(guides: Mapping[str, Guide], chosen: str) -> dict[str, list[tuple[str, str]]]:
    """What a step can be, in groups; a guide that is gone stays to be chosen where it was."""
    plain = [(f"{kind}:", rule.label) for kind, rule in KINDS.items() if _is_plain(rule.concerns)]
    found = {
        "Nothing": [("", "Nothing (leave this row out)")],
        "Ask for": plain,
        "Give a guide": [(f"{Kind.GUIDE}:{slug}", f"Guide: {guide.title}") for slug, guide in guides.items()],
        "Offer the journal, with prompts for": [
            (f"{Kind.JOURNAL}:{moment}", f"Journal: {each.title}") for moment, each in prompt_sets().items()
        ],
    }
    known = {value for group in found.values() for value, _ in group}
    if chosen and chosen not in known and chosen.startswith(f"{Kind.GUIDE}:"):
        found["No longer offered"] = [(chosen, chosen.partition(":")[2])]
    return found


def _is_plain(concerns: Concerns | None) -> bool:
    return concerns in (None, Concerns.WORDS)


def _row_values(step: ProgrammeStep) -> dict[str, Any]:
    is_task = step.kind is Kind.TASK
    return {
        "what": f"{step.kind}:{'' if is_task else step.about}",
        "words": step.about if is_task else "",
        "count": abs(step.days),
        "side": BEFORE if step.days <= 0 and not step.is_after else AFTER,
        "hangs": step.hangs,
        "hour": step.hour.value,
    }


def _in_time(step: ProgrammeStep) -> tuple[int, int, str]:
    place = {FIRST: 1, EACH: MOST_SESSIONS + 1, LAST: MOST_SESSIONS + 2}
    return place.get(step.hangs) or int(step.hangs), step.days, step.hour.value
