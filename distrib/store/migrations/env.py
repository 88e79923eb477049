"""Alembic's entry: runs on the connection that ``distrib.store.migrate`` hands over, with what is done after each."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    transactional_ddl=True,
    on_version_apply=lambda **_: context.config.attributes["after_each"](connection),
)
with context.begin_transaction():
    context.run_migrations()
