"""Questions: a shop's owner asks about a commission, finance answers, either closes."""

from __future__ import annotations

from urllib.parse import quote

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import is_partner, must_be_own
from distrib.api.http.answers import Answer, shown
from distrib.api.http.words import say
from distrib.api.schemas.questions import (
    QUESTION,
    QUESTIONS,
    QuestionAnswerSchema,
    QuestionDraftSchema,
    QuestionQuerySchema,
)
from distrib.domain.errors import Problem, Refusal
from distrib.services.ledger import questions as service
from distrib.services.ledger.questions import QuestionDraft, QuestionFilter

questions = Resource("questions", "Questions of shop owners about commissions 提问")


@questions.operation(
    "POST",
    "/questions",
    {201: QUESTION, 200: QUESTION},
    Takes(body=QuestionDraftSchema),
    refusals=("commission_unknown", "id_conflict", "shop_gone", "questions_waiting"),
)
def ask_question(call: Call) -> Answer:
    """Asks about a commission of the partner's own shop. 200 when repeated."""
    draft = QuestionDraft(call.body["id"], call.body["commission_id"], call.body["text"])
    view, is_new = service.ask_question(call.unit, draft)
    return Answer(shown(view), 201 if is_new else 200, {"Location": f"/v1/questions/{quote(draft.id, safe='')}"})


@questions.operation("GET", "/questions", {200: QUESTIONS}, Takes(query=QuestionQuerySchema))
def list_questions(call: Call) -> Answer:
    """Questions, the newest first; a partner sees those of its own shop."""
    shop_id, status, commission = (call.query[name] for name in ("shop_id", "status", "commission_id"))
    if shop_id is None and is_partner(call):
        shop_id = call.actor.shop_id
    if shop_id is not None:
        must_be_own(call, shop_id)
    elif commission is not None:
        raise Refusal("invalid", [Problem("?shop_id", say("required_with", other="commission_id"))])
    listing = call.listing(f"questions {shop_id} {status} {commission}")
    before = listing.key(call.query["cursor"])
    rows, follows = service.list_questions(
        call.unit, QuestionFilter(shop_id, status, commission), before, call.query["limit"]
    )
    return Answer(listing.page_by_key(rows, follows))


@questions.operation("GET", "/questions/<id:question_id>", {200: QUESTION}, refusals=("question_unknown",))
def get_question(call: Call, question_id: str) -> Answer:
    """One question as it stands."""
    return Answer(shown(service.get_question(call.unit, question_id)))


@questions.operation(
    "POST",
    "/questions/<id:question_id>/answer",
    {200: QUESTION},
    Takes(body=QuestionAnswerSchema),
    refusals=("question_unknown", "question_decided"),
)
def answer_question(call: Call, question_id: str) -> Answer:
    """Answers a question; the same answer again changes nothing."""
    words = call.body["answer"]
    return Answer(shown(service.answer_question(call.unit, question_id, words)))


@questions.operation("POST", "/questions/<id:question_id>/close", {200: QUESTION}, refusals=("question_unknown",))
def close_question(call: Call, question_id: str) -> Answer:
    """Closes a question, answered or not; a partner one of its own."""
    return Answer(shown(service.close_question(call.unit, question_id)))
