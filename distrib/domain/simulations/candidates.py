"""An order's snapshot as a candidate plan would have had it: the same people and chain, other ranks and limits."""

from __future__ import annotations

from collections.abc import Callable

from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import known_rank
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.settlement.terms import Terms


def rank_under(plan: Plan, rank: str) -> str:
    """Resolves a rank of history within a candidate: its own code, what ``rank_map`` names, or the lowest."""
    return rank if rank in plan.rank_indexes else known_rank(plan, plan.rank_map.get(rank))


def under_candidate(snapshot: Snapshot, terms: Terms, rank_of: Callable[[Person], str] | None = None) -> Snapshot:
    """The snapshot under the terms of a candidate; verdicts, earlier orders and rooms of the old plan are left out.

    Args:
        rank_of: the rank of a person under the candidate; by default that of the snapshot, mapped.
    """
    plan = terms.plan

    def person(known: Person | None) -> Person | None:
        if known is None:
            return None
        rank = rank_under(plan, known.rank) if rank_of is None else rank_of(known)
        return known if rank == known.rank and not known.unmet else known._replace(rank=rank, unmet=())

    return snapshot._replace(
        seller=person(snapshot.seller),
        uplines=tuple([moved for upline in snapshot.uplines if (moved := person(upline)) is not None]),
        leader=person(snapshot.leader),
        opener=person(snapshot.opener),
        order_cap_ppm=terms.order_cap_ppm,
        pack=terms.pack,
        entry_pays_seller=terms.entry_pays_seller,
        self_purchase_pays_uplines=terms.self_purchase_pays_uplines,
        max_tiers=terms.max_tiers,
        rooms=(),
        earlier_orders=None,
    )


def ranks_of(snapshot: Snapshot) -> dict[int, str]:
    """The rank of everyone around an order, by shop number."""
    people = (snapshot.seller, *snapshot.uplines, snapshot.leader, snapshot.opener)
    return {person.shop_no: person.rank for person in people if person is not None}
