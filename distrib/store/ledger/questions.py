"""Questions of shops about their commissions, with what was answered. No rule may enter.

What was said stands in a table of its own, so that it can be erased; that it was said stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from distrib.store.database import Bound
from distrib.store.recorded import Part, Recorded
from distrib.store.sql import execute, execute_as


class NewQuestion(NamedTuple):
    """A question of a shop about a commission (cause, number)."""

    id: str
    shop_no: int
    commission: tuple[int, int]
    words: str


class QuestionRow(NamedTuple):
    """One question as it stands; what has not happened yet is None, and so is what was said where it is erased."""

    question_no: int
    question_id: str
    shop_no: int
    shop_id: str
    cause_no: int
    seq: int
    order_id: str | None
    amount_minor: int
    occurred_at: datetime
    words: str | None
    asked_at: datetime
    asked_by: str
    answer: str | None
    answered_at: datetime | None
    answered_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    state: str


# Of the numbers of one page alone, each row and each id by its own key.
_ROWS = """
SELECT q.question_no, q.question_id, q.shop_no, h.shop_id, q.cause_no, q.seq, o.order_id, t.amount_minor, t.occurred_at,
       qw.words, q.asked_at, q.asked_by, aw.words AS answer, a.done_at AS answered_at, a.done_by AS answered_by,
       c.done_at AS closed_at, c.done_by AS closed_by,
       CASE WHEN c.step IS NOT NULL THEN 'closed' WHEN a.step IS NOT NULL THEN 'answered' ELSE 'open' END AS state
FROM unnest(%(numbers)s::bigint[]) WITH ORDINALITY k (question_no, place)
CROSS JOIN LATERAL (SELECT * FROM shop_questions
                    WHERE program_id = %(program)s AND question_no = k.question_no OFFSET 0) q
CROSS JOIN LATERAL (SELECT shop_id FROM shops WHERE program_id = q.program_id AND shop_no = q.shop_no OFFSET 0) h
CROSS JOIN LATERAL (SELECT signed_minor(shop_no, credit_account, amount_minor) AS amount_minor,
                           occurred_at
                    FROM transfers
                    WHERE program_id = q.program_id AND cause_no = q.cause_no AND seq = q.seq OFFSET 0) t
LEFT JOIN LATERAL (SELECT order_id FROM orders
                   WHERE program_id = q.program_id AND order_no = q.cause_no OFFSET 0) o ON true
LEFT JOIN question_words qw ON qw.program_id = q.program_id AND qw.question_no = q.question_no AND qw.part = 'asked'
LEFT JOIN question_words aw ON aw.program_id = q.program_id AND aw.question_no = q.question_no AND aw.part = 'answered'
LEFT JOIN question_steps a ON a.program_id = q.program_id AND a.question_no = q.question_no AND a.step = 'answered'
LEFT JOIN question_steps c ON c.program_id = q.program_id AND c.question_no = q.question_no AND c.step = 'closed'
ORDER BY k.place
"""
_BELOW = " AND question_no < %(before)s ORDER BY question_no DESC LIMIT %(limit)s"
_ALL = "SELECT question_no FROM shop_questions WHERE program_id = %(program)s"
_UNCLOSED = "SELECT question_no FROM unclosed_questions WHERE program_id = %(program)s"
_CLOSED = "SELECT question_no FROM question_steps s WHERE program_id = %(program)s AND step = 'closed'"
_OF_STATE: Final = {
    None: _ALL,
    "open": _UNCLOSED + " AND NOT is_answered",
    "answered": _UNCLOSED + " AND is_answered",
    "closed": _CLOSED,
}
_OF_SHOP = " AND shop_no = %(shop_no)s"
# The steps know no shop: one shop's are its own questions, each looked at.
_CLOSED_OF_SHOP = f"""SELECT question_no FROM shop_questions q WHERE program_id = %(program)s{_OF_SHOP}
    AND EXISTS (SELECT 1 FROM question_steps s WHERE s.program_id = q.program_id AND s.question_no = q.question_no
                AND s.step = 'closed')"""
_OF_LINE = _ALL + _OF_SHOP + " AND cause_no = %(cause_no)s AND seq = %(seq)s"
_OF_ID = "SELECT question_no FROM shop_questions WHERE program_id = %(program)s AND question_id = %(id)s"
_HOLD = "SELECT question_no FROM unclosed_questions WHERE program_id = %(program)s AND question_no = %(no)s FOR UPDATE"
_WAITING = """
SELECT count(*) FROM (SELECT 1 FROM unclosed_questions WHERE program_id = %(program)s AND shop_no = %(shop_no)s
                      AND NOT is_answered LIMIT %(most)s) w
"""
_INSERT = """
WITH asked AS (
    INSERT INTO shop_questions (program_id, question_id, shop_no, cause_no, seq, asked_at, asked_by)
    VALUES (%(program)s, %(id)s, %(shop_no)s, %(cause_no)s, %(seq)s, %(now)s, %(by)s)
    ON CONFLICT (program_id, question_id) DO NOTHING
    RETURNING program_id, question_no, shop_no),
said AS (
    INSERT INTO question_words (program_id, question_no, part, words)
    SELECT program_id, question_no, 'asked', %(words)s FROM asked)
INSERT INTO unclosed_questions (program_id, question_no, shop_no) SELECT program_id, question_no, shop_no FROM asked
"""
_STEP = """
INSERT INTO question_steps (program_id, question_no, step, done_at, done_by)
VALUES (%(program)s, %(no)s, %(step)s, %(now)s, %(by)s)
"""
_SAID = """
INSERT INTO question_words (program_id, question_no, part, words) VALUES (%(program)s, %(no)s, 'answered', %(words)s)
"""
_ANSWERED = "UPDATE unclosed_questions SET is_answered = true WHERE program_id = %(program)s AND question_no = %(no)s"
_DONE = "DELETE FROM unclosed_questions WHERE program_id = %(program)s AND question_no = %(no)s"

# The question that somebody answers at this moment is waited for here, before the words go.
_CLOSE_ALL = """
WITH ended AS (
    DELETE FROM unclosed_questions WHERE program_id = %(program)s AND shop_no = %(shop_no)s
    RETURNING program_id, question_no)
INSERT INTO question_steps (program_id, question_no, step, done_at, done_by)
SELECT program_id, question_no, 'closed', %(now)s, %(by)s FROM ended
"""
_ERASE = """
DELETE FROM question_words w USING shop_questions q
WHERE q.program_id = %(program)s AND q.shop_no = %(shop_no)s
  AND w.program_id = q.program_id AND w.question_no = q.question_no
"""


def insert_question(conn: Connection, program_id: int, question: NewQuestion, recorded: Recorded) -> bool:
    """Writes a question about a commission; False where its id is taken."""
    cause_no, seq = question.commission
    bound = {"program": program_id, "id": question.id, "shop_no": question.shop_no, "cause_no": cause_no, "seq": seq}
    bound |= {"words": question.words, "now": recorded.instant, "by": recorded.by}
    return execute(conn, _INSERT, bound).rowcount == 1


def insert_answer(conn: Connection, program_id: int, question_no: int, words: str, recorded: Recorded) -> None:
    """Writes that a question was answered, with the words."""
    bound = {"program": program_id, "no": question_no, "step": "answered", "words": words}
    bound |= {"now": recorded.instant, "by": recorded.by}
    for statement in (_STEP, _SAID, _ANSWERED):
        execute(conn, statement, bound)


def insert_close(conn: Connection, program_id: int, question_no: int, now: datetime, by: str) -> None:
    """Writes that a question was closed."""
    bound = {"program": program_id, "no": question_no, "step": "closed", "now": now, "by": by}
    for statement in (_STEP, _DONE):
        execute(conn, statement, bound)


def erase_words(conn: Connection, program_id: int, shop_no: int, now: datetime, by: str) -> None:
    """Takes away what was said in all questions of a shop, and closes those that are not closed."""
    bound = {"program": program_id, "shop_no": shop_no, "now": now, "by": by}
    for statement in (_CLOSE_ALL, _ERASE):
        execute(conn, statement, bound)


def hold(conn: Connection, program_id: int, question_no: int) -> None:
    """Locks a question that is not closed until the transaction ends."""
    execute(conn, _HOLD, {"program": program_id, "no": question_no})


def count_waiting(conn: Connection, program_id: int, shop_no: int, most: int) -> int:
    """Counts the questions of a shop that nobody answered, up to ``most``."""
    row = execute(conn, _WAITING, {"program": program_id, "shop_no": shop_no, "most": most}).fetchone()
    return 0 if row is None else int(row[0])


def find_question(conn: Connection, program_id: int, question_id: str) -> QuestionRow | None:
    """Reads the question of that id."""
    rows = _rows(conn, program_id, _OF_ID, {"id": question_id})
    return rows[0] if rows else None


def list_questions(
    conn: Connection, program_id: int, shop_no: int | None, state: str | None, part: Part[int]
) -> list[QuestionRow]:
    """Lists questions by number, the newest first, of one shop or state where that is asked."""
    if shop_no is not None and state == "closed":
        statement = _CLOSED_OF_SHOP
    else:
        statement = _OF_STATE[state] + ("" if shop_no is None else _OF_SHOP)
    return _rows(conn, program_id, statement + _BELOW, {"shop_no": shop_no, "before": part.place, "limit": part.limit})


def of_commission(
    conn: Connection, program_id: int, shop_no: int, commission: tuple[int, int], part: Part[int]
) -> list[QuestionRow]:
    """Lists the questions about one commission, the newest first."""
    bound = {"shop_no": shop_no, "cause_no": commission[0], "seq": commission[1]}
    bound |= {"before": part.place, "limit": part.limit}
    return _rows(conn, program_id, _OF_LINE + _BELOW, bound)


def _rows(conn: Connection, program_id: int, numbers: str, bound: Bound) -> list[QuestionRow]:
    """Reads the questions whose numbers a statement lists."""
    listed = [row[0] for row in execute(conn, numbers, {**bound, "program": program_id}).fetchall()]
    if not listed:
        return []
    return execute_as(conn, QuestionRow, _ROWS, {"program": program_id, "numbers": listed}).fetchall()
