"""What two people do with a batch: it is made by one, approved by another, or cancelled."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.long_calls import make_or_start
from distrib.console.pages.payout_lists import channels_of
from distrib.console.second_person import check_typed_amount, confirmers, typed_minor
from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.texts import Text


def decision_pages(blueprint: Blueprint) -> None:
    """Adds what makes, approves and cancels batches."""

    @page(blueprint, "/payouts/make", needs="create_payout", post=True, entry="payouts")
    def make_payout(visit: Visit) -> Done:
        payout_id = visit.form.get("payout_id", "").strip() or suggested_id(visit)
        body: dict[str, Any] = {"id": payout_id, "up_to": visit.desk.now.isoformat()}
        body["channel"] = visit.form.get("channel") or None
        body["min_minor"] = _least(visit)
        ticked = visit.form.getlist("id")
        if ticked:
            body["shop_ids"] = ticked
        words = Text("The batch is made and its money reserved; a second person approves it.")
        return make_or_start(visit, "create_payout", Done(visit.url("payout", payout_id=payout_id), words), {}, body)

    @page(blueprint, "/payouts/<payout_id>/approve", needs="approve_payout", post=True, entry="payouts")
    def approve_payout(visit: Visit, payout_id: str) -> Done:
        batch = visit.call("get_payout", query={"limit": "1"}, payout_id=payout_id)
        check_typed_amount(visit, batch["net_minor"])
        done = Done(visit.url("payout", payout_id=payout_id), Text("The batch is approved; its file can be fetched."))
        return make_or_start(visit, "approve_payout", done, {"payout_id": payout_id})

    @page(blueprint, "/payouts/<payout_id>/cancel", needs="cancel_payout", post=True, entry="payouts")
    def cancel_payout(visit: Visit, payout_id: str) -> Done:
        visit.call("cancel_payout", payout_id=payout_id)
        words = Text("The batch is cancelled; its money is available again.")
        return Done(visit.url("payout", payout_id=payout_id), words)

    @page(blueprint, "/closing-payment", needs="propose_closing_payment", entry="payouts")
    def closing_payment(visit: Visit) -> HtmlPage:
        values = {
            "shop_id": visit.query.get("shop_id", ""),
            "suggested": suggested_id(visit),
            "channels": [(code, visit.say(words)) for code, words in channels_of(visit).items()],
            "others": confirmers(visit, None),
        }
        return HtmlPage("console/closing_payment.html", values)

    @page(blueprint, "/closing-payment/propose", needs="propose_closing_payment", post=True, entry="payouts")
    def propose_closing_payment(visit: Visit) -> Done:
        given = {name: visit.form.get(name, "").strip() for name in ("payout_id", "shop_id", "reason", "channel")}
        body = {"id": given["payout_id"], "reason": given["reason"], "channel": given["channel"] or None}
        if not is_identifier(given["shop_id"]):
            raise ShopUnknown(id=given["shop_id"])
        visit.call("propose_closing_payment", body, shop_id=given["shop_id"])
        words = Text("The closing payment is reserved; a second person approves it.")
        return Done(visit.url("payout", payout_id=given["payout_id"]), words)


def suggested_id(visit: Visit) -> str:
    """An id for a new batch: the day and time in the program's time zone."""
    return visit.desk.now.astimezone(visit.reader.zone).strftime("P%Y%m%d-%H%M%S")


def _least(visit: Visit) -> int | None:
    typed = visit.form.get("least", "").strip()
    if not typed:
        return None
    least = typed_minor(typed, visit.reader.currency)
    if least is None or least < 0:
        raise Refusal("invalid", [Problem("/min_minor", Text("is no amount, such as 12.50"))])
    return least
