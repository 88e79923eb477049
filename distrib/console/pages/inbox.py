"""What waits for me: everything that asks for a decision or a look, with who may decide it, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from flask import Blueprint

from distrib.console.frame import HtmlPage, Visit, page
from distrib.domain.texts import Text

MOST_OF_EACH: Final = 50


class WaitingKind(NamedTuple):
    """A kind of what waits: what it is called, its icon, and the page that it is decided on with the id's name there.

    Without a name the page is that of all of them.
    """

    words: Text
    icon: str
    endpoint: str
    id_name: str = ""


KINDS: Final[Mapping[str, WaitingKind]] = {
    "close": WaitingKind(Text("Months to confirm", "inbox"), "calendar-stats", "close", "period"),
    "payout": WaitingKind(Text("Payouts to approve", "inbox"), "cash-banknote", "payout", "payout_id"),
    "closing_payment": WaitingKind(Text("Last payments of closed shops", "inbox"), "cash-banknote", "shop", "shop_id"),
    "adjustment": WaitingKind(Text("Adjustments to approve", "inbox"), "adjustments", "adjustments"),
    "withdrawal": WaitingKind(Text("Withdrawals asked for", "inbox"), "wallet", "withdrawals"),
    "payee": WaitingKind(Text("Fresh accounts of payees", "inbox"), "building-bank", "held_changes"),
    "webhook": WaitingKind(Text("Changes of webhooks", "inbox"), "webhook", "held_changes"),
    "program": WaitingKind(Text("Changes of the program", "inbox"), "settings", "held_changes"),
    "key": WaitingKind(Text("Keys to approve", "inbox"), "key", "keys"),
    "shop": WaitingKind(Text("Shops to let in", "inbox"), "building-store", "shops"),
    "event": WaitingKind(Text("Events that failed", "inbox"), "alert-triangle", "event", "event_id"),
    "question": WaitingKind(Text("Questions of shops", "inbox"), "message-question", "question", "question_id"),
    "case": WaitingKind(Text("Cases to decide", "inbox"), "scale", "compliance"),
    "finding": WaitingKind(Text("New findings", "inbox"), "shield-check", "compliance"),
}


def inbox_pages(blueprint: Blueprint) -> None:
    """Adds the page of what waits."""

    @page(blueprint, "/inbox", needs="list_inbox")
    def inbox(visit: Visit) -> HtmlPage:
        chosen = visit.query.get("kind", "")
        kind = chosen if chosen in KINDS else ""
        answer = visit.call("list_inbox", query={"limit": str(MOST_OF_EACH), "kind": kind})
        counts = answer["counts"] if not kind else visit.call("list_inbox", query={"limit": "0"})["counts"]
        tabs = [
            {
                "name": visit.say(KINDS[name].words),
                "count": f"{count['count']}{'+' if count['more'] else ''}",
                "href": visit.url("inbox", kind=name),
                "is_on": name == kind,
            }
            for name, count in counts.items()
            if count["count"] or name == kind
        ]
        rows = [_row(visit, item) for item in answer["data"]]
        return HtmlPage(
            "console/inbox.html", {"tabs": tabs, "rows": rows, "all_href": visit.url("inbox"), "kind": kind}
        )

    @page(blueprint, "/waiting", needs="list_inbox", entry="inbox")
    def waiting(visit: Visit) -> HtmlPage:
        return HtmlPage("console/waiting.html", {"count": _count(visit)})


def _count(visit: Visit) -> str:
    """How many wait; empty where nothing does."""
    counts = visit.call("list_inbox", query={"limit": "0"})["counts"].values()
    total = sum(count["count"] for count in counts)
    return f"{total}{'+' if any(count['more'] for count in counts) else ''}" if total else ""


def _row(visit: Visit, item: Mapping[str, Any]) -> dict[str, Any]:
    kind = KINDS[item["kind"]]
    return {
        **item,
        "words": visit.say(kind.words),
        "icon": kind.icon,
        "href": _address(visit, kind, item),
        "what": _what(item),
    }


def _address(visit: Visit, kind: WaitingKind, item: Mapping[str, Any]) -> str:
    if not visit.has_page(kind.endpoint):
        return ""
    if kind.endpoint == "shops":
        return visit.url("shops", status="pending")
    if not kind.id_name:
        return visit.url(kind.endpoint)
    known = item["shop_id"] if kind.id_name == "shop_id" else item["id"]
    return visit.url(kind.endpoint, **{kind.id_name: known})


def _what(item: Mapping[str, Any]) -> str:
    """What tells this one from the others of its kind."""
    parts = [item["shop_id"] or item["subject"] or item["id"], item["code"], *(item["fields"] or ())]
    return " · ".join(str(part) for part in parts if part)
