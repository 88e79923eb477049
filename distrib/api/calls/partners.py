"""What a partner's key reaches: its own shop, and of the tree below no deeper than the policy looks.

Decides who may see; what a shop has or earns is for the services.
"""

from __future__ import annotations

from distrib.api.calls.operations import Call
from distrib.api.http.auth import PARTNER
from distrib.domain.policies.policy import MAX_TIERS, Policy
from distrib.domain.refusals import Forbidden
from distrib.services.network import shops


def levels_below(policy: Policy) -> int:
    """How many levels below its own shop a partner sees: those the tree may have, or else those that can pay."""
    return MAX_TIERS if policy.max_tree_levels is None else policy.max_tree_levels - 1


def distance_of(call: Call, shop_id: str) -> int:
    """How far below the partner's own shop another one stands: 0 is its own, and for every other role all are.

    Raises:
        Refusal: ``shop_unknown``, or ``forbidden`` where it stands elsewhere or too deep.
    """
    if call.actor.role != PARTNER or call.actor.shop_no is None or shop_id == call.actor.shop_id:
        return 0
    distance = shops.distance_below(call.unit, shop_id, call.actor.shop_no)
    if distance is None or distance > levels_below(call.policy):
        raise Forbidden()
    return distance


def must_be_own(call: Call, shop_id: str) -> None:
    """Money is shown to a partner for its own shop alone; raises ``shop_unknown`` or ``forbidden``."""
    if call.actor.role == PARTNER and shop_id != call.actor.shop_id:
        distance_of(call, shop_id)
        raise Forbidden()


def is_partner(call: Call) -> bool:
    """Whether the key is bound to a shop."""
    return call.actor.role == PARTNER
