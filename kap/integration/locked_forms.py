from typing import Any

from wtforms import BooleanField, Field, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from kap.integration.locking import NotLocked, locked_text
from kap.integration.rules import LONGEST_TAG, LONGEST_TITLE, MOST_TAGS, tags_in
from kap.web.forms import VersionedForm


class LockedForm(VersionedForm):
    """A text that the writer's browser has locked. It is never given back: it may not be locked after all."""

    locked = TextAreaField("The locked text")
    new_lock = BooleanField("Its passphrase is another one")

    def validate_locked(self, field: Field) -> None:
        try:
            locked_text(field.data or "")
        except NotLocked as refusal:
            raise ValidationError(str(refusal)) from None


class UnlockForm(VersionedForm):
    """Words that the writer's browser has opened, to be kept as an ordinary entry."""

    text = TextAreaField("Your words")
    title = StringField(
        "Title", validators=[Length(max=LONGEST_TITLE, message="Please choose a shorter title.")]
    )
    tags = StringField("Themes")

    def validate_tags(self, field: Field) -> None:
        found = tags_in(field.data or "")
        if len(found) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in found):
            raise ValidationError(f"Up to {MOST_TAGS} themes, each of up to {LONGEST_TAG} characters.")

    def words(self) -> dict[str, Any]:
        return {
            "text": self.text.data or "",
            "title": self.title.data or "",
            "tags": tags_in(self.tags.data or ""),
        }
