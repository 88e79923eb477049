"""Resolves which shop a customer is bound to (锁客) at any instant, from dated claims alone.

A claim says that the customer came by a shop at an instant. Claims are judged in the order of their instants, in
whatever order they arrived, each by the rule of the program when it was recorded.

Source of the rules: the contract's ``PUT /v1/customers/{id}/binding``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

FIRST, LAST, PROTECTED = "first", "last", "protected"
RULES = (FIRST, LAST, PROTECTED)
BOUND, KEPT, TAKEN_OVER = "bound", "kept", "taken_over"
OUTCOMES = (BOUND, KEPT, TAKEN_OVER)


class BindingRule(NamedTuple):
    """How a program binds: ``protect_days`` goes with ``protected`` alone; no ``expire_days`` binds without end."""

    name: str = FIRST
    protect_days: int | None = None
    expire_days: int | None = None


class Claim(NamedTuple):
    """A customer came by a shop; of two at the same instant the later recorded (``seq``) comes later."""

    bound_at: datetime
    seq: int
    shop_no: int
    source: str
    rule: BindingRule


class Binding(NamedTuple):
    """A customer belongs to a shop from ``bound_at`` on.

    ``renewed_at`` is when the customer last came by that shop: protection and expiry count from it. ``expires_at``
    None binds without end; ``protected_until`` None is under no term of days.
    """

    shop_no: int
    source: str
    bound_at: datetime
    renewed_at: datetime
    protected_until: datetime | None
    expires_at: datetime | None

    def holds_at(self, instant: datetime) -> bool:
        """Whether it has not expired by ``instant``; at the instant of expiry it holds no longer."""
        return self.expires_at is None or instant < self.expires_at


class JudgedClaim(NamedTuple):
    """A claim with its outcome, and the binding in force right after."""

    claim: Claim
    outcome: str
    binding: Binding


def judge_claims(claims: Iterable[Claim]) -> list[JudgedClaim]:
    """Judges the claims on one customer in the order of their instants; one result a claim.

    A claim by the shop that has the customer renews the binding and is ``kept``. Another shop takes over by ``last``
    always, by ``first`` never, by ``protected`` once so many days have gone by since the binding was last renewed.
    An expired binding stands in nobody's way.
    """
    judged: list[JudgedClaim] = []
    current: Binding | None = None
    for claim in sorted(claims):
        outcome, current = _judge_claim(claim, current)
        judged.append(JudgedClaim(claim, outcome, current))
    return judged


def binding_at(claims: Sequence[Claim], instant: datetime) -> Binding | None:
    """Resolves the binding in force at an instant from the claims on one customer; None where there is none.

    >>> from datetime import UTC
    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> rule = BindingRule(PROTECTED, protect_days=5, expire_days=20)
    >>> claims = [Claim(day(8), 1, 22, "poster", rule), Claim(day(1), 2, 11, "link", rule)]
    >>> [bound.shop_no if (bound := binding_at(claims, day(n))) else None for n in (1, 7, 8, 27, 28)]
    [11, 11, 22, 22, None]
    """
    judged = judge_claims(claim for claim in claims if claim.bound_at <= instant)
    binding = judged[-1].binding if judged else None
    return binding if binding is not None and binding.holds_at(instant) else None


def first_bound(claims: Iterable[Claim], shop_no: int) -> datetime | None:
    """Computes when a shop first bound the customer; None where other shops' bindings outlived all of its claims.

    >>> from datetime import UTC
    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> rule = BindingRule(FIRST)
    >>> claims = [Claim(day(8), 1, 22, "poster", rule), Claim(day(1), 2, 11, "link", rule)]
    >>> first_bound(claims, 22), first_bound(claims, 11) == day(1)
    (None, True)
    """
    bound = (judged.claim.bound_at for judged in judge_claims(claims) if judged.binding.shop_no == shop_no)
    return next(bound, None)


def _judge_claim(claim: Claim, current: Binding | None) -> tuple[str, Binding]:
    if current is None or not current.holds_at(claim.bound_at):
        return BOUND, _binding(claim)
    if claim.shop_no == current.shop_no:
        return KEPT, _renewed(current, claim)
    if _takes_over(claim, current):
        return TAKEN_OVER, _binding(claim)
    return KEPT, current


def _takes_over(claim: Claim, current: Binding) -> bool:
    if claim.rule.name == PROTECTED:
        return claim.bound_at >= current.renewed_at + timedelta(days=claim.rule.protect_days or 0)
    return claim.rule.name == LAST


def _binding(claim: Claim) -> Binding:
    bound_at, rule = claim.bound_at, claim.rule
    return Binding(
        shop_no=claim.shop_no,
        source=claim.source,
        bound_at=bound_at,
        renewed_at=bound_at,
        protected_until=None if rule.protect_days is None else bound_at + timedelta(days=rule.protect_days),
        expires_at=None if rule.expire_days is None else bound_at + timedelta(days=rule.expire_days),
    )


def _renewed(current: Binding, claim: Claim) -> Binding:
    return _binding(claim)._replace(source=current.source, bound_at=current.bound_at)
