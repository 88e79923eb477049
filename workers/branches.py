"""Adds up the branches of the network. How is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.network.branches import keep_branches, programs_due
from workers.each_program import each_in_transaction


def refresh_branches(container: Container) -> None:
    """Adds up the programs that are due."""
    each_in_transaction(container, programs_due, keep_branches)
