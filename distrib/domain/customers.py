"""Resolves which shop a customer is bound to (锁客) at any instant, from dated claims and merges alone.

A claim says that the customer came by a shop at an instant. Claims are judged in the order of their instants, in
whatever order they arrived, each by the rule of the program when it was recorded. A merge says that two customers are
one person from an instant on.

Source of the rules: the contract's ``PUT /v1/customers/{id}/binding``; how a binding follows a merge is our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


class Merge(NamedTuple):
    """From ``merged_at`` on ``customer_id`` is the person ``into_id``; of two at one instant ``seq`` says the order."""

    merged_at: datetime
    seq: int
    customer_id: str
    into_id: str


class DatedClaim(NamedTuple):
    """A judged claim on one of a person's ids, and until when the binding it made held or will hold.

    ``until`` is None where no end is known, and where the claim made no binding.
    """

    customer_id: str
    claim: Claim
    outcome: str
    binding: Binding
    until: datetime | None


class Identities:
    """Which customers are one person now, from the merges of all who are one with them.

    >>> at = datetime(2026, 3, 1)
    >>> people = Identities([Merge(at, 1, "a", "b"), Merge(at, 2, "b", "c")])
    >>> people.surviving("a"), people.surviving("z"), people.ids_of("b"), people.ids_of("z")
    ('c', 'z', ['a', 'b', 'c'], ['z'])
    """

    def __init__(self, merges: Iterable[Merge] = ()) -> None:
        self.merges = sorted(merges)
        self._by_id = {merge.customer_id: merge for merge in self.merges}
        self._into = {merge.customer_id: merge.into_id for merge in self.merges}
        self._ids: dict[str, list[str]] = {}
        for customer_id in sorted({*self._into, *self._into.values()}):
            self._ids.setdefault(self.surviving(customer_id), []).append(customer_id)

    def surviving(self, customer_id: str) -> str:
        """Resolves the id that a customer's person goes on under: its own, where it was not merged."""
        return _surviving(self._into, customer_id)

    def ids_of(self, customer_id: str) -> list[str]:
        """Lists all ids of a customer's person, its own included, in the order of their letters."""
        return self._ids.get(self.surviving(customer_id), [customer_id])

    def merge_of(self, customer_id: str) -> Merge | None:
        """Looks up the merge of a customer into another; None where it goes on under its own id."""
        return self._by_id.get(customer_id)

    def merges_of(self, customer_id: str) -> list[Merge]:
        """Lists the merges that made a customer's person, the earliest first."""
        surviving = self.surviving(customer_id)
        return [merge for merge in self.merges if self.surviving(merge.customer_id) == surviving]


def persons_by(merges: Iterable[Merge], instant: datetime) -> dict[str, str]:
    """Resolves those who were merged by an instant, each with the id that its person went on under then.

    A merge takes along all that went on under the merged id before, in the order in which merges were recorded.

    >>> day = lambda n: datetime(2026, 3, n)
    >>> merges = [Merge(day(1), 1, "a", "b"), Merge(day(2), 2, "b", "c")]
    >>> persons_by(merges, day(1)), sorted(persons_by(merges, day(2)).items())
    ({'a': 'b'}, [('a', 'c'), ('b', 'c')])
    """
    return {customer_id: merge.into_id for customer_id, merge in taken_along(merges) if merge.merged_at <= instant}


def taken_along(merges: Iterable[Merge]) -> Iterator[tuple[str, Merge]]:
    """Yields each merge with every customer whose person it makes another, in the order in which merges were recorded.

    >>> day = lambda n: datetime(2026, 3, n)
    >>> merges = [Merge(day(1), 1, "a", "b"), Merge(day(2), 2, "b", "c")]
    >>> [(customer_id, merge.into_id) for customer_id, merge in taken_along(merges)]
    [('a', 'b'), ('a', 'c'), ('b', 'c')]
    """
    below: dict[str, set[str]] = {}
    for merge in sorted(merges, key=lambda merge: merge.seq):
        members = {merge.customer_id, *below.get(merge.customer_id, ())}
        below.setdefault(merge.into_id, set()).update(members)
        for customer_id in sorted(members):
            yield customer_id, merge


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


def judge_people(claims: Mapping[str, Iterable[Claim]], merges: Iterable[Merge]) -> list[DatedClaim]:
    """Judges the claims on the ids of one person, before and after its merges, in the order of their instants.

    Until two ids are merged each has a binding of its own. At the merge the surviving id's binding stands; where it has
    none in force, that of the other goes over as it is, its terms unchanged. Claims from then on count for the person,
    whichever id they name; a claim at the very instant of a merge comes after it.
    """
    return _judged(claims, merges, None).claims


def binding_of_person(
    customer_id: str, claims: Mapping[str, Iterable[Claim]], merges: Iterable[Merge], instant: datetime
) -> Binding | None:
    """Resolves the binding in force at an instant for a customer, or for whom it had been merged into by then.

    >>> from datetime import UTC
    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> claims = {"old": [Claim(day(1), 1, 11, "link", BindingRule())]}
    >>> merges = [Merge(day(5), 1, "old", "new")]
    >>> bound = lambda customer, n: binding_of_person(customer, claims, merges, day(n)) is not None
    >>> bound("old", 4), bound("new", 4), bound("new", 5), bound("old", 5)
    (True, False, True, True)
    """
    people = _judged(claims, merges, instant)
    binding = people.binding(customer_id)
    return binding if binding is not None and binding.holds_at(instant) else None


def first_bound(claims: Mapping[str, Iterable[Claim]], shop_no: int, merges: Iterable[Merge] = ()) -> datetime | None:
    """Computes when a shop first bound a person; None where other shops' bindings outlived all of its claims.

    >>> from datetime import UTC
    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> rule = BindingRule(FIRST)
    >>> claims = {"c": [Claim(day(8), 1, 22, "poster", rule), Claim(day(1), 2, 11, "link", rule)]}
    >>> first_bound(claims, 22), first_bound(claims, 11) == day(1)
    (None, True)
    """
    bound = (judged.claim.bound_at for judged in judge_people(claims, merges) if judged.binding.shop_no == shop_no)
    return next(bound, None)


@dataclass(slots=True)
class _People:
    """The bindings of a person's ids as judged so far; with each binding the place of the claim that made it."""

    claims: list[DatedClaim]
    _into: dict[str, str]
    _current: dict[str, tuple[Binding, int]]

    def binding(self, customer_id: str) -> Binding | None:
        """The binding of whom that id stands for so far, in force or expired."""
        current = self._current.get(_surviving(self._into, customer_id))
        return None if current is None else current[0]

    def judge(self, customer_id: str, claim: Claim) -> None:
        """Judges the next claim."""
        surviving = _surviving(self._into, customer_id)
        current = self._current.get(surviving)
        outcome, binding = _judge_claim(claim, None if current is None else current[0])
        if current is None or outcome != KEPT:
            self._end(surviving, claim.bound_at)
            self._current[surviving] = binding, len(self.claims)
        else:
            self._current[surviving] = binding, current[1]
        self.claims.append(DatedClaim(customer_id, claim, outcome, binding, None))

    def merge(self, merge: Merge) -> None:
        """Makes one person of two: one of the bindings goes on."""
        into = _surviving(self._into, merge.into_id)
        self._into[merge.customer_id] = into
        ended, standing = self._current.get(merge.customer_id), self._current.get(into)
        if ended is not None and (standing is None or not standing[0].holds_at(merge.merged_at)):
            self._end(into, merge.merged_at)
            self._current[into] = ended
        else:
            self._end(merge.customer_id, merge.merged_at)
        self._current.pop(merge.customer_id, None)

    def end_all(self) -> None:
        """Dates the end of what goes on: its expiry, where it has one."""
        for customer_id in self._current:
            self._end(customer_id, None)

    def _end(self, customer_id: str, instant: datetime | None) -> None:
        """Dates the end of a binding: its expiry, or that instant where it comes first."""
        if customer_id in self._current:
            binding, place = self._current[customer_id]
            ends = [end for end in (binding.expires_at, instant) if end is not None]
            self.claims[place] = self.claims[place]._replace(until=min(ends, default=None))


def _judged(claims: Mapping[str, Iterable[Claim]], merges: Iterable[Merge], until: datetime | None) -> _People:
    """Goes through claims and merges in the order of their instants, up to ``until`` if given."""
    people = _People([], {}, {})
    facts: list[tuple[datetime, bool, int, str, Claim | Merge]] = [
        (claim.bound_at, True, claim.seq, customer_id, claim) for customer_id, own in claims.items() for claim in own
    ]
    facts += [(merge.merged_at, False, merge.seq, merge.customer_id, merge) for merge in merges]
    for instant, _, _, customer_id, fact in sorted(facts, key=lambda fact: fact[:4]):
        if until is not None and instant > until:
            break
        if isinstance(fact, Claim):
            people.judge(customer_id, fact)
        else:
            people.merge(fact)
    people.end_all()
    return people


def _surviving(into: Mapping[str, str], customer_id: str) -> str:
    """Follows merges to the id that was not merged; there are no loops, whatever stands in ``into``."""
    passed = {customer_id}
    while (following := into.get(customer_id)) is not None and following not in passed:
        passed.add(following)
        customer_id = following
    return customer_id


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
