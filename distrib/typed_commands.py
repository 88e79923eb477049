"""The command that somebody typed, as the trail tells of it. What a command does may not enter."""

from __future__ import annotations

import os
import pwd
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import click

from distrib.services.context import COMMAND_LINE, Actor, Program

OF_THE_SERVICE: Final = frozenset({"bench", "demo", "migrate", "serve", "settle", "worker"})
"""They run the service or a made-up program of their own; what they do is not somebody's deed."""
PERSONAL_READS: Final = frozenset({"payout export", "payout report", "compliance penalty list", "shops export"})
"""What shows names, identities, accounts or decisions against people."""
_IDS: Final = ("_id", "month", "case_no", "code")


@dataclass(slots=True)
class TypedCommand:
    """A command with what was given to it, who typed it, and for which programs and in whose name it acts.

    Args:
        name: its words, such as ``payout approve``.
        sent: its arguments and options by name.
    """

    name: str
    request_id: str
    os_user: str
    sent: Mapping[str, Any]
    subject: str | None
    programs: dict[int, Program] = field(default_factory=dict)
    actor: Actor = COMMAND_LINE

    @property
    def reads_personal(self) -> bool:
        """Whether it shows what is personal, and so stands in the trail though it changes nothing."""
        return self.name in PERSONAL_READS


def typed_command() -> TypedCommand | None:
    """The command that is running, where a person's deed is one; None in a server, a worker or a test of services."""
    context = click.get_current_context(silent=True)
    if context is None:
        return None
    words = context.command_path.split()[1:]
    if not words or words[0] in OF_THE_SERVICE:
        return None
    names = [parameter.name for parameter in context.command.params if isinstance(parameter, click.Argument)]
    ids = [context.params[name] for name in names if name and name.endswith(_IDS)]
    subject = str(ids[0]) if ids and ids[0] is not None else None
    sent = {name: value for name, value in context.params.items() if value is not None}
    return TypedCommand(" ".join(words), str(uuid.uuid4()), _os_user(), sent, subject)


def _os_user() -> str:
    """The account of this process, by name where it has one; not what the environment claims."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
