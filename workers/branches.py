"""Adds up the branches of the network. How is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.network.branches import keep_branches, programs_due
from distrib.services.programs.tenants import get_program

MOST_PROGRAMS = 100
"""A minute later there are as many again."""


def refresh_branches(container: Container) -> None:
    """Adds up the programs that are due, each in a transaction of its own."""
    with container.begin() as conn:
        due = programs_due(conn, container.now(), MOST_PROGRAMS)
    for program_id in due:
        with container.begin() as conn:
            keep_branches(conn, get_program(conn, program_id), container.now())
