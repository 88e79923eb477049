"""Who sees what of simulations: they are for staff, and all of them sees the same."""

from __future__ import annotations

from typing import Final

from distrib.api.http.auth import STAFF
from distrib.api.schemas.plans import FINDING_FIELDS
from distrib.api.schemas.simulations import SimulatedOrdersPageSchema, SimulationSchema
from distrib.api.schemas.visible import Visible, paged, within

_BROKEN_DOWN: Final = {
    "month": "by_month",
    "rule": "by_rule",
    "tier": "by_tier",
    "rank": "by_rank",
    "channel": "by_channel",
    "day": "releases",
}
"""By which key what an amount is broken down in is called."""
_PAIR = ("then_minor", "now_minor", "difference_minor")
_COST = ("cost_minor", "earned_minor", "reversed_minor", "pools_minor", "share_of_sales")
_AS_IT_WAS = (*_COST, *(name for key, by in _BROKEN_DOWN.items() for name in within(by, (key, "amount_minor"))))
_SPREAD = (
    "shops",
    "gaining",
    "losing",
    "unchanged",
    "to_zero",
    "gained_minor",
    "lost_minor",
    *within("quantiles", ("share", "difference_minor")),
    "top_hundredth",
    "top_tenth",
    *within("gain_most", ("shop_id", *_PAIR)),
    *within("lose_most", ("shop_id", *_PAIR)),
)
_CANDIDATE = (
    *_COST,
    "plan",
    "title",
    "difference_minor",
    *(name for key, by in _BROKEN_DOWN.items() for name in within(by, (key, *_PAIR))),
    *within("caps", ("cap", "orders", "paid_minor", "taken_minor")),
    *within("failures", ("code", "orders", "paid_minor", "then_minor")),
    *within("findings", FINDING_FIELDS),
    *within("shops", _SPREAD),
)
_RESULT = (
    "currency",
    "orders",
    "failed_orders",
    "paid_minor",
    "refunded_minor",
    "sales_minor",
    *within("as_it_was", _AS_IT_WAS),
    *within("candidates", _CANDIDATE),
)
_SIMULATION = (
    "id",
    "status",
    *within("plans", ("code", "version", "document")),
    "since",
    "until",
    "refunds",
    "ranks",
    "ranks_from",
    "asked_at",
    "asked_by",
    "begun_at",
    "ended_at",
    "attempts",
    *within("progress", ("orders_done", "orders_total")),
    *within("problem", ("code", "detail")),
    "last_event",
    "events_since",
    *within("before", ("id", "events", "as_it_was_minor", "candidates_minor")),
    *within("result", _RESULT),
)
_LOOK = (
    "line_id",
    "rule",
    "tier",
    "shop_id",
    "rank",
    "base_minor",
    "rate",
    "amount_before_cap_minor",
    "amount_minor",
    "reason",
)
_SHARE = ("rule", "shop_id", "amount_minor")
_ORDER = (
    "then_minor",
    "now_minor",
    "difference_minor",
    "order_id",
    "channel",
    "shop_id",
    "paid_at",
    "settled_at",
    "paid_minor",
    "left_minor",
    "refunded_since_minor",
    *within("then", _SHARE),
    *within("now", _SHARE),
    "reasons",
    *within("explanation", _LOOK),
)
SIMULATION = Visible(SimulationSchema, dict.fromkeys(STAFF, _SIMULATION))
SIMULATED_ORDERS = Visible(SimulatedOrdersPageSchema, dict.fromkeys(STAFF, paged(_ORDER)))
