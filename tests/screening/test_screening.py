"""Answering the health questions and reviewing them, as the patient and the care team do it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.clock import now
from kap.content.screening import catalogue
from kap.db import db, transaction
from kap.patients import actions as patients
from kap.screening import actions, queries
from kap.screening.actions import AnswersChanged, Overwritten
from kap.screening.models import ScreeningAnswers, ScreeningReview
from kap.screening.rules import Standing
from kap.screening.said import Answer, Finding, Judged, Judgement, Medicine, Reply, Said
from kap.sessions import actions as sessions
from kap.sessions.actions import Plan
from kap.sessions.rules import Route
from tests.conftest import PASSWORD, Browser, Cast
from tests.patients.test_caseload import statements
from tests.screening.test_screening_catalogue import DOSE, FORBIDDEN

At = Callable[[str], Browser]
OWN = "/my/screening"
JSON = {"Accept": "application/json"}
FACTORS = [factor.key for factor in catalogue().factors]
ALL_NO = {question.key: "no" for question in catalogue().questions}
COMPLETE = {**ALL_NO, "born": "1980-05-17", "takes-none": "yes"}
ALL_ABSENT = dict.fromkeys(FACTORS, "absent")
ABSENT = {key: Judgement(Finding.ABSENT) for key in FACTORS}


@pytest.fixture
def pia(at_browser: At) -> Browser:
    return at_browser("pia")


@pytest.fixture
def theo(at_browser: At) -> Browser:
    return at_browser("theo")


def page_of(cast: Cast) -> str:
    return f"/patients/{cast.pia.id}/screening"


def answers() -> ScreeningAnswers:
    db.session.expire_all()
    return db.session.scalars(select(ScreeningAnswers)).one()


def reviews() -> list[ScreeningReview]:
    db.session.expire_all()
    return list(db.session.scalars(select(ScreeningReview).order_by(ScreeningReview.version)))


def standing(cast: Cast) -> Standing:
    db.session.expire_all()
    return queries.screening_of(cast.pia, at=now()).standing


def plan(cast: Cast, *, days: int) -> None:
    with transaction():
        at = now() + timedelta(days=days)
        wanted = Plan(planned_at=at, route=Route.IV, therapist_id=cast.theo.id, playlist_id=None)
        sessions.plan(cast.pia, wanted=wanted, actor=cast.actor("theo"))


# ------------------------------------------------------------------ the questionnaire


def test_what_was_answered_is_there_again_and_the_care_team_reads_it(
    app: Flask, cast: Cast, pia: Browser, theo: Browser
) -> None:
    form = {
        "version": 0,
        "liver": "unsure",
        "liver-more": "A long time ago.\r\nI do not know.",
        "calming": "yes",
        "calming-last": "two days ago",
        "medicine-name": ["Lorazepam", "", "Sertraline"],
        "medicine-dose": ["one at night", "", "100 mg"],
        "medicine-since": ["2019", "", ""],
        "born": "1980-05-17",
    }
    assert pia.post(OWN, data=form).status_code == 303
    assert answers().said == Said(
        {
            "liver": Answer(Reply.UNSURE, "A long time ago.\nI do not know."),
            "calming": Answer(Reply.YES, last="two days ago"),
        },
        (Medicine("Lorazepam", "one at night", "2019"), Medicine("Sertraline", "100 mg")),
        born="1980-05-17",
    )
    own = pia.get(OWN).text
    read = theo.get(page_of(cast)).text
    for words in ("A long time ago.", "two days ago", "one at night", "2019", "1980-05-17"):
        assert words in own
        assert words in read


def test_it_saves_itself_part_by_part_and_the_same_twice_is_once(
    app: Flask, cast: Cast, pia: Browser
) -> None:
    first = pia.post(OWN, data={"version": 0, "liver": "no"}, headers=JSON)
    again = pia.post(OWN, data={"version": 0, "liver": "no"}, headers=JSON)
    more = pia.post(OWN, data={"version": 1, "liver": "no", "mania": "yes"}, headers=JSON)
    assert [answer.json for answer in (first, again, more)] == [
        {"version": 1},
        {"version": 1},
        {"version": 2},
    ]
    assert set(answers().said.answers) == {"liver", "mania"}
    acts = [Permission.SCREENING_ANSWER.value]
    found = db.session.scalars(select(Event.act).where(Event.act.startswith("screening"))).all()
    assert found == acts  # one sitting is one act


def test_an_empty_form_makes_nothing(app: Flask, cast: Cast, pia: Browser) -> None:
    assert pia.post(OWN, data={"version": 0}, headers=JSON).json == {"version": 0}
    assert db.session.scalars(select(ScreeningAnswers)).all() == []


def test_two_tabs_keep_both_versions(app: Flask, cast: Cast, pia: Browser) -> None:
    pia.post(OWN, data={"version": 0, "liver": "yes", "liver-more": "Since May"}, headers=JSON)
    scripted = pia.post(OWN, data={"version": 0, "mania": "yes"}, headers=JSON)
    assert scripted.status_code == 409
    assert scripted.json is not None
    assert scripted.json["conflict"] == {"text": "Do you have liver disease? Yes; Since May", "version": 1}
    plain = pia.post(OWN, data={"version": 0, "mania": "yes", "mania-more": "Mine"})
    assert plain.status_code == 409
    assert "Since May" in plain.text
    assert ">Mine</textarea>" in plain.text
    assert 'name="version" value="1"' in plain.text


def test_more_lines_for_medicines_save_what_is_there(app: Flask, cast: Cast, pia: Browser) -> None:
    names = ["A", "B", "C"]
    assert pia.get(OWN).text.count('name="medicine-name"') == 3
    answer = pia.post(OWN, data={"version": 0, "do": "rows", "medicine-name": names})
    assert answer.headers["Location"] == f"{OWN}#medicines"
    assert pia.get(OWN).text.count('name="medicine-name"') == 6


def test_it_says_what_is_left_and_lets_it_be_left(app: Flask, cast: Cast, pia: Browser) -> None:
    form = {**COMPLETE, "version": 0, "do": "finish"}
    form.pop("liver")
    answer = pia.post(OWN, data=form)
    assert answer.headers["Location"] == f"{OWN}?check=1"
    assert answers().finished_at is None
    page = pia.get(answer.headers["Location"]).text
    assert re.findall(r'<li><a href="#([\w-]+)">', page) == ["question-liver"]
    assert pia.post(OWN, data={**form, "version": 1, "as-it-is": "yes"}).headers["Location"] == OWN
    assert answers().is_finished


def test_complete_is_complete_until_something_changes(app: Flask, cast: Cast, pia: Browser) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish"})
    assert answers().is_finished
    assert answers().version == 1
    pia.post(OWN, data={**COMPLETE, "version": 1, "do": "finish"})
    assert answers().version == 1  # once more, and nothing is different
    pia.post(OWN, data={**COMPLETE, "version": 1, "liver": "yes"})
    assert not answers().is_finished


@pytest.mark.parametrize(
    "change, missing",
    [
        ({"born": ""}, ["born"]),
        ({"takes-none": None}, ["medicines"]),
        ({"medicine-name": "A"}, ["medicines"]),
        ({"pregnancy": "not-applicable"}, []),
        ({"liver": "not-applicable"}, ["question-liver"]),
        ({"liver": "perhaps"}, ["question-liver"]),
    ],
)
def test_what_counts_as_left(
    app: Flask, cast: Cast, pia: Browser, change: dict[str, str | None], missing: list[str]
) -> None:
    form = {key: value for key, value in {**COMPLETE, **change}.items() if value is not None}
    pia.post(OWN, data={**form, "version": 0, "do": "finish"})
    found = re.findall(r'<li><a href="#([\w-]+)">', pia.get(f"{OWN}?check=1").text)
    assert found == missing
    assert answers().is_finished == (missing == [])


def test_a_known_date_of_birth_is_not_asked_for(app: Flask, cast: Cast, pia: Browser) -> None:
    assert 'name="born"' in pia.get(OWN).text
    with transaction():
        db.session.get_one(type(cast.pia), cast.pia.id).born = "1950-01-02"
    assert 'name="born"' not in pia.get(OWN).text


def test_too_much_is_refused_with_everything_still_in_the_form(app: Flask, cast: Cast, pia: Browser) -> None:
    form = {"version": 0, "liver": "yes", "liver-more": "x" * 5001, "other": "Kept"}
    answer = pia.post(OWN, data=form)
    assert answer.status_code == 422
    assert "x" * 5001 in answer.text
    assert ">Kept</textarea>" in answer.text
    assert pia.post(OWN, data=form, headers=JSON).status_code == 422


def test_a_form_sent_after_the_sign_in_has_ended_is_carried_over_it(
    app: Flask, cast: Cast, pia: Browser
) -> None:
    pia.post("/sign-out")
    asked = pia.post(OWN, data={"version": 0, "liver-more": "Since May", "medicine-name": ["A", "B"]})
    assert asked.status_code == 401
    assert "Since May" in asked.text
    assert pia.sign_in("pia@example.org", PASSWORD).status_code == 302
    held = re.findall(r'name="held-medicine-name" value="(\w*)"', asked.text)
    assert held == ["A", "B"]


def test_the_patient_is_told_not_to_stop_a_medicine_and_sees_no_note_on_one(
    app: Flask, cast: Cast, pia: Browser, theo: Browser
) -> None:
    pia.post(OWN, data={"version": 0, "medicine-name": "Lorazepam"})
    note = "May weaken or shorten the antidepressant effect."
    own = pia.get(OWN).text
    assert "Do not stop or change any medicine because of this form." in own
    assert note not in own
    assert "Benzodiazepines" not in own
    assert note in theo.get(page_of(cast)).text


# ------------------------------------------------------------------ the review


def review(cast: Cast, browser: Browser, **form: object) -> int:
    sent = {"version": 0, "answers_version": 0, **ALL_ABSENT, **form}
    return browser.post(f"{page_of(cast)}/review/record", data=sent).status_code


def test_a_review_keeps_what_was_found_why_by_whom_and_over_which_answers(
    app: Flask, cast: Cast, pia: Browser, theo: Browser
) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish", "liver-more": "As a child"})
    assert standing(cast) is Standing.MISSING
    form = {
        "answers_version": 1,
        "aneurysm": "present",
        "aneurysm-reasoning": "Clipped.",
        "reasoning": "All in all",
    }
    assert review(cast, theo, **form) == 303
    [one] = reviews()
    assert one.judged == Judged({**ABSENT, "aneurysm": Judgement(Finding.PRESENT, "Clipped.")}, "All in all")
    assert (one.recorded_by_id, one.answers_version, one.seen) == (cast.theo.id, 1, answers().said)
    assert standing(cast) is Standing.REVIEWED
    page = theo.get(page_of(cast)).text
    assert "<strong>Present: Aneurysmal vascular disease</strong>" in page
    assert page.count(">US label</a>") == 1
    assert "SPRAVATO (esketamine) nasal spray. US prescribing information" in page
    recorded = theo.get(f"{page_of(cast)}/reviews/{one.id}").text
    assert "Clipped." in recorded
    assert "As a child" in recorded


def test_nothing_is_chosen_beforehand_and_what_is_not_chosen_is_unknown(
    app: Flask, cast: Cast, pia: Browser, theo: Browser
) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish"})
    page = theo.get(f"{page_of(cast)}/review").text
    assert " checked" not in page
    assert "What is chosen already" not in page
    assert page.count('value="unknown"') == len(FACTORS)
    theo.post(f"{page_of(cast)}/review/record", data={"version": 0, "answers_version": 1, "liver": "absent"})
    assert standing(cast) is Standing.UNKNOWN
    assert len(queries.screening_of(cast.pia, at=now()).unknown) == len(FACTORS) - 1


def test_a_contraindication_needs_its_reasoning(app: Flask, cast: Cast, theo: Browser) -> None:
    sent = {"version": 0, "answers_version": 0, "aneurysm": "present", "reasoning": "Typed"}
    answer = theo.post(f"{page_of(cast)}/review/record", data=sent)
    assert answer.status_code == 422
    assert "Please write your reasoning beside “Aneurysmal vascular disease”" in answer.text
    assert ">Typed</textarea>" in answer.text
    assert reviews() == []


def test_a_review_saves_itself_and_is_none_until_it_is_recorded(
    app: Flask, cast: Cast, theo: Browser
) -> None:
    address = f"{page_of(cast)}/review"
    first = theo.post(address, data={"version": 0, "answers_version": 0, "liver": "absent"}, headers=JSON)
    assert first.json == {"version": 1}
    assert standing(cast) is Standing.MISSING
    assert "Theo Thorne is writing a review" in theo.get(page_of(cast)).text
    assert re.search(r'id="factor-liver-absent"[^>]* checked', theo.get(address).text)
    [draft] = reviews()
    assert theo.get(f"{page_of(cast)}/reviews/{draft.id}").status_code == 404
    assert review(cast, theo, version=1) == 303
    assert [one.recorded_at is not None for one in reviews()] == [True]


def test_recording_twice_is_once(app: Flask, cast: Cast, theo: Browser) -> None:
    assert [review(cast, theo), review(cast, theo)] == [303, 303]
    assert len(reviews()) == 1


def test_answers_that_change_make_a_review_outdated_and_what_they_touch_is_judged_anew(
    app: Flask, cast: Cast, pia: Browser, theo: Browser
) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish"})
    review(cast, theo, answers_version=1)
    pia.post(OWN, data={**COMPLETE, "version": 1, "liver": "yes"})
    assert standing(cast) is Standing.OUTDATED
    assert "changed answers since the last review" in theo.get(page_of(cast)).text
    page = theo.get(f"{page_of(cast)}/review").text
    assert page.count("The answer changed since it was last looked at") == 1
    assert page.count("What is chosen already was recorded") == 1
    left = re.findall(r'<input type="radio" id="factor-([\w-]+)-absent"[^>]*>', page)
    kept = re.findall(r'<input type="radio" id="factor-([\w-]+)-absent"[^>]* checked', page)
    assert sorted(set(left) - set(kept)) == ["liver"]


def test_answers_that_change_under_a_review_stop_it_from_being_recorded(
    app: Flask, cast: Cast, pia: Browser, theo: Browser
) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish"})
    theo.post(f"{page_of(cast)}/review", data={"version": 0, "answers_version": 1, **ALL_ABSENT})
    pia.post(OWN, data={**COMPLETE, "version": 1, "liver": "yes"})
    sent = {"version": 1, "answers_version": 1, **ALL_ABSENT, "reasoning": "Typed"}
    answer = theo.post(f"{page_of(cast)}/review/record", data=sent)
    assert answer.status_code == 409
    assert "The answers changed while you were reviewing them." in answer.text
    assert "The answer changed since it was last looked at" in answer.text
    assert ">Typed</textarea>" in answer.text
    assert [one.recorded_at for one in reviews()] == [None]
    assert review(cast, theo, version=1, answers_version=2) == 303


def test_two_reviewers_at_once_keep_both_versions(
    app: Flask, cast: Cast, theo: Browser, at_browser: At
) -> None:
    with transaction():
        patients.join_team(cast.pia, colleague=cast.tess, actor=cast.actor("theo"), at=now())
    tess = at_browser("tess")
    assert review(cast, theo, reasoning="By Theo") == 303
    sent = {"version": 0, "answers_version": 0, **ALL_ABSENT, "reasoning": "By Tess"}
    for address in (f"{page_of(cast)}/review", f"{page_of(cast)}/review/record"):
        answer = tess.post(address, data=sent)
        assert answer.status_code == 409
        assert "Theo Thorne recorded a review meanwhile." in answer.text
        assert "By Theo" in answer.text
        assert ">By Tess</textarea>" in answer.text
    scripted = tess.post(f"{page_of(cast)}/review", data=sent, headers=JSON)
    assert scripted.json is not None
    assert scripted.json["conflict"]["version"] == reviews()[0].version
    assert review(cast, tess, version=reviews()[0].version, reasoning="By Tess") == 303
    assert [one.judged.reasoning for one in reviews()] == ["By Theo", "By Tess"]


def test_whoever_writes_from_an_older_page_is_stopped(app: Flask, cast: Cast) -> None:
    actor = cast.actor("theo")
    with transaction():
        actions.write_review(cast.pia, Judged(), version=0, answers_version=0, actor=actor, at=now())
    with pytest.raises(Overwritten, match="Theo Thorne changed this review"), transaction():
        actions.write_review(
            cast.pia, Judged({}, "Other"), version=0, answers_version=0, actor=actor, at=now()
        )
    with pytest.raises(AnswersChanged), transaction():
        actions.record_review(cast.pia, Judged(), version=1, answers_version=7, actor=actor, at=now())


# ------------------------------------------------------------------ series, home, chart


def test_each_series_is_screened_for(app: Flask, cast: Cast, pia: Browser, theo: Browser) -> None:
    plan(cast, days=3)
    asked = "Health questions not answered for this series"
    assert asked in pia.get("/").text
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish"})
    review(cast, theo, answers_version=1)
    assert (asked in pia.get("/").text, standing(cast)) == (False, Standing.REVIEWED)
    plan(cast, days=100)
    later = now() + timedelta(days=80)
    found = queries.screening_of(cast.pia, at=later)
    assert (found.standing, found.wants_answers) == (Standing.DUE, True)
    # The session of the first series is on another day than the one asked about.
    ahead = queries.screening_of(cast.pia, at=now(), on=(now() + timedelta(days=90)).date())
    assert (ahead.standing, ahead.wants_answers) == (Standing.DUE, True)


def test_the_chart_says_how_it_stands(app: Flask, cast: Cast, pia: Browser, theo: Browser) -> None:
    chart = f"/patients/{cast.pia.id}"
    assert "Not filled in, not reviewed" in theo.get(chart).text
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish"})
    assert "Answered, not reviewed" in theo.get(chart).text
    review(cast, theo, answers_version=1, mania="unknown")
    assert "Reviewed, 1 unknown" in theo.get(chart).text
    version = reviews()[-1].version
    review(cast, theo, answers_version=1, version=version)
    assert "Reviewed, nothing unknown" in theo.get(chart).text


def test_the_review_shows_how_old_the_patient_is(app: Flask, cast: Cast, theo: Browser) -> None:
    assert "The date of birth is not known." in theo.get(f"{page_of(cast)}/review").text
    with transaction():
        db.session.get_one(type(cast.pia), cast.pia.id).born = "1950-01-02"
    assert re.search(r"<strong>\d\d years old</strong>", theo.get(f"{page_of(cast)}/review").text)


def test_no_page_decides_for_the_clinician(app: Flask, cast: Cast, pia: Browser, theo: Browser) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish"})
    review(cast, theo, answers_version=1)
    [one] = reviews()
    own = pia.get(OWN).text
    pages = [theo.get(f"{page_of(cast)}{end}").text for end in ("", "/review", f"/reviews/{one.id}")]
    for page in (own, *pages):
        main = page[page.index("<main") : page.index("</main>")]
        words = re.sub(r"<[^>]+>", " ", main)
        assert FORBIDDEN.findall(words) == []
        assert DOSE.findall(words) == []


# ------------------------------------------------------------------ who sees it


def test_nobody_else_sees_anything_of_it(
    app: Flask, cast: Cast, pia: Browser, theo: Browser, at_browser: At
) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish", "liver-more": "Secret liver"})
    review(cast, theo, answers_version=1, reasoning="Secret reasoning")
    [one] = reviews()
    addresses = [page_of(cast), f"{page_of(cast)}/review", f"{page_of(cast)}/reviews/{one.id}"]
    for name, status in (("tess", 404), ("pau", 404), ("zoe", 404), ("ana", 403)):
        browser = at_browser(name)
        for address in addresses:
            answer = browser.get(address)
            assert answer.status_code == status, (name, address)
            assert "Secret" not in answer.text
        assert browser.post(f"{page_of(cast)}/review", data={"version": 1}).status_code == status
    # The patient reads the own answers, and none of the reviews.
    assert [pia.get(address).status_code for address in addresses] == [302, 403, 403]
    assert "Secret reasoning" not in pia.get(OWN).text
    # Through the record of another patient it is not there either.
    other = f"/patients/{cast.pau.id}/screening/reviews/{one.id}"
    assert at_browser("tess").get(other).status_code == 404


def test_all_of_it_lies_sealed(app: Flask, cast: Cast, pia: Browser, theo: Browser) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "other": "Secret answer", "medicine-name": "Secret pill"})
    review(cast, theo, answers_version=1, reasoning="Secret reasoning")
    for table in ("screening_answers", "screening_review"):
        for row in db.session.execute(text(f"SELECT * FROM {table}")):  # noqa: S608 - two names of our own
            for value in row:
                held = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                assert b"Secret" not in held
                assert b"absent" not in held


def test_the_log_says_who_did_what_and_none_of_it(
    app: Flask, cast: Cast, pia: Browser, theo: Browser
) -> None:
    pia.post(OWN, data={"version": 0, "liver": "yes", "liver-more": "Secret"})
    theo.get(page_of(cast))
    review(cast, theo, answers_version=1)
    found = db.session.execute(
        select(Event.act, Event.outcome, Event.actor_id).where(Event.act.startswith("screening"))
    ).all()
    assert sorted((act, outcome.value, actor_id == cast.theo.id) for act, outcome, actor_id in found) == [
        ("screening:answers:answer", "done", False),
        ("screening:answers:read", "read", True),
        ("screening:review:record", "done", True),
        ("screening:review:write", "done", True),
    ]


def test_many_patients_cost_as_many_statements_as_one(
    app: Flask, cast: Cast, pia: Browser, theo: Browser
) -> None:
    pia.post(OWN, data={**COMPLETE, "version": 0, "do": "finish"})
    review(cast, theo, answers_version=1)
    counts = []
    for everyone in ([cast.pia], [cast.pia, cast.pau]):
        queries.screening_of_all(everyone, at=now())  # the patients are loaded, as a page has them
        with statements(app) as seen:
            found = queries.screening_of_all(everyone, at=now())
        counts.append(len(seen))
    assert counts == [3, 3]
    assert [each.standing for each in found.values()] == [Standing.REVIEWED, Standing.MISSING]
