"""Moves shops in the referral tree: history is kept, no loop can close, no chain grows beyond the policy's cap.

A move recomputes no order: those that were settled keep their chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from distrib.domain.network.depth import MoveLinks, check_move
from distrib.domain.network.refusals import MoveTooEarly, ShopUnknown, SponsorNotActive, SponsorUnknown
from distrib.domain.policies.policy import Policy
from distrib.services.context import Unit
from distrib.services.network.registration import has_promotions
from distrib.services.network.views import ShopView, get_shop
from distrib.services.plans.versions import load_timeline
from distrib.store.network import shops, tree
from distrib.store.network.shops import KnownShop
from distrib.store.network.tree import NewLink

WAITED = timedelta(seconds=15)
"""No call waits longer for the network: a link that is newer than its clock by less was made while it waited."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where a shop goes: under whom (None: under nobody), from when on (None: from now on), and why."""

    sponsor_id: str | None
    effective_at: datetime | None
    reason: str


def move_shop(unit: Unit, policy: Policy, shop_id: str, move: Move) -> ShopView:
    """Moves a shop, with all below it, under another sponsor.

    Returns:
        The shop as it stands now.

    Raises:
        Refusal: ``shop_unknown``, ``sponsor_unknown``, ``sponsor_not_active``, ``move_too_early``,
            ``sponsor_is_self``, ``sponsor_cycle`` or ``tree_too_deep``.
    """
    program_id, sponsor_id = unit.program_id, move.sponsor_id
    tree.lock_network(unit.conn, program_id, exclusive=True)
    known = shops.by_ids(unit.conn, program_id, [shop_id] if sponsor_id is None else [shop_id, sponsor_id])
    shop, sponsor = known.get(shop_id), _sponsor(known, sponsor_id, unit.now)
    if shop is None:
        raise ShopUnknown(id=shop_id)
    last = tree.last_link_at(unit.conn, program_id, shop.shop_no)
    if last is not None and unit.now < last <= unit.now + WAITED:
        unit = unit.as_of(last)
    moved_at = move.effective_at or unit.now
    if last is not None and moved_at < last:
        raise MoveTooEarly()
    _check(unit, policy, shop, sponsor, moved_at)
    sponsor_no = None if sponsor is None else sponsor.shop_no
    link = NewLink(moved_at, sponsor_no, move.reason)
    tree.insert_link(unit.conn, program_id, shop.shop_no, link, unit.recorded)
    tree.shift_subtree(unit.conn, program_id, shop.shop_no, sponsor, moved_at)
    if sponsor_no is not None and has_promotions(load_timeline(unit.conn, unit.program), moved_at):
        tree.signal_ranks(unit.conn, program_id, [(unit.program.day_of(moved_at), sponsor_no, moved_at)])
    return get_shop(unit, shop_id)


def _sponsor(known: dict[str, KnownShop], sponsor_id: str | None, now: datetime) -> KnownShop | None:
    if sponsor_id is None:
        return None
    sponsor = known.get(sponsor_id)
    if sponsor is None:
        raise SponsorUnknown(sponsor=sponsor_id)
    if sponsor.status == "closed" and sponsor.status_since <= now:
        raise SponsorNotActive(sponsor=sponsor_id)
    return sponsor


def _check(unit: Unit, policy: Policy, shop: KnownShop, sponsor: KnownShop | None, moved_at: datetime) -> None:
    if sponsor is None:
        return
    above = tree.links_above(unit.conn, unit.program_id, [sponsor.shop_no], moved_at)
    is_capped = policy.max_tree_levels is not None
    below = tree.links_below(unit.conn, unit.program_id, shop.shop_no, moved_at) if is_capped else {}
    check_move(MoveLinks(above, below), shop.shop_no, sponsor.shop_no, moved_at, policy.max_tree_levels)
