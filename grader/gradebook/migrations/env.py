"""How alembic reaches the database: by the connection it is given, or by the URL on its command line (`-x url=…`)."""

from alembic import context
from sqlalchemy import Connection, create_engine

from grader.gradebook.tables import Table


def run(connection: Connection) -> None:
    """Carry out what alembic was asked for, in one transaction. SQLite changes tables by copying them."""
    batch = connection.dialect.name == "sqlite"
    context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=batch)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as opened:
        run(opened)
