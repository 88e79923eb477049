"""The daily look at every program's structure, once a day of its own time zone. No rule may enter."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.compliance.monitors import MONITOR, programs_due, run_monitors
from distrib.services.programs.tenants import get_program


def run_daily_monitors(container: Container) -> None:
    """Runs the monitors of every program that has not been looked at today, each in a transaction of its own."""
    with container.begin() as conn:
        programs = [get_program(conn, number) for number in programs_due(conn, container.now())]
    for program in programs:
        with container.begin() as conn:
            run_monitors(conn, program, container.policies, MONITOR, container.now())
