"""Opening pages changes nothing but the log."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from kap.db import Model, db
from tests.conftest import Browser, Cast

At = Callable[[str], Browser]


def everything_stored() -> dict[str, list[str]]:
    """Every row of every table but the log, as text."""
    db.session.rollback()
    return {
        table.name: sorted(str(row) for row in db.session.execute(select(table)))
        for table in Model.metadata.sorted_tables
        if table.name != "event"
    }


@pytest.mark.parametrize("who", ["theo", "pia", "ana", "zoe"])
def test_no_page_changes_what_is_stored(app: Flask, at_browser: At, cast: Cast, who: str) -> None:
    browser = at_browser(who)
    before = everything_stored()
    addresses, opened = app.url_map.bind("localhost"), set()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.arguments <= {"patient_id"}:
            values = {"patient_id": cast.pia.id} if rule.arguments else {}
            opened.add(addresses.build(rule.endpoint, values))
    for path in sorted(opened):
        assert browser.get(path).status_code < 500
    assert "/patients" in opened
    assert everything_stored() == before
