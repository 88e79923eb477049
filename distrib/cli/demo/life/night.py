"""What the workers look at once a night, done now, for who opens the console first. No rule may enter."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.compliance.monitors import MONITOR, run_monitors
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.ranks.near import keep_near_ranks
from distrib.services.sharing.funnel import keep_funnel


def spend_night(container: Container, program: Program) -> None:
    """Works out the funnel by month, who is near the next rank, and what the monitors measure."""
    with container.begin() as conn:
        keep_funnel(Unit(conn, program, COMMAND_LINE, container.now()))
    with container.begin() as conn:
        keep_near_ranks(Unit(conn, program, COMMAND_LINE, container.now()))
    with container.begin() as conn:
        run_monitors(Unit(conn, program, MONITOR, container.now()), container.policies)
