"""Works out who is near the next rank. Who that is, is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.ranks.near import keep_near_ranks, programs_due
from workers.each_program import each_in_transaction


def refresh_near_ranks(container: Container) -> None:
    """Works out the lists that are due."""
    each_in_transaction(container, programs_due, keep_near_ranks)
