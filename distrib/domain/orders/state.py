"""What is known of one order: its phase, what is left of it, what each commission became, and what waits.

A state never changes; ``machine.apply`` answers the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import NamedTuple

from distrib.domain.events import Event, Order, Refund
from distrib.domain.settlement.commission import Commission, settle_left
from distrib.domain.settlement.earned import CommissionKey
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms


class Phase(Enum):
    """Where an order stands: the first three come one after the other, the last two are final."""

    NEW = "new"
    EXPECTED = "expected"
    SETTLED = "settled"
    CANCELLED = "cancelled"
    DROPPED = "dropped"


class Arrival(NamedTuple):
    """An event of an order, the number under which it arrived, and the day to which its work belongs."""

    event_no: int
    day: date
    event: Event


class CommissionState(NamedTuple):
    """What one commission became.

    ``seq`` is its number within the order, ``posted_minor`` what was first earned, ``standing_minor`` what refunds left
    of it; ``is_gone``: a case took it back for good. While an order is expected the same is told of what is expected.
    """

    seq: int
    commission: Commission
    available_at: datetime
    posted_minor: int
    standing_minor: int
    is_gone: bool = False


class AppliedRefund(NamedTuple):
    """A refund that was applied: what it took of each line by index, from when that counts, and when it was undone."""

    refund: Refund
    taken_minor: tuple[int, ...]
    counts_from: datetime
    undone_at: datetime | None = None

    @property
    def is_undone(self) -> bool:
        """Whether what it took was given back since."""
        return self.undone_at is not None


class CommissionChange(NamedTuple):
    """By how much a commission has to change; below 0 takes back."""

    state: CommissionState
    amount_minor: int


class OrderAccount(NamedTuple):
    """An order that was paid or settled: its content, what is left of each line, and what each commission became.

    ``counts_from`` is the instant from which its commissions count, ``next_seq`` the number of the next transfer.
    """

    order: Order
    terms: Terms
    snapshot: Snapshot
    counts_from: datetime
    left_minor: tuple[int, ...]
    commissions: Mapping[CommissionKey, CommissionState]
    refunds: Mapping[str, AppliedRefund]
    next_seq: int

    @property
    def seller_no(self) -> int | None:
        """The store's number of the selling shop; None where nobody sells."""
        seller = self.snapshot.seller
        return None if seller is None else seller.shop_no

    def no_earlier(self, occurred_at: datetime) -> datetime:
        """From when something counts that happened to the order: nothing is taken back before it was earned."""
        return max(occurred_at, self.counts_from)

    @property
    def standing_minor(self) -> dict[CommissionKey, int]:
        """What stands of each commission."""
        return {key: state.standing_minor for key, state in self.commissions.items()}

    def is_reduced(self) -> bool:
        """Whether a refund that stands has given back of the order's lines, be it that they were free."""
        return any(not known.is_undone and not known.refund.is_beside_lines for known in self.refunds.values())

    def changes_to_left(self) -> list[CommissionChange]:
        """What changes each commission to what should stand on what is left of the order (plan.md, Refunds)."""
        if not self.is_reduced():
            posted = {key: 0 if state.is_gone else state.posted_minor for key, state in self.commissions.items()}
            return self.changes_to(posted)
        first = {key: None if state.is_gone else state.posted_minor for key, state in self.commissions.items()}
        left = settle_left(self.terms.plan, self.order, self.snapshot, self.left_minor, first)
        changes = self.changes_to({commission.key: commission.amount_minor for commission in left})
        return changes + [
            CommissionChange(taking_up(self.commissions, commission), commission.amount_minor)
            for commission in left
            if commission.key not in self.commissions
        ]

    def changes_to(self, target_minor: Mapping[CommissionKey, int]) -> list[CommissionChange]:
        """What changes each commission that there is to its target; one without a target goes to 0."""
        return [
            CommissionChange(state, target_minor.get(key, 0) - state.standing_minor)
            for key, state in self.commissions.items()
            if target_minor.get(key, 0) != state.standing_minor
        ]

    def after(self, changes: Sequence[CommissionChange]) -> OrderAccount:
        """The account with the changes made, each of which takes one number."""
        commissions = dict(self.commissions)
        for state, amount_minor in changes:
            standing_minor = state.standing_minor + amount_minor
            commissions[state.commission.key] = state._replace(standing_minor=standing_minor)
        return self._replace(commissions=commissions, next_seq=self.next_seq + len(changes))

    def after_refund(self, refund: Refund, taken_minor: Sequence[int], occurred_at: datetime) -> OrderAccount:
        """The account with what a refund takes of each line taken, and the refund known."""
        left_minor = tuple([left - taken for left, taken in zip(self.left_minor, taken_minor, strict=True)])
        known = AppliedRefund(refund, tuple(taken_minor), self.no_earlier(occurred_at))
        return self._replace(left_minor=left_minor, refunds={**self.refunds, refund.id: known})

    def freed_by(self, taken_minor: Sequence[int], instant: datetime) -> datetime:
        """From when so much can be taken of each line: not before later refunds were undone that had taken it."""
        undone = [known for known in self.refunds.values() if known.undone_at is not None and known.undone_at > instant]
        held = [sum(parts) for parts in zip(*[known.taken_minor for known in undone], strict=True)]
        free = zip(taken_minor, self.left_minor, held, strict=True) if undone else ()
        needs_them = any(taken > max(left - kept, 0) for taken, left, kept in free)
        return max([known.undone_at or instant for known in undone]) if needs_them else instant

    def after_reversal(self, refund_id: str, undone_at: datetime) -> OrderAccount:
        """The account with what a refund took given back to each line, and the refund known as undone."""
        known = self.refunds[refund_id]
        left_minor = tuple([left + taken for left, taken in zip(self.left_minor, known.taken_minor, strict=True)])
        refunds = {**self.refunds, refund_id: known._replace(undone_at=undone_at)}
        return self._replace(left_minor=left_minor, refunds=refunds)


def taking_up(commissions: Mapping[CommissionKey, CommissionState], commission: Commission) -> CommissionState:
    """A line that takes up what a cap had denied it: it stands under the first commission of its slot."""
    first = next(state for key, state in commissions.items() if key.slot == commission.key.slot)
    return first._replace(commission=commission, posted_minor=0, standing_minor=0, is_gone=False)


def standing_whole(
    commissions: Sequence[Commission], available_at: datetime, first_seq: int = 1
) -> dict[CommissionKey, CommissionState]:
    """The commissions of an order that was just paid or settled, each standing whole.

    ``first_seq`` is the number of the first.
    """
    return {
        commission.key: CommissionState(seq, commission, available_at, commission.amount_minor, commission.amount_minor)
        for seq, commission in enumerate(commissions, first_seq)
    }


def whole_lines(order: Order) -> tuple[int, ...]:
    """What is left of each line of an order of which nothing was refunded."""
    return tuple([line.paid_minor for line in order.lines])


class Settlement(NamedTuple):
    """What an order earned when it settled, counting from an instant.

    Few orders get another event at once: the account is opened when it is asked for.
    """

    order: Order
    terms: Terms
    snapshot: Snapshot
    commissions: Sequence[Commission]
    counts_from: datetime

    def open_account(self) -> OrderAccount:
        """The account in which every commission stands whole."""
        states = standing_whole(self.commissions, self.counts_from + self.terms.hold)
        left_minor, next_seq = whole_lines(self.order), 1 + len(states)
        return OrderAccount(self.order, self.terms, self.snapshot, self.counts_from, left_minor, states, {}, next_seq)


class OrderEnd(NamedTuple):
    """Why an order ended for ever (``order_cancelled``, ``group_failed``), by which event, and when."""

    reason: str
    event_no: int
    occurred_at: datetime


class EarlyRefund(NamedTuple):
    """A refund that came before the settlement, and what it takes of each line, by index.

    Where ``is_undone``, the event undoes the refund instead, and ``taken_minor`` is given back.
    """

    arrival: Arrival
    refund: Refund
    taken_minor: tuple[int, ...]
    is_undone: bool = False


class PaymentNumbers(NamedTuple):
    """Which payment of the order it is, and the first numbers of what changes its expectation and of its refunds."""

    payment_no: int = 1
    first_seq: int = 1
    first_refund_seq: int = 1


class Waiting(NamedTuple):
    """An event that waits: why, for the id of what, and by which key its coming is noticed."""

    event_no: int
    code: str
    id: str
    waits_for: str


class OrderState(NamedTuple):
    """All that is known of one order.

    ``kept`` is the order's account while it is expected and from its settlement on. ``is_described``: some event said
    what the order holds, whatever became of that event; ``shop_id`` is the shop it named. ``early_refunds`` are what
    came back of an expected order, in the order it was applied. ``failed_at`` is when its payment failed last;
    ``numbers`` are those of the payment that is expected, or of the next one.
    """

    phase: Phase = Phase.NEW
    kept: OrderAccount | Settlement | None = None
    early_refunds: tuple[EarlyRefund, ...] = ()
    end: OrderEnd | None = None
    is_described: bool = False
    shop_id: str | None = None
    waiting: tuple[Waiting, ...] = ()
    failed_at: datetime | None = None
    numbers: PaymentNumbers = PaymentNumbers()

    @property
    def account(self) -> OrderAccount | None:
        """The account of an order that is expected or has settled; None for all others."""
        kept = self.kept
        return kept.open_account() if isinstance(kept, Settlement) else kept

    @property
    def settled(self) -> OrderAccount | None:
        """The account of an order that has settled, cancelled afterwards or not."""
        return None if self.phase is Phase.EXPECTED else self.account

    @property
    def expected(self) -> OrderAccount | None:
        """The account of an order that is paid and neither settled nor ended."""
        return self.account if self.phase is Phase.EXPECTED else None


NEW = OrderState()
"""An order of which nothing is known."""
