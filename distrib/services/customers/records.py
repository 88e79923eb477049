"""Customers as the API shows them: the shop that a customer is, its binding, and whom it was merged into.

Merging says that two customers are one person. Orders that were worked on stay as they are; nothing of the claims is
rewritten: from the merge on they are read as one person's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from distrib.domain.customers import Identities
from distrib.services.context import Unit
from distrib.services.customers.bindings import BindingView, binding_views, check_record
from distrib.services.customers.people import ClaimsOfPeople, identities_of, lock_people
from distrib.services.customers.refusals import (
    BindingShopUnknown,
    CustomerMerged,
    CustomerMergedIntoItself,
    CustomerUnknown,
    MergeCustomerUnknown,
    PersonTooLarge,
)
from distrib.store import customer_merges
from distrib.store import customers as store
from distrib.store.network import shops

MOST_IDS = 1_000
"""So many ids may be one person; more are a mistake, such as a till's one id for whoever gives none."""
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A customer: the shop it is itself, if any, the binding now in force, and whom it was merged into, since when."""

    id: str
    shop_id: str | None
    binding: BindingView | None
    merged_into: str | None
    merged_at: datetime | None


def get_customer(unit: Unit, customer_id: str) -> CustomerView:
    """Reads a customer: the shop it is itself, and its binding now; raises ``customer_unknown``.

    One that was merged shows the shop and the binding of its person.
    """
    program_id = unit.program_id
    people = ClaimsOfPeople(unit.conn, program_id, [customer_id])
    surviving = people.identities.surviving(customer_id)
    shop_no = store.shops_of_customers(unit.conn, program_id, [surviving]).get(surviving)
    if shop_no is None and not people.is_known(customer_id):
        check_record(unit.conn, program_id, customer_id)
    binding = people.binding(customer_id, unit.now)
    shop_id = None if shop_no is None else shops.ids_of(unit.conn, program_id, [shop_no])[shop_no]
    merge = people.identities.merge_of(customer_id)
    return CustomerView(
        id=customer_id,
        shop_id=shop_id,
        binding=binding_views(unit.conn, program_id, {customer_id: binding})[customer_id],
        merged_into=None if merge is None else surviving,
        merged_at=None if merge is None else merge.merged_at,
    )


def set_customer(unit: Unit, customer_id: str, shop_id: str | None) -> CustomerView:
    """Records which shop a customer's person is; None takes it back. Orders already settled never change.

    Raises:
        Refusal: ``binding_shop_unknown``.
    """
    program_id = unit.program_id
    lock_people(unit.conn, program_id, [customer_id])
    surviving = identities_of(unit.conn, program_id, [customer_id]).surviving(customer_id)
    shop = None if shop_id is None else shops.by_ids(unit.conn, program_id, [shop_id]).get(shop_id)
    if shop is None and shop_id is not None:
        raise BindingShopUnknown(id=shop_id)
    shop_no = None if shop is None else shop.shop_no
    recorded = store.shops_of_customers(unit.conn, program_id, [surviving])
    if surviving not in recorded or recorded[surviving] != shop_no:
        store.insert_customer_shop(unit.conn, program_id, surviving, shop_no, unit.recorded)
    return get_customer(unit, customer_id)


def merge_customer(unit: Unit, customer_id: str, into_id: str) -> CustomerView:
    """Records that a customer is the person ``into_id``, which goes on under that id; the same again changes nothing.

    The surviving customer's binding and shop stand; where it has none, those of the other go over.

    Raises:
        Refusal: ``customer_merged_into_itself``, ``customer_unknown``, ``merge_customer_unknown``, ``customer_merged``
            where one of the two was merged into another, ``person_too_large``.
    """
    if customer_id == into_id:
        raise CustomerMergedIntoItself(id=customer_id)
    program_id = unit.program_id
    lock_people(unit.conn, program_id, [customer_id, into_id])
    _check_known(unit.conn, program_id, customer_id, into_id)
    identities = identities_of(unit.conn, program_id, [customer_id, into_id])
    merge = identities.merge_of(customer_id)
    if merge is not None and into_id in (merge.into_id, identities.surviving(customer_id)):
        return get_customer(unit, customer_id)
    for merged in (customer_id, into_id):
        if identities.merge_of(merged) is not None:
            raise CustomerMerged(id=merged, into=identities.surviving(merged))
    if len(identities.ids_of(customer_id)) + len(identities.ids_of(into_id)) > MOST_IDS:
        raise PersonTooLarge(id=into_id, most=MOST_IDS)
    unit = unit.as_of(_instant(identities, unit.now))
    customer_merges.insert_merge(unit.conn, program_id, customer_id, into_id, unit.recorded)
    _hand_shop_over(unit, customer_id, into_id)
    return get_customer(unit, customer_id)


def _check_known(conn: Connection, program_id: int, customer_id: str, into_id: str) -> None:
    known = customer_merges.known_customers(conn, program_id, [customer_id, into_id])
    if customer_id not in known:
        raise CustomerUnknown(id=customer_id)
    if into_id not in known:
        raise MergeCustomerUnknown(id=into_id)


def _instant(identities: Identities, now: datetime) -> datetime:
    """Dates a merge after those before it: a call that waited for the lock read its clock earlier."""
    return max([now, *(merge.merged_at + _TICK for merge in identities.merges)])


def _hand_shop_over(unit: Unit, customer_id: str, into_id: str) -> None:
    """Records the shop that the merged customer is, by its record or its id, for the person where that is none."""
    conn, program_id = unit.conn, unit.program_id
    recorded = store.shops_of_customers(conn, program_id, [customer_id, into_id])
    own = shops.by_ids(conn, program_id, [customer_id, into_id])
    if recorded.get(into_id) is not None or into_id in own:
        return
    shop_no = recorded.get(customer_id)
    if shop_no is None and customer_id in own:
        shop_no = own[customer_id].shop_no
    if shop_no is not None:
        store.insert_customer_shop(conn, program_id, into_id, shop_no, unit.recorded)
