"""The worked examples of docs/plan.md: the tables are read from the page and the engine is run on them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from distrib.domain.commission import Person, Snapshot, settle
from distrib.domain.events import Order, OrderLine
from distrib.domain.money import show_ratio
from distrib.domain.plan import Plan, compile_plan
from distrib.services.yaml_documents import read_yaml

ROOT = Path(__file__).parents[2]
PLANS = ROOT / "config" / "plans"
EXAMPLE = re.compile(r"^### `([a-z0-9-]+)`: .+?$(.+?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
EXAMPLES = dict(EXAMPLE.findall((ROOT / "docs" / "plan.md").read_text("utf-8")))

Table = list[dict[str, str]]


def tables_of(text: str) -> dict[str, Table]:
    """The tables of an example by the name of their first column."""
    found: dict[str, Table] = {}
    for block in re.findall(r"(?:^\|.+\|$\n?)+", text, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in block.splitlines()]
        found[head[0]] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def plan_of(name: str) -> Plan:
    document = read_yaml((PLANS / f"{name}.yaml").read_text("utf-8"))
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
        standing[seat] = Person(number, row["rank"], is_active=not is_out)
    uplines = [standing[seat] for seat in sorted(standing) if seat.startswith("upline ")]
    return Snapshot(
        standing["seller"],
        tuple(uplines),
        leader=standing.get("leader"),
        opener=standing.get("opener"),
        order_cap_ppm=plan.order_cap_ppm,
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_says_who_earns_what_and_on_what(name: str) -> None:
    plan, tables = plan_of(name), tables_of(EXAMPLES[name])
    names = [row["person"] for row in tables["person"]]
    order = order_of(plan, EXAMPLES[name], tables["line"])
    earned = [
        {
            "who": names[one.shop_no],
            "tier": str(one.tier),
            "line": order.lines[one.line_index].id,
            "rule": plan.rules[one.rule_index].id,
            "taken of": str(one.base_minor),
            "rate": "–" if one.rate_ppm is None else show_ratio(one.rate_ppm),
            "earns": str(one.amount_minor),
        }
        for one in settle(plan, order, snapshot_of(plan, tables["person"]))
    ]
    assert tables["who"] == earned


def test_every_sample_plan_has_its_example_on_the_page() -> None:
    assert sorted(EXAMPLES) == sorted(path.stem for path in PLANS.glob("*.yaml"))
