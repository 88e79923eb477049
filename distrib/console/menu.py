"""The menu: the nouns of the house, each with the operation that its page needs. What a page shows may not enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from distrib.domain.texts import Text


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu: a page's endpoint, icon and name, and the operation without which it is not shown."""

    endpoint: str
    icon: str
    name: Text
    needs: str


MENU: Final[tuple[Entry, ...]] = (
    Entry("overview", "layout-dashboard", Text("Overview", "menu"), "get_statements"),
    Entry("orders", "shopping-cart", Text("Orders", "menu"), "list_orders"),
    Entry("questions", "message-question", Text("Questions", "menu"), "list_questions"),
)
