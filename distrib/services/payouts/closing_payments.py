"""The last money of a closed shop: asked for with a reason, approved by a second person. No SQL may enter.

A closing payment is a batch of its own with one line, so that its file, result, tax and statement are those of every
payout, and whoever asked for it may cancel it as one. What is held by its date or by a case waits for the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distrib.domain.errors import Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.payouts.channels import CSV, Channel
from distrib.domain.payouts.refusals import ClosingPaymentOpen, ClosingPaymentUnknown, ShopNotClosed
from distrib.services.context import Unit
from distrib.services.idempotency import digest_of
from distrib.services.payouts import batches
from distrib.services.payouts.batches import PayoutDraft, closing_content
from distrib.services.payouts.selections import CLOSING, Selection
from distrib.store.network import shops
from distrib.store.network.shops import ShopRow
from distrib.store.payouts import batches as rows


@dataclass(frozen=True, slots=True)
class ClosingDraft:
    """A closing payment as it is asked for: the id of its batch, whose money, and why."""

    id: str
    shop_id: str
    reason: str
    channel: str = CSV


def propose_closing_payment(unit: Unit, closing: ClosingDraft, channels: Sequence[Channel]) -> bool:
    """Reserves what a closed shop has, for a second person to approve; False where the very same was asked before.

    Raises:
        Refusal: ``shop_unknown``, ``id_conflict``, ``shop_not_closed``, ``closing_payment_open`` where another waits,
            ``nothing_available``, ``payee_missing``, or why the channel does not take it.
    """
    rows.lock_payouts(unit.conn, unit.program_id)
    shop = _shop(unit, closing.shop_id)
    draft = PayoutDraft(closing.id, unit.now, channel=closing.channel, shop_ids=[closing.shop_id])
    if batches.is_known(unit.conn, unit.program, closing.id, digest_of(closing_content(draft, closing.reason))):
        return False
    if shop.status != "closed":
        raise ShopNotClosed(id=closing.shop_id)
    last = rows.last_closing(unit.conn, unit.program_id, shop.shop_no)
    if last is not None and last.decision is None:
        raise ClosingPaymentOpen(id=closing.shop_id, payout=last.payout_id)
    batches.check_draft(unit.program, draft)
    selection = Selection(CLOSING, {closing.shop_id: shop.shop_no})
    refused = batches.write_batch(unit, draft, selection, closing.reason, channels)
    if refused:
        raise Refusal(refused[0].code, id=closing.shop_id)
    return True


def approve_closing_payment(unit: Unit, shop_id: str) -> str:
    """Approves the closing payment of a shop that another person asked for; answers the id of its batch.

    Approved again it changes nothing.

    Raises:
        Refusal: ``shop_unknown``, ``closing_payment_unknown`` where none was asked for, or as ``approve_payout``.
    """
    rows.lock_payouts(unit.conn, unit.program_id)
    shop = _shop(unit, shop_id)
    last = rows.last_closing(unit.conn, unit.program_id, shop.shop_no)
    if last is None:
        raise ClosingPaymentUnknown(id=shop_id)
    batches.approve_payout(unit, last.payout_id)
    return last.payout_id


def _shop(unit: Unit, shop_id: str) -> ShopRow:
    shop = shops.show(unit.conn, unit.program_id, shop_id, unit.now) if is_identifier(shop_id) else None
    if shop is None:
        raise ShopUnknown(id=shop_id)
    return shop
