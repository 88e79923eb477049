"""What the channel said of a batch: its file comes back, or one line by hand; recorded at once, told line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, request

from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.pages.payout_lists import NEXT_OUTCOMES
from distrib.domain.errors import Problem, Refusal
from distrib.domain.payouts.channels import channel_on
from distrib.domain.payouts.refusals import LineUnknownInPayout
from distrib.domain.payouts.results import FAILED
from distrib.domain.texts import Text
from distrib.services.payouts.result_files import read_results, rows_of_bytes
from distrib.services.payouts.sheet import ResultDraft

CALL: Final = 1_000
MOST_SHOWN: Final = 100
OUTCOMES: Final[Mapping[str, Text]] = {
    "paid": Text("The money arrived", "payout line"),
    "failed": Text("The payment failed; the money is available again", "payout line"),
    "returned": Text("The money came back; it is available again", "payout line"),
}
_FIELDS: Final = (
    ("paid_on", Text("Day"), "date", Text("of the payment or of the return; not for failed")),
    ("reference", Text("Reference"), "text", Text("such as the number of the bank’s receipt")),
    ("reason", Text("Reason"), "text", Text("as the bank or the channel says it")),
)


def result_pages(blueprint: Blueprint) -> None:
    """Adds what takes results."""

    @page(blueprint, "/payouts/<payout_id>/results", needs="record_payout_results", post=True, entry="payouts")
    def payout_results(visit: Visit, payout_id: str) -> HtmlPage:
        drafts, still_open = _read(visit, payout_id)
        outcomes: list[Mapping[str, Any]] = []
        for start in range(0, len(drafts), CALL):
            outcomes += _record(visit, payout_id, drafts[start : start + CALL])
        counts = {
            name: sum(1 for row in outcomes if row["status"] == name) for name in ("recorded", "unchanged", "refused")
        }
        refused = [row for row in outcomes if row["status"] == "refused"]
        values = {
            "payout_id": payout_id,
            "counts": counts,
            "still_open": still_open,
            "refused": refused[:MOST_SHOWN],
            "more": max(0, len(refused) - MOST_SHOWN),
            "is_part": "HX-Request" in request.headers,
        }
        return HtmlPage("console/payout_results.html", values)

    @page(blueprint, "/payouts/<payout_id>/lines/<shop_id>", needs="record_payout_results", entry="payouts")
    def payout_line(visit: Visit, payout_id: str, shop_id: str) -> HtmlPage:
        lines = visit.call("get_payout", query={"shop_id": shop_id}, payout_id=payout_id)["lines"]
        if not lines:
            raise LineUnknownInPayout(id=shop_id)
        visit.name_shops([shop_id])
        outcomes = [(code, visit.say(OUTCOMES[code])) for code in NEXT_OUTCOMES.get(lines[0]["status"], ())]
        values = {
            "payout_id": payout_id,
            "line": lines[0],
            "name": visit.shop_names.get(shop_id, shop_id),
            "outcomes": outcomes,
            "today": visit.desk.program.day_of(visit.desk.now).isoformat(),
            "fields": [(name, visit.say(label), type_, visit.say(hint)) for name, label, type_, hint in _FIELDS],
            "is_part": "HX-Request" in request.headers,
        }
        return HtmlPage("console/payout_line.html", values)

    @page(blueprint, "/payouts/<payout_id>/result", needs="record_payout_results", post=True, entry="payouts")
    def payout_result(visit: Visit, payout_id: str) -> Done:
        given = {
            name: visit.form.get(name, "").strip() for name in ("shop_id", "status", "paid_on", "reference", "reason")
        }
        if given["status"] == FAILED:  # on no day was anything paid
            given["paid_on"] = ""
        result = {name: value for name, value in given.items() if value}
        visit.call("record_payout_results", {"results": [result]}, payout_id=payout_id)
        return Done(visit.url("payout", payout_id=payout_id), Text("The result is recorded."))


def _read(visit: Visit, payout_id: str) -> tuple[Sequence[ResultDraft], int]:
    """The results in the file that was sent, in the words of the batch's channel."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Refusal("invalid", [Problem("", Text("Choose the file that came back"))])
    sent.stream.seek(0)
    batch = visit.call("get_payout", query={"limit": "1"}, payout_id=payout_id)
    channel = channel_on(visit.desk.channels, batch["channel"], visit.desk.program.day_of(batch["created_at"]))
    ignored = None if "passes_over" in visit.form else ()
    return read_results(rows_of_bytes(sent.stream.read(), sent.filename), channel, sent.filename, ignored)


def _record(visit: Visit, payout_id: str, drafts: Sequence[ResultDraft]) -> Sequence[Mapping[str, Any]]:
    results = [
        {name: value for name, value in asdict(draft).items() if value is not None}
        | ({"paid_on": draft.paid_on.isoformat()} if draft.paid_on else {})
        for draft in drafts
    ]
    answered: Sequence[Mapping[str, Any]] = visit.call(
        "record_payout_results", {"results": results}, payout_id=payout_id
    )["results"]
    return answered
