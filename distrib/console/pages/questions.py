"""Questions of shop owners: the list, and a question with the explanation of its order, to be answered and closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import State, id_cell, money_cell, state_badge
from distrib.console.frame import Done, Page, Work, page
from distrib.console.lists import Column, Filter, ListSpec, Tab, linked, list_view
from distrib.domain.texts import Text
from distrib.services.plans.words import REASONS

QUESTION_STATES: Mapping[str, State] = {
    "open": State(Text("waits for an answer", "question"), "amber", "clock"),
    "answered": State(Text("answered", "question"), "green", "check"),
    "closed": State(Text("closed", "question"), "", "check"),
}
MOST_SHOWN = 60
"""So many characters of a question stand in the list."""
_COLUMNS = (
    Column("text", Text("Question"), is_fixed=True),
    Column("state", Text("State")),
    Column("shop", Text("Shop")),
    Column("order", Text("Order")),
    Column("occurred_at", Text("Commission of"), "date"),
    Column("amount", Text("Amount"), "money"),
    Column("asked_at", Text("Asked"), "date"),
)


def question_pages(blueprint: Blueprint) -> None:
    """Adds the pages of questions."""

    @page(blueprint, "/questions", needs="list_questions")
    def questions(work: Work) -> Page:
        title = work.say(Text("Questions", "menu"))
        return Page("console/list.html", {"title": title, "list": list_view(work, _list(work))})

    @page(blueprint, "/questions/<question_id>", needs="get_question", entry="questions")
    def question(work: Work, question_id: str) -> Page:
        asked = work.call("get_question", question_id=question_id)
        looks: list[Mapping[str, Any]] = []
        if asked["order_id"] is not None and work.desk.may("explain_order"):
            explained = work.call("explain_order", order_id=asked["order_id"])
            looks = [
                {**look, "reason": work.say(REASONS.get(look["reason"], look["reason"]))}
                for look in explained["looks"]
                if look["shop_id"] == asked["shop_id"]
            ]
        state = state_badge(QUESTION_STATES, asked["status"], work.reader.language)
        commission = work.call("get_commission", commission_id=asked["commission_id"])
        return Page(
            "console/question.html", {"question": asked, "commission": commission, "looks": looks, "state": state}
        )

    @page(blueprint, "/questions/<question_id>/answer", needs="answer_question", post=True, entry="questions")
    def answer_question(work: Work, question_id: str) -> Done:
        words = work.form.get("answer", "").replace("\r\n", "\n").strip()
        work.call("answer_question", {"answer": words}, question_id=question_id)
        return Done(work.url("question", question_id=question_id), Text("Answered; the shop sees it on its page."))

    @page(blueprint, "/questions/<question_id>/close", needs="close_question", post=True, entry="questions")
    def close_question(work: Work, question_id: str) -> Done:
        work.call("close_question", question_id=question_id)
        return Done(work.url("question", question_id=question_id), Text("The question is closed."))


def _list(work: Work) -> ListSpec:
    language = work.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        text = row["text"] if len(row["text"]) <= MOST_SHOWN else f"{row['text'][: MOST_SHOWN - 1]}…"
        order = id_cell(work, row["order_id"], "order", order_id=row["order_id"]) if row["order_id"] else ""
        return {
            "id": row["id"],
            "text": linked(text, work.url("question", question_id=row["id"])),
            "state": state_badge(QUESTION_STATES, row["status"], language),
            "shop": id_cell(work, row["shop_id"]),
            "order": order,
            "occurred_at": work.reader.day(row["occurred_at"]),
            "amount": money_cell(work, row["amount_minor"], signed=True),
            "asked_at": work.reader.time(row["asked_at"]),
        }

    every = (Tab(Text("All"), ""), *(Tab(state.words, code) for code, state in QUESTION_STATES.items()))
    return ListSpec(
        name="questions",
        endpoint="questions",
        operation="list_questions",
        columns=_COLUMNS,
        cells=cells,
        filters=(Filter("shop_id", Text("Shop")),),
        tabs=every,
        empty=(
            Text("No questions"),
            Text("What a shop's owner asks about a commission on its page appears here, with the order's explanation."),
        ),
    )
