"""The lists of payouts: batches, shops with money, who got no line, and lines with their whole life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from distrib.console.cells import LINE_STATES, PAYOUT_STATES, UNPAYABLE, id_cell, money_cell, shop_cell, state_badge
from distrib.console.frame import Work, icon
from distrib.console.lists import Bulk, Column, Filter, ListSpec, Tab
from distrib.domain.payouts.channels import CHANNELS
from distrib.domain.texts import Text

CHANNEL_WORDS: Final[Mapping[str, Text]] = {
    "csv": Text("bank or other (CSV)", "channel"),
    "wechat": Text("WeChat Pay", "channel"),
    "alipay": Text("Alipay", "channel"),
}
KIND_WORDS: Final[Mapping[str, Text]] = {
    "person": Text("person", "payee"),
    "sole_trader": Text("sole trader", "payee"),
    "company": Text("company", "payee"),
}


def batches_list(work: Work) -> ListSpec:
    """Every batch, the newest first."""

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": id_cell(work, row["id"], "payout", payout_id=row["id"]),
            "status": state_badge(PAYOUT_STATES, row["status"], work.reader.language),
            "channel": work.say(CHANNEL_WORDS[row["channel"]]),
            "count": work.reader.number(row["count"]),
            "amount": money_cell(work, row["amount_minor"]),
            "tax": money_cell(work, row["tax_minor"]),
            "net": money_cell(work, row["net_minor"]),
            "paid": money_cell(work, row["paid_minor"]),
            "failed": work.reader.number(row["failed_count"] or None),
            "returned": money_cell(work, -row["returned_minor"] if row["returned_minor"] else None),
            "created": work.reader.time(row["created_at"]),
            "decided": work.reader.time(row["decided_at"]),
        }

    columns = (
        Column("id", Text("Batch"), is_fixed=True),
        Column("status", Text("State")),
        Column("channel", Text("Channel")),
        Column("count", Text("Lines", "payout"), "number"),
        Column("amount", Text("Amount"), "money", is_shown=False),
        Column("tax", Text("Tax"), "money"),
        Column("net", Text("To be paid"), "money"),
        Column("paid", Text("Paid", "payout"), "money"),
        Column("failed", Text("Failed"), "number"),
        Column("returned", Text("Came back"), "money"),
        Column("created", Text("Made"), "date"),
        Column("decided", Text("Decided"), "date", is_shown=False),
    )
    empty = (Text("No batch yet"), Text("Make one of what is available."))
    return ListSpec(
        "payouts",
        "payouts",
        "list_payouts",
        columns,
        cells,
        filters=(Filter("month", Text("Made in"), type="month"),),
        tabs=(Tab(Text("All"), ""), *(Tab(state.words, code) for code, state in PAYOUT_STATES.items())),
        tab_parameter="state",
        empty=empty,
    )


def payable_list(work: Work) -> ListSpec:
    """Shops with money, and why some cannot be paid."""

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        kind = row["payee_kind"]
        return {
            "id": row["shop_id"],
            "shop": shop_cell(work, row["shop_id"]),
            "amount": money_cell(work, row["amount_minor"]),
            "tax": money_cell(work, row["tax_minor"]),
            "net": money_cell(work, row["net_minor"]),
            "kind": work.say(KIND_WORDS[kind]) if kind else "",
            "code": state_badge(UNPAYABLE, row["code"], work.reader.language)
            if row["code"]
            else state_badge(LINE_STATES, None, work.reader.language),
        }

    columns = (
        Column("shop", Text("Shop"), is_fixed=True),
        Column("amount", Text("Available"), "money"),
        Column("tax", Text("Tax"), "money"),
        Column("net", Text("Would receive"), "money"),
        Column("kind", Text("Payee")),
        Column("code", Text("Why it cannot be paid")),
    )
    make = ("make", Text("Make a batch of the ticked"), "primary", None)
    return ListSpec(
        "payable",
        "payable",
        "list_payable",
        columns,
        cells,
        filters=(Filter("channel", Text("Channel"), [(code, CHANNEL_WORDS[code]) for code in CHANNELS]),),
        tabs=(
            Tab(Text("All"), ""),
            Tab(Text("Can be paid"), "payable"),
            Tab(Text("Cannot be paid"), "refused"),
        ),
        tab_parameter="side",
        bulk=Bulk("make_payout", [make]) if work.desk.may("create_payout") else None,
        empty=(Text("Nobody has money"), Text("Commissions become available when their hold ends.")),
    )


def refused_list(work: Work, payout_id: str) -> ListSpec:
    """Who got no line of a batch."""

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row["shop_id"],
            "shop": shop_cell(work, row["shop_id"]),
            "code": state_badge(UNPAYABLE, row["code"], work.reader.language),
            "amount": money_cell(work, row["amount_minor"]),
        }

    columns = (
        Column("shop", Text("Shop"), is_fixed=True),
        Column("code", Text("Why it cannot be paid")),
        Column("amount", Text("Available"), "money"),
    )
    return ListSpec(
        "payout_refused",
        "payout_refused",
        "list_refused_lines",
        columns,
        cells,
        filters=(Filter("code", Text("Why"), [(code, state.words) for code, state in UNPAYABLE.items()]),),
        path={"payout_id": payout_id},
        empty=(Text("Everybody with money got a line"), Text("")),
    )


def lines_list(work: Work, payout_id: str) -> ListSpec:
    """The lines of a batch, each with its whole life."""
    reader = work.reader

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        account = work.say(KIND_WORDS[row["payee_kind"]])
        if row["fresh_account"]:
            account = (
                icon("alert-triangle")
                + " "
                + work.say(Text("account changed {day}", day=reader.day(row["account_changed_at"])))
            )
        return {
            "id": row["shop_id"],
            "shop": shop_cell(work, row["shop_id"]),
            "detail": id_cell(work, row["detail_no"]),
            "amount": money_cell(work, row["amount_minor"]),
            "tax": money_cell(work, -row["tax_minor"] if row["tax_minor"] else None),
            "fee": money_cell(work, -row["fee_minor"] if row["fee_minor"] else None),
            "net": money_cell(work, row["net_minor"]),
            "payee": account,
            "status": state_badge(LINE_STATES, row["status"], reader.language),
            "paid_on": reader.day(row["paid_on"]),
            "returned_on": reader.day(row["returned_on"]),
            "reference": " / ".join(part for part in (row["reference"], row["return_reference"]) if part),
            "reason": row["reason"] or "",
        }

    columns = (
        Column("shop", Text("Shop"), is_fixed=True),
        Column("detail", Text("Number at the channel"), is_shown=False),
        Column("amount", Text("Amount"), "money"),
        Column("tax", Text("Tax"), "money"),
        Column("fee", Text("Fee"), "money"),
        Column("net", Text("To be paid"), "money", is_fixed=True),
        Column("payee", Text("Payee")),
        Column("status", Text("State"), is_fixed=True),
        Column("paid_on", Text("Paid on"), "date"),
        Column("returned_on", Text("Came back on"), "date"),
        Column("reference", Text("Reference")),
        Column("reason", Text("Reason")),
    )
    return ListSpec(
        "payout_lines",
        "payout",
        "get_payout",
        columns,
        cells,
        path={"payout_id": payout_id},
        rows="lines",
        empty=(Text("The batch has no line"), Text("Nobody who had money could be paid; the reasons stand above.")),
    )
