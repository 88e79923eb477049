"""What is refused of accounts, adjustments and questions."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class AdjustmentUnknown(NamedRefusal, code="adjustment_unknown", status=404):
    """There is no adjustment of that id."""

    said = Said("There is no adjustment {id}.", "没有调整 {id}。")
    id: str


class AccountUnknown(NamedRefusal, code="account_unknown", status=404):
    """There is no account of that name."""

    said = Said("There is no account {id}.", "没有账户 {id}。")
    id: str


class QuestionUnknown(NamedRefusal, code="question_unknown", status=404):
    """There is no question of that id."""

    said = Said("There is no question {id}.", "没有提问 {id}。")
    id: str


class QuestionDecided(NamedRefusal, code="question_decided", status=409):
    """A question is answered once."""

    said = Said("The question {id} is {state}.", "提问 {id} 的状态是 {state}。")
    id: str
    state: str


class QuestionsWaiting(NamedRefusal, code="questions_waiting", status=409):
    """A shop has asked as much as may wait for an answer."""

    said = Said(
        "{most} questions of the shop wait for an answer; ask again once one has it.",
        "本店已有 {most} 个提问在等待答复，得到答复后可再提问。",
    )
    most: int
