"""SQL reaches the database one way: by ``store.sql``, with parameters that have names, as it is written."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

from tests.world.statements_run import calls_of, imported, modules, put_together, strings

STORE_PACKAGE = "distrib.store"
DISTRIB = Path(__file__).resolve().parents[2] / "distrib"

BEFORE_ANYTHING = "speaks to the server before there is a transaction, or as somebody else than the service"
BY_THEMSELVES = {
    "copying": "asks once a connection whether COPY is bound by row-level security",
    "database": BEFORE_ANYTHING,
    "logins": BEFORE_ANYTHING,
    "migrate": BEFORE_ANYTHING,
    "privileges": BEFORE_ANYTHING,
    "sql": "is the one way",
    "staging": "stands in for COPY, with names of tables that are quoted",
}
"""Modules of the store that run statements themselves."""

FILTERS = "conditions are left out where nothing is asked, so that the planner takes the index of those that are"
ORDER = "goes up or down an index, which no parameter can say"
PAGE = "a page of an audit stands in the place of the tables that grow with it"
FIGURES = "columns are those of the windows, rules or figures that a plan asks for"
NEXT = "orders that are next to each other are named by the first and the last"
FILE = "its columns are those of one language, of a month as it is or as it was closed"
TABLE = "a table or a snapshot by its name, which no parameter can say"
PUT_TOGETHER = {
    "audit/postings.money_of_page": PAGE,
    "audit/questions.ask": PAGE,
    "audit/questions.ask_together": PAGE,
    "audit/runs.order_batch": PAGE,
    "audit/runs.rows": PAGE,
    "ledger/sorted_balances.shops_by_figure": ORDER,
    "ledger/sorted_balances.shops_with_money": ORDER,
    "network/listing._estimate": FILTERS,
    "network/listing.choose_way": FILTERS,
    "network/listing.count_shops": FILTERS,
    "network/listing.keys_of_page": FILTERS,
    "orders/event_views.event_views": FILTERS,
    "orders/event_views.numbers_after": ORDER,
    "orders/event_views.places_after": FILTERS,
    "orders/pages.order_numbers": FILTERS,
    "pages/transfers._of_all": FILTERS,
    "pages/transfers._of_cause_or_shop": FILTERS,
    "pages/transfers.keys_of_page": ORDER,
    "payouts/batches.heads_before": FILTERS,
    "payouts/withdrawals.list_withdrawals": FILTERS,
    "ranks/changes._rows": FILTERS,
    "ranks/columns.sales": FIGURES,
    "ranks/near.list_near": FILTERS,
    "runs_over_shops.programs_due": TABLE,
    "simulations/arrays.posted_arrays": NEXT,
    "simulations/arrays.refund_rows": NEXT,
    "simulations/arrays.settled_arrays": NEXT,
    "simulations/kept.next_block": FILTERS,
    "simulations/rank_facts._columns": FIGURES,
    "simulations/ranks.own_tables": TABLE,
    "statements/exports.line_rows": FILE,
    "statements/exports.shop_rows": FILE,
    "statements/sorted_months.keys_of_month": ORDER,
    "trail.list_rows": FILTERS,
    "webhooks/endpoints.list_deliveries": FILTERS,
}
"""Functions that put a statement together as it runs, and why; what comes from outside is always a parameter."""

SHARED = {
    ("migrate", "privileges", "EVERY_PROGRAM"): "run as it is after each migration",
    ("orders/commissions", "pages.transfers", "CASE_HELD"): "one condition of a page's rows, on a view",
}
"""Texts of SQL that one noun takes from another, and why; all else that is shared is a function or a view."""

_BY_PLACE = re.compile(r"(?<!%)%[sbt]\b")
_SQL = re.compile(r"\b(SELECT|FROM|WHERE|CASE|EXISTS|JOIN|FILTER)\b")
_OTHER_NAMED = re.compile(r"(?<![:\w\\]):[a-z_]\w*\b")


def test_statements_are_run_by_one_module() -> None:
    runs = {
        name for name, module in modules() if calls_of(module, "execute", "executemany", "exec_driver_sql", "stream")
    }
    assert runs == set(BY_THEMSELVES)


def test_a_parameter_has_a_name_and_is_written_one_way() -> None:
    others = {
        (name, text)
        for name, module in modules()
        for text in strings(module)
        if _OTHER_NAMED.search(text) or (_BY_PLACE.search(text) and name != "privileges")  # there by its format()
    }
    assert not others


def test_nothing_of_the_service_runs_texts_of_sqlalchemy() -> None:
    users = [
        path.relative_to(DISTRIB).as_posix()
        for path in DISTRIB.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy" and "text" in {a.name for a in node.names}
    ]
    assert users == []


def test_a_statement_is_written_as_it_runs_or_listed_with_why_not() -> None:
    carriers = ("gathered", "pulling", "sql")
    found = {
        f"{name}.{function}" for name, module in modules() if name not in carriers for function in put_together(module)
    }
    assert found == set(PUT_TOGETHER)


def test_what_several_nouns_ask_is_no_text_that_one_takes_from_another() -> None:
    found = {
        (name, source.removeprefix(f"{STORE_PACKAGE}."), text)
        for name, module in modules()
        for source, text in imported(module)
        if source.startswith(STORE_PACKAGE) and _room(source) != _room(f"{STORE_PACKAGE}.{name.replace('/', '.')}")
        if isinstance(value := getattr(importlib.import_module(source), text), str) and _SQL.search(value)
    }
    assert found == set(SHARED)


def _room(module: str) -> str:
    return module.removeprefix(f"{STORE_PACKAGE}.").partition(".")[0]
