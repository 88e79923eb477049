"""The syntax of what bounds a rule, and of pools: ``customer``, ``requires``, ``cap``, ``pools``.

Part of ``document``; what these keys do is in ``customer_conditions``, ``limits`` and ``pools``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from distrib.domain.document import Report, below, first_of
from distrib.domain.money import MAX_SUM_MINOR
from distrib.domain.plans.customer_conditions import STANDINGS
from distrib.domain.texts import Text

REQUIRES_KEYS = ("min_rank", "min_personal_sales_minor", "window_days")
REQUIRES_FIGURES = ("min_rank", "min_personal_sales_minor")
"""``requires`` needs one of these; ``window_days`` alone asks for nothing."""
MAX_WINDOW_DAYS = 9999
CUSTOMER_KEYS, CUSTOMER_REQUIRED = ("is", "within_orders", "within_days"), ("is",)
MAX_WITHIN_ORDERS = 1000
CAP_KEYS = ("per_order_minor", "per_month_minor", "per_customer_minor")
POOL_KEYS = ("id", "rate", "weights")
MAX_POOLS = 50
MAX_WEIGHT = 1_000_000


def check_requires(report: Report, path: str, value: object, ranks: frozenset[str]) -> None:
    """Checks what a rule asks of its earner."""
    requires = report.mapping(path, value, REQUIRES_KEYS)
    if requires is None:
        return
    if not any(key in requires for key in REQUIRES_FIGURES):
        known = first_of(REQUIRES_FIGURES)
        report.say(path, Text("needs at least one of {known}", known=known))
    if "min_rank" in requires:
        _check_rank(report, f"{path}.min_rank", requires["min_rank"], ranks)
    if "min_personal_sales_minor" in requires:
        report.whole(f"{path}.min_personal_sales_minor", requires["min_personal_sales_minor"], 0, MAX_SUM_MINOR)
    if "window_days" in requires:
        report.whole(f"{path}.window_days", requires["window_days"], 1, MAX_WINDOW_DAYS)
        if "min_personal_sales_minor" not in requires:
            report.say(f"{path}.window_days", Text("goes with min_personal_sales_minor only"))


def check_customer(report: Report, path: str, value: object) -> None:
    """Checks what a rule asks of the customer: a word, or a mapping with the bounds of who is new."""
    if not isinstance(value, Mapping):
        report.choice(path, value, STANDINGS)
        return
    customer = report.mapping(path, value, CUSTOMER_KEYS, CUSTOMER_REQUIRED) or {}
    if "is" in customer:
        report.choice(f"{path}.is", customer["is"], STANDINGS)
    if "within_orders" in customer:
        report.whole(f"{path}.within_orders", customer["within_orders"], 1, MAX_WITHIN_ORDERS)
    if "within_days" in customer:
        report.whole(f"{path}.within_days", customer["within_days"], 1, MAX_WINDOW_DAYS)


def check_cap(report: Report, path: str, value: object) -> None:
    """Checks what bounds one earner's commissions by a rule."""
    cap = report.mapping(path, value, CAP_KEYS)
    if cap is None:
        return
    if not cap:
        known = first_of(CAP_KEYS)
        report.say(path, Text("needs at least one of {known}", known=known))
    for key, amount in cap.items():
        report.whole(f"{path}.{key}", amount, 0, MAX_SUM_MINOR)


def check_pools(report: Report, value: object, ranks: frozenset[str]) -> None:
    """Checks the list of pools."""
    seen: set[str] = set()
    report.each("pools", value, MAX_POOLS, lambda path, pool: _check_pool(report, path, pool, ranks, seen), at_least=0)


def _check_pool(report: Report, path: str, value: object, ranks: frozenset[str], seen: set[str]) -> None:
    pool = report.mapping(path, value, POOL_KEYS, POOL_KEYS)
    if pool is None:
        return
    name = report.name(f"{path}.id", pool["id"]) if "id" in pool else None
    if name in seen:
        report.say(f"{path}.id", Text("the pool {name} is there already", name=name))
    if name is not None:
        seen.add(name)
    if "rate" in pool:
        report.ratio(f"{path}.rate", pool["rate"])
    if "weights" in pool:
        _check_weights(report, f"{path}.weights", pool["weights"], ranks)


def _check_weights(report: Report, path: str, value: object, ranks: frozenset[str]) -> None:
    if not isinstance(value, Mapping):
        report.refuse(path, value, Text("must be a map of rank to weight"))
        return
    if not value:
        report.refuse(path, value, Text("must name a rank"))
    weights = [report.whole(below(path, rank), weight, 0, MAX_WEIGHT) for rank, weight in value.items()]
    for rank in value:
        _check_rank(report, below(path, rank), rank, ranks)
    if weights and all(weight == 0 for weight in weights):
        report.say(path, Text("must give some rank a weight above 0"))


def is_known_rank(rank: object, ranks: Collection[str]) -> bool:
    """Whether a name can stand for a rank; where no rank of the plan can be read, any text may be one."""
    return isinstance(rank, str) and (rank in ranks or not ranks)


def names_of(ranks: Collection[str]) -> str:
    """Lists the ranks to choose from, as people read them; "…" where none can be read."""
    return first_of(sorted(ranks)) or "…"


def _check_rank(report: Report, path: str, rank: object, ranks: Collection[str]) -> None:
    if not is_known_rank(rank, ranks):
        known = names_of(ranks)
        report.refuse(path, rank, Text("must be a rank of this plan, which has {known}", known=known))
