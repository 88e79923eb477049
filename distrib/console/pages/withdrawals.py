"""Withdrawals (提现): what shops asked for, approved or refused here, paid by batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import WITHDRAWAL_STATES, id_cell, money_cell, options_of, shop_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page, safe_next
from distrib.console.lists import BulkActions, ListColumn, ListFilter, ListSpec, ListTab, list_view
from distrib.console.pages.payout_decisions import suggested_id
from distrib.console.second_person import confirming, names_of
from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import BadRequest
from distrib.domain.texts import Text

APPROVE, REFUSE, PAY = "approve", "refuse", "pay"
_TABBED = ("requested", "approved", "in_payout", "paid", "refused")


def withdrawal_pages(blueprint: Blueprint) -> None:
    """Adds the pages of withdrawals."""

    @page(blueprint, "/withdrawals", needs="list_withdrawals")
    def withdrawals(visit: Visit) -> HtmlPage:
        title = visit.say(Text("Withdrawals", "menu"))
        return HtmlPage("console/list.html", {"title": title, "list": list_view(visit, _list(visit))})

    @page(blueprint, "/withdrawals/<withdrawal_id>", needs="get_withdrawal", entry="withdrawals")
    def withdrawal(visit: Visit, withdrawal_id: str) -> HtmlPage:
        known = visit.call("get_withdrawal", withdrawal_id=withdrawal_id)
        visit.name_shops([known["shop_id"]])
        acted = [known[name] for name in ("requested_by", "approved_by", "ended_by")]
        values = {
            "known": known,
            "shop": shop_cell(visit, known["shop_id"]),
            "badge": state_badge(WITHDRAWAL_STATES, known["status"], visit.reader.language),
            "names": names_of(visit, acted),
            "second": confirming(visit, known["requested_by"], "approve_withdrawal"),
            "balance": visit.call("get_balance", shop_id=known["shop_id"]),
        }
        return HtmlPage("console/withdrawal.html", values)

    @page(blueprint, "/withdrawals/decide", needs="approve_withdrawal", post=True, entry="withdrawals")
    def decide_withdrawals(visit: Visit) -> Done:
        """All of the ticked or none: one that is refused undoes the others."""
        chosen, deed = visit.form.getlist("id"), visit.form.get("do", "")
        if not chosen:
            raise Refusal("invalid", [Problem("", Text("Tick at least one"))])
        if deed == PAY:
            return _pay(visit, chosen)
        reason = visit.form.get("reason", "").strip()
        for withdrawal_id in chosen:
            if deed == APPROVE:
                visit.call("approve_withdrawal", withdrawal_id=withdrawal_id)
            elif deed == REFUSE:
                visit.call("refuse_withdrawal", {"reason": reason}, withdrawal_id=withdrawal_id)
            else:
                raise BadRequest()
        words = Text("{count} approved.", "withdrawals", count=len(chosen))
        if deed == REFUSE:
            words = Text("{count} refused; the shops read why.", "withdrawals", count=len(chosen))
        return Done(safe_next(visit.form.get("back", "")) or visit.url("withdrawals"), words)


def _pay(visit: Visit, chosen: list[str]) -> Done:
    """Makes a batch of approved withdrawals."""
    payout_id = suggested_id(visit)
    body = {"id": payout_id, "up_to": visit.desk.now.isoformat(), "withdrawals": chosen}
    visit.call("create_payout", body)
    words = Text("The batch is made and its money reserved; a second person approves it.")
    return Done(visit.url("payout", payout_id=payout_id), words)


def _list(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        payout = row["payout_id"]
        return {
            "id": row["id"],
            "number": id_cell(visit, row["id"], "withdrawal", withdrawal_id=row["id"]),
            "status": state_badge(WITHDRAWAL_STATES, row["status"], visit.reader.language),
            "shop": shop_cell(visit, row["shop_id"]),
            "amount": money_cell(visit, row["amount_minor"]),
            "fee": money_cell(visit, -row["fee_minor"] if row["fee_minor"] else None),
            "requested": visit.reader.time(row["requested_at"]),
            "payout": id_cell(visit, payout, "payout", payout_id=payout) if payout else "",
            "settled": visit.reader.time(row["settled_at"] or row["ended_at"]),
            "reason": row["reason"] or "",
        }

    columns = (
        ListColumn("number", Text("Withdrawal"), is_fixed=True),
        ListColumn("status", Text("State")),
        ListColumn("shop", Text("Shop")),
        ListColumn("amount", Text("Amount"), "money"),
        ListColumn("fee", Text("Fee"), "money"),
        ListColumn("requested", Text("Requested"), "date"),
        ListColumn("payout", Text("Batch")),
        ListColumn("settled", Text("Ended"), "date"),
        ListColumn("reason", Text("Reason")),
    )
    return ListSpec(
        "withdrawals",
        "withdrawals",
        "list_withdrawals",
        columns,
        cells,
        shops=("shop_id",),
        filters=(
            ListFilter("shop_id", Text("Shop"), shops={}),
            ListFilter("status", Text("State"), options_of(WITHDRAWAL_STATES)),
        ),
        tabs=(ListTab(Text("All"), ""), *(ListTab(WITHDRAWAL_STATES[state].words, state) for state in _TABBED)),
        bulk=_bulk(visit),
        empty=(Text("No shop asked for money"), Text("Shops ask on their own page or by their key.")),
    )


def _bulk(visit: Visit) -> BulkActions | None:
    """What can be done with ticked rows, by the state that is looked at."""
    state = visit.query.get("status", "")
    refuse = (
        REFUSE,
        Text("Refuse", "withdrawals"),
        "outline-danger",
        Text("Refuse the ticked? The shops read the reason."),
    )
    if not visit.desk.may("approve_withdrawal"):
        return None
    if state == "approved":
        pay = (PAY, Text("Make a batch of the ticked"), "primary", None)
        return BulkActions("decide_withdrawals", [pay, refuse], Text("Reason, where refused"))
    if state == "requested":
        approve = (APPROVE, Text("Approve"), "primary", Text("Approve the ticked? A batch pays them then."))
        return BulkActions("decide_withdrawals", [approve, refuse], Text("Reason, where refused"))
    return None
