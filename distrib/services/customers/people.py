"""Reads customers as persons: who is one person with whom, and all claims on the ids of each, for many at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.customers import (
    Binding,
    Claim,
    DatedClaim,
    Identities,
    binding_at,
    binding_of_person,
    first_bound,
    judge_people,
)
from distrib.store import customer_merges, customers
from distrib.store.customers import ClaimRow


def identities_of(conn: Connection, program_id: int, customer_ids: Collection[str]) -> Identities:
    """Reads who is one person with each of those customers, as known now."""
    return Identities(customer_merges.merges_of(conn, program_id, customer_ids) if customer_ids else ())


def lock_people(conn: Connection, program_id: int, customer_ids: Collection[str]) -> None:
    """Locks customers, and the ids their persons go on under, against claims and merges until the transaction ends."""
    identities = identities_of(conn, program_id, customer_ids)
    surviving = {identities.surviving(customer_id) for customer_id in customer_ids}
    customers.lock_customers(conn, program_id, {*customer_ids, *surviving})


class ClaimsOfPeople:
    """The claims on some customers, and on all who are one person with one of them."""

    def __init__(
        self,
        conn: Connection,
        program_id: int,
        customer_ids: Collection[str],
        identities: Identities | None = None,
    ) -> None:
        self.identities = identities or identities_of(conn, program_id, customer_ids)
        ids = {known for customer_id in customer_ids for known in self.identities.ids_of(customer_id)}
        self._rows = customers.claims_of(conn, program_id, ids) if ids else {}
        self._claims = {customer_id: [row.claim for row in rows] for customer_id, rows in self._rows.items()}

    def rows(self) -> Iterable[ClaimRow]:
        """Lists the claims as stored."""
        return (row for rows in self._rows.values() for row in rows)

    def row(self, customer_id: str, claim: Claim) -> ClaimRow:
        """Looks a stored claim up."""
        return next(row for row in self._rows[customer_id] if row.claim.seq == claim.seq)

    def is_known(self, customer_id: str) -> bool:
        """Whether there is a claim on an id of the customer's person, or a merge that made it."""
        ids = self.identities.ids_of(customer_id)
        return len(ids) > 1 or any(known in self._claims for known in ids)

    def add(self, customer_id: str, claim: Claim) -> None:
        """Adds a claim that is being recorded."""
        self._claims.setdefault(customer_id, []).append(claim)

    def claims_of(self, customer_id: str) -> dict[str, list[Claim]]:
        """Lists the claims on the customer's person, by the id that each names."""
        return {known: self._claims.get(known, []) for known in self.identities.ids_of(customer_id)}

    def judged(self, customer_id: str) -> list[DatedClaim]:
        """Judges the claims on the customer's person, in the order of their instants."""
        return judge_people(self.claims_of(customer_id), self.identities.merges_of(customer_id))

    def binding(self, customer_id: str, instant: datetime) -> Binding | None:
        """Resolves the binding in force at an instant for the customer, or whom it had been merged into by then."""
        if len(self.identities.ids_of(customer_id)) == 1:
            return binding_at(self._claims.get(customer_id, []), instant)
        claims = self.claims_of(customer_id)
        return binding_of_person(customer_id, claims, self.identities.merges_of(customer_id), instant)

    def first_bound(self, customer_id: str, shop_no: int, end: datetime) -> datetime | None:
        """Computes when a shop first bound the customer's person before ``end``; None if it never did."""
        claims = {
            known: [claim for claim in own if claim.bound_at < end]
            for known, own in self.claims_of(customer_id).items()
        }
        return first_bound(claims, shop_no, self.identities.merges_of(customer_id))
