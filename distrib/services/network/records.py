"""Changes a shop's name, attributes and organiser, and blanks what is personal. The tree and money stay as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypedDict

from distrib.domain.network.refusals import ShopUnknown
from distrib.services.context import Unit
from distrib.services.network.views import ShopView, get_shop
from distrib.services.payouts.payee_versions import erase_payee
from distrib.store.ledger import questions
from distrib.store.network import records as store
from distrib.store.network import shops
from distrib.store.payouts import batches
from distrib.store.sharing import shop_sessions


class ShopChanges(TypedDict, total=False):
    """What is to be another of a shop; what is None is cleared, what is left out stays."""

    name: str | None
    attributes: Mapping[str, object] | None
    organiser_id: str | None


def change_shop(unit: Unit, shop_id: str, wanted: ShopChanges) -> ShopView:
    """Changes a shop's ``name``, ``attributes`` (as a whole) or ``organiser_id``, as named in ``wanted``; None clears.

    A registration sent again is still compared with what was first sent.

    Raises:
        Refusal: ``shop_unknown``.
    """
    program_id = unit.program_id
    shop = shops.lock(unit.conn, program_id, shop_id)
    if shop is None:
        raise ShopUnknown(id=shop_id)
    view = get_shop(unit, shop_id)
    if "name" in wanted or "attributes" in wanted:
        attributes = wanted.get("attributes", view.attributes)
        text = None if attributes is None else json.dumps(attributes, ensure_ascii=False)
        store.describe_shop(unit.conn, program_id, shop.shop_no, wanted.get("name", view.name), text)
    if "organiser_id" in wanted and wanted["organiser_id"] != view.organiser_id:
        store.set_organiser(unit.conn, program_id, shop.shop_no, wanted["organiser_id"], unit.recorded)
    return get_shop(unit, shop_id)


def erase_shop(unit: Unit, shop_id: str) -> ShopView:
    """Blanks a shop's name, attributes, identity, payee and what it asked; its place in the tree and its money stay.

    Raises:
        Refusal: ``shop_unknown``, or ``payee_in_payout`` while money is on its way to its payee.
    """
    batches.lock_payouts(unit.conn, unit.program_id)
    shop = shops.lock(unit.conn, unit.program_id, shop_id)
    if shop is None:
        raise ShopUnknown(id=shop_id)
    erase_payee(unit, shop.shop_no)
    shop_sessions.end_sessions(unit.conn, unit.program_id, shop.shop_no, unit.actor.key_id, unit.now)
    questions.erase_words(unit.conn, unit.program_id, shop.shop_no, unit.now, unit.actor.key_id)
    store.erase_shop(unit.conn, unit.program_id, shop.shop_no, unit.now, unit.actor.key_id)
    return get_shop(unit, shop_id)
