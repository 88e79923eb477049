"""Withdrawals (提现): what shops asked for, approved or refused here, paid by batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import WITHDRAWAL_STATES, id_cell, money_cell, options_of, shop_cell, state_badge
from distrib.console.frame import Done, Page, Work, page, safe_next
from distrib.console.lists import Bulk, Column, Filter, ListSpec, Tab, list_view
from distrib.console.pages.payout_decisions import suggested_id
from distrib.console.second_person import confirming, names_of
from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text

APPROVE, REFUSE, PAY = "approve", "refuse", "pay"
_TABBED = ("requested", "approved", "in_payout", "paid", "refused")


def withdrawal_pages(blueprint: Blueprint) -> None:
    """Adds the pages of withdrawals."""

    @page(blueprint, "/withdrawals", needs="list_withdrawals")
    def withdrawals(work: Work) -> Page:
        title = work.say(Text("Withdrawals", "menu"))
        return Page("console/list.html", {"title": title, "list": list_view(work, _list(work))})

    @page(blueprint, "/withdrawals/<withdrawal_id>", needs="get_withdrawal", entry="withdrawals")
    def withdrawal(work: Work, withdrawal_id: str) -> Page:
        known = work.call("get_withdrawal", withdrawal_id=withdrawal_id)
        acted = [known[name] for name in ("requested_by", "approved_by", "ended_by")]
        values = {
            "known": known,
            "badge": state_badge(WITHDRAWAL_STATES, known["status"], work.reader.language),
            "names": names_of(work, acted),
            "second": confirming(work, known["requested_by"], "approve_withdrawal"),
            "balance": work.call("get_balance", shop_id=known["shop_id"]),
        }
        return Page("console/withdrawal.html", values)

    @page(blueprint, "/withdrawals/decide", needs="approve_withdrawal", post=True, entry="withdrawals")
    def decide_withdrawals(work: Work) -> Done:
        """All of the ticked or none: one that is refused undoes the others."""
        chosen, deed = work.form.getlist("id"), work.form.get("do", "")
        if not chosen:
            raise Refusal("invalid", [Problem("", Text("Tick at least one"))])
        if deed == PAY:
            return _pay(work, chosen)
        reason = work.form.get("reason", "").strip()
        for withdrawal_id in chosen:
            if deed == APPROVE:
                work.call("approve_withdrawal", withdrawal_id=withdrawal_id)
            elif deed == REFUSE:
                work.call("refuse_withdrawal", {"reason": reason}, withdrawal_id=withdrawal_id)
            else:
                raise Refusal("bad_request")
        words = Text("{count} approved.", "withdrawals", count=len(chosen))
        if deed == REFUSE:
            words = Text("{count} refused; the shops read why.", "withdrawals", count=len(chosen))
        return Done(safe_next(work.form.get("back", "")) or work.url("withdrawals"), words)


def _pay(work: Work, chosen: list[str]) -> Done:
    """Makes a batch of approved withdrawals."""
    payout_id = suggested_id(work)
    body = {"id": payout_id, "up_to": work.desk.now.isoformat(), "withdrawals": chosen}
    work.call("create_payout", body)
    words = Text("The batch is made and its money reserved; a second person approves it.")
    return Done(work.url("payout", payout_id=payout_id), words)


def _list(work: Work) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        payout = row["payout_id"]
        return {
            "id": row["id"],
            "number": id_cell(work, row["id"], "withdrawal", withdrawal_id=row["id"]),
            "status": state_badge(WITHDRAWAL_STATES, row["status"], work.reader.language),
            "shop": shop_cell(work, row["shop_id"]),
            "amount": money_cell(work, row["amount_minor"]),
            "fee": money_cell(work, -row["fee_minor"] if row["fee_minor"] else None),
            "requested": work.reader.time(row["requested_at"]),
            "payout": id_cell(work, payout, "payout", payout_id=payout) if payout else "",
            "settled": work.reader.time(row["settled_at"] or row["ended_at"]),
            "reason": row["reason"] or "",
        }

    columns = (
        Column("number", Text("Withdrawal"), is_fixed=True),
        Column("status", Text("State")),
        Column("shop", Text("Shop")),
        Column("amount", Text("Amount"), "money"),
        Column("fee", Text("Fee"), "money"),
        Column("requested", Text("Requested"), "date"),
        Column("payout", Text("Batch")),
        Column("settled", Text("Ended"), "date"),
        Column("reason", Text("Reason")),
    )
    return ListSpec(
        "withdrawals",
        "withdrawals",
        "list_withdrawals",
        columns,
        cells,
        filters=(Filter("shop_id", Text("Shop")), Filter("status", Text("State"), options_of(WITHDRAWAL_STATES))),
        tabs=(Tab(Text("All"), ""), *(Tab(WITHDRAWAL_STATES[state].words, state) for state in _TABBED)),
        bulk=_bulk(work),
        empty=(Text("No shop asked for money"), Text("Shops ask on their own page or by their key.")),
    )


def _bulk(work: Work) -> Bulk | None:
    """What can be done with ticked rows, by the state that is looked at."""
    state = work.query.get("status", "")
    refuse = (
        REFUSE,
        Text("Refuse", "withdrawals"),
        "outline-danger",
        Text("Refuse the ticked? The shops read the reason."),
    )
    if not work.desk.may("approve_withdrawal"):
        return None
    if state == "approved":
        pay = (PAY, Text("Make a batch of the ticked"), "primary", None)
        return Bulk("decide_withdrawals", [pay, refuse], Text("Reason, where refused"))
    if state == "requested":
        approve = (APPROVE, Text("Approve"), "primary", Text("Approve the ticked? A batch pays them then."))
        return Bulk("decide_withdrawals", [approve, refuse], Text("Reason, where refused"))
    return None
