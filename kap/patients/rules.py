"""What a patient's record must hold together. Pure."""

from datetime import date

ADULT = 18  # outside the label below this; the product is for adults


def age_on(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def birth_objection(born: date, *, today: date) -> str | None:
    """Why this cannot be the date of birth of someone in treatment, or None."""
    if born > today:
        return "A date of birth cannot lie in the future."
    if age_on(born, today) > 120:
        return "Please check the year."
    if age_on(born, today) < ADULT:
        return "Kap is for adults; this person would be under 18."
    return None
