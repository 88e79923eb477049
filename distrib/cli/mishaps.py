"""What ended a command, said in one message without a traceback; loaded when needed, for it knows the database.

No command may enter.
"""

from __future__ import annotations

import click
import psycopg
from sqlalchemy.exc import DBAPIError

from distrib import failures
from distrib.domain.identifiers import visible
from distrib.domain.texts import Text
from distrib.failures import FAILURES
from distrib.languages import render_both
from distrib.transactions import is_passing, sqlstate_of

_NOT_MIGRATED = ("42P01", "42703")  # no such table, no such column
_NO_RIGHT = "42501"


def is_explained(error: Exception) -> bool:
    """Says what an operator can mend; False for a mistake of ours, which keeps its traceback."""
    if isinstance(error, FAILURES):
        click.echo(visible(failures.explain(error)), err=True)  # the command of that name shadows what is imported
    elif isinstance(error, DBAPIError | psycopg.Error):
        return _is_explained_database(error)
    elif isinstance(error, OSError) and error.filename is not None:
        words = Text("{filename}: {strerror}", filename=error.filename, strerror=error.strerror)
        click.echo(render_both(words), err=True)
    else:
        return False
    return True


def _is_explained_database(error: DBAPIError | psycopg.Error) -> bool:
    if sqlstate_of(error) in _NOT_MIGRATED:
        click.echo(render_both(Text("The database is not migrated: run `distrib migrate`."), " "), err=True)
    elif sqlstate_of(error) == _NO_RIGHT:
        words = Text("The login of the database may not do this, docs/operations.md says which one may")
        click.echo(f"{render_both(words)}: {_first_line(error)}", err=True)
    elif is_passing(error):
        click.echo(f"{render_both(Text('The database does not answer'))}: {_first_line(error)}", err=True)
    else:
        return False
    return True


def _first_line(error: DBAPIError | psycopg.Error) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
