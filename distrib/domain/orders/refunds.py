"""Refunds by recomputation: what should stand on what is left, less what stands (plan.md, Refunds).

Depends on what is left alone, so the steps that led there do not matter and a full refund gives back exactly what was
earned.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from distrib.domain.errors import Refusal
from distrib.domain.events import Refund
from distrib.domain.orders.effects import CommissionsReversed, Effect, RefundApplied
from distrib.domain.orders.state import OrderAccount

NOTHING_LEFT, ALREADY_REFUNDED = "nothing_left", "already_refunded"


def is_repeat(account: OrderAccount, refund: Refund) -> bool:
    """Whether the refund is known with the same content.

    Raises:
        Refusal: ``refund_conflict`` where it is known with other content.
    """
    known = account.refunds.get(refund.id)
    if known is not None and known != refund:
        raise Refusal("refund_conflict", id=refund.id)
    return known is not None


def taken_of_lines(account: OrderAccount, refund: Refund) -> tuple[int, ...]:
    """What a refund takes of each line, by index, in minor units; without lines all that is left.

    Raises:
        Refusal: ``line_unknown`` or ``refund_exceeds``.
    """
    if refund.lines is None:
        return account.left_minor
    indexes = {line.id: index for index, line in enumerate(account.order.lines)}
    taken_minor = [0] * len(account.left_minor)
    for line in refund.lines:
        index = indexes.get(line.line_id)
        if index is None:
            raise Refusal("line_unknown", line=line.line_id)
        left_minor = account.left_minor[index]
        if line.amount_minor > left_minor:
            raise Refusal("refund_exceeds", line=line.line_id, amount=line.amount_minor, left=left_minor)
        taken_minor[index] = line.amount_minor
    return tuple(taken_minor)


def check_lines_known(account: OrderAccount, refund: Refund) -> None:
    """Makes sure that a refund names lines of the order.

    Raises:
        Refusal: ``line_unknown`` with the first that is not.
    """
    known = {line.id for line in account.order.lines}
    for line in refund.lines or ():
        if line.line_id not in known:
            raise Refusal("line_unknown", line=line.line_id)


def apply_refund(
    account: OrderAccount, event_no: int, refund: Refund, taken_minor: Sequence[int], occurred_at: datetime
) -> tuple[OrderAccount, list[Effect]]:
    """The account after a refund took so much of each line, with what is reversed by it.

    Args:
        refund: under whose id it is kept; a cancel's too.
        taken_minor: by index of the lines.
    """
    effects: list[Effect] = [RefundApplied(event_no, refund.id, account, taken_minor, occurred_at)]
    account = account.after_refund(refund, taken_minor)
    changes = account.changes_to_left()
    if changes:
        effects.append(CommissionsReversed(event_no, account, changes, occurred_at))
    return account.after(changes), effects


def remark_of(before: OrderAccount, after: OrderAccount, taken_minor: Sequence[int]) -> str | None:
    """What is said of a refund that took no money and no commission; one of a free order takes what that earned."""
    return None if any(taken_minor) or after.standing_minor != before.standing_minor else NOTHING_LEFT
