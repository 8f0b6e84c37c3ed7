from wtforms import Field, TextAreaField
from wtforms.validators import Length

from kap.safety.rules import LONGEST_PART, PARTS, Part
from kap.web.forms import VersionedForm


def _field(part: Part) -> TextAreaField:
    too_long = f"This can have {LONGEST_PART:,} characters. Please make it shorter."
    return TextAreaField(PARTS[part].title, validators=[Length(max=LONGEST_PART, message=too_long)])


class PlanForm(VersionedForm):
    """A field for every part, by its name."""

    signs = _field(Part.SIGNS)
    alone = _field(Part.ALONE)
    distraction = _field(Part.DISTRACTION)
    people = _field(Part.PEOPLE)
    professionals = _field(Part.PROFESSIONALS)
    surroundings = _field(Part.SURROUNDINGS)

    @classmethod
    def showing(cls, words: dict[str, str], *, version: int) -> "PlanForm":
        return cls(formdata=None, data={**words, "version": version})

    def words(self) -> dict[str, str]:
        return {part.value: self[part.value].data or "" for part in Part}

    @property
    def parts(self) -> list[tuple[Field, str]]:
        """Each part's field with its hint, in order."""
        return [(self[part.value], PARTS[part].hint) for part in Part]
