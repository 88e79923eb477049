"""Reads invitations: the program, the inviter and the code that a poster and the page behind an invite link show.

An invitation shows the titles of its program and its shop, and a code: no id, no figure, no rank and no word on
earnings (CN-P08).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.policies.policy import Policy
from distrib.domain.sharing import join_link, read_code, without_claims
from distrib.domain.texts import Text
from distrib.services.context import SERVICE, Program, Unit
from distrib.services.programs.tenants import get_program
from distrib.services.sharing.refusals import ShopNotInviting
from distrib.store.database import enter_program
from distrib.store.network import shops
from distrib.store.sharing import codes as store

ACTIVE, ERASED = "active", "erased"
CLAIMS = "claims"
"""The measure of a pack's check that looks for promises of earnings."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as shown to anybody. ``join_url`` is the platform's own page with the code, where there is one."""

    program: str
    inviter: str | None
    code: str
    join_url: str | None


def invitation_of(unit: Unit, policies: Mapping[str, Policy], shop_id: str) -> Invitation:
    """Reads the invitation of a shop.

    Raises:
        Refusal: ``shop_unknown``; ``shop_not_inviting`` where it is pending, frozen, closed or erased.
    """
    row = shops.show(unit.conn, unit.program_id, shop_id, unit.now) if is_identifier(shop_id) else None
    if row is None:
        raise ShopUnknown(id=shop_id)
    state = ERASED if store.is_erased(unit.conn, unit.program_id, shop_id) else row.status
    if state != ACTIVE:
        raise ShopNotInviting(id=shop_id, state=state)
    claims = _claims(policies[unit.program.policy])
    return Invitation(
        without_claims(unit.program.title, claims) or unit.program.code,
        without_claims(row.name, claims),
        row.invite_code,
        None if unit.program.join_url is None else join_link(unit.program.join_url, row.invite_code),
    )


def find_invitations(conn: Connection, policies: Mapping[str, Policy], typed: str, now: datetime) -> list[Invitation]:
    """Finds the invitations behind a code: none where no shop has it or its shop may not invite.

    A code is unique within its program alone. Where two programs have drawn the same code there are two, and the
    invited person has to say which; a guess would bring them in under a stranger.
    """
    code = read_code(typed)
    if code is None:
        return []
    invitations = []
    for program_id, shop_id in store.shops_of_code(conn, code):
        enter_program(conn, program_id)
        try:
            invitations.append(
                invitation_of(Unit(conn, get_program(conn, program_id), SERVICE, now), policies, shop_id)
            )
        except Refusal as refusal:
            if refusal.code != ShopNotInviting.code:
                raise
    return invitations


def check_claims(policies: Mapping[str, Policy], program: Program, texts: Mapping[str, str | None]) -> None:
    """Checks texts that are to stand beside an invitation, by where they come from.

    Raises:
        Refusal: ``invalid`` with each that holds a promise of earnings, where the program's pack forbids those.
    """
    claims = _claims(policies[program.policy])
    claiming = [name for name, text in texts.items() if text and without_claims(text, claims) is None]
    if claiming:
        raise Refusal("invalid", [Problem(name, Text("must not promise earnings")) for name in claiming])


def _claims(policy: Policy) -> list[str]:
    return [word for check in policy.checks if check.measure == CLAIMS for word in check.words]
