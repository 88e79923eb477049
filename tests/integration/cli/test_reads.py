"""The commands that read: explain, audit and statement, in both languages, as tables, JSON and CSV."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from distrib.cli.explain import explain
from distrib.cli.ledger.audit import CHECK_MEANINGS, audit
from distrib.cli.ledger.statement import statement
from distrib.domain.errors import Refusal
from distrib.store.database import open_engine
from tests.world.documents import PAID, line, refunded, settled
from tests.world.world import World, chain

PLAN: dict[str, Any] = {
    "code": "two-level",
    "currency": "CNY",
    "policy": "open",
    "tiers": 1,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.20"},
        {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.10"},
    ],
}
Run = Callable[..., Result]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command as a shell would, on the world's servers."""
    for name, value in world.container.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    world.publish(PLAN)
    world.join(*chain("c", "d"))
    world.earn(
        settled("e1", "o1", "d", line(1_234_500), line(500, "[bold]2")),
        refunded("r1", "o1", {"1": 34_500}),
        settled("e2", "o2", "d", line(1), currency="USD"),
        settled("e3", "o3", None, line(1)),
    )
    return lambda command, *arguments: CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_explain_shows_every_look_and_says_that_the_ledger_agrees(run: Run) -> None:
    result = run(explain, "o1")
    assert result.exit_code == 0
    for words in ("partly_refunded", "12,000.00", "2,400.00", "1,200.00", "[bold]2", "│ paid ", "it agrees"):
        assert words in result.output


def test_explain_speaks_chinese_when_asked_or_when_the_locale_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = run(explain, "o1", "--lang", "zh").output
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run(explain, "o1").output == asked
    assert "重新核算与已入账一致" in asked


def test_explain_of_what_failed_says_why(run: Run) -> None:
    result = run(explain, "o2")
    assert (result.exit_code, "The order is in USD, the plan in CNY." in result.output) == (0, True)
    assert "订单货币 USD 与方案货币 CNY 不符" in run(explain, "o2", "--lang", "zh").output
    assert "no_shop" in run(explain, "o3").output


def test_explain_gives_one_json_document(run: Run) -> None:
    document = json.loads(run(explain, "o1", "--json").output)
    assert (document["agrees"], document["paid_at"]) == (True, "2026-03-01T02:00:00Z")
    assert [look["posted_minor"] for look in document["looks"]] == [240_000, 120_000, 100, 50]


def test_explain_names_the_line_of_an_amount_paid_once_for_the_order(run: Run, world: World) -> None:
    per_order = {"id": "delivery", "pay": "seller", "amount_minor": 500, "per": "order"}
    world.publish({**PLAN, "rules": [per_order]}, PAID + timedelta(days=1))
    world.earn(settled("e9", "o9", "d", line(1_000, "x"), line(2_000, "y"), paid_at=PAID + timedelta(days=1)))
    shown = run(explain, "o9").output
    assert (shown.count("once for the order, on line x"), shown.count("on line y")) == (1, 0)
    assert "每单只付一次，记在行 x" in run(explain, "o9", "--lang", "zh").output


def test_explain_says_what_was_known_of_the_customer_and_what_rules_made_of_it(run: Run, world: World) -> None:
    day = timedelta(days=1)
    rules = [
        {"id": "few", "pay": "seller", "rate": "0.1", "where": {"customer": {"is": "new", "within_orders": 2}}},
        {
            "id": "rest",
            "pay": "seller",
            "rate": "0.05",
            "where": {"not": {"customer": {"is": "new", "within_days": 9}}},
        },
    ]
    world.publish({**PLAN, "rules": rules}, PAID + day)
    orders = [("o7", "cu", 1), ("o8", "cu", 2), ("o10", None, 3)]
    world.earn(
        *(
            settled(f"e{n}{name}", name, "d", line(1_000), customer_id=who, paid_at=PAID + n * day)
            for name, who, n in orders
        )
    )
    assert "The customer had no earlier order." in run(explain, "o7").output
    second = run(explain, "o8").output
    assert "The customer had 1 earlier orders, the first paid on 2026-03-02" in second
    assert "new customer (new: fewer than 2 earlier orders)" in second
    assert "not: new customer (new: first order paid less than 9 days before)" in second
    assert "The order names no customer." in run(explain, "o10").output
    assert "对消费者的要求" in run(explain, "o8", "--lang", "zh").output
    assert "Asked of the customer" not in run(explain, "o1").output


@pytest.mark.tampers
def test_explain_ends_with_1_and_the_differences_where_the_ledger_disagrees(run: Run, database_url: str) -> None:
    damage(database_url, "UPDATE transfers SET amount_minor = 7 WHERE seq = 1")
    result = run(explain, "o1")
    assert result.exit_code == 1
    assert "DIFFERS" in result.output
    assert "0.07" in result.output


def test_an_unknown_order_is_refused_by_name(run: Run) -> None:
    with pytest.raises(Refusal, match="There is no order o9"):
        run(explain, "o9")
    with pytest.raises(Refusal, match="There is no program other"):
        run(explain, "o1", "--program", "other")


@pytest.mark.tampers
def test_audit_ends_with_0_when_clean_and_with_1_and_a_list_when_not(run: Run, database_url: str) -> None:
    clean = run(audit)
    assert (clean.exit_code, "Clean: every check holds." in clean.output) == (0, True)
    assert "通过：所有检查成立。" in run(audit, "--lang", "zh").output
    damage(database_url, "UPDATE account_months SET orders = 9")
    broken = run(audit)
    assert (broken.exit_code, "FAILS" in broken.output, '"account_no"' in broken.output) == (1, True, True)
    result = run(audit, "--json")
    document = json.loads(result.output)
    assert (result.exit_code, document["ok"]) == (1, False)
    assert [check["name"] for check in document["checks"] if not check["ok"]] == ["transfers_match_account_months"]


def test_every_check_is_explained_in_both_languages(run: Run) -> None:
    names = {check["name"] for check in json.loads(run(audit, "--json").output)["checks"]}
    assert names == set(CHECK_MEANINGS)


def test_a_statement_is_shown_with_its_totals(run: Run) -> None:
    result = run(statement, "show", "2026-03")
    assert result.exit_code == 0
    for words in ("opening", "2,401.00", "-69.00", "all 2 shops"):
        assert words in result.output
    assert "全部 2 家店铺" in run(statement, "show", "2026-03", "--lang", "zh").output
    assert "and more" in run(statement, "show", "2026-03", "--limit", "1").output
    document = json.loads(run(statement, "show", "2026-03", "--json").output)
    assert (document["totals"]["shops"], [row["shop_id"] for row in document["data"]]) == (2, ["c", "d"])


def test_a_statement_is_exported_to_a_file_or_to_standard_output(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    assert run(statement, "export", "2026-03", "--detail", "lines", "--output", str(file)).exit_code == 0
    assert file.read_text("utf-8").count("\n") == 1 + 4 + 2
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
    result = run(statement, "export", "2026-03")
    assert result.output.splitlines()[1].startswith("test,2026-03,c,CNY,0,")


@pytest.mark.parametrize("month", ["2026-13", "march", "202603"])
def test_what_is_not_a_month_is_refused_by_name(run: Run, month: str) -> None:
    with pytest.raises(Refusal, match="is not a month"):
        run(statement, "show", month)


def damage(database_url: str, change: str) -> None:
    """Changes rows behind everyone's back, with triggers off."""
    engine = open_engine(database_url, None)
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = 'replica'"))
        assert conn.execute(text(change)).rowcount
    engine.dispose()
