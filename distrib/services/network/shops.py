"""Re-exports the services of shops: registration, reading, moves, statuses and ranks by hand."""

from __future__ import annotations

from distrib.domain.policies.policy import Policy
from distrib.services.context import Unit
from distrib.services.network.moves import move_shop
from distrib.services.network.records import change_shop, erase_shop
from distrib.services.network.registration import Registered, ShopDraft, register_shops
from distrib.services.network.standing import (
    STATUSES,
    RankChangeView,
    StandingChange,
    rank_history,
    set_rank,
    set_status,
    standing_history,
)
from distrib.services.network.views import (
    RelatedShop,
    ShopView,
    distance_below,
    downline,
    get_shop,
    introduced_by,
    nearest_below,
    upline,
)

__all__ = [
    "STATUSES",
    "RankChangeView",
    "Registered",
    "RelatedShop",
    "ShopDraft",
    "ShopView",
    "StandingChange",
    "change_shop",
    "distance_below",
    "downline",
    "erase_shop",
    "get_shop",
    "introduced_by",
    "move_shop",
    "nearest_below",
    "rank_history",
    "register_shop",
    "register_shops",
    "set_rank",
    "set_status",
    "standing_history",
    "upline",
]


def register_shop(unit: Unit, policy: Policy, draft: ShopDraft, pepper: bytes) -> tuple[ShopView, bool]:
    """Registers one shop; answers it, and whether it is new. The same registration again answers as the first time.

    Raises:
        Refusal: why it may not come in, or ``id_conflict`` where the id is known with other content.
    """
    [result] = register_shops(unit, policy, [draft], pepper)
    if result.refusal is not None:
        raise result.refusal
    return get_shop(unit, draft.id), result.status == "created"
