from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from kap.audio.clips import LONGEST_S, SHORTEST_S, Edit
from kap.music.arc_forms import PlainFloat
from kap.music.models import VoiceClip
from kap.web.forms import Form, VersionedForm

MOST_FADE_S = 30
_LENGTH = NumberRange(0, LONGEST_S, "Between 0 and 20 minutes of seconds.")
_FADE = NumberRange(0, MOST_FADE_S, f"Between 0 and {MOST_FADE_S} seconds.")


class RecordingForm(Form):
    title = StringField("Name", validators=[InputRequired("Please give it a name."), Length(max=120)])
    recording = FileField("Recording", validators=[FileRequired("Record something, or choose a sound file.")])


class ClipForm(VersionedForm):
    """A clip's name and edges."""

    title = StringField("Name", validators=[InputRequired("Please give it a name."), Length(max=120)])
    start = PlainFloat("Begins at", validators=[Optional(), _LENGTH])
    end = PlainFloat("Ends at", validators=[Optional(), _LENGTH])
    fade_in = PlainFloat("Fades in over", validators=[Optional(), _FADE])
    fade_out = PlainFloat("Fades out over", validators=[Optional(), _FADE])
    trim_silence = BooleanField("Cut off silence at both ends")

    @classmethod
    def of(cls, clip: VoiceClip) -> "ClipForm":
        edit = Edit.from_dict(clip.edit)
        return cls(
            formdata=None,
            title=clip.title,
            version=clip.version,
            start=edit.start_s,
            end=edit.end_s,
            fade_in=edit.fade_in_s,
            fade_out=edit.fade_out_s,
            trim_silence=edit.trim_silence,
        )

    def edit(self) -> Edit:
        return Edit(
            start_s=self.start.data or 0.0,
            end_s=self.end.data,
            fade_in_s=self.fade_in.data or 0.0,
            fade_out_s=self.fade_out.data or 0.0,
            trim_silence=self.trim_silence.data,
        )

    def validate(self, extra_validators: Any = None) -> bool:
        fine = bool(super().validate(extra_validators))
        if fine and self.end.data is not None and self.end.data < (self.start.data or 0.0) + SHORTEST_S:
            self.end.errors = [*self.end.errors, "It has to end after it begins."]
            return False
        return fine
