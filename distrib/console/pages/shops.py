"""Shops: the list with its filters, what is decided on many at once, the file of what is filtered, and joining."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, g, stream_with_context

from distrib.console.cells import SHOP_STATES, money_cell, shop_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.lists import (
    BEGIN,
    END,
    BulkActions,
    ListColumn,
    ListFilter,
    ListSpec,
    ListTab,
    asked_of,
    list_view,
)
from distrib.console.pages.ladder import rank_codes
from distrib.console.shop_choice import shops_like
from distrib.console.site import PersonalDesk, current_site
from distrib.domain.errors import Problem, Refusal
from distrib.domain.spreadsheet_cells import neutralised
from distrib.domain.texts import Text

MOST_EXPORTED: Final = 100_000
"""Rows of a file; a narrower filter takes the rest."""
_PIECE: Final = 500
_COLUMNS = (
    ListColumn("id", Text("Shop"), is_fixed=True),
    ListColumn("status", Text("State")),
    ListColumn("rank", Text("Rank")),
    ListColumn("sponsor", Text("Sponsor")),
    ListColumn("level", Text("Level"), "number"),
    ListColumn("recruits", Text("Brought in"), "number"),
    ListColumn("joined", Text("Joined"), "date", sort="joined"),
    ListColumn("sales", Text("Sales this month"), "money", sort="sales"),
    ListColumn("balance", Text("Available"), "money", sort="balance"),
    ListColumn("root", Text("Root"), is_shown=False),
    ListColumn("since", Text("State since"), "date", is_shown=False),
)
_EXPORTED = (
    *("id", "name", "status", "status_since", "rank", "level", "sponsor_id", "root_id", "joined_at"),
    *("direct_recruits", "month_sales_minor", "available_minor", "currency"),
)
_DECISIONS = {"activate": "active", "close": "closed"}


def shops_pages(blueprint: Blueprint) -> None:
    """Adds the list of shops and what is done from it."""

    @page(blueprint, "/shops", needs="list_shops")
    def shops(visit: Visit) -> HtmlPage:
        spec = _list(visit)
        view = list_view(visit, spec)
        if view["export"]:
            count = view["count_words"]
            view["export_asks"] = visit.say(
                Text("{count}. Save them as CSV? A file holds {most} rows at the most.", count=count, most=_most(visit))
            )
        actions = [(visit.url("new_shop"), visit.say(Text("Register a shop")), "primary")]
        allowed = actions if visit.desk.may("register_shop") else []
        return HtmlPage(
            "console/list.html", {"title": visit.say(Text("Shops", "menu")), "list": view, "actions": allowed}
        )

    @page(blueprint, "/suggest-shops", needs="list_shops", entry="shops")
    def suggest_shops(visit: Visit) -> HtmlPage:
        typed = visit.query.get(visit.query.get("of", ""), "").strip()
        among = {name: value for name, value in visit.query.items() if name == "level"}
        fits, _ = shops_like(visit, typed, among) if typed else ([], False)
        return HtmlPage("console/shops_part.html", {"shops": fits})

    @page(blueprint, "/shops.csv", needs="list_shops", entry="shops")
    def export_shops(visit: Visit) -> Response:
        return _file(visit, asked_of(visit, _list(visit)))

    @page(blueprint, "/decide-shops", needs="set_statuses", post=True, entry="shops")
    def decide_shops(visit: Visit) -> Done:
        return _decide(visit)

    @page(blueprint, "/new-shop", needs="register_shop", entry="shops")
    def new_shop(visit: Visit) -> HtmlPage:
        return HtmlPage("console/new_shop.html", {"sponsor": visit.query.get("sponsor", "")})

    @page(blueprint, "/new-shop", needs="register_shop", post=True, entry="shops")
    def add_shop(visit: Visit) -> Done:
        names = ("id", "name", "sponsor_id", "invite_code", "identity")
        typed = {name: visit.form.get(name, "").strip() for name in names}
        shop = visit.call("register_shop", body={name: value for name, value in typed.items() if value})
        return Done(visit.url("shop", shop_id=shop["id"]), Text("The shop {id} was registered.", id=shop["id"]))


def _list(visit: Visit) -> ListSpec:
    language = visit.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": shop_cell(visit, row["id"]),
            "status": state_badge(SHOP_STATES, row["status"], language),
            "rank": row["rank"] or "",
            "sponsor": shop_cell(visit, row["sponsor_id"]),
            "level": visit.reader.number(row["level"]),
            "recruits": visit.reader.number(row["direct_recruits"]),
            "joined": visit.reader.day(row["joined_at"]),
            "sales": money_cell(visit, row["month_sales_minor"]),
            "balance": money_cell(visit, row["available_minor"]),
            "root": shop_cell(visit, row["root_id"]),
            "since": visit.reader.day(row["status_since"]),
        }

    return ListSpec(
        name="shops",
        endpoint="shops",
        operation="list_shops",
        columns=_COLUMNS,
        cells=cells,
        shops=("id", "sponsor_id"),
        filters=(
            ListFilter("q", Text("Id, name or invite code"), hint=visit.say(Text("begins with"))),
            ListFilter("rank", Text("Rank"), [(code, code) for code in rank_codes(visit)]),
            ListFilter("level", Text("Level"), hint=visit.say(Text("1: roots"))),
            ListFilter("root", Text("Tree of the root"), shops={"level": "1"}),
            ListFilter("joined_from", Text("Joined from"), type="date", day=BEGIN),
            ListFilter("joined_to", Text("to", "date"), type="date", day=END),
        ),
        tabs=_tabs(visit),
        bulk=_bulk(visit),
        export="export_shops",
        empty=(Text("No shops yet"), Text("Register the first one, or have the platform send them by the API.")),
    )


def _tabs(visit: Visit) -> list[ListTab]:
    return [
        ListTab(Text("All"), "", _count(visit, "")),
        ListTab(Text("pending", "shop"), "pending", _count(visit, "pending")),
        ListTab(Text("active", "shop"), "active"),
        ListTab(Text("frozen", "shop"), "frozen", _count(visit, "frozen")),
        ListTab(Text("closed", "shop"), "closed"),
    ]


def _count(visit: Visit, status: str) -> int | str:
    answer = visit.call("list_shops", query={"status": status, "limit": "1"})
    count: int = answer["count"]
    if answer["count_is_estimate"]:
        return visit.say(Text("about {count}", count=visit.reader.number(count)))
    return count


def _bulk(visit: Visit) -> BulkActions | None:
    """What is decided of ticked shops: those that wait to be let in."""
    if visit.query.get("status") != "pending" or not visit.desk.may("set_statuses"):
        return None
    asks = Text("Close the ticked shops for good? They keep their place in the tree.")
    return BulkActions(
        "decide_shops",
        (("activate", Text("Let in", "shop"), "primary", None), ("close", Text("Turn down", "shop"), "danger", asks)),
        Text("Reason, kept with the change"),
    )


def _decide(visit: Visit) -> Done:
    chosen, status = visit.form.getlist("id"), _DECISIONS.get(visit.form.get("do", ""))
    reason = visit.form.get("reason", "").strip()
    problems = [] if reason else [Problem("reason", Text("say why: it is kept with the change"))]
    if not chosen:
        problems.append(Problem("id", Text("tick at least one shop")))
    if status is None:
        problems.append(Problem("do", Text("must be one of {choices}", "setting", choices=", ".join(_DECISIONS))))
    if problems:
        raise Refusal("invalid", problems)
    decisions = [{"shop_id": shop_id, "status": status, "reason": reason} for shop_id in dict.fromkeys(chosen)]
    results = visit.call("set_statuses", body={"decisions": decisions})["results"]
    refused = [f"{result['shop_id']} ({result['code']})" for result in results if result["status"] == "refused"]
    count = visit.reader.number(len(results) - len(refused))
    words = Text("{count} shops were activated.", count=count)
    if status == "closed":
        words = Text("{count} shops were closed.", count=count)
    if refused:
        words = Text("{done} Refused: {refused}", done=words, refused=", ".join(refused))
    return Done(visit.url("shops", status="pending"), words)


def _most(visit: Visit) -> str:
    return visit.reader.number(MOST_EXPORTED)


def _file(visit: Visit, asked: Mapping[str, str]) -> Response:
    """The shops that fit as CSV; each piece is read in a transaction of its own while it is sent."""
    first = visit.call("list_shops", query={**asked, "limit": str(_PIECE)})
    person, seat, site = visit.person, g.seat, current_site()

    def pieces() -> Iterator[str]:
        answer, written = first, len(first["data"])
        yield "\ufeff" + _lines([dict(zip(_EXPORTED, _EXPORTED, strict=True)), *answer["data"]])
        while answer["next_cursor"] is not None and written < MOST_EXPORTED:
            query = {**asked, "limit": str(_PIECE), "cursor": answer["next_cursor"]}
            answer = site.at_desk(person, seat, partial(_piece, query))
            written += len(answer["data"])
            yield _lines(answer["data"])

    response = Response(stream_with_context(pieces()), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="shops.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _piece(query: Mapping[str, str], desk: PersonalDesk) -> Any:
    return desk.call("list_shops", {}, query)


def _lines(rows: list[dict[str, Any]]) -> str:
    piece = io.StringIO()
    writer = csv.writer(piece, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(row[name]) for name in _EXPORTED])
    return piece.getvalue()


def _cell(value: Any) -> str | int:
    if value is None:
        return ""
    if isinstance(value, int):
        return value
    return value.isoformat() if isinstance(value, datetime) else neutralised(str(value))
