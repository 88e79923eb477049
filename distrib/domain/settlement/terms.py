"""What binds an order when it is paid: a plan version with the limits that the policy packs put on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from distrib.domain.plans.plan import Plan


@dataclass(frozen=True, slots=True)
class Terms:
    """A plan version with the limits that the packs put on it.

    ``version_no`` is the store's number for the version, ``hold`` how long what is earned is held, ``pack`` the packs
    that judged, with their dates.
    """

    plan: Plan
    version_no: int
    hold: timedelta
    order_cap_ppm: int | None
    pack: str
    entry_pays_seller: bool
    self_purchase_pays_uplines: bool
    max_tiers: int
