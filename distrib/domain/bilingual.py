"""Splits the texts that carry English and Chinese together. Which of them a reader sees is the edge's business."""

from __future__ import annotations

import re

_BETWEEN = re.compile(r" / (?=[^\x00-\x7f])")
_AFTER_A_STOP = re.compile(r"(?<=\.) (?=[^\x00-\x7f])")


def of_problem(detail: str) -> tuple[str, str]:
    """The English and the Chinese half of a problem's detail; twice the same where there is one alone.

    What was found stands in both halves and may hold the mark between them; the mark in the middle is the real one.

    >>> of_problem("is required / 必填"), of_problem("a / b")
    (('is required', '必填'), ('a / b', 'a / b'))
    >>> of_problem('must be a list, not "a / 中" / 必须是列表，而不是 "a / 中"')[0]
    'must be a list, not "a / 中"'
    """
    marks = list(_BETWEEN.finditer(detail))
    if not marks:
        return detail, detail
    middle = marks[len(marks) // 2]
    return detail[: middle.start()], detail[middle.end() :]


def of_description(text: str) -> tuple[str, str]:
    """The English and the Chinese sentences of what the schema says of a key.

    >>> of_description("Who: the leader (团长). 付给谁。")
    ('Who: the leader (团长).', '付给谁。')
    """
    english, *chinese = _AFTER_A_STOP.split(text, maxsplit=1)
    return english, chinese[0] if chinese else english
