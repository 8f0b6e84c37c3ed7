"""What a person can say of a track, in words: for forms, lists and filters. Pure."""

from collections.abc import Iterable

VOCALS = {"none": "No voices", "wordless": "Voices without words", "words": "Voices with words"}
PULSE = {"none": "No pulse", "slow": "Slow pulse", "moderate": "Moderate pulse", "fast": "Fast pulse"}
FAMILIARITY = {
    "unfamiliar": "Unfamiliar to most",
    "some": "Some will know it",
    "well_known": "Well known",
}
CULTURE = {"none": "No religious or cultural content", "some": "Religious or cultural content"}
UNSAID = "Nobody has said"


def judged_words(
    *,
    vocals: str | None,
    language: str,
    pulse: str | None,
    culture: str | None,
    familiarity: str | None,
    tags: Iterable[str],
) -> list[str]:
    """What has been said of a track so far; what nobody has said is left out."""
    sung = VOCALS.get(vocals or "")
    said = (
        f"{sung}: {language}" if sung and language else sung,
        PULSE.get(pulse or ""),
        culture,
        FAMILIARITY.get(familiarity or ""),
        *tags,
    )
    return [words for words in said if words]
