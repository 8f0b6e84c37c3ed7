"""The journal's page for when there is no network."""

from flask import render_template

from kap.access.guard import public
from kap.integration.blueprint import bp


@bp.get("/journal-here")
@public  # it names nobody, and fills itself from what the device kept
def write_here() -> str:
    return render_template("integration/write_here.html")
