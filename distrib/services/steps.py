"""Long work as steps: each reads in a transaction that whoever conducts it opens, and may run again as a whole.

A generator yields its steps and goes on with their results, so that long work reads from top to bottom and holds no
snapshot longer than a step. A step changes nothing but what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from sqlalchemy import Connection

_Result = TypeVar("_Result")
_Asked = ParamSpec("_Asked")

Step: TypeAlias = Callable[[Connection], None]
Steps: TypeAlias = Generator[Step, None, _Result]


def step(
    perform: Callable[Concatenate[Connection, _Asked], _Result], *args: _Asked.args, **named: _Asked.kwargs
) -> Steps[_Result]:
    """Makes one step of what is performed in a transaction; to be yielded from. Of several runs the last one counts."""
    results: list[_Result] = []

    def run(conn: Connection) -> None:
        results[:] = [perform(conn, *args, **named)]

    yield run
    return results[0]


def conducted(steps: Steps[_Result], run: Callable[[Step], None]) -> _Result:
    """Runs steps one after another, each by ``run``, and returns what they come to."""
    while True:
        try:
            following = next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result
        run(following)
