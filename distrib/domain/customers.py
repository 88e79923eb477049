"""Which shop a customer belongs to (锁客), at any instant, from dated claims alone.

A claim says that the customer came by a shop at an instant. Claims are judged in the order of their instants, in
whatever order they arrived, each by the rule of the program when it was recorded. No clock, no storage may enter.

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


class Rule(NamedTuple):
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
    rule: Rule


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

    def holds_at(self, at: datetime) -> bool:
        """Whether it has not expired; the instant of expiry itself is free."""
        return self.expires_at is None or at < self.expires_at


class Step(NamedTuple):
    """A claim with what became of it, and the binding in force right after."""

    claim: Claim
    outcome: str
    binding: Binding


def judge_claims(claims: Iterable[Claim]) -> list[Step]:
    """What became of each claim, in the order of their instants.

    A claim by the shop that has the customer renews the binding and is ``kept``. Another shop takes over by ``last``
    always, by ``first`` never, by ``protected`` once so many days have gone by since the binding was last renewed.
    An expired binding stands in nobody's way.
    """
    steps: list[Step] = []
    current: Binding | None = None
    for claim in sorted(claims):
        outcome, current = _judged(claim, current)
        steps.append(Step(claim, outcome, current))
    return steps


def binding_at(claims: Sequence[Claim], at: datetime) -> Binding | None:
    """The binding in force at an instant, None where there is none.

    >>> from datetime import UTC
    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> rule = Rule(PROTECTED, protect_days=5, expire_days=20)
    >>> told = [Claim(day(8), 1, 22, "poster", rule), Claim(day(1), 2, 11, "link", rule)]
    >>> [found.shop_no if (found := binding_at(told, day(n))) else None for n in (1, 7, 8, 27, 28)]
    [11, 11, 22, 22, None]
    """
    steps = judge_claims(claim for claim in claims if claim.bound_at <= at)
    binding = steps[-1].binding if steps else None
    return binding if binding is not None and binding.holds_at(at) else None


def first_bound(claims: Iterable[Claim], shop_no: int) -> datetime | None:
    """When a shop first had the customer, None if it never did; a claim that another shop's binding outlived is none.

    >>> from datetime import UTC
    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> told = [Claim(day(8), 1, 22, "poster", Rule(FIRST)), Claim(day(1), 2, 11, "link", Rule(FIRST))]
    >>> first_bound(told, 22), first_bound(told, 11) == day(1)
    (None, True)
    """
    made = (step.claim.bound_at for step in judge_claims(claims) if step.binding.shop_no == shop_no)
    return next(made, None)


def _judged(claim: Claim, current: Binding | None) -> tuple[str, Binding]:
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
    at, rule = claim.bound_at, claim.rule
    protected = None if rule.protect_days is None else at + timedelta(days=rule.protect_days)
    expires = None if rule.expire_days is None else at + timedelta(days=rule.expire_days)
    return Binding(claim.shop_no, claim.source, at, at, protected, expires)


def _renewed(current: Binding, claim: Claim) -> Binding:
    return _binding(claim)._replace(source=current.source, bound_at=current.bound_at)
