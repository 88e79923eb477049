"""What a line of a statement is for, in words that a shop's owner uses: whose sale it was, and how far below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.plans.rules import CHAIN, LEADER, OPENER, SELLER, UPLINE
from distrib.domain.texts import Text, Wording
from distrib.services.context import Program
from distrib.services.orders.commissions import CommissionView
from distrib.services.plans.versions import load_timeline

_OWN, _BELOW = Text("Own sale"), Text("Downline sale, level {tier}")
_BY_RANK_OWN = Text("Own sale, by rank")
_BY_RANK_BELOW = Text("Downline sale, level {tier}, by rank")
_LED, _OPENED = Text("Leader of a community order"), Text("Opener of a group-buy order")
_POOL = Text("Share of the pool {pool}")
_BY_HAND, _FEE = Text("Adjustment by hand"), Text("Withdrawal fee")


class PlanKey(NamedTuple):
    """A published version of a plan."""

    code: str
    version: int


class LineWords:
    """Puts into words what the lines of a program's statements are for."""

    def __init__(self, conn: Connection, program: Program) -> None:
        """Reads the rules of every version that was published."""
        entries = load_timeline(conn, program).entries
        self._pays: Mapping[tuple[str, int, str], str] = {
            (entry.code, entry.version, rule.id): rule.pay for entry in entries for rule in entry.plan.rules
        }

    def purpose(self, line: CommissionView) -> Wording:
        """Words what a commission is for; the id of its rule where no published plan has it."""
        plan = None if line.plan_version is None else PlanKey(line.plan_version.code, line.plan_version.version)
        return self.of_kind(line.kind, plan, line.rule, line.tier, is_fee=line.withdrawal_id is not None)

    def of_kind(
        self, kind: str, plan: PlanKey | None, rule_id: str | None, tier: int | None, *, is_fee: bool
    ) -> Wording:
        """Words what a commission of a kind is for.

        Args:
            rule_id: of a share of a pool, the pool's.
            is_fee: it is the fee of a withdrawal.
        """
        if kind == "adjusted":
            return _FEE if is_fee else _BY_HAND
        if kind == "pool":
            return _POOL.with_params(pool=rule_id)
        return self.of_rule(plan, rule_id or "", tier or 0)

    def of_rule(self, plan: PlanKey | None, rule_id: str, tier: int) -> Wording:
        """Words what a rule pays at a tier; its id where no published plan has it."""
        pay = None if plan is None else self._pays.get((plan.code, plan.version, rule_id))
        return rule_id if pay is None else _worded(pay, tier)


def _worded(pay: str, tier: int) -> Text:
    if pay == CHAIN:
        return _BY_RANK_OWN if tier == 0 else _BY_RANK_BELOW.with_params(tier=tier)
    if pay == UPLINE:
        return _BELOW.with_params(tier=tier)
    return {SELLER: _OWN, LEADER: _LED, OPENER: _OPENED}[pay]
