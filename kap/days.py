"""Arithmetic with days of a calendar. It knows no clock and no time zone."""

import calendar
from datetime import date


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    number = day.month - 1 + months
    year, month = day.year + number // 12, number % 12 + 1
    return day.replace(year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1]))
