"""Questions of shop owners: the list, and a question with the explanation of its order, to be answered and closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import BadgeState, id_cell, money_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.lists import ListColumn, ListFilter, ListSpec, ListTab, linked, list_view
from distrib.domain.texts import Text
from distrib.services.plans.words import REASONS

QUESTION_STATES: Mapping[str, BadgeState] = {
    "open": BadgeState(Text("waits for an answer", "question"), "amber", "clock"),
    "answered": BadgeState(Text("answered", "question"), "green", "check"),
    "closed": BadgeState(Text("closed", "question"), "", "check"),
}
ERASED = Text("Erased with the shop's personal data")
MOST_SHOWN = 60
"""So many characters of a question stand in the list."""
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
        looks: list[Mapping[str, Any]] = []
        if asked["order_id"] is not None and visit.desk.may("explain_order"):
            explained = visit.call("explain_order", order_id=asked["order_id"])
            looks = [
                {**look, "reason": visit.say(REASONS.get(look["reason"], look["reason"]))}
                for look in explained["looks"]
                if look["shop_id"] == asked["shop_id"]
            ]
        state = state_badge(QUESTION_STATES, asked["status"], visit.reader.language)
        commission = visit.call("get_commission", commission_id=asked["commission_id"])
        return HtmlPage(
            "console/question.html", {"question": asked, "commission": commission, "looks": looks, "state": state}
        )

    @page(blueprint, "/questions/<question_id>/answer", needs="answer_question", post=True, entry="questions")
    def answer_question(visit: Visit, question_id: str) -> Done:
        words = visit.form.get("answer", "").replace("\r\n", "\n").strip()
        visit.call("answer_question", {"answer": words}, question_id=question_id)
        return Done(visit.url("question", question_id=question_id), Text("Answered; the shop sees it on its page."))

    @page(blueprint, "/questions/<question_id>/close", needs="close_question", post=True, entry="questions")
    def close_question(visit: Visit, question_id: str) -> Done:
        visit.call("close_question", question_id=question_id)
        return Done(visit.url("question", question_id=question_id), Text("The question is closed."))


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
            "shop": id_cell(visit, row["shop_id"]),
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
        filters=(ListFilter("shop_id", Text("Shop")),),
        tabs=every,
        empty=(
            Text("No questions"),
            Text("What a shop's owner asks about a commission on its page appears here, with the order's explanation."),
        ),
    )
