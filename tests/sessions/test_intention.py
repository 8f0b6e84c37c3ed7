from datetime import timedelta

import pytest
from sqlalchemy import select, text

from kap.access.audit import Event
from kap.db import db, transaction
from kap.problems import Conflict, Invalid
from kap.sessions import actions, queries
from kap.sessions.models import Intention
from tests.conftest import NOON, Cast


def write(cast: Cast, words: str, version: int, *, minutes: int = 0) -> Intention:
    with transaction():
        return actions.write_intention(
            cast.pia,
            text=words,
            version=version,
            actor=cast.actor("pia"),
            at=NOON + timedelta(minutes=minutes),
        )


def test_an_intention_is_written_and_rewritten(cast: Cast) -> None:
    assert queries.intention_of(cast.pia) is None
    assert write(cast, "To rest.", 0).version == 1
    assert write(cast, "To rest, and to listen.", 1).version == 2
    found = queries.intention_of(cast.pia)
    assert found is not None
    assert (found.text, found.version) == ("To rest, and to listen.", 2)
    assert queries.intention_of(cast.pau) is None


def test_the_same_words_again_are_no_change(cast: Cast) -> None:
    write(cast, "To rest.", 0)
    assert write(cast, "To rest.", 0).version == 1
    assert write(cast, "", 1).version == 2
    assert write(cast, "", 1).version == 2


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_stale_version_changes_nothing(cast: Cast, version: int) -> None:
    write(cast, "To rest.", 0)
    write(cast, "To listen.", 1)
    with pytest.raises(Conflict):
        write(cast, "To run.", version)
    found = queries.intention_of(cast.pia)
    assert found is not None
    assert found.text == "To listen."


def test_a_first_intention_begins_at_zero(cast: Cast) -> None:
    with pytest.raises(Conflict):
        write(cast, "To run.", 1)
    assert queries.intention_of(cast.pia) is None


def test_too_long(cast: Cast) -> None:
    with pytest.raises(Invalid):
        write(cast, "a" * 20_001, 0)


def test_it_is_sealed(cast: Cast) -> None:
    write(cast, "To meet my father.", 0)
    [raw] = db.session.scalars(text("SELECT text_sealed FROM intention"))
    assert b"father" not in bytes(raw)


def test_one_sitting_is_one_event(cast: Cast) -> None:
    write(cast, "To", 0)
    write(cast, "To rest", 1, minutes=1)
    write(cast, "To rest.", 2, minutes=9)
    write(cast, "To listen.", 3, minutes=60)
    events = db.session.scalars(select(Event).where(Event.act == "sessions:intention:write")).all()
    assert [event.patient_id for event in events] == [cast.pia.id] * 2
