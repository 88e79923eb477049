"""Closing a month on one page: what stops it, the figures as they would be fixed, who confirms; then its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import MONTH_STATES, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.long_calls import make_or_start, takes_long
from distrib.console.pages.statements import figure_words
from distrib.console.second_person import check_typed, confirming, names_of
from distrib.domain.texts import Text
from distrib.services.refusals import EventsPending


def close_pages(blueprint: Blueprint) -> None:
    """Adds the page of a close and what it does."""

    @page(blueprint, "/statements/<period>/close", needs="get_close", entry="months")
    def close(visit: Visit, period: str) -> HtmlPage:
        state = visit.call("get_close", period=period)
        now = _as_it_stands(visit, state)
        values = {
            "period": period,
            "state": state,
            "badge": state_badge(MONTH_STATES, state["status"], visit.reader.language),
            "stops": [_stop(visit, stop) for stop in state["stops"]],
            "figures": _figures(visit, state["totals"], now),
            "differs": state["status"] == "proposed" and state["totals"] != now,
            "shops_now": now["shops"] if now else None,
            "names": names_of(visit, [state["proposed_by"], state["confirmed_by"]]),
            "second": confirming(visit, state["proposed_by"], "confirm_close"),
            "is_long": takes_long(visit),
            "has_failed": _has_events(visit, "failed"),
            "has_waiting": _has_events(visit, "waiting"),
        }
        return HtmlPage("console/close.html", values)

    @page(blueprint, "/statements/<period>/close/propose", needs="propose_close", post=True, entry="months")
    def propose_close(visit: Visit, period: str) -> Done:
        check_typed(visit, period)
        done = Done(visit.url("close", period=period), Text("The close is proposed; a second person confirms it."))
        return make_or_start(visit, "propose_close", done, {"period": period})

    @page(blueprint, "/statements/<period>/close/confirm", needs="confirm_close", post=True, entry="months")
    def confirm_close(visit: Visit, period: str) -> Done:
        check_typed(visit, period)
        done = Done(visit.url("close", period=period), Text("The month is closed."))
        return make_or_start(visit, "confirm_close", done, {"period": period})


def _as_it_stands(visit: Visit, state: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The totals of a month that is not closed, as they are now; None of a closed one."""
    if state["status"] == "closed":
        return None
    totals: Mapping[str, Any] = visit.call("get_statements", query={"period": state["period"], "limit": "1"})["totals"]
    return totals


def _stop(visit: Visit, stop: Mapping[str, Any]) -> dict[str, str]:
    """What stops the close, in the reader's words, and where to look."""
    follows = visit.reader.month(stop["next"])
    words = {
        "period_not_over": Text("The month is not over yet."),
        "close_in_sequence": Text("{month} is to be closed before it.", month=follows),
        "events_pending": EventsPending(events=visit.reader.number(stop["events"])).text,
    }[stop["code"]]
    address = ""
    if stop["code"] == "close_in_sequence":
        address = visit.url("close", period=stop["next"])
    elif stop["code"] == "events_pending" and visit.has_page("events"):
        address = visit.url("events", status="pending")
    return {"code": stop["code"], "words": visit.say(words), "href": address}


def _figures(
    visit: Visit, fixed: Mapping[str, Any] | None, now: Mapping[str, Any] | None
) -> list[tuple[str, int | None, int | None, int | None]]:
    """Each figure: its name, as proposed or closed, as it stands, and what it moved by since."""
    rows = []
    for name, words in figure_words(visit):
        was, stands = (fixed or {}).get(name), (now or {}).get(name)
        rows.append((words, was, stands, None if was is None or stands is None else stands - was))
    return rows


def _has_events(visit: Visit, status: str) -> bool:
    return bool(visit.call("list_events", query={"status": status, "limit": "1"})["data"])
