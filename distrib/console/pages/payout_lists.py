"""The lists of payouts: batches, shops with money, who got no line, and lines with their whole life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from distrib.console.cells import LINE_STATES, PAYOUT_STATES, UNPAYABLE, id_cell, money_cell, shop_cell, state_badge
from distrib.console.frame import Visit, icon
from distrib.console.lists import BulkActions, ListColumn, ListFilter, ListSpec, ListTab
from distrib.domain.payouts.channels import takes_currency
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
NEXT_OUTCOMES: Final[Mapping[str, tuple[str, ...]]] = {"reserved": ("paid", "failed"), "paid": ("returned",)}
"""What may still become of a line, by its state."""


def channels_of(visit: Visit) -> dict[str, Text]:
    """The channels that take the program's currency today, each with its words."""
    channels, program = visit.desk.channels, visit.desk.program
    today = program.day_of(visit.desk.now)
    return {
        code: words for code, words in CHANNEL_WORDS.items() if takes_currency(channels, code, today, program.currency)
    }


def batches_list(visit: Visit) -> ListSpec:
    """Every batch, the newest first."""

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": id_cell(visit, row["id"], "payout", payout_id=row["id"]),
            "status": state_badge(PAYOUT_STATES, row["status"], visit.reader.language),
            "channel": visit.say(CHANNEL_WORDS[row["channel"]]),
            "count": visit.reader.number(row["count"]),
            "amount": money_cell(visit, row["amount_minor"]),
            "tax": money_cell(visit, row["tax_minor"]),
            "net": money_cell(visit, row["net_minor"]),
            "paid": money_cell(visit, row["paid_minor"]),
            "failed": visit.reader.number(row["failed_count"] or None),
            "returned": money_cell(visit, -row["returned_minor"] if row["returned_minor"] else None),
            "created": visit.reader.time(row["created_at"]),
            "decided": visit.reader.time(row["decided_at"]),
        }

    columns = (
        ListColumn("id", Text("Batch"), is_fixed=True),
        ListColumn("status", Text("State")),
        ListColumn("channel", Text("Channel")),
        ListColumn("count", Text("Lines", "payout"), "number"),
        ListColumn("amount", Text("Amount"), "money", is_shown=False),
        ListColumn("tax", Text("Tax"), "money"),
        ListColumn("net", Text("To be paid"), "money"),
        ListColumn("paid", Text("Paid", "payout"), "money"),
        ListColumn("failed", Text("Failed"), "number"),
        ListColumn("returned", Text("Came back"), "money"),
        ListColumn("created", Text("Made"), "date"),
        ListColumn("decided", Text("Decided"), "date", is_shown=False),
    )
    empty = (Text("No batch yet"), Text("Make one of what is available."))
    return ListSpec(
        "payouts",
        "payouts",
        "list_payouts",
        columns,
        cells,
        filters=(ListFilter("month", Text("Made in"), type="month"),),
        tabs=(ListTab(Text("All"), ""), *(ListTab(state.words, code) for code, state in PAYOUT_STATES.items())),
        tab_parameter="state",
        empty=empty,
    )


def payable_list(visit: Visit) -> ListSpec:
    """Shops with money, and why some cannot be paid."""

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        kind = row["payee_kind"]
        return {
            "id": row["shop_id"],
            "shop": shop_cell(visit, row["shop_id"]),
            "amount": money_cell(visit, row["amount_minor"]),
            "tax": money_cell(visit, row["tax_minor"]),
            "net": money_cell(visit, row["net_minor"]),
            "kind": visit.say(KIND_WORDS[kind]) if kind else "",
            "code": state_badge(UNPAYABLE, row["code"], visit.reader.language)
            if row["code"]
            else state_badge(LINE_STATES, None, visit.reader.language),
        }

    columns = (
        ListColumn("shop", Text("Shop"), is_fixed=True),
        ListColumn("amount", Text("Available"), "money"),
        ListColumn("tax", Text("Tax"), "money"),
        ListColumn("net", Text("Would receive"), "money"),
        ListColumn("kind", Text("Payee")),
        ListColumn("code", Text("Why it cannot be paid")),
    )
    make = ("make", Text("Make a batch of the ticked"), "primary", None)
    return ListSpec(
        "payable",
        "payable",
        "list_payable",
        columns,
        cells,
        filters=(ListFilter("channel", Text("Channel"), list(channels_of(visit).items())),),
        tabs=(
            ListTab(Text("All"), ""),
            ListTab(Text("Can be paid"), "payable"),
            ListTab(Text("Cannot be paid"), "refused"),
        ),
        tab_parameter="side",
        shops=("shop_id",),
        bulk=BulkActions("make_payout", [make]) if visit.desk.may("create_payout") else None,
        empty=(Text("Nobody has money"), Text("Commissions become available when their hold ends.")),
    )


def refused_list(visit: Visit, payout_id: str) -> ListSpec:
    """Who got no line of a batch."""

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row["shop_id"],
            "shop": shop_cell(visit, row["shop_id"]),
            "code": state_badge(UNPAYABLE, row["code"], visit.reader.language),
            "amount": money_cell(visit, row["amount_minor"]),
        }

    columns = (
        ListColumn("shop", Text("Shop"), is_fixed=True),
        ListColumn("code", Text("Why it cannot be paid")),
        ListColumn("amount", Text("Available"), "money"),
    )
    return ListSpec(
        "payout_refused",
        "payout_refused",
        "list_refused_lines",
        columns,
        cells,
        filters=(ListFilter("code", Text("Why"), [(code, state.words) for code, state in UNPAYABLE.items()]),),
        path={"payout_id": payout_id},
        shops=("shop_id",),
        empty=(Text("Everybody with money got a line"), Text("")),
    )


def lines_list(visit: Visit, payout_id: str) -> ListSpec:
    """The lines of a batch, each with its whole life."""
    reader = visit.reader

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        account = visit.say(KIND_WORDS[row["payee_kind"]])
        if row["fresh_account"]:
            account = (
                icon("alert-triangle")
                + " "
                + visit.say(Text("account changed {day}", day=reader.day(row["account_changed_at"])))
            )
        return {
            "id": row["shop_id"],
            "shop": shop_cell(visit, row["shop_id"]),
            "detail": id_cell(visit, row["detail_no"]),
            "amount": money_cell(visit, row["amount_minor"]),
            "tax": money_cell(visit, -row["tax_minor"] if row["tax_minor"] else None),
            "fee": money_cell(visit, -row["fee_minor"] if row["fee_minor"] else None),
            "net": money_cell(visit, row["net_minor"]),
            "payee": account,
            "status": state_badge(LINE_STATES, row["status"], reader.language),
            "paid_on": reader.day(row["paid_on"]),
            "returned_on": reader.day(row["returned_on"]),
            "reference": " / ".join(part for part in (row["reference"], row["return_reference"]) if part),
            "reason": row["reason"] or "",
        }

    columns = (
        ListColumn("shop", Text("Shop"), is_fixed=True),
        ListColumn("detail", Text("Number at the channel"), is_shown=False),
        ListColumn("amount", Text("Amount"), "money"),
        ListColumn("tax", Text("Tax"), "money"),
        ListColumn("fee", Text("Fee"), "money", is_shown=False),
        ListColumn("net", Text("To be paid"), "money", is_fixed=True),
        ListColumn("payee", Text("Payee"), is_shown=False),
        ListColumn("status", Text("State"), is_fixed=True),
        ListColumn("paid_on", Text("Paid on"), "date"),
        ListColumn("returned_on", Text("Came back on"), "date"),
        ListColumn("reference", Text("Reference")),
        ListColumn("reason", Text("Reason")),
    )

    def unfold(row: Mapping[str, Any]) -> str:
        if row["status"] not in NEXT_OUTCOMES:
            return ""
        return visit.url("payout_line", payout_id=payout_id, shop_id=row["shop_id"])

    return ListSpec(
        "payout_lines",
        "payout",
        "get_payout",
        columns,
        cells,
        filters=(ListFilter("shop_id", Text("Shop"), shops={}),),
        path={"payout_id": payout_id},
        rows="lines",
        shops=("shop_id",),
        unfold=unfold,
        unfold_words=Text("Record a result"),
        empty=(Text("The batch has no line"), Text("Nobody who had money could be paid; the reasons stand above.")),
    )
