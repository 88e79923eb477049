"""``--key``: in whose name a command acts, where it takes two people. What the key may do is said by the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from distrib.bootstrap import Container
from distrib.cli.output import in_both
from distrib.domain.refusals import Forbidden, ScopeMissing, Unauthorized
from distrib.domain.texts import Text
from distrib.services.context import Unit
from distrib.services.programs.keys import authenticate
from distrib.services.programs.refusals import ProgramUnknown
from distrib.services.programs.scopes import reach_of

MAY_ACT = ("finance", "admin")
_F = TypeVar("_F", bound=Callable[..., Any])


_SINGLE_KEY = Text("one key a call: the second person gives theirs in a call of their own")


def _only(_context: click.Context, _option: click.Parameter, keys: Sequence[str]) -> str | None:
    """The one key that was given; of two, the last would act and the other be forgotten in silence."""
    if len(keys) > 1:
        raise click.BadParameter(in_both(_SINGLE_KEY))
    return keys[0] if keys else None


def key_option(*, required: bool = True) -> Callable[[_F], _F]:
    """``--key``, or ``DISTRIB_KEY`` so that it stands in no list of processes."""
    return click.option(
        "--key",
        "key",
        envvar="DISTRIB_KEY",
        required=required,
        multiple=True,
        callback=_only,
        help="An API key (finance or admin); also DISTRIB_KEY.",
    )


def acting_as(container: Container, conn: Connection, key: str, program_code: str | None, scope: str) -> Unit:
    """A unit of work of whose key that is, which reaches as far as ``scope``; the program is the key's own.

    Raises:
        Refusal: ``unauthorized``, ``key_expired``, ``forbidden`` for a role that may not act on money,
            ``scope_missing``, or ``program_unknown`` where another program was named.
    """
    now = container.now()
    authenticated = authenticate(conn, key, container.pepper, now)
    if authenticated is None:
        raise Unauthorized()
    program, actor = authenticated
    if program_code is not None and program_code != program.code:
        raise ProgramUnknown(code=program_code)
    if actor.role not in MAY_ACT:
        raise Forbidden()
    if scope not in reach_of(actor.role, actor.scopes):
        raise ScopeMissing(scope=scope)
    container.act(program, actor)
    return Unit(conn, program, actor, now)
