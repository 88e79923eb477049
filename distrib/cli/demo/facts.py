"""What a source says happened, as plain values: sales, and what was given back of them.

The readers make these, the recipe adds to them, the event stream writes them out. No HTTP,
no database and no invention may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from distrib.domain.texts import Text
from distrib.languages import render_both


class DemoFailed(Exception):
    """The demo cannot go on; the message says why in both languages, with a detail or the end of a log."""

    def __init__(self, text: Text, detail: object = None, log: str | None = None) -> None:
        more = ("" if detail is None else f": {detail}") + ("" if log is None else f":\n{log}")
        super().__init__(render_both(text) + more)


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a sale; the amount is that of the whole line."""

    id: str
    sku: str
    quantity: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class Sale:
    """One order of the file."""

    order_id: str
    customer_id: str
    paid_at: datetime
    settled_at: datetime
    lines: tuple[SaleLine, ...]

    @property
    def paid_minor(self) -> int:
        """What was paid for all lines together."""
        return sum(line.paid_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A refund of a sale: what is given back of which line.

    ``takes_the_rest``: it is reported without lines, as all that is left; ``lines`` says what that comes to.
    """

    id: str
    order_id: str
    given_back_at: datetime
    lines: tuple[tuple[str, int], ...]
    takes_the_rest: bool = False

    @property
    def amount_minor(self) -> int:
        """What is given back of all lines together."""
        return sum(amount for _line, amount in self.lines)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the orders come from, and what of the demo on them is real."""

    key: str
    program: str
    title: str
    origin: str
    licence: str
    currency: str
    time_zone: str
    has_real_refunds: bool
    real: Text
    invented: Text


@dataclass(frozen=True, slots=True)
class History:
    """Everything of a source, sales in the order of their times.

    ``left_out`` counts, by reason, what of the file is no part of it.
    """

    source: Source
    sales: Sequence[Sale]
    refunds: Sequence[GivenBack] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
