"""Admitting, finding, correcting and archiving the people one cares for."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import event, select

from kap.access.audit import Event, Outcome
from kap.accounts.models import Invitation
from kap.clock import now
from kap.db import db, transaction
from kap.patients import actions
from kap.patients.actions import Identity
from kap.patients.models import CareTeamMember, Patient
from kap.patients.queries import visible_to
from tests.conftest import Browser, Cast

At = Callable[[str], Browser]
MAREN = {"name": "Maren Holt", "born": "1980-04-02", "email": "maren@example.org", "phone": "030 12 34"}


def names_on(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page)


def found_by_name(name: str) -> Patient:
    return next(patient for patient in db.session.scalars(select(Patient)) if patient.name == name)


def admit(cast: Cast, *names: str) -> None:
    with transaction():
        for name in names:
            actions.admit(
                practice=cast.practice, identity=Identity(name=name), actor=cast.theo.actor, at=now()
            )


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL that runs inside, save transaction control."""
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def test_a_therapist_admits_and_joins_the_care_team(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    answer = theo.post("/patients/new", MAREN)
    maren = found_by_name("Maren Holt")
    assert answer.headers["Location"] == f"/patients/{maren.id}"
    assert (maren.born, maren.email, maren.phone) == ("1980-04-02", "maren@example.org", "030 12 34")
    members = db.session.scalars(select(CareTeamMember).where(CareTeamMember.patient_id == maren.id)).all()
    assert [member.user_id for member in members] == [cast.theo.id]
    assert names_on(theo.get("/patients").text) == ["Maren Holt", "Pia Pine"]
    assert names_on(at_browser("tess").get("/patients").text) == ["Pau Poplar"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "  "}, "Please enter a name."),
        ({"born": "2020-01-01"}, "Kap is for adults; this person would be under 18."),
        ({"born": "1800-01-01"}, "Please check the year."),
        ({"born": "2999-01-01"}, "A date of birth cannot lie in the future."),
        ({"email": "not an address"}, "This is not an e-mail address."),
        ({"phone": "1" * 41}, "Field cannot be longer than 40 characters."),
    ],
)
def test_an_admission_that_does_not_hold_together(
    at_browser: At, cast: Cast, change: dict[str, str], sentence: str
) -> None:
    answer = at_browser("theo").post("/patients/new", MAREN | change)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="maren@example.org"' in answer.text or "email" in change
    assert [patient.name for patient in db.session.scalars(visible_to(cast.theo.actor))] == ["Pia Pine"]


def test_who_a_patient_is_lies_sealed(at_browser: At, cast: Cast) -> None:
    at_browser("theo").post("/patients/new", MAREN)
    maren = found_by_name("Maren Holt")
    row = db.session.execute(select(Patient.__table__).where(Patient.id == maren.id)).mappings().one()
    stored = b" ".join(value for value in row.values() if isinstance(value, bytes))
    assert not any(word.encode() in stored for word in ("Maren", "1980", "maren@", "030"))


def test_details_are_corrected(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    path = f"/patients/{cast.pia.id}/edit"
    assert 'value="Pia Pine"' in theo.get(path).text
    answer = theo.post(path, {"name": "Pia Palm", "born": "1990-01-31", "version": cast.pia.version})
    assert answer.headers["Location"] == f"/patients/{cast.pia.id}"
    db.session.refresh(cast.pia)
    assert (cast.pia.name, cast.pia.born, cast.pia.phone) == ("Pia Palm", "1990-01-31", None)
    assert cast.pia.user is not None
    assert (cast.pia.user.name, cast.pia.user.email) == ("Pia Palm", "pia@example.org")


def test_two_who_correct_at_once_lose_nothing(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    path, version = f"/patients/{cast.pia.id}/edit", cast.pia.version
    theo.post(path, {"name": "Pia First", "version": version})
    late = theo.post(path, {"name": "Pia Second", "phone": "77", "version": version})
    assert late.status_code == 409
    assert "Someone changed these details since you opened them." in late.text
    assert "<dd>Pia First</dd>" in late.text
    assert 'value="Pia Second"' in late.text
    db.session.refresh(cast.pia)
    assert cast.pia.name == "Pia First"
    [current] = re.findall(r'name="version" type="hidden" value="(\d+)"', late.text)
    assert theo.post(path, {"name": "Pia Second", "version": current}).status_code == 302
    db.session.refresh(cast.pia)
    assert cast.pia.name == "Pia Second"


def test_a_corrected_address_reaches_the_invitation(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    theo.post("/patients/new", MAREN)
    maren = found_by_name("Maren Holt")
    theo.post(f"/patients/{maren.id}/invite")
    db.session.refresh(maren)
    answer = theo.post(
        f"/patients/{maren.id}/edit", MAREN | {"email": "holt@example.org", "version": maren.version}
    )
    assert answer.status_code == 302
    db.session.expire_all()
    assert maren.user is not None
    assert maren.user.email == "holt@example.org"
    invitation = db.session.scalars(select(Invitation)).one()
    assert invitation.revoked_at is not None  # it went to the wrong address
    taken = theo.post(
        f"/patients/{maren.id}/edit", MAREN | {"email": "tess@example.org", "version": maren.version}
    )
    assert taken.status_code == 422
    assert "Someone else signs in with this e-mail address." in taken.text


def test_archiving_takes_off_the_list_and_can_be_undone(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    chart = f"/patients/{cast.pia.id}"
    theo.post(f"{chart}/archive")
    page = theo.get(chart).text
    assert f'action="{chart}/restore"' in page
    assert names_on(theo.get("/patients").text) == []
    assert names_on(theo.get("/patients?archived=1").text) == ["Pia Pine"]
    theo.post(f"{chart}/restore")
    assert names_on(theo.get("/patients").text) == ["Pia Pine"]


def test_the_search_is_for_parts_of_names(at_browser: At, cast: Cast) -> None:
    admit(cast, "Anna Weiß", "Hanna Schwarz", "Émile Noir")
    theo = at_browser("theo")
    assert names_on(theo.get("/patients?q=anna").text) == ["Anna Weiß", "Hanna Schwarz"]
    assert names_on(theo.get("/patients", query_string={"q": "WEISS anna"}).text) == ["Anna Weiß"]
    assert names_on(theo.get("/patients?q=pau").text) == []
    assert "Nobody by this name" in theo.get("/patients?q=pau").text
    assert names_on(theo.get("/patients?q=pia&archived=1").text) == []


def test_a_search_is_shown_as_words(at_browser: At, cast: Cast) -> None:
    page = at_browser("theo").get("/patients", query_string={"q": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text


def test_long_lists_have_pages(at_browser: At, cast: Cast) -> None:
    admit(cast, *(f"Person {number:03}" for number in range(30)))
    theo = at_browser("theo")
    first, second = theo.get("/patients").text, theo.get("/patients?page=2").text
    assert len(names_on(first)) == 25
    assert names_on(second) == [*(f"Person {number:03}" for number in range(25, 30)), "Pia Pine"]
    assert "26 to 31 of 31 patients" in second
    for odd in ("99", "0", "-3", "x"):
        assert len(names_on(theo.get(f"/patients?page={odd}").text)) in (25, 6)


def test_the_list_costs_the_same_however_long_it_is(at_browser: At, cast: Cast, app: Flask) -> None:
    theo = at_browser("theo")

    def cost(path: str) -> int:
        with statements(app) as seen:
            assert theo.get(path).status_code == 200
        return len(seen)

    admit(cast, "One", "Two")
    few = {path: cost(path) for path in ("/patients", "/patients?q=e", "/")}
    admit(cast, *(f"Person {number:03}" for number in range(57)))
    assert {path: cost(path) for path in few} == few


def test_the_care_team_grows_and_shrinks(at_browser: At, cast: Cast) -> None:
    theo, tess = at_browser("theo"), at_browser("tess")
    chart = f"/patients/{cast.pia.id}"
    assert tess.get(chart).status_code == 404
    for _ in range(2):  # twice is once
        assert theo.post(f"{chart}/team/join", {"user_id": str(cast.tess.id)}).status_code == 302
    assert tess.get(chart).status_code == 200
    page = theo.get(f"{chart}/team").text
    assert re.findall(r"<strong>([^<]+)</strong>", page) == ["Theo Thorne", "Tess Tarn"]
    assert tess.post(f"{chart}/team/{cast.theo.id}/leave").status_code == 302
    assert theo.get(chart).status_code == 404
    assert names_on(theo.get("/patients").text) == []
    last = tess.post(f"{chart}/team/{cast.tess.id}/leave")
    assert last.status_code == 422
    assert "The last therapist cannot leave the care team." in last.text


def test_the_last_two_cannot_leave_in_the_same_moment(at_browser: At, app: Flask, cast: Cast) -> None:
    team = f"/patients/{cast.pia.id}/team"
    browsers = {cast.theo.id: at_browser("theo"), cast.tess.id: at_browser("tess")}
    browsers[cast.theo.id].post(f"{team}/join", {"user_id": str(cast.tess.id)})
    headers = {who: {"X-CSRFToken": browser.token()} for who, browser in browsers.items()}
    db.session.rollback()
    ready, answers = threading.Barrier(2), []

    def leave(who: UUID) -> None:
        ready.wait()
        with app.app_context():
            path = f"{team}/{who}/leave"
            answers.append(browsers[who].client.post(path, headers=headers[who]).status_code)

    threads = [threading.Thread(target=leave, args=(who,)) for who in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 422]


def test_revoking_an_invitation_stands_in_the_trace(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    theo.post("/patients/new", MAREN)
    maren = found_by_name("Maren Holt").id
    theo.post(f"/patients/{maren}/invite")
    theo.post(f"/patients/{maren}/invite/revoke")
    found = select(Event.act, Event.outcome).where(Event.patient_id == maren).order_by(Event.at)
    assert db.session.execute(found).all()[-2:] == [("patients:record:invite", Outcome.DONE)] * 2


def test_whoever_leaves_a_team_goes_back_to_their_list(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    team = f"/patients/{cast.pia.id}/team"
    theo.post(f"{team}/join", {"user_id": str(cast.tess.id)})
    assert theo.post(f"{team}/{cast.theo.id}/leave").headers["Location"] == "/patients"


def test_only_a_therapist_of_the_practice_joins_a_team(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    path = f"/patients/{cast.pia.id}/team/join"
    assert cast.pau.user_id is not None
    answers = {
        "admin": theo.post(path, {"user_id": str(cast.ana.id)}).status_code,
        "patient": theo.post(path, {"user_id": str(cast.pau.user_id)}).status_code,
        "foreign": theo.post(path, {"user_id": str(cast.zoe.id)}).status_code,
        "nobody": theo.post(path, {"user_id": str(uuid4())}).status_code,
        "nonsense": theo.post(path, {"user_id": "x"}).status_code,
        "nothing": theo.post(path).status_code,
    }
    assert answers == {
        "admin": 422, "patient": 404, "foreign": 404, "nobody": 404, "nonsense": 422, "nothing": 422
    }  # fmt: skip
    inside = db.session.scalars(
        select(CareTeamMember.user_id).where(CareTeamMember.patient_id == cast.pia.id)
    )
    assert list(inside) == [cast.theo.id]


def test_a_patient_is_invited_comes_and_sees_only_their_own(
    at_browser: At, cast: Cast, anyone: Browser
) -> None:
    theo = at_browser("theo")
    theo.post("/patients/new", MAREN)
    maren = found_by_name("Maren Holt")
    page = theo.post(f"/patients/{maren.id}/invite")
    [path] = re.findall(r'value="http://127\.0\.0\.1:8000(/invitation/[^"]+)"', page.text)
    assert "Invited, open until" in theo.get(f"/patients/{maren.id}").text
    words = {"password": "willow kettle orbit nine", "repeat": "willow kettle orbit nine"}
    assert anyone.post(path, words).status_code == 302
    assert anyone.get("/").status_code == 200
    assert anyone.get("/patients").status_code == 403
    assert anyone.get(f"/patients/{cast.pia.id}").status_code == 404
    assert "Has accepted the invitation" in theo.get(f"/patients/{maren.id}").text


def test_a_patient_without_an_address_cannot_be_invited(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    theo.post("/patients/new", MAREN | {"email": ""})
    answer = theo.post(f"/patients/{found_by_name('Maren Holt').id}/invite")
    assert answer.status_code == 422
    assert "Please add an e-mail address first" in answer.text


LADDER = {"theo": 200, "tess": 404, "pau": 404, "ana": 403, "zoe": 404}


@pytest.mark.parametrize("page", ["", "/edit", "/team", "/trace"])
def test_who_may_open_a_record(at_browser: At, cast: Cast, anyone: Browser, page: str) -> None:
    path = f"/patients/{cast.pia.id}{page}"
    assert {who: at_browser(who).get(path).status_code for who in LADDER} == LADDER
    assert anyone.get(path).headers["Location"] == f"/sign-in?next={path}"
    assert at_browser("theo").get(f"/patients/{uuid4()}{page}").status_code == 404


def test_a_patient_may_not_open_the_chart_of_themselves(at_browser: At, cast: Cast) -> None:
    pia = at_browser("pia")
    opened = {
        page: pia.get(f"/patients/{cast.pia.id}{page}").status_code
        for page in ("", "/edit", "/team", "/trace")
    }
    assert opened == {"": 403, "/edit": 403, "/team": 403, "/trace": 200}


@pytest.mark.parametrize(
    "verb", ["edit", "archive", "restore", "team/join", "invite", "invite/revoke", "team/{theo}/leave"]
)
def test_who_may_change_a_record(at_browser: At, cast: Cast, anyone: Browser, verb: str) -> None:
    path = f"/patients/{cast.pia.id}/{verb.format(theo=cast.theo.id)}"
    before = (cast.pia.version, cast.pia.archived_at)
    answers = {who: at_browser(who).post(path).status_code for who in ("tess", "pau", "pia", "ana", "zoe")}
    assert answers == {"tess": 404, "pau": 404, "pia": 403, "ana": 403, "zoe": 404}
    assert anyone.post(path).status_code == 401
    db.session.refresh(cast.pia)
    assert (cast.pia.version, cast.pia.archived_at) == before


def acts_on(patient_id: UUID) -> list[tuple[str, str, UUID | None]]:
    rows = db.session.scalars(select(Event).where(Event.patient_id == patient_id).order_by(Event.at))
    return [(row.act, row.outcome.value, row.actor_id) for row in rows]


def test_changes_reads_and_refusals_are_written_down(at_browser: At, cast: Cast) -> None:
    before = len(acts_on(cast.pia.id))
    theo, tess, ana = at_browser("theo"), at_browser("tess"), at_browser("ana")
    chart = f"/patients/{cast.pia.id}"
    theo.get(chart)
    theo.post(f"{chart}/archive")
    tess.get(chart)
    ana.get(chart)
    assert acts_on(cast.pia.id)[before:] == [
        ("patients:record:read", "read", cast.theo.id),
        ("patients:record:archive", "done", cast.theo.id),
        ("patients:record:read", "refused", cast.tess.id),
        ("patients:record:read", "refused", cast.ana.id),
    ]


def test_a_refused_change_leaves_no_event_of_a_change(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    theo.post(f"/patients/{cast.pia.id}/edit", {"name": "X", "version": cast.pia.version - 1})
    theo.post(f"/patients/{cast.pia.id}/edit", {"name": "", "version": cast.pia.version})
    done = [act for act, outcome, _ in acts_on(cast.pia.id) if outcome == Outcome.DONE]
    assert "patients:record:edit" not in done


def test_a_patient_sees_who_opened_their_record(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    theo.get(f"/patients/{cast.pia.id}")
    at_browser("tess").get(f"/patients/{cast.pia.id}")
    at_browser("zoe").get(f"/patients/{cast.pia.id}")
    at_browser("tess").get(f"/patients/{cast.pau.id}")
    page = at_browser("pia").get("/my/trace")
    assert page.status_code == 200
    rows = re.findall(r'<th scope="row">([^<]+)</th>\s*<td data-label="What">([^<]+)</td>', page.text)
    assert rows[:3] == [
        ("Someone outside the practice", "Was refused: Open a patient&#39;s chart"),
        ("Tess Tarn", "Was refused: Open a patient&#39;s chart"),
        ("Theo Thorne", "Opened the chart"),
    ]
    assert "Zoe" not in page.text
    same = re.findall(r'<td data-label="What">([^<]+)</td>', theo.get(f"/patients/{cast.pia.id}/trace").text)
    assert same == [what for _, what in rows]


def test_looking_leaves_a_trace_and_changes_nothing_else(at_browser: At, cast: Cast) -> None:
    theo = at_browser("theo")
    version, events = cast.pia.version, len(acts_on(cast.pia.id))
    for page in ("", "/edit", "/team", "/trace"):
        theo.get(f"/patients/{cast.pia.id}{page}")
    db.session.refresh(cast.pia)
    assert cast.pia.version == version
    assert [outcome for _, outcome, _ in acts_on(cast.pia.id)[events:]] == ["read"] * 4
    theo.get("/patients")
    assert len(acts_on(cast.pia.id)) == events + 4


def test_the_list_says_who_can_sign_in(at_browser: At, cast: Cast) -> None:
    def said(page: str) -> list[str]:
        return re.findall(r"Can sign in|Not invited|Invited", page)

    theo = at_browser("theo")
    theo.post("/patients/new", MAREN)
    assert said(theo.get("/patients").text) == ["Not invited", "Can sign in"]
    theo.post(f"/patients/{found_by_name('Maren Holt').id}/invite")
    assert said(theo.get("/patients").text) == ["Invited", "Can sign in"]
