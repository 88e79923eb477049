"""What is the owner's own: statements of closed months, questions, the account to be paid to, the invitation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, request

from distrib.console.owner.frame import Leaf, OwnerVisit, Shown, leaf
from distrib.console.owner.payees import known_payee
from distrib.domain.periods import previous_period
from distrib.domain.sharing import invite_link
from distrib.services.context import format_period
from distrib.services.statements.month_states import newest_closed

MONTHS_LISTED: Final = 12
QUESTIONS_LISTED: Final = "20"
DESIGNS: Final = ("classic", "market", "night")


def own_pages(blueprint: Blueprint, public_url: Callable[[], str | None]) -> None:
    """Adds what is the owner's own; ``public_url`` answers what links to this service begin with."""

    @leaf(blueprint, "/own")
    def own(visit: OwnerVisit) -> Leaf:
        values = {
            "months": closed_months(visit),
            "open_questions": len(visit.call("list_questions", query={"status": "answered", "limit": "9"})["data"]),
            "payee": known_payee(visit),
            "hold_days": visit.desk.program.payee_hold_days,
            "paid_minor": visit.own("get_balance")["paid_minor"],
        }
        return Leaf("own.html", values, "own")

    @leaf(blueprint, "/statements/<period>.pdf")
    def statement(visit: OwnerVisit, period: str) -> Shown:
        query = {"format": "pdf", "shop_id": visit.shop_id, "language": visit.reader.language}
        answered: Shown = visit.call("export_statements", query=query, period=period)
        return answered

    @leaf(blueprint, "/questions")
    def questions(visit: OwnerVisit) -> Leaf:
        query = {"limit": QUESTIONS_LISTED, "cursor": visit.query.get("cursor", "")}
        page = visit.call("list_questions", query=query)
        return Leaf("questions.html", {"questions": page["data"], "next": page["next_cursor"]}, "own")

    @leaf(blueprint, "/invite")
    def invite(visit: OwnerVisit) -> Leaf:
        shop = visit.own("get_shop")
        link = invite_link(public_url() or request.root_url, shop["invite_code"])
        is_inviting = shop["status"] == "active"
        return Leaf("invite.html", {"designs": DESIGNS, "link": link, "is_inviting": is_inviting}, "own")

    @leaf(blueprint, "/poster.png")
    def poster(visit: OwnerVisit) -> Shown:
        query = {"design": visit.query.get("design", ""), "language": visit.reader.language}
        answered: Shown = visit.own("get_poster", **query)
        return answered

    @leaf(blueprint, "/qr.svg")
    def qr_code(visit: OwnerVisit) -> Shown:
        answered: Shown = visit.own("get_qr_code", scale="6")
        return answered


def closed_months(visit: OwnerVisit) -> list[str]:
    """The months of the shop that are closed, the newest first, as ``2026-03``."""
    program, months = visit.desk.program, list[str]()
    joined = program.period_of(visit.own("get_shop")["joined_at"])
    period = newest_closed(visit.desk.conn, program)
    while period is not None and period >= joined and len(months) < MONTHS_LISTED:
        months.append(format_period(period))
        period = previous_period(period)
    return months
