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
    Entry("inbox", "inbox", Text("What waits", "menu"), "list_inbox"),
    Entry("orders", "shopping-cart", Text("Orders", "menu"), "list_orders"),
    Entry("commissions", "coins", Text("Commissions", "menu"), "list_commissions"),
    Entry("questions", "message-question", Text("Questions", "menu"), "list_questions"),
    Entry("events", "bolt", Text("Events", "menu"), "list_events"),
    Entry("plans", "file-text", Text("Plans", "menu"), "list_plans"),
    Entry("months", "calendar-stats", Text("Statements", "menu"), "list_months"),
    Entry("payouts", "cash-banknote", Text("Payouts", "menu"), "list_payouts"),
    Entry("withdrawals", "wallet", Text("Withdrawals", "menu"), "list_withdrawals"),
    Entry("adjustments", "adjustments", Text("Adjustments", "menu"), "list_adjustments"),
    Entry("compliance", "shield-check", Text("Compliance", "menu"), "list_findings"),
    Entry("operations", "heartbeat", Text("Operations", "menu"), "get_queue"),
    Entry("people", "users", Text("People and keys", "menu"), "list_people"),
)
