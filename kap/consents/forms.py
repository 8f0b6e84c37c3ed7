"""What a signer sends: a name, choices and words as the text asks for them."""

from collections.abc import Iterator

from werkzeug.datastructures import MultiDict

from kap.consents.actions import Given
from kap.content.consents import Choice, Consent
from kap.web.forms import without_nul

LONGEST_NAME = 120
LONGEST_WORDS = 200
NOTHING = "none"  # the option that excludes all others, and with them the choices that follow


def read_given(consent: Consent, sent: MultiDict[str, str]) -> Given:
    """What was sent, cut down to what the text asks for."""
    return Given(
        name=_line(sent.get("name", ""), LONGEST_NAME + 1),
        choices={
            choice.key: [key for key, _ in choice.options if key in sent.getlist(choice.key)]
            for choice in consent.choices
        },
        words={own.key: _line(sent.get(own.key, ""), LONGEST_WORDS + 1) for own in consent.words},
    )


def objections(consent: Consent, given: Given, *, agreed: bool) -> list[str]:
    """Sentences for the signer about what is missing; none when it can be signed."""
    return list(_objections(consent, given, agreed))


def _objections(consent: Consent, given: Given, agreed: bool) -> Iterator[str]:
    declined = any(NOTHING in chosen for chosen in given.choices.values())
    for choice in consent.choices:
        yield from _about(choice, given.choices[choice.key], declined)
    for own in consent.words:
        if not given.words[own.key] and not declined:
            yield f"Please fill in “{own.title}”."
        if len(given.words[own.key]) > LONGEST_WORDS:
            yield f"“{own.title}” can have {LONGEST_WORDS} characters."
    if not given.name:
        yield "Please type your name: that is your signature."
    if len(given.name) > LONGEST_NAME:
        yield f"A name can have {LONGEST_NAME} characters."
    if not agreed:
        yield "Please confirm that you have read the text and agree."


def _about(choice: Choice, chosen: list[str], declined: bool) -> Iterator[str]:
    if NOTHING in chosen and len(chosen) > 1:
        yield f"“{choice.title}”: none of it and some of it cannot both hold. Please choose again."
    if not chosen and not declined:
        yield f"Please choose at least one thing under “{choice.title}”."


def _line(text: str, most: int) -> str:
    return " ".join((without_nul(text) or "").split())[:most]
