"""What a request needs from the service: a transaction, the policy packs, the clock and the bell.

The factory of the app fills it in from the composition root.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import Connection

from distrib.api.calls.known_keys import KnownKeys
from distrib.api.calls.prometheus import Metrics
from distrib.domain.payouts.channels import Channel
from distrib.domain.policies.policy import Policy
from distrib.services.encryption import Sealer

EXTENSION = "distrib"


@dataclass(frozen=True, slots=True)
class Backend:
    """The engine, packs, clock and bell of the service, as a request uses them.

    Args:
        begin: opens a transaction under the web role, committed when it is left without an error.
        enter: lets a transaction see the rows of one program.
        sealer: encrypts what has to be read back (payees, secrets of webhooks).
        figures: what ``/metrics`` asks for (``metrics.ASKED``), over all programs.
        channels: what payout channels take, by date.
        is_migrated: whether the database answers and stands at the newest schema.
        has_bell: whether Redis answers.
        known_keys: the keys that were found good of late.
        public_url: what links to this service begin with; None: as it was reached.
    """

    begin: Callable[[], AbstractContextManager[Connection]]
    enter: Callable[[Connection, int], None]
    policies: Mapping[str, Policy]
    channels: Sequence[Channel]
    pepper: bytes
    sealer: Sealer
    now: Callable[[], datetime]
    ring: Callable[[], object]
    figures: Callable[[], Mapping[str, float | None]]
    is_migrated: Callable[[], bool]
    has_bell: Callable[[], bool]
    metrics: Metrics
    known_keys: KnownKeys
    allows_private_webhooks: bool = False
    public_url: str | None = None


def current_backend() -> Backend:
    """Returns the backend of the app that serves this request."""
    installed = current_app.extensions[EXTENSION]
    if not isinstance(installed, Backend):
        raise TypeError("the app was made without its backend")
    return installed
