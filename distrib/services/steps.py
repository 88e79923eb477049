"""Long work as steps: each reads in a transaction that whoever conducts it opens, and may run again as a whole.

A generator yields its steps and is given their results, so that long work reads from top to bottom and holds no
snapshot longer than a step. A step changes nothing but what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection

_Result = TypeVar("_Result")

Step: TypeAlias = Callable[[Connection], Any]
Steps: TypeAlias = Generator[Step, Any, _Result]


def conducted(steps: Steps[_Result], run: Callable[[Step], Any]) -> _Result:
    """Runs steps one after another, each by ``run``, and returns what they come to."""
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            result: _Result = end.value
            return result
        answer = run(step)
