"""What an action may object to. Each text is a sentence for the person who asked."""


class Problem(Exception):
    """Something the person can understand and perhaps mend."""


class Invalid(Problem):
    """What was asked does not hold together; nothing was changed."""


class Conflict(Problem):
    """Someone else was faster, or the thing is no longer in a state that allows this."""


class NotThere(Problem):
    """There is no such thing for this person."""
