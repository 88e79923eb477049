"""Forgets who visited invite links, once the day is over. What is counted stays."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.sharing.visits import forget_visitors

MOST_PARTS = 100
"""A minute later there are as many again."""


def forget_past_visitors(container: Container) -> None:
    """Deletes the salts of days that are over in all programs, and their visitors in parts, a transaction each."""
    for _ in range(MOST_PARTS):
        with container.begin() as conn:
            if not forget_visitors(conn, container.now()):
                return
