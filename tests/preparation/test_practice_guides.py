"""A practice's own guides: copied, written, shown, published, compared, retired; and moving patients on."""

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.test import TestResponse

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.content.drafts import Draft, draft_of
from kap.content.guides import Guide, library
from kap.db import db, transaction
from kap.preparation import actions, guide_actions, guide_queries, queries
from kap.preparation.models import Assignment, GuideText
from kap.problems import Conflict, Invalid
from tests.conftest import NOON, Browser, Cast
from tests.preparation.conftest import INTENTION, THE_DAY

JSON = {"Accept": "application/json"}
FIRST = Draft(
    title="Parking",
    summary="Where to leave the car.",
    reviewed="2026-11-01",
    body=(
        "Park behind the house.\n\n- [ ] {space} I know where\n\n"
        "::: question {car}\nWhich car?\n:::\n\n::: acknowledge {walk}\nI will walk home.\n:::\n"
    ),
)
SECOND = Draft(
    title="Parking",
    summary="Where to leave the car.",
    reviewed="2026-11-20",
    body=(
        "Park in front of the house.\n\n- [ ] {space} I know where\n\n"
        "::: acknowledge {walk}\nI will ride home.\n:::\n"
    ),
)


def form_of(draft: Draft, version: int) -> dict[str, str]:
    values = draft.as_dict().items()
    boxes = {name: "y" for name, value in values if value is True}
    typed = {name: str(value) for name, value in values if not isinstance(value, bool)}
    return {**typed, **boxes, "version": str(version)}


@pytest.fixture
def published(cast: Cast) -> Guide:
    """The first version of a guide that Theo wrote."""
    with transaction():
        row = guide_actions.begin(FIRST, actor=cast.theo.actor, at=NOON)
        guide_actions.publish(row, actor=cast.theo.actor, at=NOON)
    return guide_queries.guide_for(cast.practice.id, row.slug)


def publish(cast: Cast, slug: str, draft: Draft) -> Guide:
    with transaction():
        row = guide_queries.own_guide(cast.practice.id, slug)
        guide_actions.keep_draft(row, draft, version=row.version)
        guide_actions.publish(row, actor=cast.theo.actor, at=datetime.now(UTC))
    return guide_queries.guide_for(cast.practice.id, slug)


def give_own(cast: Cast, guide: Guide) -> Assignment:
    with transaction():
        return actions.assign(
            cast.pia, guide=guide, due_on=None, line=None, actor=cast.theo.actor, at=datetime.now(UTC)
        )


def standing_of(given: Assignment) -> queries.Standing:
    db.session.rollback()
    db.session.expire_all()
    found = queries.standing(given)
    assert found is not None
    return found


def pdf_text(answer: TestResponse) -> str:
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)


def test_a_copy_is_a_draft_that_nobody_is_given(at_browser: Callable[[str], Browser], cast: Cast) -> None:
    theo = at_browser("theo")
    answer = theo.post(f"/guides/{THE_DAY}/copy")
    assert answer.location == f"/guides/own-{THE_DAY}/edit"
    assert theo.post(f"/guides/{THE_DAY}/copy").location == f"/guides/own-{THE_DAY}-2/edit"
    row = guide_queries.own_guide(cast.practice.id, f"own-{THE_DAY}")
    assert Draft.from_dict(row.draft or {}) == draft_of(library()[THE_DAY])
    assert [guide.slug for guide in guide_queries.offered(cast.practice.id)] == list(library())
    page = theo.get(answer.location).text
    assert "Keep this day as empty as you can." in page
    assert "Checkbox" not in page


def test_a_draft_keeps_itself_right_or_wrong_and_never_over_a_colleagues(
    at_browser: Callable[[str], Browser], cast: Cast
) -> None:
    theo, tess = at_browser("theo"), at_browser("tess")
    url = theo.post("/guides").location
    wrong = Draft(title="Parking", body="- [ ] no key")
    first = theo.post(url, form_of(wrong, 1), headers=JSON)
    assert (first.status_code, first.get_json()) == (200, {"version": 2})
    assert theo.post(url, form_of(wrong, 1), headers=JSON).get_json() == {"version": 2}
    late = tess.post(url, form_of(FIRST, 1), headers=JSON)
    assert (late.status_code, late.get_json()["conflict"]) == (409, {"text": "- [ ] no key", "version": 2})
    by_form = tess.post(url, form_of(FIRST, 1))
    assert by_form.status_code == 409
    assert "Park behind the house." in by_form.text
    assert '<p class="words">- [ ] no key</p>' in by_form.text


def test_the_preview_shows_the_guide_or_the_line_that_is_wrong(at_browser: Callable[[str], Browser]) -> None:
    theo = at_browser("theo")
    url = theo.post("/guides").location.replace("/edit", "/preview")
    shown = theo.post(url, form_of(FIRST, 1), headers=JSON).get_json()["html"]
    assert "<p>Park behind the house.</p>" in shown
    broken = Draft(**{**FIRST.as_dict(), "body": "Park.\n\n::: riddle {a}\nWhat?\n:::"})
    for answer in (theo.post(url, form_of(broken, 1), headers=JSON), theo.post(url, form_of(broken, 1))):
        words = answer.get_json()["html"] if answer.is_json else answer.text
        assert "Text: Line 3: There is no block called “riddle”" in words
    scripted = Draft(**{**FIRST.as_dict(), "body": "<script>alert(1)</script>[x](javascript:alert(1))"})
    shown = theo.post(url, form_of(scripted, 1), headers=JSON).get_json()["html"]
    assert "<script" not in shown
    assert 'href="javascript' not in shown


def test_publishing_makes_versions_that_stay(
    at_browser: Callable[[str], Browser], cast: Cast, published: Guide
) -> None:
    theo = at_browser("theo")
    there = f"/guides/{published.slug}"
    assert theo.post(f"{there}/publish", form_of(FIRST, 2)).status_code == 422  # word for word the same
    wrong = Draft(**{**SECOND.as_dict(), "reviewed": ""})
    refused = theo.post(f"{there}/publish", form_of(wrong, 2))
    assert refused.status_code == 422
    assert "Please give the day on which the text was last reviewed." in refused.text
    assert "Park in front of the house." in refused.text
    noted = Draft(**{**SECOND.as_dict(), "note": "Front, not back"})
    assert theo.post(f"{there}/publish", form_of(noted, 2)).location == there
    page = theo.get(there).text
    assert "Park in front of the house." in page
    assert "Front, not back" in page
    old, new = published, guide_queries.guide_for(cast.practice.id, published.slug)
    assert (old.version, new.version) == (1, 2)
    assert "Park behind the house." in theo.get(f"{there}?text={old.mark}").text
    changed = theo.get(f"{there}/changes").text
    assert "Park <del>behind </del><ins>in front of </ins>the house." in changed
    assert theo.get(f"{there}?text=000000000000").status_code == 404
    assert "Park in front of" in pdf_text(theo.get(f"{there}/pdf"))


def test_a_patient_keeps_the_text_they_were_given(
    at_browser: Callable[[str], Browser], cast: Cast, published: Guide
) -> None:
    given = give_own(cast, published)
    pia, theo = at_browser("pia"), at_browser("theo")
    page, team = f"/my/preparation/{given.id}", f"/patients/{cast.pia.id}/preparation"
    assert "is newer" not in theo.get(team).text
    publish(cast, published.slug, SECOND)
    assert "Park behind the house." in pia.get(page).text
    assert "Park behind the house." in pdf_text(pia.get(f"{page}/pdf"))
    shown = theo.get(team).text
    assert "Pia Pine has version 1. Version 2 is newer." in shown
    assert standing_of(given).guide == published


def test_nothing_is_lost_when_the_text_is_replaced_under_a_patient(
    at_browser: Callable[[str], Browser], cast: Cast, published: Guide
) -> None:
    given = give_own(cast, published)
    pia, theo = at_browser("pia"), at_browser("theo")
    page, team = f"/my/preparation/{given.id}", f"/patients/{cast.pia.id}/preparation"
    [statement] = published.acknowledgements
    pia.post(f"{page}/items/space", {"ticked": "yes"})
    pia.post(f"{page}/answers/car", {"text": "The red one", "version": "0"})
    publish(cast, published.slug, SECOND)
    theo.post(f"{team}/{given.id}/move-on")

    # Her page is still the old one: she goes on typing, and confirms what she has read there.
    typed = pia.post(f"{page}/answers/car", {"text": "The red one, an old one", "version": "1"}, headers=JSON)
    assert (typed.status_code, typed.get_json()) == (200, {"version": 2})
    pia.post(f"{page}/statements/walk", {"wording": statement.wording, "confirmed": "yes"})
    shown = pia.get(page).text
    assert "Your therapist has given you a newer text. Please read this part once more." in shown
    assert "Park in front of the house." in shown
    assert "Asked in the version you had before" in shown
    assert "The red one, an old one</textarea>" in shown
    found = standing_of(given)
    assert (found.guide.version, set(found.ticks)) == (2, {"space"})
    seen = theo.get(team).text
    assert "The red one, an old one" in seen
    assert "to an earlier version" in seen


def test_a_statement_confirmed_in_other_words_is_asked_again(
    at_browser: Callable[[str], Browser], cast: Cast, published: Guide
) -> None:
    given = give_own(cast, published)
    pia = at_browser("pia")
    page = f"/my/preparation/{given.id}"
    [before] = published.acknowledgements
    pia.post(f"{page}/statements/walk", {"wording": before.wording, "confirmed": "yes"})
    [after] = publish(cast, published.slug, SECOND).acknowledgements
    at_browser("theo").post(f"/patients/{cast.pia.id}/preparation/{given.id}/move-on")
    assert standing_of(given).ticks == frozenset()
    assert "You confirmed an earlier wording on" in pia.get(page).text
    pia.post(f"{page}/statements/walk", {"wording": after.wording, "confirmed": "yes"})
    assert standing_of(given).ticks == {"walk"}


def test_all_of_ones_patients_are_moved_on_and_nobody_elses(
    at_browser: Callable[[str], Browser], cast: Cast, published: Guide, give: Callable[..., Assignment]
) -> None:
    mine, others = give_own(cast, published), give(INTENTION, to=cast.pau)
    with transaction():
        others.guide, others.given_text = published.slug, mine.given_text
        others.text_id = mine.text_id
    newest = publish(cast, published.slug, SECOND)
    theo = at_browser("theo")
    assert "One of your patients is still reading an earlier version: Pia Pine." in (
        theo.get(f"/guides/{newest.slug}").text
    )
    theo.post(f"/guides/{newest.slug}/move-on")
    assert standing_of(mine).guide.version == 2
    assert standing_of(others).guide.version == 1


def test_who_had_a_guide_that_was_divided_is_led_to_its_successor(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give("set-and-setting")
    with transaction():  # as it was stored before texts were kept
        given.guide, given.guide_version, given.given_text = "set-setting-intention", 1, None
    pia, theo = at_browser("pia"), at_browser("theo")
    page, team = f"/my/preparation/{given.id}", f"/patients/{cast.pia.id}/preparation"
    assert "Set, setting and intention" in pia.get(page).text
    pia.post(f"{page}/items/fears", {"ticked": "yes"})
    pia.post(f"{page}/intention", {"text": "To rest", "version": "0"})
    assert "Version 1 of “Set and setting” is newer." in theo.get(team).text
    old = standing_of(given).guide
    assert theo.get(f"/guides/set-and-setting/changes?from={old.mark}").status_code == 200
    theo.post(f"{team}/{given.id}/move-on")
    found = standing_of(given)
    assert (found.guide, set(found.ticks)) == (library()["set-and-setting"], {"fears"})


def test_a_retired_guide_is_given_to_nobody_and_stays_with_who_has_it(
    at_browser: Callable[[str], Browser], cast: Cast, give: Callable[..., Assignment]
) -> None:
    given = give(THE_DAY)
    theo = at_browser("theo")
    for _ in range(2):
        assert theo.post(f"/guides/{THE_DAY}/retire").status_code == 302
    assert THE_DAY not in [guide.slug for guide in guide_queries.offered(cast.practice.id)]
    assert THE_DAY in [guide.slug for guide in guide_queries.offered(cast.other.id)]
    assign = f"/patients/{cast.pia.id}/preparation/assign"
    assert f'value="{THE_DAY}"' not in theo.get(assign).text
    assert theo.post(assign, {"guide": THE_DAY}).status_code == 422
    assert at_browser("pia").get(f"/my/preparation/{given.id}").status_code == 200
    theo.post(f"/guides/{THE_DAY}/restore")
    assert f'value="{THE_DAY}"' in theo.get(assign).text


def test_a_guide_of_one_practice_is_nothing_to_another(
    at_browser: Callable[[str], Browser], cast: Cast, published: Guide
) -> None:
    zoe = at_browser("zoe")
    assert "Parking" not in zoe.get("/guides").text
    for path in ("", "/edit", "/changes", "/pdf"):
        assert zoe.get(f"/guides/{published.slug}{path}").status_code == 404
    for path in ("copy", "edit", "preview", "publish", "retire", "move-on"):
        assert zoe.post(f"/guides/{published.slug}/{path}", form_of(SECOND, 2)).status_code == 404
    assert guide_queries.guide_for(cast.practice.id, published.slug) == published


@pytest.mark.parametrize("name", ["pia", "ana"])
def test_only_therapists_write_guides(at_browser: Callable[[str], Browser], cast: Cast, name: str) -> None:
    browser = at_browser(name)
    for path in ("/guides", f"/guides/{THE_DAY}/copy", f"/guides/{THE_DAY}/retire"):
        assert browser.post(path).status_code == 403
    assert db.session.scalars(select(GuideText)).all() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"# No front matter", "line 1: the file must begin with front matter between two lines of ---"),
        (b"---\ntitle: A\nsummary: [1\n---\n", "line 4: front matter:"),
        (b"---\ntitle: A\n---\n\xff", "line 4: the text is not UTF-8"),
        (b"x" * 300_000, "line 1: the file is larger than 200 kB"),
    ],
)
def test_a_file_that_is_no_guide_is_refused_with_the_line(
    at_browser: Callable[[str], Browser], cast: Cast, content: bytes, words: str
) -> None:
    answer = at_browser("theo").post("/guides", {"file": (io.BytesIO(content), "mine.md")})
    assert answer.status_code == 422
    assert f"mine.md, {words}" in answer.text
    assert guide_queries.shelf_of(cast.practice.id).drafts == []


def test_a_file_becomes_a_draft(at_browser: Callable[[str], Browser], cast: Cast, published: Guide) -> None:
    file = (io.BytesIO(library()[THE_DAY].source.encode()), "mine.md")
    answer = at_browser("theo").post("/guides", {"file": file})
    assert answer.location == f"/guides/own-{THE_DAY}/edit"
    [(_, draft)] = guide_queries.shelf_of(cast.practice.id).drafts
    assert draft == draft_of(library()[THE_DAY])


def test_what_is_done_to_a_guide_is_in_the_log(cast: Cast, published: Guide) -> None:
    publish(cast, published.slug, SECOND)
    with transaction():
        guide_actions.retire(published.slug, actor=cast.theo.actor, at=NOON)
        guide_actions.restore(published.slug, actor=cast.theo.actor)
    events = db.session.scalars(select(Event).where(Event.act == Permission.GUIDES_EDIT)).all()
    assert [(event.subject, event.actor_id) for event in events] == [("practice_guide", cast.theo.id)] * 5


def test_a_nul_is_dropped_from_a_draft_and_no_address_has_one(
    at_browser: Callable[[str], Browser], cast: Cast, published: Guide
) -> None:
    theo = at_browser("theo")
    draft = Draft(**{**SECOND.as_dict(), "body": "Park\0 anywhere."})
    assert theo.post(f"/guides/{published.slug}/publish", form_of(draft, 2)).status_code == 303
    assert "Park anywhere." in guide_queries.guide_for(cast.practice.id, published.slug).source
    assert theo.get("/guides/a%00b").status_code == 400


def test_the_same_done_twice_in_one_moment_is_done_once(
    cast: Cast, published: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guide_actions, "_free_slug", lambda *_: published.slug)
    with pytest.raises(Conflict), transaction():
        guide_actions.begin(FIRST, actor=cast.theo.actor, at=NOON)
    monkeypatch.setattr(guide_actions, "_newest", lambda _row: None)
    row = guide_queries.own_guide(cast.practice.id, published.slug)
    row.draft = FIRST.as_dict()
    with pytest.raises(Invalid, match="published in the same moment"):
        guide_actions.publish(row, actor=cast.theo.actor, at=NOON)
    assert len(db.session.scalars(select(GuideText)).all()) == 1
