"""Keeps what the funnel shows of days and months that are over. What it shows is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.sharing.funnel import keep_funnel, programs_due
from workers.each_program import each_in_transaction


def keep_funnels(container: Container) -> None:
    """Works out what is missing."""
    each_in_transaction(container, programs_due, keep_funnel)
