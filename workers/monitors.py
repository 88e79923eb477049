"""The daily look at every program's structure, once a day of its own time zone. No rule may enter."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.compliance.monitors import MONITOR, programs_due, run_monitors
from workers.each_program import each_in_transaction


def run_daily_monitors(container: Container) -> None:
    """Runs the monitors of every program that has not been looked at today."""
    each_in_transaction(
        container,
        programs_due,
        lambda unit: run_monitors(unit.by(MONITOR), container.policies),
    )
