"""Payouts: the batches, who can be paid, and a batch with its lines, its files and who decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import PAYOUT_STATES, UNPAYABLE, state_badge
from distrib.console.frame import Outcome, Page, Work, page
from distrib.console.lists import list_view
from distrib.console.pages.payout_decisions import suggested_id
from distrib.console.pages.payout_lists import CHANNEL_WORDS, batches_list, lines_list, payable_list, refused_list
from distrib.console.second_person import confirmers, confirming, names_of
from distrib.domain.payouts.channels import CHANNELS
from distrib.domain.texts import Text


def payout_pages(blueprint: Blueprint) -> None:
    """Adds the pages of payouts."""

    @page(blueprint, "/payouts", needs="list_payouts")
    def payouts(work: Work) -> Page:
        actions = [(work.url("payable"), work.say(Text("Make a batch")), "primary")]
        if not work.desk.may("create_payout"):
            actions = [(work.url("payable"), work.say(Text("Who can be paid")), "")]
        if work.desk.may("propose_closing_payment"):
            actions.insert(0, (work.url("closing_payment"), work.say(Text("Pay a closed shop")), ""))
        shown = list_view(work, batches_list(work))
        return Page(
            "console/list.html", {"title": work.say(Text("Payouts", "menu")), "list": shown, "actions": actions}
        )

    @page(blueprint, "/payable", needs="list_payable", entry="payouts")
    def payable(work: Work) -> Page:
        period = work.desk.program.day_of(work.desk.now).strftime("%Y-%m")
        totals = work.call("get_statements", query={"period": period, "limit": "1"})["totals"]
        values = {
            "list": list_view(work, payable_list(work)),
            "totals": totals,
            "suggested": suggested_id(work),
            "channels": [(code, work.say(words)) for code, words in CHANNEL_WORDS.items()],
            "others": confirmers(work, None),
        }
        return Page("console/payable.html", values)

    @page(blueprint, "/payouts/<payout_id>", needs="get_payout", entry="payouts")
    def payout(work: Work, payout_id: str) -> Page:
        shown = list_view(work, lines_list(work, payout_id))
        batch = shown["answer"] if "id" in shown["answer"] else work.call("get_payout", payout_id=payout_id)
        return Page("console/payout.html", {"list": shown, "batch": batch, **_about(work, batch)})

    @page(blueprint, "/payouts/<payout_id>/refused", needs="list_refused_lines", entry="payouts")
    def payout_refused(work: Work, payout_id: str) -> Page:
        title = work.say(Text("Who got no line in {id}", id=payout_id))
        return Page("console/list.html", {"title": title, "list": list_view(work, refused_list(work, payout_id))})

    @page(blueprint, "/payouts/<payout_id>/file", needs="export_payout", entry="payouts")
    def payout_file(work: Work, payout_id: str) -> Outcome:
        asked = {name: work.query.get(name, "") for name in ("format", "part", "encoding")}
        file: Outcome = work.call("export_payout", query=asked, payout_id=payout_id)
        return file


def _about(work: Work, batch: Mapping[str, Any]) -> dict[str, Any]:
    """What stands on a batch's page beside its lines."""
    language = work.reader.language
    files = None
    if batch["status"] in ("approved", "settled") and work.desk.may("list_payout_files"):
        files = work.call("list_payout_files", payout_id=batch["id"])
    return {
        "badge": state_badge(PAYOUT_STATES, batch["status"], language),
        "channel": work.say(CHANNEL_WORDS[batch["channel"]]),
        "formats": [(code, work.say(CHANNEL_WORDS[code])) for code in CHANNELS],
        "files": files,
        "notes": [note[language] for note in files["notes"]] if files else [],
        "names": names_of(work, [batch["created_by"], batch["decided_by"]]),
        "second": confirming(work, batch["created_by"], "approve_payout"),
        "refusals": [
            (state_badge(UNPAYABLE, row["code"], language), row["code"], row["shops"], row["amount_minor"])
            for row in batch["refused_counts"]
        ],
        "fresh": sum(1 for line in batch["lines"] if line["fresh_account"]),
    }
