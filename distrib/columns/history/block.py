"""A block of history: some orders as they settled, what came back of them, and what the ledger has. What goes in.

Nothing in a block depends on a plan, so that it serves any number of candidates. Texts are codes, places in
``HistoryTexts``, which a source keeps for all of its blocks and only adds to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from distrib.columns.commissions.chunk import Chunk
from distrib.columns.commissions.gathering import GrowingCodes
from distrib.columns.tree import Integers, Truths


@dataclass(frozen=True, slots=True)
class HistoryTexts:
    """The code of each text: those of a chunk, rules of the ledger by id, and currencies; from 0 on without gaps.

    ``codes.ranks`` has the ranks of snapshots, under whatever plan. Of SKUs and categories only those need a code that
    some plan of the simulation names; all others may be ``NOBODY``, so that the texts stay few.
    """

    codes: GrowingCodes = field(default_factory=GrowingCodes)
    rules: dict[str, int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PastColumns:
    """The orders of a block beside what a chunk has of them; one array a field, all of one length.

    Attributes:
        order_no: the store's number.
        settled_at: microseconds since 1970.
        currency: code.
        refunded_minor: what refunds took of the order, those that were undone left out.
        needs_engine: a refund was undone, or a case decided: the engine of one order has to work out what changed.
    """

    order_no: Integers
    settled_at: Integers
    currency: Integers
    refunded_minor: Integers
    needs_engine: Truths


@dataclass(frozen=True, slots=True)
class PostedColumns:
    """The rows of the ledger for the orders of a block: those of an order together and in the order of its numbers.

    Attributes:
        order: place of the order in the block, ascending.
        rule: code.
        tier: 0 to 3; leader and opener at 0.
        shop_no: the earner.
        amount_minor: signed as the shop sees it.
        is_earned: not reversed.
        occurred_at: microseconds since 1970.
        available_at: the same.
    """

    order: Integers
    rule: Integers
    tier: Integers
    shop_no: Integers
    amount_minor: Integers
    is_earned: Truths
    occurred_at: Integers
    available_at: Integers


@dataclass(frozen=True, slots=True)
class RefundColumns:
    """Refunds of the orders that do not need the engine: those of an order together, as they were applied.

    Attributes:
        order: place of the order in the block, ascending.
        occurred_at: from when it counts, in microseconds since 1970.
        left_minor: what is left after it of each line of its order: the lines of the first refund's order, then those
            of the second's, and so on, as ``chunk.take(order)`` has them.
    """

    order: Integers
    occurred_at: Integers
    left_minor: Integers


@dataclass(frozen=True, slots=True)
class HistoryBlock:
    """Some thousand orders that settled, in the order in which they are to be worked on.

    Of ``chunk`` the limits (order cap, tiers and what packs allow) and ``unmet`` say nothing: a candidate has its own.
    ``earlier_orders`` is ``NOBODY`` throughout: plans that ask for them work order by order. Ranks are codes of
    ``texts``.
    """

    texts: HistoryTexts
    past: PastColumns
    chunk: Chunk
    posted: PostedColumns
    refunds: RefundColumns

    def __len__(self) -> int:
        return len(self.past.order_no)
