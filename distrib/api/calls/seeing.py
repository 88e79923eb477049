"""Of what a handler answers, each caller gets what the list of its role names; which names is for the schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from distrib.api.calls.call import Call, Handler
from distrib.api.calls.documentation import Shapes, shapes_of
from distrib.api.http.answers import Answer, Drawing, Stream
from distrib.api.http.auth import MAY_CALL, PARTNER, roles_of
from distrib.api.schemas.visible import Names, Visible, pick

SEEN: Final[dict[str, Mapping[int, Mapping[str, Names]]]] = {}
"""Of every operation with lists, by status of the answer and by role or way of seeing, what is seen of it."""


def seen_by_role(name: str, handler: Handler, answers: Mapping[int, Shapes]) -> Handler:
    """The handler of an operation, of whose answers only what the caller's role is listed to see is left.

    Args:
        answers: by status what it answers, with the lists.

    Raises:
        TypeError: a role that may call has no list where others have one, or a partner may call and there is none.
    """
    lists = {status: _names_by_way(shapes) for status, shapes in answers.items()}
    _check(name, answers, lists)
    if not any(lists.values()):
        return handler
    SEEN[name] = lists

    def see(call: Call, **path: str) -> Answer | Stream | Drawing:
        answer = handler(call, **path)
        if not isinstance(answer, Answer) or answer.view is None:
            return answer
        names = lists[answer.status][answer.seen_as or call.actor.role]
        return replace(answer, view=pick(answer.view, names))

    return see


def _names_by_way(shapes: Shapes) -> dict[str, Names]:
    seen = [shape for shape in shapes_of(shapes) if isinstance(shape, Visible)]
    return {way: names for shape in seen for way, names in shape.names.items()}


def _check(name: str, answers: Mapping[int, Shapes], lists: Mapping[int, Mapping[str, Names]]) -> None:
    for status, shapes in answers.items():
        whole = [shape for shape in shapes_of(shapes) if isinstance(shape, type)]
        if whole and (lists[status] or PARTNER in MAY_CALL[name]):
            raise TypeError(f"{name} answers {whole[0].__name__} without saying who sees what of it")
        blind = roles_of(name) - lists[status].keys() if lists[status] else ()
        if blind:
            raise TypeError(f"{name} may be called by {', '.join(sorted(blind))}, with no list of what they see")
