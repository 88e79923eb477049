"""What keeps a command or a process from its work, and how that is said: one message that names all, no traceback."""

from __future__ import annotations

import errno
import socket

from distrib.domain.errors import CannotStart, Refusal
from distrib.domain.texts import Text
from distrib.embedded import EmbeddedServersFailed
from distrib.languages import render_both
from distrib.setting_checks import SettingsError

FAILURES = (Refusal, SettingsError, EmbeddedServersFailed, CannotStart)
"""Mistakes of who runs the service: in settings, files, data and servers."""
WRONG_USE = 2
"""The exit status that goes with them."""


def explain(failure: Exception) -> str:
    """What a failure says, in both languages: the code and the message of a refusal, then each of its problems."""
    if isinstance(failure, CannotStart):
        return render_both(failure.text)
    if not isinstance(failure, Refusal):
        return str(failure)
    lines = [f"{failure.code}: {render_both(failure.text, ' ')}"]
    for problem in failure.problems:
        detail = render_both(problem.detail)
        lines.append(f"  {problem.pointer}: {detail}" if problem.pointer else f"  {detail}")
    return "\n".join(lines)


def check_address(host: str, port: int) -> None:
    """Checks that a service may listen there.

    Raises:
        CannotStart: with the address and what the system says: in use, not this machine's, not allowed.
    """
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        reason = error.strerror or errno.errorcode.get(error.errno or 0)
        words = Text("cannot listen at {address}: {strerror}", address=f"{host}:{port}", strerror=reason)
        raise CannotStart(words) from error
