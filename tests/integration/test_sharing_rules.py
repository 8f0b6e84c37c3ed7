"""Who sees which part: every combination of parts, audience, viewer, membership and time."""

from dataclasses import replace
from datetime import timedelta
from itertools import chain, combinations, product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kap.integration.rules import (
    ONLY_YOU,
    Grant,
    Member,
    Part,
    Viewer,
    Writing,
    noted_otherwise,
    sees,
    shared_with_since,
    visible_parts,
    who_can_see,
)
from tests.conftest import NOON

THEO, TESS = UUID(int=1), UUID(int=2)
BEFORE, AFTER = NOON - timedelta(days=1), NOON + timedelta(days=1)
PARTS = [frozenset(some) for some in chain.from_iterable(combinations(Part, n) for n in range(len(Part) + 1))]
TEAM = [Member(THEO, "Theo", BEFORE), Member(TESS, "Tess", BEFORE)]
EVERYTHING = frozenset(Part)


def _named(parts: frozenset[Part]) -> str:
    """The same in every process: a set says its members in any order."""
    return "+".join(sorted(parts)) or "nothing"


@pytest.mark.parametrize("granted", PARTS, ids=_named)
@pytest.mark.parametrize("present", PARTS, ids=_named)
def test_a_viewer_sees_what_is_granted_to_them_and_there(
    granted: frozenset[Part], present: frozenset[Part]
) -> None:
    for to, viewer, since in product((None, THEO, TESS), (THEO, TESS), (None, BEFORE, NOON, AFTER)):
        grants = {Grant(part, to, NOON) for part in granted}
        by_name = to == viewer and since is not None and since <= NOON
        allowed = since is not None and (to is None or by_name)
        expected = granted & present if allowed else frozenset()
        who = Viewer(viewer, since)
        assert visible_parts(grants, present, who) == expected, (to, viewer, since)
        assert shared_with_since(grants, present, who) == (NOON if expected else None)
        assert visible_parts(set(), present, who) == frozenset()  # taken back


def test_every_part_may_have_audiences_of_its_own() -> None:
    audiences = [frozenset(some) for some in ((), (None,), (THEO,), (TESS,), (THEO, TESS), (None, THEO))]
    for chosen in product(audiences, repeat=len(Part)):
        grants = {Grant(part, to, NOON) for part, tos in zip(Part, chosen, strict=True) for to in tos}
        for viewer in (THEO, TESS):
            expected = {p for p, tos in zip(Part, chosen, strict=True) if None in tos or viewer in tos}
            assert visible_parts(grants, EVERYTHING, Viewer(viewer, BEFORE)) == expected
            assert visible_parts(grants, EVERYTHING, Viewer(viewer, None)) == frozenset()


_GRANTS = st.frozensets(
    st.builds(
        Grant,
        st.sampled_from(list(Part)),
        st.sampled_from([None, THEO, TESS]),
        st.sampled_from([BEFORE, NOON, AFTER]),
    )
)
_PRESENT = st.frozensets(st.sampled_from(list(Part)))
_SINCE = st.sampled_from([None, BEFORE, NOON, AFTER])


@given(_GRANTS, _PRESENT, _SINCE)
def test_nobody_sees_more_than_is_there_or_less_by_another_grant(
    grants: frozenset[Grant], present: frozenset[Part], since: object
) -> None:
    viewer = Viewer(THEO, since)  # type: ignore[arg-type]
    seen = visible_parts(grants, present, viewer)
    assert seen <= present
    assert since is not None or seen == frozenset()
    for grant in grants:
        assert visible_parts(grants - {grant}, present, viewer) <= seen
        assert not (sees(grant, viewer) and grant.part in present) or grant.part in seen


@given(_GRANTS, _PRESENT)
def test_the_sentences_name_exactly_who_can_see(grants: frozenset[Grant], present: frozenset[Part]) -> None:
    said = " ".join(who_can_see(grants, present, TEAM))
    for member in TEAM:
        seen = visible_parts(grants, present, Viewer(member.id, member.since))
        assert (member.name in said) == bool(seen)
    shared = any(grant.part in present and (grant.to is None or grant.to in (THEO, TESS)) for grant in grants)
    reachable = shared and said != ONLY_YOU
    assert reachable == any(
        grant.part in present and (grant.to is None or any(sees(grant, Viewer(m.id, m.since)) for m in TEAM))
        for grant in grants
    )


@pytest.mark.parametrize(
    ("to_team", "to_theo", "team", "expected"),
    [
        ("", "", "theo tess", ONLY_YOU),
        ("text ratings", "", "", "Shared. Nobody is on your care team now; whoever joins it can read this."),
        (
            "text ratings",
            "",
            "theo tess",
            "Shared. Your care team can read this: Theo, Tess. So can anyone who joins the team later. "
            "Nobody else.",
        ),
        ("", "text ratings", "theo tess", "Shared. Theo can read this. Nobody else."),
        ("", "text ratings", "tess", ONLY_YOU),
        ("", "text", "theo tess", "Theo can read your words. Only you can see your ratings."),
        (
            "ratings",
            "text",
            "theo tess",
            "Theo can read your words. Your care team can read your ratings: Theo, Tess. "
            "So can anyone who joins the team later. Nobody else can.",
        ),
    ],
)
def test_who_can_see_what_in_words(to_team: str, to_theo: str, team: str, expected: str) -> None:
    grants = {Grant(Part(name), None, NOON) for name in to_team.split()}
    grants |= {Grant(Part(name), THEO, NOON) for name in to_theo.split()}
    on_it = [member for member in TEAM if member.name.casefold() in team]
    assert " ".join(who_can_see(grants, {Part.TEXT, Part.RATINGS}, on_it)) == expected


def test_what_is_noted_otherwise_beside_the_text() -> None:
    here = Writing(text="a", title="T", tags=("x",), body=3, moment_s=5.0, session_id=uuid4())
    assert noted_otherwise(here, here) == ()
    there = Writing(text="b", tags=("y", "z"), body=0, liking=10)
    assert noted_otherwise(there, here) == (
        "No title",
        "Themes: y, z",
        "How my body feels: 0 on a scale from 0, tense, to 10, at ease",
        "I liked the music: 10 on a scale from 0, not at all, to 10, very much",
        "About no session",
    )
    assert noted_otherwise(here, there) == (
        "Title: T",
        "Themes: x",
        "How my body feels: 3 on a scale from 0, tense, to 10, at ease",
        "I liked the music: not noted",
        "About another session",
    )
    assert noted_otherwise(replace(here, moment_s=6.0, tags=()), here) == (
        "No themes",
        "About another moment of the music",
    )
