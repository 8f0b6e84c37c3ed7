"""What a patient and a reviewer send: fields named by the catalogue."""

from collections.abc import Iterator
from itertools import zip_longest

from werkzeug.datastructures import MultiDict

from kap.content.screening import Catalogue, Factor, Question
from kap.screening import rules
from kap.screening.said import Answer, Finding, Judged, Judgement, Medicine, Reply, Said

LONGEST_LINE = 200
LONGEST_WORDS = 5000
MOST_MEDICINES = 60
COLUMNS = ("name", "dose", "since")

Sent = MultiDict[str, str]


def read_said(catalogue: Catalogue, sent: Sent) -> Said:
    """The questionnaire as it was sent."""
    answers = {question.key: _answer(question, sent) for question in catalogue.questions}
    return Said(
        answers={key: answer for key, answer in answers.items() if answer},
        medicines=tuple(_medicines(sent)),
        takes_none="takes-none" in sent,
        born=_line(sent.get("born", "")),
        other=_words(sent.get("other", "")),
    )


def too_long(said: Said) -> list[str]:
    """Sentences about what is longer than can be kept; a browser lets nobody write that much."""
    lines = [each for medicine in said.medicines for each in (medicine.name, medicine.dose, medicine.since)]
    lines += [answer.last for answer in said.answers.values()] + [said.born]
    words = [answer.more for answer in said.answers.values()] + [said.other]
    found = []
    if any(len(line) > LONGEST_LINE for line in lines):
        found.append(f"A line can have {LONGEST_LINE} characters. Please write the rest at the end.")
    if any(len(each) > LONGEST_WORDS for each in words):
        found.append(f"An answer can have {LONGEST_WORDS:,} characters. Please make it shorter.")
    if len(said.medicines) > MOST_MEDICINES:
        found.append(f"The list can have {MOST_MEDICINES} medicines. Please write the rest at the end.")
    return found


def unfinished(catalogue: Catalogue, said: Said, *, asks_born: bool) -> Iterator[tuple[str, str]]:
    """What is missing before it is complete: where on the page, and in which words."""
    missing = set(rules.unanswered(said, [each.key for each in catalogue.questions]))
    if asks_born and not said.born:
        yield "born", "Your date of birth"
    for question in catalogue.questions:
        if question.key in missing:
            yield f"question-{question.key}", question.text
    if not said.medicines and not said.takes_none:
        yield "medicines", "Your medicines, or that you take none"
    if said.medicines and said.takes_none:
        yield "medicines", "Medicines are listed, and it is ticked that you take none. Which is right?"


def read_judged(catalogue: Catalogue, sent: Sent) -> Judged:
    """A review as it was sent."""
    factors = {factor.key: _judgement(factor, sent) for factor in catalogue.factors}
    return Judged(
        factors={key: judgement for key, judgement in factors.items() if judgement},
        reasoning=_words(sent.get("reasoning", "")),
    )


def objections(catalogue: Catalogue, judged: Judged) -> list[tuple[str, str]]:
    """Why this cannot be kept as a recorded review: where on the page, and a sentence."""
    unreasoned = [
        (f"factor-{factor.key}", f"Please write your reasoning beside “{factor.title}”, recorded as present.")
        for factor in rules.unreasoned_in(judged, catalogue.factors)
    ]
    return [*reasoning_too_long(catalogue, judged), *unreasoned]


def reasoning_too_long(catalogue: Catalogue, judged: Judged) -> list[tuple[str, str]]:
    sentence = f"A reasoning can have {LONGEST_WORDS:,} characters. Please make it shorter."
    found = [
        (f"factor-{factor.key}", f"{factor.title}: {sentence}")
        for factor in catalogue.factors
        if len(judged.of(factor.key).reasoning) > LONGEST_WORDS
    ]
    return [*found, *([("reasoning", sentence)] if len(judged.reasoning) > LONGEST_WORDS else [])]


def whole(text: str) -> int:
    """A version as a form sends it; 0 for anything else, which matches no row."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _answer(question: Question, sent: Sent) -> Answer:
    reply = sent.get(question.key, "")
    known = [each for each in Reply if question.may_not_apply or each is not Reply.NOT_APPLICABLE]
    return Answer(
        reply=Reply(reply) if reply in known else None,
        more=_words(sent.get(f"{question.key}-more", "")),
        last=_line(sent.get(f"{question.key}-last", "")) if question.last_use else "",
    )


def _medicines(sent: Sent) -> Iterator[Medicine]:
    """One row after the other; an empty one is left out."""
    columns = [sent.getlist(f"medicine-{column}") for column in COLUMNS]
    for row in zip_longest(*columns, fillvalue=""):
        medicine = Medicine(*(_line(each) for each in row))
        if medicine:
            yield medicine


def _judgement(factor: Factor, sent: Sent) -> Judgement:
    finding = sent.get(factor.key, "")
    return Judgement(
        finding=Finding(finding) if finding in list(Finding) else None,
        reasoning=_words(sent.get(f"{factor.key}-reasoning", "")),
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _words(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
