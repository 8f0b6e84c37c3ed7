"""What can be wrong with a sound file, in words for the person who chose it.

Every `reason` is a fragment that completes "<file name>: ...": lower case, no file name, no full stop.
"""


class AudioError(Exception):
    """A file or a plan that cannot be used; `reason` says why in plain words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Missing(AudioError):
    def __init__(self) -> None:
        super().__init__("this file is no longer there")


class NotAudio(AudioError):
    def __init__(self, reason: str = "this is not a sound file we can read") -> None:
        super().__init__(reason)


class EmptyAudio(AudioError):
    def __init__(self) -> None:
        super().__init__("this file is empty")


class Truncated(AudioError):
    def __init__(self) -> None:
        super().__init__("this file is cut short: its end is missing")


class Damaged(AudioError):
    def __init__(self) -> None:
        super().__init__("too much of this file is damaged")


class Protected(AudioError):
    def __init__(self) -> None:
        super().__init__("this file is copy-protected and cannot be played here")


class MovingPicture(AudioError):
    def __init__(self) -> None:
        super().__init__("this is a video: save its sound alone and add that")


class Silent(AudioError):
    def __init__(self) -> None:
        super().__init__("there is nothing to hear in this file")


class TooShort(AudioError):
    def __init__(self, least_s: float) -> None:
        super().__init__(f"this is shorter than {_length(least_s)}")


class TooLong(AudioError):
    def __init__(self, most_s: float) -> None:
        super().__init__(f"this is longer than {_length(most_s)}")


class SourceChanged(AudioError):
    def __init__(self) -> None:
        super().__init__("this file is shorter than when it was measured")


class CannotWrite(AudioError):
    def __init__(self, cause: str) -> None:
        super().__init__(f"the finished file could not be written ({cause})")


class PlanError(AudioError):
    """No mix of the asked length can be made; `missing_s` is how much more music it would take."""

    def __init__(self, reason: str, *, missing_s: float = 0.0) -> None:
        super().__init__(reason)
        self.missing_s = missing_s


class Cancelled(Exception):
    """The caller asked to stop; nothing was left behind."""


def _length(seconds: float) -> str:
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds >= size:
            amount = seconds / size
            return f"{amount:g} {name}" + ("" if amount == 1 else "s")
    return f"{seconds:g} second" + ("" if seconds == 1 else "s")
