"""A step in words, for whoever writes a programme and whoever is asked. Pure."""

from collections.abc import Mapping

from kap.content.guides import Guide, successor_of
from kap.content.programmes import EACH, FIRST, LAST, Hour, Kind, Programme, ProgrammeStep
from kap.content.prompts import prompt_sets

_NUMBERS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def title_of(step: ProgrammeStep, guides: Mapping[str, Guide]) -> str:
    """What it is, for the care team: Read: The day before."""
    if step.kind is Kind.GUIDE:
        guide = guides.get(successor_of(step.about))
        return f"Read: {guide.title}" if guide else f"A guide that is no longer offered ({step.about})"
    if step.kind is Kind.JOURNAL:
        return f"Journal: {prompts_title(step)}"
    return step.about if step.kind is Kind.TASK else step.rule.asks


def prompts_title(step: ProgrammeStep) -> str:
    known = prompt_sets().get(step.about)
    return known.title if known else step.about


def when_words(step: ProgrammeStep) -> str:
    """7 days before the first session; on the evening of each session."""
    count = abs(step.days)
    days = "1 day" if count == 1 else f"{count} days"
    of = session_words(step.hangs)
    if step.days == 0:
        words = {Hour.DAY: "on the day of", Hour.EVENING: "on the evening of", Hour.SAME: "at the time of"}
        return f"{words[step.hour]} {of}"
    before_or_after = "before" if step.days < 0 else "after"
    hour = {Hour.DAY: "", Hour.EVENING: ", in the evening", Hour.SAME: ", at the same time of day"}[step.hour]
    return f"{days} {before_or_after} {of}{hour}"


def session_words(hangs: str) -> str:
    if hangs in (FIRST, LAST, EACH):
        return f"{'the ' if hangs != EACH else ''}{hangs} session"
    return f"the {ordinal_word(int(hangs))} session"


def ordinal_word(number: int) -> str:
    return _NUMBERS[number - 1] if number <= len(_NUMBERS) else f"{number}th"


def length_words(programme: Programme) -> str:
    if programme.sessions is None:
        return "for any number of sessions"
    return "for 1 session" if programme.sessions == 1 else f"for {programme.sessions} sessions"
