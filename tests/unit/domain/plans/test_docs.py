"""The worked examples of docs/plan.md: the tables are read from the page and the engine is run on them.

An example of a sample plan is headed by the plan's name; others bring their plan with them.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from distrib.domain.events import Order, OrderLine
from distrib.domain.money import show_ratio
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.plans.pools import share_pool
from distrib.domain.settlement.commission import Person, Snapshot, settle
from distrib.domain.settlement.snapshot import EarlierOrders, Room
from distrib.services.yaml_documents import read_yaml

ROOT = Path(__file__).parents[4]
PLANS = ROOT / "config" / "plans"
EXAMPLE = re.compile(r"^### `([a-z0-9-]+)`: .+?$(.+?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
PAGE = (ROOT / "docs" / "plan.md").read_text("utf-8")
EXAMPLES = dict(EXAMPLE.findall(PAGE))
OF_THEIR_OWN = dict(re.findall(r"^#### (.+?)$(.+?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL))

Table = list[dict[str, str]]


def tables_of(text: str) -> dict[str, Table]:
    """The tables of an example by the name of their first column."""
    tables: dict[str, Table] = {}
    for block in re.findall(r"(?:^\|.+\|$\n?)+", text, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in block.splitlines()]
        tables[head[0]] = [dict(zip(head, row, strict=True)) for row in rows]
    return tables


def plan_of(name: str) -> Plan:
    """The sample plan of that name, or the one that the example itself shows."""
    shown = re.search(r"^```yaml$(.+?)^```$", OF_THEIR_OWN.get(name, ""), re.MULTILINE | re.DOTALL)
    document = read_yaml((PLANS / f"{name}.yaml").read_text("utf-8") if shown is None else shown[1])
    assert isinstance(document, dict)
    return compile_plan(document)


def order_of(plan: Plan, text: str, lines: Table) -> Order:
    channel = re.search(r"^An? `(\w+)` order", text, re.MULTILINE)
    assert channel is not None
    sold = [
        OrderLine(
            row["line"],
            f"sku-{row['line']}",
            int(row["quantity"]),
            int(row["paid"]),
            cost_minor=None if row["cost"] == "–" else int(row["cost"]),
            category=row["category"],
        )
        for row in lines
    ]
    return Order("o", plan.currency, datetime(2026, 3, 1, tzinfo=UTC), tuple(sold), channel[1], "Mei")


def snapshot_of(plan: Plan, people: Table) -> Snapshot:
    standing = {}
    for number, row in enumerate(people):
        assert row["rank"] in plan.rank_indexes
        seat, is_out, _ = row["stands as"].partition(", not active")
        unmet = tuple(rule.index for rule in plan.rules if rule.id == row.get("lacks"))
        standing[seat] = Person(number, row["rank"], is_active=not is_out, unmet=unmet)
    uplines = [standing[seat] for seat in sorted(standing) if seat.startswith("upline ")]
    return Snapshot(
        standing["seller"],
        tuple(uplines),
        leader=standing.get("leader"),
        opener=standing.get("opener"),
        order_cap_ppm=plan.order_cap_ppm,
    )


@pytest.mark.parametrize("name", [*EXAMPLES, *(name for name, text in OF_THEIR_OWN.items() if "| person |" in text)])
def test_the_page_says_who_earns_what_and_on_what(name: str) -> None:
    text = (EXAMPLES | OF_THEIR_OWN)[name]
    plan, tables = plan_of(name), tables_of(text)
    names = [row["person"] for row in tables["person"]]
    order = order_of(plan, text, tables["line"])
    earned = [
        {
            "who": names[commission.shop_no],
            "tier": str(commission.tier),
            "line": order.lines[commission.line_index].id,
            "rule": plan.rules[commission.rule_index].id,
            "taken of": str(commission.base_minor),
            "rate": "–" if commission.rate_ppm is None else show_ratio(commission.rate_ppm),
            "earns": str(commission.amount_minor),
        }
        for commission in settle(plan, order, snapshot_of(plan, tables["person"]))
    ]
    assert tables["who"] == earned


def test_the_page_says_what_room_months_and_customers_leave_order_by_order() -> None:
    (name,) = (name for name, text in OF_THEIR_OWN.items() if "| room of the month |" in text)
    plan = plan_of(name)
    (cap,) = plan.book.counted.values()
    assert cap.per_month_minor is not None
    assert cap.per_customer_minor is not None
    earned: Counter[str] = Counter()
    for row in tables_of(OF_THEIR_OWN[name])["order"]:
        month = cap.per_month_minor - earned[row["month"]]
        customer = cap.per_customer_minor - earned[row["customer"]]
        assert (row["room of the month"], row["room of the customer"]) == (str(month), str(customer))
        lines = (OrderLine("1", "A", 1, int(row["paid"])),)
        order = Order(row["order"], plan.currency, datetime(2026, 3, 1, tzinfo=UTC), lines)
        snapshot = Snapshot(Person(7, plan.lowest_rank, True), rooms=(Room(0, 7, month, customer),))
        amount = sum(commission.amount_minor for commission in settle(plan, order, snapshot))
        assert row["earns"] == str(amount)
        earned += Counter({row["month"]: amount, row["customer"]: amount})


def test_the_page_says_what_new_and_returning_customers_bring_order_by_order() -> None:
    (name,) = (name for name, text in OF_THEIR_OWN.items() if "| earlier orders |" in text)
    plan = plan_of(name)
    bought: dict[str, list[datetime]] = {}
    for row in tables_of(OF_THEIR_OWN[name])["order"]:
        paid_at = datetime.fromisoformat(row["paid at"]).replace(tzinfo=UTC)
        past = None if row["customer"] == "–" else bought.setdefault(row["customer"], [])
        known = None if past is None else EarlierOrders(len(past), past[0] if past else None)
        assert row["earlier orders"] == ("–" if known is None else str(known.orders))
        order = Order(row["order"], plan.currency, paid_at, (OrderLine("1", "A", 1, int(row["paid"])),))
        snapshot = Snapshot(Person(7, plan.lowest_rank, True), earlier_orders=known)
        earned = {plan.rules[c.rule_index].id: str(c.amount_minor) for c in settle(plan, order, snapshot)}
        assert {rule.id: row[rule.id] for rule in plan.rules if row[rule.id] != "–"} == earned
        if past is not None:
            past.append(paid_at)


def test_the_page_says_who_gets_what_of_a_months_pool() -> None:
    text = EXAMPLES["margin"]
    (pool,) = plan_of("margin").pools
    base = re.search(r"pool `managers`, on a base of (\d+)", text)
    assert base is not None
    holders = {row["holder"]: row for row in tables_of(text)["holder"]}
    shares = share_pool(int(base[1]), pool, {name: row["rank"] for name, row in holders.items()})
    assert {name: int(row["gets"]) for name, row in holders.items()} == shares


def test_every_sample_plan_has_its_example_on_the_page() -> None:
    assert sorted(EXAMPLES) == sorted(path.stem for path in PLANS.glob("*.yaml"))
