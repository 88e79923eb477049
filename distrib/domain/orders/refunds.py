"""Refunds by recomputation: what should stand on what is left, less what stands (plan.md, Refunds).

Depends on what is left alone, so the steps that led there do not matter: a full refund gives back exactly what was
earned, and a refund undone restores exactly what it took.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from distrib.domain.events import UNDONE, Refund
from distrib.domain.money import scale_down
from distrib.domain.orders.effects import CommissionsReversed, Effect, RefundApplied, RefundedBeside
from distrib.domain.orders.refusals import LineUnknown, RefundConflict, RefundExceeds, RefundUndoneBefore
from distrib.domain.orders.state import OrderAccount

NOTHING_LEFT, ALREADY_REFUNDED, ALREADY_REVERSED = "nothing_left", "already_refunded", "already_reversed"


def is_repeat(account: OrderAccount, refund: Refund, occurred_at: datetime) -> bool:
    """Whether the refund is known with the same content; one that was undone is still known.

    Raises:
        Refusal: ``refund_conflict`` where it is known with other content, ``refund_undone`` where it was undone before
            this happened: whether that is the same refund or another one nobody can tell.
    """
    known = account.refunds.get(refund.id)
    if known is not None and not known.refund.has_content_of(refund):
        raise RefundConflict(id=refund.id)
    if known is not None and known.undone_at is not None and occurred_at > known.undone_at:
        raise RefundUndoneBefore(id=refund.id)
    return known is not None


def taken_of_lines(account: OrderAccount, refund: Refund) -> tuple[int, ...]:
    """What a refund takes of each line, by index, in minor units; without lines and amount all that is left.

    Raises:
        Refusal: ``line_unknown`` or ``refund_exceeds``.
    """
    if refund.is_beside_lines:
        return (0,) * len(account.left_minor)
    if refund.amount_minor is not None:
        return _spread(account, refund.amount_minor)
    if refund.lines is None:
        return account.left_minor
    indexes = {line.id: index for index, line in enumerate(account.order.lines)}
    taken_minor = [0] * len(account.left_minor)
    for line in refund.lines:
        index = indexes.get(line.line_id)
        if index is None:
            raise LineUnknown(line=line.line_id)
        left_minor = account.left_minor[index]
        if line.amount_minor > left_minor:
            raise RefundExceeds(line=line.line_id, amount=line.amount_minor, left=left_minor)
        taken_minor[index] = line.amount_minor
    return tuple(taken_minor)


def _spread(account: OrderAccount, amount_minor: int) -> tuple[int, ...]:
    """An amount of the whole order by what is left of each line, by largest remainder; ties: line order."""
    left_minor = account.left_minor
    if amount_minor > sum(left_minor):
        raise RefundExceeds(amount=amount_minor, left=sum(left_minor))
    return tuple(scale_down(left_minor, amount_minor, [(index,) for index in range(len(left_minor))]))


def check_lines_known(account: OrderAccount, refund: Refund) -> None:
    """Makes sure that a refund names lines of the order.

    Raises:
        Refusal: ``line_unknown`` with the first that is not.
    """
    known = {line.id for line in account.order.lines}
    for line in refund.lines or ():
        if line.line_id not in known:
            raise LineUnknown(line=line.line_id)


def apply_refund(
    account: OrderAccount, event_no: int, refund: Refund, taken_minor: Sequence[int], occurred_at: datetime
) -> tuple[OrderAccount, list[Effect]]:
    """The account after a refund took so much of each line, with what is reversed by it.

    It counts from ``occurred_at``, and not before what it takes back, be it given back by undoing another refund.

    Args:
        refund: under whose id it is kept; a cancel's too.
        taken_minor: by index of the lines.
    """
    instant = account.freed_by(taken_minor, account.no_earlier(occurred_at))
    kept = RefundApplied(event_no, refund.id, account, taken_minor, instant)
    account, effects = _changed(account.after_refund(refund, taken_minor, instant), event_no, instant)
    return account, [kept, *effects]


def apply_reversal(
    account: OrderAccount, event_no: int, refund_id: str, occurred_at: datetime
) -> tuple[OrderAccount, list[Effect]]:
    """The account after a refund that it knows was undone, with what is earned again by that.

    It counts from ``occurred_at``, and not before the refund that it undoes.
    """
    known = account.refunds[refund_id]
    instant = max(occurred_at, known.counts_from)
    given_back = [-taken for taken in known.taken_minor]
    kept = RefundApplied(event_no, UNDONE + refund_id, account, given_back, instant)
    account, effects = _changed(account.after_reversal(refund_id, instant), event_no, instant)
    return account, [kept, *effects]


def beside(
    account: OrderAccount, event_no: int, refund: Refund, occurred_at: datetime
) -> tuple[OrderAccount, list[Effect]]:
    """The account after money was given back that is no line's; no commission changes."""
    nothing = (0,) * len(account.left_minor)
    effect = RefundedBeside(event_no, refund.id, refund.amount_minor or 0, occurred_at)
    return account.after_refund(refund, nothing, occurred_at), [effect]


def beside_no_more(
    account: OrderAccount, event_no: int, refund_id: str, occurred_at: datetime
) -> tuple[OrderAccount, list[Effect]]:
    """The account after a refund that was no line's is undone; no commission changes."""
    known = account.refunds[refund_id]
    instant = max(occurred_at, known.counts_from)
    effect = RefundedBeside(event_no, UNDONE + refund_id, -(known.refund.amount_minor or 0), instant)
    return account.after_reversal(refund_id, instant), [effect]


def remark_of(before: OrderAccount, after: OrderAccount, taken_minor: Sequence[int]) -> str | None:
    """What is said of a refund that took no money and no commission; one of a free order takes what that earned."""
    return None if any(taken_minor) or after.standing_minor != before.standing_minor else NOTHING_LEFT


def _changed(account: OrderAccount, event_no: int, instant: datetime) -> tuple[OrderAccount, list[Effect]]:
    """The account in which every commission is what should stand on what is left now."""
    changes = account.changes_to_left()
    if not changes:
        return account, []
    return account.after(changes), [CommissionsReversed(event_no, account, changes, instant)]
