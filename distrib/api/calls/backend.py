"""What a request needs from the service: a transaction, the policy packs, the clock and the bell.

The factory of the app fills it in from the composition root.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app
from sqlalchemy import Connection

from distrib.api.calls.backlog import Backlog
from distrib.api.calls.gate import Gate
from distrib.api.calls.prometheus import Metrics
from distrib.api.calls.shares import Shares
from distrib.domain.payouts.channels import Channel
from distrib.domain.policies.policy import Policy
from distrib.figures import Figure
from distrib.services.encryption import Sealer
from distrib.services.pepper import Pepper

EXTENSION = "distrib"


@dataclass(frozen=True, slots=True)
class Backend:
    """The engine, packs, clock and bell of the service, as a request uses them.

    Args:
        begin: opens a transaction under the web role, committed when it is left without an error.
        enter: lets a transaction see the rows of one program.
        sealer: encrypts what has to be read back (payees, secrets of webhooks).
        figures: what ``/metrics`` asks for (``prometheus.ASKED``), over all programs, at an instant.
        channels: what payout channels take, by date.
        is_migrated: whether the database answers and stands at the schema of this release, or of a newer one.
        pepper: keys, links and sessions are hashed with it; ``identity_pepper``: what is never hashed anew.
        knows_its_peppers: whether the database was served with these before.
        has_bell: whether Redis answers.
        gate: who may call how often.
        shares: how many calls of one program are under way at a time.
        backlog: how much of a program may wait to be settled.
        metrics_key: what whoever reads ``/metrics`` presents; empty: it is for this machine alone.
        public_url: what links to this service begin with; None: as it was reached.
    """

    begin: Callable[[], AbstractContextManager[Connection]]
    enter: Callable[[Connection, int], None]
    policies: Mapping[str, Policy]
    channels: Sequence[Channel]
    pepper: Pepper
    identity_pepper: bytes
    sealer: Sealer
    now: Callable[[], datetime]
    ring: Callable[[], object]
    figures: Callable[[datetime], Mapping[str, Figure]]
    is_migrated: Callable[[], bool]
    knows_its_peppers: Callable[[], bool]
    has_bell: Callable[[], bool]
    metrics: Metrics
    gate: Gate
    shares: Shares
    backlog: Backlog
    metrics_key: str = field(default="", repr=False)
    allows_private_webhooks: bool = False
    public_url: str | None = None


def current_backend() -> Backend:
    """Returns the backend of the app that serves this request."""
    installed = current_app.extensions[EXTENSION]
    if not isinstance(installed, Backend):
        raise TypeError("the app was made without its backend")
    return installed
