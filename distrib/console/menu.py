"""The menu: the nouns of the house, each with the operation that its page needs. What a page shows may not enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from distrib.domain.texts import Text


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of the menu: a page's endpoint, icon and name, and the operation without which it is not shown."""

    endpoint: str
    icon: str
    name: Text
    needs: str


MENU: Final[tuple[MenuEntry, ...]] = (
    MenuEntry("overview", "layout-dashboard", Text("Overview", "menu"), "get_statements"),
    MenuEntry("inbox", "inbox", Text("What waits", "menu"), "list_inbox"),
    MenuEntry("shops", "building-store", Text("Shops", "menu"), "list_shops"),
    MenuEntry("network", "sitemap", Text("Network", "menu"), "list_downline"),
    MenuEntry("orders", "shopping-cart", Text("Orders", "menu"), "list_orders"),
    MenuEntry("commissions", "coins", Text("Commissions", "menu"), "list_commissions"),
    MenuEntry("events", "bolt", Text("Events", "menu"), "list_events"),
    MenuEntry("plans", "file-text", Text("Plans", "menu"), "list_plans"),
    MenuEntry("ranks", "trophy", Text("Ranks", "menu"), "list_evaluations"),
    MenuEntry("months", "calendar-stats", Text("Statements", "menu"), "list_months"),
    MenuEntry("payouts", "cash-banknote", Text("Payouts", "menu"), "list_payouts"),
    MenuEntry("withdrawals", "wallet", Text("Withdrawals", "menu"), "list_withdrawals"),
    MenuEntry("adjustments", "adjustments", Text("Adjustments", "menu"), "list_adjustments"),
    MenuEntry("questions", "message-question", Text("Questions", "menu"), "list_questions"),
    MenuEntry("compliance", "shield-check", Text("Compliance", "menu"), "list_findings"),
    MenuEntry("operations", "heartbeat", Text("Operations", "menu"), "get_queue"),
    MenuEntry("people", "users", Text("People and keys", "menu"), "list_people"),
)
