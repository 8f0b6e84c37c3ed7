"""Who writes which letter."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Letter:
    """One message to one person. No clinical word belongs in it.

    `unsubscribe`: an address that stops such letters by one POST (RFC 8058), for those that may be stopped.
    """

    to: str
    subject: str
    text: str
    unsubscribe: str = ""


class NotNow(Exception):
    """Raised by a composer whose letter has to wait until `until`, such as for the end of quiet hours."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


# Composers return None when the message has lost its reason, such as an invitation that was revoked.
Composer = Callable[..., Letter | None]
COMPOSERS: dict[str, Composer] = {}
TITLES: dict[str, str] = {}


def composer(name: str, *, title: str) -> Callable[[Composer], Composer]:
    """Register the function that writes letters called `name` from identifiers; the log says `title`."""

    def decorate(function: Composer) -> Composer:
        COMPOSERS[name], TITLES[name] = function, title
        return function

    return decorate
