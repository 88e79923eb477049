"""What a simulation sees: events, facts of other kinds, policy packs, months that are over. No SQL may enter.

The same question has the same answer where all of it is what it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from distrib.domain.policies.policy import Policy
from distrib.services.context import Unit
from distrib.services.policies import signed_overrides
from distrib.store.simulations.history import last_event
from distrib.store.simulations.seen import newest_facts

_DIGITS = 16


def seen_by(unit: Unit, policies: Mapping[str, Policy], until: datetime) -> str:
    """What is seen now, as one line that is compared as a whole.

    Args:
        unit: its instant says which months are over.
        until: the end of the span; months after it are not seen.
    """
    packs = [*(f"{name}: {policies[name]!r}" for name in sorted(policies)), *sorted(signed_overrides(unit.conn))]
    digest = hashlib.sha256("\n".join([unit.program.policy, *packs]).encode()).hexdigest()[:_DIGITS]
    period = unit.program.period_of(min(unit.now, until))
    event_no, facts = last_event(unit.conn, unit.program_id), newest_facts(unit.conn, unit.program_id)
    return f"events {event_no}, {facts}, packs {digest}, month {period}"
