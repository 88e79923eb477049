"""Of what a handler answers, each caller gets what the list of its role names; which names is for the schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from distrib.api.calls.call import Call, Handler
from distrib.api.calls.documentation import Shapes, shapes_of
from distrib.api.http.answers import Answer, Drawing, Stream
from distrib.api.http.auth import roles_of
from distrib.api.schemas.visible import Names, Visible, is_open, pick

SEEN: Final[dict[str, Mapping[int, Mapping[str, Names]]]] = {}
"""Of every operation that answers with fields, by status and by role or way of seeing, what is seen of the answer."""


def seen_by_role(name: str, handler: Handler, answers: Mapping[int, Shapes]) -> Handler:
    """The handler of an operation, of whose answers only what the caller's role is listed to see is left.

    An answer without lists is a file, a document that somebody else decides on, or nothing.

    Args:
        answers: by status what it answers, with the lists.

    Raises:
        TypeError: it answers with fields, and there are no lists, or none for a role that may call.
    """
    lists = {status: _names_by_way(shapes) for status, shapes in answers.items()}
    _check(name, answers, lists)
    if any(lists.values()):
        SEEN[name] = lists

    def see(call: Call, **path: str) -> Answer | Stream | Drawing:
        answer = handler(call, **path)
        if not isinstance(answer, Answer) or answer.view is None:
            return answer
        way = answer.seen_as or call.actor.role
        names = lists.get(answer.status, {}).get(way)
        if names is None:
            raise TypeError(f"{name} answers {answer.status} with fields, and no list says what {way} sees")
        return replace(answer, view=pick(answer.view, names))

    return see


def _names_by_way(shapes: Shapes) -> dict[str, Names]:
    seen = [shape for shape in shapes_of(shapes) if isinstance(shape, Visible)]
    return {way: names for shape in seen for way, names in shape.names.items()}


def _check(name: str, answers: Mapping[int, Shapes], lists: Mapping[int, Mapping[str, Names]]) -> None:
    for status, shapes in answers.items():
        whole = [shape for shape in shapes_of(shapes) if isinstance(shape, type) and not is_open(shape)]
        if whole:
            raise TypeError(f"{name} answers {whole[0].__name__} without saying who sees what of it")
        blind = roles_of(name) - lists[status].keys() if lists[status] else ()
        if blind:
            raise TypeError(f"{name} may be called by {', '.join(sorted(blind))}, with no list of what they see")
