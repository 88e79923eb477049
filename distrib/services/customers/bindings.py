"""Binds customers to shops (锁客) and tells whom they belong to. What orders earn by it must not enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from distrib.domain.customers import KEPT, Binding, BindingRule, Claim, JudgedClaim, binding_at, judge_claims
from distrib.domain.errors import Refusal
from distrib.services.context import Actor, Program
from distrib.store import customers as store
from distrib.store.customers import ClaimRow, NewClaim
from distrib.store.network import shops

CLOCK_SKEW = timedelta(minutes=5)
_NOT_STORED = 2**63 - 1
"""Stands for the number of a claim that is being recorded: it comes after all that are."""


@dataclass(frozen=True, slots=True)
class ClaimDraft:
    """A claim as sent."""

    customer_id: str
    shop_id: str
    source: str
    bound_at: datetime


@dataclass(frozen=True, slots=True)
class BindingView:
    """A binding as it is answered."""

    shop_id: str
    source: str
    bound_at: datetime
    renewed_at: datetime
    protected_until: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """What became of a claim (``bound``, ``kept``, ``taken_over`` or ``refused``) and the binding now in force."""

    customer_id: str
    outcome: str
    binding: BindingView | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim in a customer's history.

    ``until`` is when the binding it made ended or will end; None where that is not known, and where it made none.
    """

    shop_id: str
    source: str
    bound_at: datetime
    rule: str
    outcome: str
    until: datetime | None
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A customer: the shop it is itself, if any, and the binding now in force."""

    id: str
    shop_id: str | None
    binding: BindingView | None


def bind_customer(conn: Connection, program: Program, draft: ClaimDraft, actor: Actor, now: datetime) -> ClaimResult:
    """Records that a customer came by a shop; the same again answers what became of it the first time.

    Raises:
        Refusal: ``binding_shop_unknown`` or ``bound_in_future``.
    """
    [bound] = bind_customers(conn, program, [draft], actor, now)
    if bound.refusal is not None:
        raise bound.refusal
    return bound


def bind_customers(
    conn: Connection, program: Program, drafts: Sequence[ClaimDraft], actor: Actor, now: datetime
) -> list[ClaimResult]:
    """Records many claims, in the order sent; one refusal touches no other."""
    program_id = program.program_id
    customers = {draft.customer_id for draft in drafts}
    store.lock_customers(conn, program_id, customers)
    known = shops.by_ids(conn, program_id, {draft.shop_id for draft in drafts})
    rule = BindingRule(program.binding_rule, program.protect_days, program.expire_days)
    desk = _Desk(store.claims_of(conn, program_id, customers), rule)
    told: list[str | Refusal] = []
    for draft in drafts:
        shop = known.get(draft.shop_id)
        if shop is None:
            told.append(Refusal("binding_shop_unknown", id=draft.shop_id))
        elif draft.bound_at > now + CLOCK_SKEW:
            told.append(Refusal("bound_in_future"))
        else:
            told.append(desk.record(draft, shop.shop_no))
    if desk.new:
        store.insert_claims(conn, program_id, desk.new, rule, now, actor.key_id)
    current = {customer: binding_at(claims, now) for customer, claims in desk.claims.items()}
    views = _views(conn, program_id, current)
    return [_bound(draft, outcome, views) for draft, outcome in zip(drafts, told, strict=True)]


def list_claims(
    conn: Connection, program: Program, customer_id: str, passed: int, limit: int
) -> tuple[list[ClaimView], int | None]:
    """The claims on a customer by their instants, judged as they stand now, and how many the next page passes.

    Raises:
        Refusal: ``customer_unknown``.
    """
    rows = store.claims_of(conn, program.program_id, [customer_id]).get(customer_id)
    if rows is None:
        _record_of(conn, program.program_id, customer_id)
        return [], None
    steps = judge_claims(row.claim for row in rows)
    ends = _ends(steps)
    page = list(range(len(rows)))[passed : passed + limit]
    ids = shops.ids_of(conn, program.program_id, {rows[place].claim.shop_no for place in page})
    views = [_claim_view(rows[place], steps[place], ends[place], ids) for place in page]
    return views, passed + limit if len(rows) > passed + limit else None


def get_customer(conn: Connection, program: Program, customer_id: str, now: datetime) -> CustomerView:
    """What is known of a customer; raises ``customer_unknown``."""
    program_id = program.program_id
    rows = store.claims_of(conn, program_id, [customer_id]).get(customer_id, [])
    shop_no = store.shops_of_customers(conn, program_id, [customer_id]).get(customer_id)
    if not rows and shop_no is None:
        _record_of(conn, program_id, customer_id)
    binding = binding_at([row.claim for row in rows], now)
    shop_id = None if shop_no is None else shops.ids_of(conn, program_id, [shop_no])[shop_no]
    return CustomerView(customer_id, shop_id, _views(conn, program_id, {customer_id: binding})[customer_id])


def set_customer(
    conn: Connection, program: Program, customer_id: str, shop_id: str | None, actor: Actor, now: datetime
) -> CustomerView:
    """Records which shop a customer is; None takes it back. Orders already worked on never change.

    Raises:
        Refusal: ``binding_shop_unknown``.
    """
    program_id = program.program_id
    store.lock_customers(conn, program_id, [customer_id])
    shop = None if shop_id is None else shops.by_ids(conn, program_id, [shop_id]).get(shop_id)
    if shop is None and shop_id is not None:
        raise Refusal("binding_shop_unknown", id=shop_id)
    shop_no = None if shop is None else shop.shop_no
    recorded = store.shops_of_customers(conn, program_id, [customer_id])
    if customer_id not in recorded or recorded[customer_id] != shop_no:
        store.insert_customer_shop(conn, program_id, customer_id, shop_no, now, actor.key_id)
    return get_customer(conn, program, customer_id, now)


class _Desk:
    """The claims on the customers of one call, those that are new among them."""

    def __init__(self, known: dict[str, list[ClaimRow]], rule: BindingRule) -> None:
        self.claims = {customer: [row.claim for row in rows] for customer, rows in known.items()}
        self.new: list[NewClaim] = []
        self._rule = rule
        self._told = {
            (customer, row.claim.bound_at, row.claim.shop_no, row.claim.source): row.outcome
            for customer, rows in known.items()
            for row in rows
        }

    def record(self, draft: ClaimDraft, shop_no: int) -> str:
        """What becomes of a claim, or became of it when it was first sent."""
        key = (draft.customer_id, draft.bound_at, shop_no, draft.source)
        if key not in self._told:
            claims = self.claims.setdefault(draft.customer_id, [])
            claim = Claim(draft.bound_at, _NOT_STORED + len(self.new), shop_no, draft.source, self._rule)
            claims.append(claim)
            outcome = next(step.outcome for step in judge_claims(claims) if step.claim is claim)
            self.new.append(NewClaim(draft.customer_id, draft.bound_at, shop_no, draft.source, outcome))
            self._told[key] = outcome
        return self._told[key]


def _ends(steps: Sequence[JudgedClaim]) -> list[datetime | None]:
    """Until when each claim that bound the customer did; None while it does, and for claims that never did."""
    ends: list[datetime | None] = []
    follows: datetime | None = None
    last: Binding | None = None
    for step in reversed(steps):
        if last is None or last.bound_at != step.binding.bound_at or last.shop_no != step.binding.shop_no:
            last = step.binding
        known = [at for at in (follows, last.expires_at) if at is not None]
        ends.append(None if step.outcome == KEPT or not known else min(known))
        if step.outcome != KEPT:
            follows = step.claim.bound_at
    return ends[::-1]


def _claim_view(row: ClaimRow, step: JudgedClaim, until: datetime | None, ids: dict[int, str]) -> ClaimView:
    claim = row.claim
    return ClaimView(
        ids[claim.shop_no],
        claim.source,
        claim.bound_at,
        claim.rule.name,
        step.outcome,
        until,
        row.recorded_at,
        row.recorded_by,
    )


def _record_of(conn: Connection, program_id: int, customer_id: str) -> None:
    if customer_id not in store.shops_of_customers(conn, program_id, [customer_id]):
        raise Refusal("customer_unknown", id=customer_id)


def _views(conn: Connection, program_id: int, bindings: dict[str, Binding | None]) -> dict[str, BindingView | None]:
    numbers = {binding.shop_no for binding in bindings.values() if binding is not None}
    ids = shops.ids_of(conn, program_id, numbers) if numbers else {}
    return {
        customer: None if binding is None else BindingView(ids[binding.shop_no], *binding[1:])
        for customer, binding in bindings.items()
    }


def _bound(draft: ClaimDraft, told: str | Refusal, views: dict[str, BindingView | None]) -> ClaimResult:
    if isinstance(told, Refusal):
        return ClaimResult(draft.customer_id, "refused", None, told)
    return ClaimResult(draft.customer_id, told, views[draft.customer_id])
