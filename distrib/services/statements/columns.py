"""The columns of a month's workbook: what they are called and mean, and how a cell of them is shown.

The names are those of the CSV file, so that both can be laid side by side. How a workbook is written must not enter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from distrib.domain.texts import Text

AMOUNT, COUNT, RATE, TIME, TEXT = "amount", "count", "rate", "time", "text"
"""Money in major units; a whole number; a share in percent; a time of the program's clock; a text as it is."""
_WIDTHS = {AMOUNT: 15, COUNT: 9, RATE: 9, TIME: 19, TEXT: 14}

FIGURE_HEADINGS: Mapping[str, Text] = {
    "opening_minor": Text("Opening"),
    "earned_minor": Text("Earned"),
    "reversed_minor": Text("Reversed"),
    "adjusted_minor": Text("Adjusted"),
    "paid_minor": Text("Paid"),
    "tax_minor": Text("Tax withheld"),
    "closing_minor": Text("Closing"),
    "held_minor": Text("Held"),
    "reserved_minor": Text("Reserved"),
    "available_minor": Text("Available", "paper"),
    "orders": Text("Orders"),
    "refunds": Text("Refunds"),
}
"""The figures of a shop's month, in the order in which they are read."""
KINDS: Mapping[str, Text] = {
    "earned": Text("earned", "paper"),
    "reversed": Text("reversed"),
    "pool": Text("pool", "paper"),
    "adjusted": Text("adjusted"),
}


class SheetColumn(NamedTuple):
    """A column: its name in the CSV file, its heading, what it means, the kind of its cells and their width.

    ``is_added`` says that its cells add up to something: they have a total.
    """

    name: str
    heading: Text
    meaning: Text
    kind: str = TEXT
    is_added: bool = False
    width: int = 0

    @property
    def characters(self) -> int:
        """How many characters wide the column is."""
        return self.width or _WIDTHS[self.kind]


def _amount(name: str, meaning: Text) -> SheetColumn:
    return SheetColumn(name, FIGURE_HEADINGS[name], meaning, AMOUNT, is_added=True)


_PROGRAM = SheetColumn("program", Text("Program"), Text("The program's code"))
_PERIOD = SheetColumn(
    "period", Text("Month"), Text("The month in whose books it counts, by the program's clock"), width=10
)
_SHOP_ID = SheetColumn("shop_id", Text("Shop id"), Text("The shop's id at the platform"), width=16)
_SHOP_NAME = SheetColumn("shop_name", Text("Shop name"), Text("What the shop calls itself today"), width=22)
_CURRENCY = SheetColumn("currency", Text("Currency", "paper"), Text("The currency of all amounts (ISO 4217)"), width=8)
_NO_TOTAL = Text("An order that pays several shops counts for each of them, so this column has no total")

SHOPS_TABLE: tuple[SheetColumn, ...] = (
    _PROGRAM,
    _PERIOD,
    _SHOP_ID,
    _SHOP_NAME,
    _CURRENCY,
    _amount("opening_minor", Text("What the shop had when the month began: the closing of the month before")),
    _amount("earned_minor", Text("Commissions and pools that the shop earned in the month")),
    _amount("reversed_minor", Text("Commissions taken back because a customer was refunded: zero or negative")),
    _amount("adjusted_minor", Text("Adjustments by hand and fees of withdrawals")),
    _amount("paid_minor", Text("What the shop received, by the day of payment")),
    _amount("tax_minor", Text("What was withheld as tax from what was paid")),
    _amount("closing_minor", Text("Opening + earned + reversed + adjusted − paid − tax withheld")),
    _amount("held_minor", Text("Part of the closing that is not available yet")),
    _amount("reserved_minor", Text("Part of the closing that is kept aside for a payout under way")),
    _amount("available_minor", Text("The rest of the closing, which can be paid out; a debt where it is negative")),
    SheetColumn(
        "orders", FIGURE_HEADINGS["orders"], Text("Orders that paid the shop in the month. {why}", why=_NO_TOTAL), COUNT
    ),
    SheetColumn(
        "refunds",
        FIGURE_HEADINGS["refunds"],
        Text("Refunds that took from the shop in the month. {why}", why=_NO_TOTAL),
        COUNT,
    ),
)
"""The columns of one row per shop."""

LINES_TABLE: tuple[SheetColumn, ...] = (
    _PROGRAM,
    SheetColumn("id", Text("Commission id"), Text("The id of the commission")),
    SheetColumn("event_id", Text("Event id"), Text("The id of the event that it comes of"), width=18),
    SheetColumn("order_id", Text("Order id"), Text("The id of the order that it comes of"), width=18),
    SheetColumn("line_id", Text("Line of the order"), Text("The id of the article within the order"), width=12),
    _SHOP_ID,
    _SHOP_NAME,
    SheetColumn("rule", Text("Rule"), Text("The rule of the plan that paid it; for a pool, the pool"), width=16),
    SheetColumn(
        "tier", Text("Tier"), Text("How far above the selling shop the earner stands: 0 is the seller itself"), COUNT
    ),
    SheetColumn("kind", Text("Kind"), Text("Earned, reversed (taken back), pool, or adjusted (by hand)"), width=10),
    SheetColumn(
        "base_minor",
        Text("Base"),
        Text("What the rate is taken of; several commissions may share it: no total"),
        AMOUNT,
    ),
    SheetColumn("rate", Text("Rate"), Text("The share of the base; none for a fixed amount"), RATE),
    SheetColumn(
        "amount_minor", Text("Amount"), Text("What the shop earned, negative where it was taken back"), AMOUNT, True
    ),
    _CURRENCY,
    SheetColumn("plan_version", Text("Plan"), Text("The plan and its version under which it was computed"), width=18),
    SheetColumn("occurred_at", Text("Time"), Text("When it was earned or taken back"), TIME),
    SheetColumn("available_at", Text("Available from"), Text("From when on it is available"), TIME),
    _PERIOD,
    SheetColumn(
        "belongs_to_period",
        Text("Belongs to"),
        Text("The month it would have counted in, had that not been closed; else empty"),
        width=10,
    ),
    SheetColumn("reverses_id", Text("Takes back"), Text("The id of the commission that this one takes back")),
    SheetColumn("adjustment_id", Text("Adjustment"), Text("The id of the adjustment by hand"), width=16),
    SheetColumn("reason", Text("Reason"), Text("Why it was adjusted; of a fee, the withdrawal"), width=30),
)
"""The columns of one row per commission."""
