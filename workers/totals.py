"""Keeps the totals of open months of large programs, and the order of their shops. How is the services' business."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from distrib.bootstrap import Container
from distrib.services.context import Program
from distrib.services.programs.tenants import get_program
from distrib.services.statements.sorting import keep_due_order
from distrib.services.statements.totals import keep_due_totals, programs_kept, programs_to_begin


def keep_statement_totals(container: Container) -> None:
    """Keeps anew what has moved or aged of the totals that are kept."""
    _keep(container, programs_kept, keep_due_totals)


def begin_statement_totals(container: Container) -> None:
    """Begins to keep the totals of programs that have grown large."""
    _keep(container, programs_to_begin, keep_due_totals)


def keep_sorted_shops(container: Container) -> None:
    """Keeps anew the order of shops by money and sales, of the programs whose totals are kept, where it is due."""
    _keep(container, programs_kept, keep_due_order)


def _keep(
    container: Container,
    programs_of: Callable[[Connection], list[int]],
    keep: Callable[[Connection, Program, datetime], object],
) -> None:
    """Keeps what is due program by program, each in a transaction of its own."""
    with container.begin() as conn:
        programs = [get_program(conn, number) for number in programs_of(conn)]
    for program in programs:
        with container.begin() as conn:
            keep(conn, program, container.now())
