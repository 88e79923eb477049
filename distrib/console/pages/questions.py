"""Questions of shop owners: the list, and a question with the explanation of its order, to be answered and closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.causes import Causes
from distrib.console.cells import BadgeState, id_cell, money_cell, shop_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.lists import ListColumn, ListFilter, ListSpec, ListTab, linked, list_view
from distrib.console.second_person import names_of
from distrib.domain.texts import Text

QUESTION_STATES: Mapping[str, BadgeState] = {
    "open": BadgeState(Text("waits for an answer", "question"), "amber", "clock"),
    "answered": BadgeState(Text("answered", "question"), "green", "check"),
    "closed": BadgeState(Text("closed", "question"), "", "check"),
}
ERASED = Text("Erased with the shop's personal data")
MOST_SHOWN = 60
"""So many characters of a question stand in the list."""
MOST_LOOKS = 50
"""So many looks at a shop stand beside its question; the order's page has them all."""
_COLUMNS = (
    ListColumn("text", Text("Question"), is_fixed=True),
    ListColumn("state", Text("State")),
    ListColumn("shop", Text("Shop")),
    ListColumn("order", Text("Order")),
    ListColumn("occurred_at", Text("Commission of"), "date"),
    ListColumn("amount", Text("Amount"), "money"),
    ListColumn("asked_at", Text("Asked"), "date"),
)


def question_pages(blueprint: Blueprint) -> None:
    """Adds the pages of questions."""

    @page(blueprint, "/questions", needs="list_questions")
    def questions(visit: Visit) -> HtmlPage:
        title = visit.say(Text("Questions", "menu"))
        return HtmlPage("console/list.html", {"title": title, "list": list_view(visit, _list(visit))})

    @page(blueprint, "/questions/<question_id>", needs="get_question", entry="questions")
    def question(visit: Visit, question_id: str) -> HtmlPage:
        asked = visit.call("get_question", question_id=question_id)
        causes, commission = Causes(visit), visit.call("get_commission", commission_id=asked["commission_id"])
        visit.name_shops([asked["shop_id"]])
        looks = _looks(visit, causes, asked, commission)
        rank = next((look["rank"] for look in looks if look["is_meant"]), None)
        values = {
            "question": asked,
            "commission": commission,
            "purpose": causes.purpose(commission),
            "sentence": causes.of_commission(commission, rank),
            "looks": looks,
            "shop": shop_cell(visit, asked["shop_id"]),
            "names": names_of(visit, [asked["answered_by"], asked["closed_by"]]),
            "state": state_badge(QUESTION_STATES, asked["status"], visit.reader.language),
        }
        return HtmlPage("console/question.html", values)

    @page(blueprint, "/questions/<question_id>/answer", needs="answer_question", post=True, entry="questions")
    def answer_question(visit: Visit, question_id: str) -> Done:
        words = visit.form.get("answer", "").replace("\r\n", "\n").strip()
        visit.call("answer_question", {"answer": words}, question_id=question_id)
        return Done(visit.url("question", question_id=question_id), Text("Answered; the shop sees it on its page."))

    @page(blueprint, "/questions/<question_id>/close", needs="close_question", post=True, entry="questions")
    def close_question(visit: Visit, question_id: str) -> Done:
        visit.call("close_question", question_id=question_id)
        return Done(visit.url("question", question_id=question_id), Text("The question is closed."))


def _looks(
    visit: Visit, causes: Causes, asked: Mapping[str, Any], commission: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The looks at the shop that asked, in the explanation of the order: the one that is asked about first."""
    if asked["order_id"] is None or not visit.desk.may("explain_order"):
        return []
    explained = visit.call("explain_order", order_id=asked["order_id"])
    looks = [
        {
            **look,
            "rule_words": causes.rule(explained["plan"], look),
            "reason_words": causes.reason(look["reason"]),
            "is_meant": all(look[name] == commission[name] for name in ("line_id", "rule", "tier")),
        }
        for look in explained["looks"]
        if look["shop_id"] == asked["shop_id"]
    ]
    return sorted(looks, key=lambda look: not look["is_meant"])[:MOST_LOOKS]


def _list(visit: Visit) -> ListSpec:
    language = visit.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        text = visit.say(ERASED) if row["text"] is None else row["text"]
        text = text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
        order = id_cell(visit, row["order_id"], "order", order_id=row["order_id"]) if row["order_id"] else ""
        return {
            "id": row["id"],
            "text": linked(text, visit.url("question", question_id=row["id"])),
            "state": state_badge(QUESTION_STATES, row["status"], language),
            "shop": shop_cell(visit, row["shop_id"]),
            "order": order,
            "occurred_at": visit.reader.day(row["occurred_at"]),
            "amount": money_cell(visit, row["amount_minor"], signed=True),
            "asked_at": visit.reader.time(row["asked_at"]),
        }

    every = (ListTab(Text("All"), ""), *(ListTab(state.words, code) for code, state in QUESTION_STATES.items()))
    return ListSpec(
        name="questions",
        endpoint="questions",
        operation="list_questions",
        columns=_COLUMNS,
        cells=cells,
        shops=("shop_id",),
        filters=(ListFilter("shop_id", Text("Shop"), shops={}),),
        tabs=every,
        empty=(
            Text("No questions"),
            Text("What a shop's owner asks about a commission on its page appears here, with the order's explanation."),
        ),
    )
