"""Dates, times and lengths in words, on the reader's wall clock."""

from datetime import date, datetime, timedelta

from flask import Flask, g

from kap.clock import day_in, in_zone, now


def install(app: Flask) -> None:
    for function in (when, day, clock, duration, ago, timecode, size):
        app.add_template_filter(function)


def zone() -> str:
    """The reader's time zone: that of their practice, UTC for strangers."""
    return str(g.get("zone") or "UTC")


def when(moment: datetime) -> str:
    """Sunday 22 November, 14:05"""
    return f"{day(moment)}, {clock(moment)}"


def day(moment: datetime | date) -> str:
    """Sunday 22 November, with the year when it is not this one"""
    today = day_in(now(), zone())
    local = day_in(moment, zone()) if isinstance(moment, datetime) else moment
    words = f"{local:%A} {local.day} {local:%B}"
    return words if local.year == today.year else f"{words} {local.year}"


def clock(moment: datetime) -> str:
    """14:05"""
    return f"{in_zone(moment, zone()):%H:%M}"


def ago(moment: datetime) -> str:
    """just now, 5 minutes ago, 3 hours ago, yesterday, or the day"""
    past = now() - moment
    if past < timedelta(minutes=1):
        return "just now"
    if past < timedelta(hours=1):
        return _count(past // timedelta(minutes=1), "minute") + " ago"
    today = day_in(now(), zone())
    local = day_in(moment, zone())
    if local == today:
        return _count(past // timedelta(hours=1), "hour") + " ago"
    if local == today - timedelta(days=1):
        return "yesterday"
    return day(moment)


def duration(seconds: float) -> str:
    """4 min 10 s, 1 h 5 min"""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = [f"{hours} h"] if hours else []
    if minutes or not (hours or rest):
        parts.append(f"{minutes} min")
    if rest and not hours:
        parts.append(f"{rest} s")
    return " ".join(parts)


def timecode(seconds: float) -> str:
    """4:10, 1:05:00: as players write it"""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: float) -> str:
    """Bytes as 3.4 MB"""
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} GB"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
