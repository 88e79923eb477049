"""Keeps what the funnel shows of days and months that are over. What it shows is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.programs.tenants import get_program
from distrib.services.sharing.funnel import keep_funnel, programs_due

MOST_PROGRAMS = 100
"""A minute later there are as many again."""


def keep_funnels(container: Container) -> None:
    """Works out what is missing, each program in a transaction of its own."""
    with container.begin() as conn:
        due = programs_due(conn, container.now(), MOST_PROGRAMS)
    for program_id in due:
        with container.begin() as conn:
            keep_funnel(conn, get_program(conn, program_id), container.now())
