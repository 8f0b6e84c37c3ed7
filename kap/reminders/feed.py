"""A calendar of appointments as iCalendar (RFC 5545) that says when and nothing else. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event

SUMMARY = "Appointment"
ASK_AGAIN = "PT1H"
# How long is not said beforehand: whoever looks at the calendar sees that the time is taken.
USUALLY = timedelta(hours=2)


@dataclass(frozen=True)
class Appointment:
    """`uid` stays for good, `sequence` grows with every change. Moments are UTC: no zone is mistaken."""

    uid: str
    begins: datetime
    ends: datetime
    sequence: int
    changed_at: datetime
    cancelled: bool = False


def calendar(appointments: Iterable[Appointment]) -> bytes:
    """The whole calendar."""
    made = Calendar()
    made.add("prodid", "-//Kap//Appointments//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", "Appointments")
    made.add("x-published-ttl", ASK_AGAIN)
    for each in appointments:
        made.add_component(_event(each))
    written: bytes = made.to_ical()
    return written


def _event(appointment: Appointment) -> Event:
    event = Event()
    event.add("uid", appointment.uid)
    event.add("dtstamp", appointment.changed_at)
    event.add("last-modified", appointment.changed_at)
    event.add("sequence", appointment.sequence)
    event.add("dtstart", appointment.begins)
    event.add("dtend", appointment.ends)
    event.add("summary", SUMMARY)
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT" if appointment.cancelled else "OPAQUE")
    event.add("status", "CANCELLED" if appointment.cancelled else "CONFIRMED")
    return event
