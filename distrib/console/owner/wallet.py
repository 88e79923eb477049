"""The wallet: what can be withdrawn, what is held until when, what came and went; and each line with its why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Final

from flask import Blueprint, url_for

from distrib.console.owner.frame import Leaf, Onward, OwnerVisit, deed, leaf
from distrib.console.owner.lines import end_of, line_view, purpose, title_of_line
from distrib.domain.refusals import NotFound
from distrib.domain.settlement.seats import ORDER_CAP, POLICY, RULE_CAP
from distrib.domain.texts import Text
from distrib.services.statements.line_words import LineWords

LINES: Final = "20"
MOST_OF_ORDER: Final = "100"
SHOWN: Final[Mapping[str, Mapping[str, str]]] = {
    "": {},
    "held": {"state": "held"},
    "back": {"kind": "reversed"},
}
"""What of the lines is listed, by the word in the address."""
_PLACES: Final = {
    "seller": Text("you sold it", "owner"),
    "leader": Text("you lead the community order", "owner"),
    "opener": Text("you opened the group", "owner"),
}
_LEVELS: Final = (
    Text("a shop one level below yours sold it", "owner"),
    Text("a shop two levels below yours sold it", "owner"),
    Text("a shop three levels below yours sold it", "owner"),
)
_PAID = Text("{day}: order {end} was paid", "owner")
_RECKONED = Text("Reckoned on {base} at {rate}", "owner")
_ROUNDED = Text("Reckoned on {base} at {rate}: {exact}, rounded", "owner")
_FIXED = Text("A fixed amount", "owner")
_BACK = Text("{day}: the customer got money back", "owner")
_AGAIN = Text("{day}: the refund was undone", "owner")
_LEFT = Text("What is left of it for you", "owner")
_REDUCED: Final = {
    RULE_CAP: Text("It was cut: the rule pays so much at the most", "owner"),
    ORDER_CAP: Text("It was cut: all commissions of an order together are limited", "owner"),
    POLICY: Text("It was cut to what the law allows", "owner"),
}


def wallet_pages(blueprint: Blueprint) -> None:
    """Adds the wallet, the page of a line, and the question about it."""

    @leaf(blueprint, "")
    def wallet(visit: OwnerVisit) -> Leaf:
        kind = visit.query.get("show", "")
        if kind not in SHOWN:
            raise NotFound()
        balance, earned = visit.own("get_balance"), visit.own("get_earnings")
        query = {"sort": "-posted", "limit": LINES, "cursor": visit.query.get("cursor", ""), **SHOWN[kind]}
        page = visit.own("list_shop_commissions", **query)
        words = LineWords(visit.desk.conn, visit.desk.program)
        dated = sum(release["amount_minor"] for release in earned["releases"])
        return Leaf(
            "wallet.html",
            {
                "balance": balance,
                "earned": earned,
                "undated_minor": balance["held_minor"] - dated,
                "lines": [line_view(visit, words, row) for row in page["data"]],
                "next": page["next_cursor"],
                "kind": kind,
                "is_first": "cursor" not in visit.query,
            },
            "wallet",
        )

    @leaf(blueprint, "/lines/<commission_id>")
    def line(visit: OwnerVisit, commission_id: str) -> Leaf:
        row = visit.call("get_commission", commission_id=commission_id)
        words = LineWords(visit.desk.conn, visit.desk.program)
        related: list[Mapping[str, Any]] = []
        if row["order_id"] is not None:
            query = {"order_id": row["order_id"], "limit": MOST_OF_ORDER}
            related = visit.own("list_shop_commissions", **query)["data"]
        asked = visit.call("list_questions", query={"commission_id": commission_id})["data"]
        return Leaf(
            "line.html",
            {
                "row": row,
                "title": title_of_line(visit, words, row),
                "purpose": purpose(visit, words, row),
                "shown": line_view(visit, words, row),
                "steps": [] if row["order_id"] is None else _steps(visit, row, related),
                "others": [line_view(visit, words, other) for other in related if other["id"] != row["id"]],
                "questions": asked,
                "question_id": f"q-{token_hex(12)}",
            },
            "wallet",
        )

    @deed(blueprint, "/lines/<commission_id>/ask", line)
    def ask(visit: OwnerVisit, commission_id: str) -> Onward:
        text = visit.form.get("text", "").replace("\r\n", "\n").strip()
        body = {"id": visit.form.get("id", ""), "commission_id": commission_id, "text": text}
        visit.call("ask_question", body)
        return Onward(url_for("owner.line", commission_id=commission_id, done="asked") + "#questions")

    @deed(blueprint, "/lines/<commission_id>/close", line)
    def close(visit: OwnerVisit, commission_id: str) -> Onward:
        visit.call("close_question", question_id=visit.form.get("id", ""))
        return Onward(url_for("owner.line", commission_id=commission_id) + "#questions")


def _steps(visit: OwnerVisit, row: Mapping[str, Any], related: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """How a commission came about, step by step: what was said of it, and the figure."""
    say = visit.say
    explained = visit.call("explain_order", order_id=row["order_id"])
    look = _look_of(explained, row)
    paid = _PAID.with_params(day=visit.day(explained["paid_at"]), end=end_of(row["order_id"]))
    steps = [(say(paid), visit.money(explained["paid_minor"] or 0))]
    same = [other for other in related if _place_of(other) == _place_of(row)]
    earned = next((other for other in same if other["kind"] == "earned"), row)
    steps.append((_why_here(visit, row, look, explained["people"]), ""))
    if earned["base_minor"] and earned["rate"] is not None:
        terms = {"base": visit.money(earned["base_minor"]), "rate": visit.reader.percent(earned["rate"])}
        exact = visit.reader.before_rounding(earned["rate"], earned["base_minor"], earned["amount_minor"])
        words = _ROUNDED if exact else _RECKONED
        steps.append((say(words.with_params(exact=exact, **terms)), visit.money(earned["amount_minor"])))
    else:
        steps.append((say(_FIXED), visit.money(earned["amount_minor"])))
    if look is not None and look["reason"] in _REDUCED:
        steps.append((say(_REDUCED[look["reason"]]), ""))
    for other in same:
        if other["kind"] == "reversed":
            moved = _BACK if other["amount_minor"] < 0 else _AGAIN
            said = say(moved.with_params(day=visit.day(other["occurred_at"])))
            steps.append((said, visit.money(other["amount_minor"])))
    steps.append((say(_LEFT), visit.money(sum(other["amount_minor"] for other in same))))
    return steps


def _why_here(
    visit: OwnerVisit, row: Mapping[str, Any], look: Mapping[str, Any] | None, people: Sequence[Mapping[str, Any]]
) -> str:
    """Why the shop was among those who earn: what it was to the order, and its rank then."""
    tier = row["tier"] or 0
    words = _LEVELS[tier - 1] if 0 < tier <= len(_LEVELS) else _PLACES[_role(people)]
    said = visit.say(words)
    rank = look["rank"] if look is not None else None
    if rank:
        return visit.say(Text("Why you: {place}; your rank then was {rank}", "owner", place=said, rank=rank))
    return visit.say(Text("Why you: {place}", "owner", place=said))


def _role(people: Sequence[Mapping[str, Any]]) -> str:
    """What the shop was to the order, of those that are no level: a partner is shown itself alone."""
    roles = [person["role"] for person in people if person["role"] in _PLACES]
    return roles[0] if roles else "seller"


def _look_of(explained: Mapping[str, Any], row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The look at this very commission."""
    return next((look for look in explained["looks"] if _place_of(look) == _place_of(row)), None)


def _place_of(row: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """What a commission and the look at it have in common."""
    return row["line_id"], row["rule"], row["tier"]
