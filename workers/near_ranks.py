"""Works out who is near the next rank. Who that is, is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.programs.tenants import get_program
from distrib.services.ranks.near import keep_near_ranks, programs_due

MOST_PROGRAMS = 100
"""A minute later there are as many again."""


def refresh_near_ranks(container: Container) -> None:
    """Works out the lists that are due, each program in a transaction of its own."""
    with container.begin() as conn:
        due = programs_due(conn, container.now(), MOST_PROGRAMS)
    for program_id in due:
        with container.begin() as conn:
            keep_near_ranks(conn, get_program(conn, program_id), container.now())
