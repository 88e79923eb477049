"""``--key``: in whose name a command acts, where it takes two people. What the key may do is said by the command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from distrib.bootstrap import Container
from distrib.domain.errors import Refusal
from distrib.services.context import Actor, Program
from distrib.services.programs.keys import authenticate

MAY_ACT = ("finance", "admin")
_F = TypeVar("_F", bound=Callable[..., Any])


def key_option(*, required: bool = True) -> Callable[[_F], _F]:
    """``--key``, or ``DISTRIB_KEY`` so that it stands in no list of processes."""
    return click.option(
        "--key",
        "key",
        envvar="DISTRIB_KEY",
        required=required,
        help="An API key (finance or admin); also DISTRIB_KEY.",
    )


def acting_as(container: Container, conn: Connection, key: str, program_code: str | None) -> tuple[Program, Actor]:
    """Whose key that is; the program is the key's own.

    Raises:
        Refusal: ``unauthorized``, ``forbidden`` for a role that may not act on money, or ``program_unknown`` where
            another program was named.
    """
    authenticated = authenticate(conn, key, container.settings.key_pepper.encode())
    if authenticated is None:
        raise Refusal("unauthorized")
    program, actor = authenticated
    if program_code is not None and program_code != program.code:
        raise Refusal("program_unknown", code=program_code)
    if actor.role not in MAY_ACT:
        raise Refusal("forbidden")
    return program, actor
