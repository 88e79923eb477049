"""Keeps the totals of open months of large programs. What is kept, and how, is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.programs.tenants import list_programs
from distrib.services.statements.totals import keep_due_totals


def keep_statement_totals(container: Container) -> None:
    """Keeps what has moved or aged, program by program, each in a transaction of its own."""
    with container.begin() as conn:
        programs = list_programs(conn)
    for program in programs:
        with container.begin() as conn:
            keep_due_totals(conn, program, container.now())
