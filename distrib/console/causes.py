"""Why an amount of money is what it is, in a sentence of the reader's language: a commission, and a look at one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from distrib.console.commission_words import plan_key, purpose_of_row
from distrib.console.frame import Visit
from distrib.domain.settlement.seats import ORDER_CAP, PAID, POLICY, RULE_CAP
from distrib.domain.texts import Text, Wording
from distrib.services.plans.words import REASONS
from distrib.services.statements.line_words import LineWords

PAYING: Final = frozenset({PAID, ORDER_CAP, RULE_CAP, POLICY})
"""The reasons of looks that pay, in full or cut."""
_SEATS: Final[Mapping[str, Text]] = {
    "seller": Text("Selling shop", "seat"),
    "leader": Text("Leader", "seat"),
    "opener": Text("Opener", "seat"),
}
_ABOVE = Text("{tier} above", "seat")
_OF = Text("{purpose}: {rate} of {base} = {amount}", "cause")
_ROUNDED = Text("{purpose}: {rate} of {base} is {exact}, rounded to {amount}", "cause")
_FIXED = Text("{purpose}: {amount}", "cause")
_CUT = Text("{sentence}, cut from {before}: {reason}", "cause")
_NOTHING = Text("{purpose}: nothing, {reason}", "cause")
_RANK = Text("{sentence}; rank then: {rank}", "cause")
_FROM = Text("{sentence}; available from {day}", "cause")
_BY_HAND = Text("{purpose}: {reason}", "cause")
_RETURNED = Text("The customer got {refunded} back; {rate} of it was taken back: {amount}", "cause")
_RETURNED_FIXED = Text("The customer got {refunded} back; its commission was taken back: {amount}", "cause")
_UNDONE = Text("The refund was undone; what it took back comes back: {amount}", "cause")
_CANCELLED = Text("The order was refunded or cancelled; its commission was taken back: {amount}", "cause")
_BY_PLATFORM = Text("Taken back by the platform: {amount}", "cause")


class Causes:
    """Puts causes into words for one visit; reads the plans once."""

    def __init__(self, visit: Visit) -> None:
        """Reads the rules of the plans that were published."""
        self._visit = visit
        self._words = LineWords(visit.desk.conn, visit.desk.program)

    def purpose(self, row: Mapping[str, Any]) -> str:
        """What a commission is for: whose sale and how far below, or what adjusted it and why.

        Args:
            row: as ``list_commissions`` answers it.
        """
        said = purpose_of_row(self._words, row)
        if row["kind"] == "adjusted" and row["reason"]:
            said = _BY_HAND.with_params(purpose=said, reason=row["reason"])
        return self._visit.say(said)

    def rule(self, plan: Mapping[str, Any] | None, look: Mapping[str, Any]) -> str:
        """What the rule of a look is for.

        Args:
            plan: that decided the order, with ``code`` and ``version``.
        """
        return self._visit.say(self._words.of_rule(plan_key(plan), look["rule"], look["tier"] or 0))

    def reason(self, code: str) -> str:
        """Why a seat was paid or not."""
        return self._visit.say(REASONS.get(code, code))

    def seat(self, role: str) -> str:
        """What somebody was to an order: ``seller``, ``upline-1`` and so on, ``leader`` or ``opener``."""
        known = _SEATS.get(role)
        return self._visit.say(known if known is not None else _ABOVE.with_params(tier=role.partition("-")[2]))

    def of_look(self, plan: Mapping[str, Any] | None, look: Mapping[str, Any]) -> str:
        """Says what a look at a shop came to, and why.

        Args:
            look: of the explanation of an order.
        """
        purpose, amount_minor, before_minor = (
            self.rule(plan, look),
            look["amount_minor"],
            look["amount_before_cap_minor"],
        )
        if look["reason"] not in PAYING:
            return self._visit.say(_NOTHING.with_params(purpose=purpose, reason=self.reason(look["reason"])))
        said: Wording = self._reckoned(purpose, look["rate"], look["base_minor"], before_minor)
        if amount_minor != before_minor:
            cut = {"before": self._money(before_minor), "reason": self.reason(look["reason"])}
            said = _CUT.with_params(
                sentence=_FIXED.with_params(purpose=purpose, amount=self._money(amount_minor)), **cut
            )
        if look["rank"]:
            said = _RANK.with_params(sentence=said, rank=look["rank"])
        return self._visit.say(said)

    def of_commission(self, row: Mapping[str, Any], rank: str | None = None) -> str:
        """Says why a commission is what it is, and from when on it is available.

        Args:
            row: as ``get_commission`` answers it.
            rank: of the shop when the order was paid, where it is known.
        """
        if row["kind"] == "reversed":
            return self._visit.say(self._taken_back(row))
        if row["kind"] != "earned":
            return self._visit.say(
                _FIXED.with_params(purpose=self.purpose(row), amount=self._money(row["amount_minor"]))
            )
        said: Wording = self._reckoned(self.purpose(row), row["rate"], row["base_minor"], row["amount_minor"])
        if rank:
            said = _RANK.with_params(sentence=said, rank=rank)
        if row["available_at"] is not None:
            said = _FROM.with_params(sentence=said, day=self._visit.reader.day(row["available_at"]))
        return self._visit.say(said)

    def _reckoned(self, purpose: str, rate: str | None, base_minor: int | None, amount_minor: int) -> Text:
        """A rate of a base with what it comes to exactly where the amount is that, rounded."""
        amount = self._money(amount_minor)
        if rate is None or not base_minor:
            return _FIXED.with_params(purpose=purpose, amount=amount)
        terms = {"purpose": purpose, "rate": self._visit.reader.percent(rate), "base": self._money(base_minor)}
        exact = self._visit.reader.before_rounding(rate, base_minor, amount_minor)
        if exact:
            return _ROUNDED.with_params(exact=exact, amount=amount, **terms)
        return (_OF if Decimal(rate) * base_minor == amount_minor else _FIXED).with_params(amount=amount, **terms)

    def _taken_back(self, row: Mapping[str, Any]) -> Text:
        amount = self._visit.reader.signed(row["amount_minor"])
        if row["amount_minor"] > 0:
            return _UNDONE.with_params(amount=amount)
        if row["event_id"] is None:
            return _BY_PLATFORM.with_params(amount=amount)
        if not row["refunded_minor"]:
            return _CANCELLED.with_params(amount=amount)
        refunded = self._money(row["refunded_minor"])
        if row["rate"] is None:
            return _RETURNED_FIXED.with_params(refunded=refunded, amount=amount)
        rate = self._visit.reader.percent(row["rate"])
        return _RETURNED.with_params(refunded=refunded, rate=rate, amount=amount)

    def _money(self, amount_minor: int) -> str:
        return self._visit.reader.money(amount_minor)
