"""Keeps what is known of whole large programs: totals of open months, the order of shops, how many stay.

How is the services' business.
"""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.network.retention import keep_due_retention
from distrib.services.statements.sorting import keep_due_order
from distrib.services.statements.totals import keep_due_totals, programs_kept, programs_to_begin
from workers.each_program import each_in_transaction


def keep_statement_totals(container: Container) -> None:
    """Keeps anew what has moved or aged of the totals that are kept."""
    each_in_transaction(container, lambda conn, _: programs_kept(conn), keep_due_totals)


def begin_statement_totals(container: Container) -> None:
    """Begins to keep the totals of programs that have grown large."""
    each_in_transaction(
        container,
        lambda conn, _: programs_to_begin(conn),
        keep_due_totals,
    )


def keep_sorted_shops(container: Container) -> None:
    """Keeps anew the order of shops by money and sales, of the programs whose totals are kept, where it is due."""
    each_in_transaction(container, lambda conn, _: programs_kept(conn), keep_due_order)


def keep_retention(container: Container) -> None:
    """Counts anew how many shops stay active, of the programs whose totals are kept, where it is due."""
    each_in_transaction(container, lambda conn, _: programs_kept(conn), keep_due_retention)
