"""Every act has words, and none of them is left to be guessed."""

from uuid import uuid4

import pytest

from kap.access.actor import Actor
from kap.access.audit import Outcome, event_of
from kap.access.permissions import MEANING, Permission, Role
from kap.access.words import CHANGED, READ, SUBJECTS_READ, words_for

THEO = Actor(id=uuid4(), practice_id=uuid4(), role=Role.THERAPIST)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("outcome", Outcome)
def test_every_act_has_words(permission: Permission, outcome: Outcome) -> None:
    words = words_for(event_of(permission, outcome, actor=THEO))
    assert words[0].isupper()
    assert not words.endswith((".", "!"))
    assert permission.value not in words


def test_words_are_kept_only_for_acts_there_are() -> None:
    named = {act for act in (*CHANGED, *READ, *(act for act, _ in SUBJECTS_READ)) if act not in MEANING}
    assert {act.split(":")[0] for act in named} == {"accounts", "sessions"}


def test_an_act_from_a_later_version_is_shown_by_its_name() -> None:
    assert words_for(event_of("outcomes:scale:fill", Outcome.DONE, actor=THEO)) == "outcomes:scale:fill"


def test_an_act_needs_its_actor() -> None:
    with pytest.raises(TypeError, match="needs its actor"):
        event_of(Permission.PATIENT_READ, Outcome.READ, actor=None)  # type: ignore[arg-type]
