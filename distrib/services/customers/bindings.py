"""Binds customers to shops (锁客) by recorded claims, and reads the bindings in force and their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.customers import Binding, BindingRule, Claim, DatedClaim
from distrib.domain.errors import Refusal
from distrib.domain.events import CLOCK_SKEW
from distrib.services.context import Program, Unit
from distrib.services.customers.people import ClaimsOfPeople, lock_people
from distrib.services.customers.refusals import BindingShopUnknown, BoundInFuture, CustomerUnknown
from distrib.store import customers as store
from distrib.store.customers import ClaimRow, NewClaim
from distrib.store.network import shops

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
    """A binding as the API answers it."""

    shop_id: str
    source: str
    bound_at: datetime
    renewed_at: datetime
    protected_until: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """The outcome of a claim (``bound``, ``kept``, ``taken_over`` or ``refused``) and the binding now in force."""

    customer_id: str
    outcome: str
    binding: BindingView | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim in a customer's history, on this id or on another of the same person.

    ``until`` is when the binding it made ended or will end; None where that is not known, and where it made none.
    """

    customer_id: str
    shop_id: str
    source: str
    bound_at: datetime
    rule: str
    outcome: str
    until: datetime | None
    recorded_at: datetime
    recorded_by: str


def bind_customer(unit: Unit, draft: ClaimDraft) -> ClaimResult:
    """Records the claim of a shop on a customer; the same claim again answers its first outcome.

    Raises:
        Refusal: ``binding_shop_unknown`` or ``bound_in_future``.
    """
    [result] = bind_customers(unit, [draft])
    if result.refusal is not None:
        raise result.refusal
    return result


def bind_customers(unit: Unit, drafts: Sequence[ClaimDraft]) -> list[ClaimResult]:
    """Records many claims and answers the outcome of each, in the order sent; one refusal touches no other."""
    program_id = unit.program_id
    customers = {draft.customer_id for draft in drafts}
    lock_people(unit.conn, program_id, customers)
    known = shops.by_ids(unit.conn, program_id, {draft.shop_id for draft in drafts})
    rule = BindingRule(unit.program.binding_rule, unit.program.protect_days, unit.program.expire_days)
    batch = _ClaimBatch(ClaimsOfPeople(unit.conn, program_id, customers), rule)
    outcomes: list[str | Refusal] = []
    for draft in drafts:
        shop = known.get(draft.shop_id)
        if shop is None:
            outcomes.append(BindingShopUnknown(id=draft.shop_id))
        elif draft.bound_at > unit.now + CLOCK_SKEW:
            outcomes.append(BoundInFuture())
        else:
            outcomes.append(batch.record(draft, shop.shop_no))
    if batch.new:
        store.insert_claims(unit.conn, program_id, batch.new, rule, unit.recorded)
    views = binding_views(
        unit.conn, program_id, {customer: batch.people.binding(customer, unit.now) for customer in customers}
    )
    return [_result(draft, outcome, views) for draft, outcome in zip(drafts, outcomes, strict=True)]


def list_claims(
    conn: Connection, program: Program, customer_id: str, passed: int, limit: int
) -> tuple[list[ClaimView], int | None]:
    """Lists a page of the claims on a customer by their instants, judged by all known now, and the next page's offset.

    Raises:
        Refusal: ``customer_unknown``.
    """
    people = ClaimsOfPeople(conn, program.program_id, [customer_id])
    if not people.is_known(customer_id):
        check_record(conn, program.program_id, customer_id)
    judged = people.judged(customer_id)
    page = judged[passed : passed + limit]
    ids = shops.ids_of(conn, program.program_id, {dated.claim.shop_no for dated in page}) if page else {}
    views = [_claim_view(people.row(dated.customer_id, dated.claim), dated, ids) for dated in page]
    return views, passed + limit if len(judged) > passed + limit else None


class _ClaimBatch:
    """The claims on the customers of one call: those recorded before, and those that are new."""

    def __init__(self, people: ClaimsOfPeople, rule: BindingRule) -> None:
        self.people = people
        self.new: list[NewClaim] = []
        self._rule = rule
        self._outcomes = {
            (row.customer_id, row.claim.bound_at, row.claim.shop_no, row.claim.source): row.outcome
            for row in people.rows()
        }

    def record(self, draft: ClaimDraft, shop_no: int) -> str:
        """Records a claim and answers its outcome; of a claim recorded before, its first outcome."""
        key = (draft.customer_id, draft.bound_at, shop_no, draft.source)
        if key not in self._outcomes:
            claim = Claim(draft.bound_at, _NOT_STORED + len(self.new), shop_no, draft.source, self._rule)
            self.people.add(draft.customer_id, claim)
            outcome = next(dated.outcome for dated in self.people.judged(draft.customer_id) if dated.claim is claim)
            self.new.append(NewClaim(draft.customer_id, draft.bound_at, shop_no, draft.source, outcome))
            self._outcomes[key] = outcome
        return self._outcomes[key]


def _claim_view(row: ClaimRow, dated: DatedClaim, ids: dict[int, str]) -> ClaimView:
    claim = row.claim
    return ClaimView(
        customer_id=row.customer_id,
        shop_id=ids[claim.shop_no],
        source=claim.source,
        bound_at=claim.bound_at,
        rule=claim.rule.name,
        outcome=dated.outcome,
        until=dated.until,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )


def check_record(conn: Connection, program_id: int, customer_id: str) -> None:
    """Raises ``customer_unknown`` for a customer without a record of its own."""
    if customer_id not in store.shops_of_customers(conn, program_id, [customer_id]):
        raise CustomerUnknown(id=customer_id)


def binding_views(
    conn: Connection, program_id: int, bindings: Mapping[str, Binding | None]
) -> dict[str, BindingView | None]:
    """Shows bindings by customer."""
    numbers = {binding.shop_no for binding in bindings.values() if binding is not None}
    ids = shops.ids_of(conn, program_id, numbers) if numbers else {}
    return {
        customer: None if binding is None else _binding_view(binding, ids) for customer, binding in bindings.items()
    }


def _binding_view(binding: Binding, ids: dict[int, str]) -> BindingView:
    return BindingView(
        shop_id=ids[binding.shop_no],
        source=binding.source,
        bound_at=binding.bound_at,
        renewed_at=binding.renewed_at,
        protected_until=binding.protected_until,
        expires_at=binding.expires_at,
    )


def _result(draft: ClaimDraft, outcome: str | Refusal, views: dict[str, BindingView | None]) -> ClaimResult:
    if isinstance(outcome, Refusal):
        return ClaimResult(draft.customer_id, "refused", None, outcome)
    return ClaimResult(draft.customer_id, outcome, views[draft.customer_id])
