"""Answers and findings in the words that pages show them with. Pure."""

from kap.content.screening import Kind, catalogue
from kap.screening.said import Finding, Judged, Reply, Said

REPLIES = {
    Reply.YES: "Yes",
    Reply.NO: "No",
    Reply.UNSURE: "Not sure",
    Reply.NOT_APPLICABLE: "Does not apply to me",
}
FINDINGS = {Finding.PRESENT: "Present", Finding.ABSENT: "Absent", Finding.UNKNOWN: "Unknown"}
KINDS = {
    Kind.CONTRAINDICATION: "Contraindications",
    Kind.CAUTION: "Cautions",
    Kind.INTERACTION: "Interactions",
}
NOTHING = ["Nothing is filled in there."]


def said_in_words(said: Said) -> list[str]:
    """A questionnaire as lines, to be read beside another."""
    lines = []
    for question in catalogue().questions:
        if one := said.to(question.key):
            parts = [REPLIES[one.reply] if one.reply else "Not answered", one.more, one.last]
            lines.append(f"{question.text} {'; '.join(part for part in parts if part)}")
    lines += [f"Medicine: {' '.join([each.name, each.dose, each.since])}" for each in said.medicines]
    lines += ["I take no medicines."] if said.takes_none else []
    lines += [each for each in (said.born, said.other) if each]
    return lines or NOTHING


def judged_in_words(judged: Judged) -> list[str]:
    """A review as lines, to be read beside another."""
    lines = []
    for factor in catalogue().factors:
        if one := judged.of(factor.key):
            finding = FINDINGS[one.finding] if one.finding else "Nothing chosen"
            lines.append(f"{factor.title}: {finding}. {one.reasoning}".strip())
    lines += [judged.reasoning] if judged.reasoning else []
    return lines or NOTHING
