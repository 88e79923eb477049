"""One thing done for each program that is due, so that a program for which it fails stops it for no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from distrib.bootstrap import Container
from distrib.services.context import SERVICE, Program, Unit
from distrib.services.programs.tenants import get_program
from distrib.transactions import is_lost

Due = Callable[[Connection, datetime], Sequence[int]]
"""Answers the numbers of the programs that are due at an instant."""
_log = structlog.get_logger(__name__)


def each_in_transaction(container: Container, due: Due, act: Callable[[Unit], object]) -> None:
    """Does something for each program that is due, in a transaction of its own; raises as ``each_program`` does."""

    def act_alone(program: Program) -> None:
        with container.begin() as conn:
            act(Unit(conn, program, SERVICE, container.now()))

    each_program(container, due, act_alone)


def each_program(container: Container, due: Due, act: Callable[[Program], object]) -> None:
    """Does something for each program that is due, those after one that fails included.

    Raises:
        Exception: the first of what failed, once all have had their turn; at once where the database is away.
    """
    with container.begin() as conn:
        programs = [get_program(conn, number) for number in due(conn, container.now())]
    failed: Exception | None = None
    for program in programs:
        try:
            act(program)
        except Exception as error:
            _log.warning("program_passed_over", program=program.code, error=type(error).__name__)
            if isinstance(error, DBAPIError | psycopg.Error) and is_lost(error):
                raise
            failed = failed or error
    if failed is not None:
        raise failed
