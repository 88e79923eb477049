"""Payouts: the batches, who can be paid, and a batch with its lines, its files and who decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import PAYOUT_STATES, UNPAYABLE, state_badge
from distrib.console.frame import HtmlPage, Outcome, Visit, page
from distrib.console.lists import list_view
from distrib.console.pages.payout_decisions import suggested_id
from distrib.console.pages.payout_lists import (
    CHANNEL_WORDS,
    batches_list,
    channels_of,
    lines_list,
    payable_list,
    refused_list,
)
from distrib.console.second_person import confirmers, confirming, names_of
from distrib.domain.texts import Text


def payout_pages(blueprint: Blueprint) -> None:
    """Adds the pages of payouts."""

    @page(blueprint, "/payouts", needs="list_payouts")
    def payouts(visit: Visit) -> HtmlPage:
        actions = [(visit.url("payable"), visit.say(Text("Make a batch")), "primary")]
        if not visit.desk.may("create_payout"):
            actions = [(visit.url("payable"), visit.say(Text("Who can be paid")), "")]
        if visit.desk.may("propose_closing_payment"):
            actions.insert(0, (visit.url("closing_payment"), visit.say(Text("Pay a closed shop")), ""))
        shown = list_view(visit, batches_list(visit))
        return HtmlPage(
            "console/list.html", {"title": visit.say(Text("Payouts", "menu")), "list": shown, "actions": actions}
        )

    @page(blueprint, "/payable", needs="list_payable", entry="payouts")
    def payable(visit: Visit) -> HtmlPage:
        period = visit.desk.program.day_of(visit.desk.now).strftime("%Y-%m")
        totals = visit.call("get_statements", query={"period": period, "limit": "1"})["totals"]
        values = {
            "list": list_view(visit, payable_list(visit)),
            "totals": totals,
            "suggested": suggested_id(visit),
            "channels": [(code, visit.say(words)) for code, words in channels_of(visit).items()],
            "others": confirmers(visit, None),
        }
        return HtmlPage("console/payable.html", values)

    @page(blueprint, "/payouts/<payout_id>", needs="get_payout", entry="payouts")
    def payout(visit: Visit, payout_id: str) -> HtmlPage:
        shown = list_view(visit, lines_list(visit, payout_id))
        batch = shown["answer"] if "id" in shown["answer"] else visit.call("get_payout", payout_id=payout_id)
        shown["unfolds"] = batch["status"] in ("approved", "settled") and visit.desk.may("record_payout_results")
        return HtmlPage("console/payout.html", {"list": shown, "batch": batch, **_about(visit, batch)})

    @page(blueprint, "/payouts/<payout_id>/refused", needs="list_refused_lines", entry="payouts")
    def payout_refused(visit: Visit, payout_id: str) -> HtmlPage:
        title = visit.say(Text("Who got no line in {id}", id=payout_id))
        return HtmlPage("console/list.html", {"title": title, "list": list_view(visit, refused_list(visit, payout_id))})

    @page(blueprint, "/payouts/<payout_id>/file", needs="export_payout", entry="payouts")
    def payout_file(visit: Visit, payout_id: str) -> Outcome:
        asked = {name: visit.query.get(name, "") for name in ("format", "part", "encoding")}
        file: Outcome = visit.call("export_payout", query=asked, payout_id=payout_id)
        return file


def _about(visit: Visit, batch: Mapping[str, Any]) -> dict[str, Any]:
    """What stands on a batch's page beside its lines."""
    language = visit.reader.language
    files = None
    if batch["status"] in ("approved", "settled") and visit.desk.may("list_payout_files"):
        files = visit.call("list_payout_files", payout_id=batch["id"])
    return {
        "badge": state_badge(PAYOUT_STATES, batch["status"], language),
        "channel": visit.say(CHANNEL_WORDS[batch["channel"]]),
        "formats": [(code, visit.say(words)) for code, words in channels_of(visit).items()],
        "files": files,
        "notes": [note[language] for note in files["notes"]] if files else [],
        "names": names_of(visit, [batch["created_by"], batch["decided_by"]]),
        "second": confirming(visit, batch["created_by"], "approve_payout"),
        "refusals": [
            (state_badge(UNPAYABLE, row["code"], language), row["code"], row["shops"], row["amount_minor"])
            for row in batch["refused_counts"]
        ],
        "fresh": sum(1 for line in batch["lines"] if line["fresh_account"]),
    }
