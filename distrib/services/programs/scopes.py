"""Scopes: parts of what a role may, so that a key reaches no further than what it is for. Which call takes which scope
is said beside the calls.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

CONFIRM: Final = "confirm"
KEYS: Final = "keys"
SCOPES: Final[dict[str, tuple[str, ...]]] = {
    "partner": ("read", "shops", "payees", "propose"),
    "orders": ("read", "customers", "events"),
    "finance": ("read", "payees", "propose", CONFIRM, "results"),
    "admin": (
        "read",
        "customers",
        "events",
        "shops",
        "sessions",
        "payees",
        "plans",
        "program",
        KEYS,
        "propose",
        CONFIRM,
        "results",
        "compliance",
    ),
    "operations": ("read", "customers", "events", "shops"),
    "compliance": ("read", "compliance"),
    "viewer": ("read",),
}
"""The scopes of each role: read (all that is no personal data), customers and bindings, events, shops (who joins, who
moves, who stands where), sessions (links by which shop owners come in), payees (personal data of whom money goes to,
and its files), plans, program (settings, webhooks), keys, propose and confirm (closes, adjustments, payouts,
withdrawals), results of payouts, compliance."""
ROLES: Final = ("partner", "orders", "finance", "admin")
"""Of keys that are presented."""
SEAT_ROLES: Final = ("admin", "finance", "operations", "compliance", "viewer")
"""Of people who sign in."""


def reach_of(role: str, scopes: Collection[str] | None) -> frozenset[str]:
    """All scopes of a key: those it was given, or else those of its role.

    >>> sorted(reach_of("orders", None)), sorted(reach_of("admin", ["events"]))
    (['customers', 'events', 'read'], ['events'])
    """
    return frozenset(SCOPES[role] if scopes is None else scopes)


def may_confirm(role: str, scopes: Collection[str] | None) -> bool:
    """Whether a key can confirm money, or make and approve keys that can.

    >>> may_confirm("finance", None), may_confirm("finance", ["read"]), may_confirm("orders", None)
    (True, False, False)
    """
    return not reach_of(role, scopes).isdisjoint((CONFIRM, KEYS))
