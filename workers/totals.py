"""Keeps the totals of open months of large programs. What is kept, and how, is the services' business."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from distrib.bootstrap import Container
from distrib.services.programs.tenants import get_program
from distrib.services.statements.totals import keep_due_totals, programs_kept, programs_to_begin


def keep_statement_totals(container: Container) -> None:
    """Keeps anew what has moved or aged of the totals that are kept."""
    _keep(container, programs_kept)


def begin_statement_totals(container: Container) -> None:
    """Begins to keep the totals of programs that have grown large."""
    _keep(container, programs_to_begin)


def _keep(container: Container, programs_of: Callable[[Connection], list[int]]) -> None:
    """Keeps what is due program by program, each in a transaction of its own."""
    with container.begin() as conn:
        programs = [get_program(conn, number) for number in programs_of(conn)]
    for program in programs:
        with container.begin() as conn:
            keep_due_totals(conn, program, container.now())
