from uuid import UUID, uuid4

from flask_wtf.file import FileField, FileRequired
from wtforms import StringField, validators
from wtforms.validators import Length, Regexp
from wtforms.widgets import HiddenInput

from kap.integration.file_rules import LONGEST_WORDS, places
from kap.web.forms import Form


def _file_id() -> StringField:
    """Chosen with the page, so that sending twice makes one."""
    return StringField(
        widget=HiddenInput(),
        default=lambda: str(uuid4()),
        validators=[validators.UUID("Please reload this page.")],
    )


class FileForm(Form):
    file_id = _file_id()

    @property
    def id_of_file(self) -> UUID:
        return UUID(self.file_id.data)


class NoteForm(FileForm):
    """A recording made elsewhere."""

    recording = FileField("A recording", validators=[FileRequired("Please choose a sound file first.")])


class PictureForm(FileForm):
    picture = FileField("A photo or drawing", validators=[FileRequired("Please choose a picture first.")])
    words = StringField(
        "What is on it",
        validators=[Length(max=LONGEST_WORDS, message=f"Up to {LONGEST_WORDS} characters, please.")],
    )


class PieceForm(Form):
    """A piece of a recording with the SHA-256 of its bytes."""

    piece = FileField(validators=[FileRequired()])
    digest = StringField(validators=[Regexp("[0-9a-f]{64}$")])


class TakesForm(Form):
    """How many pieces each take has: 12,3."""

    takes = StringField(validators=[Regexp(r"\d{1,4}(,\d{1,4})*$")])

    def counts(self) -> list[int]:
        """Raises `ValueError` for more than a recording may have."""
        found = [int(count) for count in (self.takes.data or "").split(",")]
        places(found)
        return found
