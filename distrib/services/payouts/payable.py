"""What a batch made now would pay to whom, and who cannot be paid and why. Nothing is reserved. No SQL may enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from distrib.domain.payouts.channels import CSV, Channel
from distrib.services.context import Unit
from distrib.services.payouts.batches import channel_for
from distrib.services.payouts.lines import Lines
from distrib.services.payouts.selections import Selection
from distrib.store.payouts import candidates as rows
from distrib.store.payouts.batches import NewLine, RefusedShop
from distrib.store.payouts.candidates import Candidate

PAYABLE, REFUSED = "payable", "refused"
SIDES = (PAYABLE, REFUSED)
ACCOUNTS_CHUNK: Final = 500
MOST_CHUNKS: Final = 2
"""So many chunks of accounts are looked at for one page; a page may be short, or empty, where few have money."""


@dataclass(frozen=True, slots=True)
class PayableQuery:
    """Which shops with money are asked for.

    Args:
        channel: through which they would be paid.
        min_minor: the least amount of a line.
        side: ``payable`` or ``refused``; None for both.
    """

    channel: str = CSV
    min_minor: int = 0
    side: str | None = None


@dataclass(frozen=True, slots=True)
class PayableView:
    """What a shop with money would get after tax, or the code why it gets nothing."""

    shop_id: str
    amount_minor: int
    payee_kind: str | None
    tax_minor: int | None
    net_minor: int | None
    code: str | None


def list_payable(
    unit: Unit, query: PayableQuery, channels: Sequence[Channel], after: str, limit: int
) -> tuple[list[PayableView], str | None]:
    """Lists shops with money by id: what each would get after tax, or the code why it gets nothing.

    Tax is that of a batch of the shops shown; of a payee with several shops it depends on which are paid before.

    Returns:
        Up to ``limit`` of them, and after which id the next page begins (None at the end).

    Raises:
        Refusal: ``channel_unknown`` or ``channel_currency``.
    """
    channel = channel_for(unit.program, channels, query.channel, unit.now)
    period = unit.period
    lines = Lines(unit.conn, unit.program, channel, unit.program.withholding, period, {}, Selection(), query.min_minor)
    shown: list[PayableView] = []
    for _ in range(MOST_CHUNKS):
        accounts = rows.accounts_after(unit.conn, unit.program_id, after, ACCOUNTS_CHUNK)
        waiting = rows.candidates_of_shops(
            unit.conn, unit.program_id, [row.shop_no for row in accounts], unit.now, unit.now
        )
        for view in _views(lines, waiting):
            if query.side is None or (view.code is None) == (query.side == PAYABLE):
                if len(shown) == limit:
                    return shown, shown[-1].shop_id
                shown.append(view)
        if len(accounts) < ACCOUNTS_CHUNK:
            return shown, None
        after = accounts[-1].shop_id
    return shown, after


def _views(lines: Lines, waiting: Sequence[Candidate]) -> list[PayableView]:
    """What becomes of each candidate, in their order."""
    made, refused = lines.compute(waiting)
    by_shop: dict[int, NewLine | RefusedShop] = {line.shop_no: line for line in made}
    by_shop |= {refusal.shop_no: refusal for refusal in refused}
    return [_view(candidate, by_shop[candidate.shop_no]) for candidate in waiting]


def _view(candidate: Candidate, row: NewLine | RefusedShop) -> PayableView:
    shop_id, amount_minor, kind = candidate.shop_id, candidate.amount_minor, candidate.kind
    if isinstance(row, NewLine):
        net_minor = row.amount_minor - row.tax_minor - row.fee_minor
        return PayableView(shop_id, amount_minor, kind, row.tax_minor, net_minor, None)
    return PayableView(shop_id, amount_minor, kind, None, None, row.code)
