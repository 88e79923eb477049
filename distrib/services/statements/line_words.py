"""What a line of a statement is for, in words that a shop's owner uses: whose sale it was, and how far below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from distrib.domain.plans.rules import CHAIN, LEADER, OPENER, SELLER, UPLINE
from distrib.domain.texts import Text, Wording
from distrib.services.context import Program
from distrib.services.plans.versions import load_timeline

_OWN, _BELOW = Text("Own sale"), Text("Downline sale, level {tier}")
_BY_RANK_OWN = Text("Own sale, by rank")
_BY_RANK_BELOW = Text("Downline sale, level {tier}, by rank")
_LED, _OPENED = Text("Leader of a community order"), Text("Opener of a group-buy order")
_POOL = Text("Share of the pool {pool}")
_BY_HAND, _FEE = Text("Adjustment by hand"), Text("Withdrawal fee")


class LineWords:
    """Puts into words what the lines of a program's statements are for."""

    def __init__(self, conn: Connection, program: Program) -> None:
        """Reads the rules of every version that was published."""
        entries = load_timeline(conn, program).entries
        self._pays: Mapping[tuple[str, int, str], str] = {
            (entry.code, entry.version, rule.id): rule.pay for entry in entries for rule in entry.plan.rules
        }

    def purpose(self, line: Mapping[str, Any]) -> Wording:
        """Words what a commission is for; the id of its rule where no published plan has it.

        Args:
            line: a commission as ``shop_statement`` answers it.
        """
        if line["kind"] == "adjusted":
            return _BY_HAND if line["withdrawal_id"] is None else _FEE
        if line["kind"] == "pool":
            return _POOL.with_params(pool=line["rule"])
        return self.of_rule(line["plan_version"], str(line["rule"] or ""), line["tier"] or 0)

    def of_rule(self, plan: Mapping[str, Any] | None, rule_id: str, tier: int) -> Wording:
        """Words what a rule pays at a tier; its id where no published plan has it.

        Args:
            plan: ``code`` and ``version``.
        """
        known = plan or {}
        pay = self._pays.get((known.get("code"), known.get("version"), rule_id))  # type: ignore[arg-type]
        return rule_id if pay is None else _worded(pay, tier)


def _worded(pay: str, tier: int) -> Text:
    if pay == CHAIN:
        return _BY_RANK_OWN if tier == 0 else _BY_RANK_BELOW.with_params(tier=tier)
    if pay == UPLINE:
        return _BELOW.with_params(tier=tier)
    return {SELLER: _OWN, LEADER: _LED, OPENER: _OPENED}[pay]
