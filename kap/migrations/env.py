"""Alembic's entry: runs the migrations on the connection that `kap.database` hands it."""

from alembic import context
from sqlalchemy.engine import Connection

import kap.access.audit
import kap.consents.models
import kap.integration.models
import kap.jobs.models
import kap.preparation.models
import kap.programmes.models
import kap.screening.models  # noqa: F401 - imported for the tables they define
from kap.db import Model


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        user_module_prefix="kap.db.",
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
