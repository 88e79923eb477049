"""What an audit asks: each question one query for what does not hold, and how much was looked at.

The questions stand by noun in the modules beside this one. They rest on nothing that the writing side computed, where
that can be. Nothing is repaired here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from distrib.store.audit.pages import By, Page, within
from distrib.store.database import Bound
from distrib.store.sql import execute, value

MOST_ROWS = 20
"""So many wrong rows are shown; all are counted."""


@dataclass(frozen=True, slots=True)
class Question:
    """One check: its name, the query that counts what is looked at, the one for what is wrong, and what it goes by.

    Questions of one name make up one check. Those by orders or by shops are asked a page at a time; their queries
    name the page by ``IN %(page)s``.
    """

    name: str
    figure: str
    wrong: str
    by: By = By.WHOLE


@dataclass(frozen=True, slots=True)
class Together:
    """Checks that are asked by one statement, as they read the same rows: their names, and the rows that are wrong.

    ``wrong`` are the common table expressions of the statement, one of them by the name of each check; ``figures``
    count what each looked at. Asked a page at a time, as a ``Question`` is.
    """

    names: tuple[str, ...]
    wrong: str
    figures: Mapping[str, str]
    by: By


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """The result of one check: how many things were looked at, how many are wrong, and the first of these."""

    figure: int
    wrong: int
    rows: list[dict[str, object]]

    def __add__(self, other: AuditAnswer) -> AuditAnswer:
        """The result over both parts of what was looked at.

        >>> AuditAnswer(2, 1, [{"order_no": 7}]) + AuditAnswer(3, 0, [])
        AuditAnswer(figure=5, wrong=1, rows=[{'order_no': 7}])
        """
        rows = (self.rows + other.rows)[:MOST_ROWS]
        return AuditAnswer(self.figure + other.figure, self.wrong + other.wrong, rows)


def ask(conn: Connection, question: Question, bound: Bound, page: Page | None = None) -> AuditAnswer:
    """Runs the two queries of one check, for everything or a page of it."""
    page = page or Page()
    bound = {**bound, **page.bound}
    figure = value(conn, int, within(question.figure, page), bound)
    wrong = within(question.wrong, page)
    statement = f"SELECT w.*, count(*) OVER () AS wrong FROM ({wrong}) w LIMIT {MOST_ROWS}"
    cursor = execute(conn, statement, bound)
    names = [column.name for column in cursor.description or ()]
    rows = cursor.fetchall()
    return AuditAnswer(figure, rows[0][-1] if rows else 0, [dict(zip(names[:-1], row, strict=False)) for row in rows])


def ask_together(conn: Connection, questions: Together, bound: Bound, page: Page) -> dict[str, AuditAnswer]:
    """Runs the statement of several checks for a page; the result of each by its name."""
    answers = " UNION ALL ".join(
        f"SELECT '{name}', ({questions.figures[name]}), (SELECT count(*) FROM {name}),"
        f" (SELECT json_agg(w) FROM (SELECT * FROM {name} LIMIT {MOST_ROWS}) w)"
        for name in questions.names
    )
    statement = f"WITH {within(questions.wrong, page)} {answers}"
    rows = execute(conn, statement, {**bound, **page.bound})
    return {name: AuditAnswer(figure, wrong, first or []) for name, figure, wrong, first in rows}
