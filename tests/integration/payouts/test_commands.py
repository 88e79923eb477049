"""``distrib payout`` as an operator types it: two keys from the making to the settled batch."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from distrib.cli import cli
from distrib.domain.errors import Refusal
from distrib.settings import Settings
from tests.world.documents import PAID
from tests.world.payouts import balance, earn, open_shops
from tests.world.world import World

UP_TO = "2026-04-01T00:00:00Z"


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTRIB_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("DISTRIB_REDIS_URL", str(settings.redis_url))
    monkeypatch.setenv("DISTRIB_KEY_PEPPER", settings.key_pepper)


def run(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, (SystemExit, Refusal)):
        raise result.exception
    return result


def refusal_of(result: Result) -> str:
    """The code that a command was refused with."""
    assert isinstance(result.exception, Refusal), result.output
    return result.exception.code


@pytest.fixture
def keys(world: World) -> tuple[str, str]:
    """Two people's keys, on a world where a may get 10.00 and b 7.00."""
    open_shops(world, "a", "b")
    earn(world, "a", 1_000, PAID)
    earn(world, "b", 700, PAID)
    first, second = (run("key", "create", "--role", "finance").stdout.splitlines()[-1] for _ in range(2))
    return first, second


def test_a_batch_goes_from_the_making_to_the_settled_lines(world: World, keys: tuple[str, str], tmp_path: Path) -> None:
    first, second = keys
    made = json.loads(run("payout", "create", "march", "--up-to", UP_TO, "--key", first, "--json").stdout)
    assert (made["count"], made["amount_minor"], made["status"]) == (2, 1_700, "proposed")
    assert refusal_of(run("payout", "export", "march")) == "payout_not_approved"
    assert refusal_of(run("payout", "approve", "march", "--key", first)) == "same_key"
    assert run("payout", "approve", "march", "--key", second).exit_code == 0
    assert refusal_of(run("payout", "cancel", "march", "--key", first)) == "payout_approved"
    file = tmp_path / "march.csv"
    assert run("payout", "export", "march", "--output", file).exit_code == 0
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [(row["shop_id"], row["amount_yuan"]) for row in csv.DictReader(lines)]
    assert rows == [("a", "10.00"), ("b", "7.00")]
    assert file.stat().st_mode & 0o077 == 0
    results = tmp_path / "results.csv"
    results.write_text("shop_id,status,reference,reason\na,paid,W1,\nb,failed,,账户不存在\nz,paid,,\n", "utf-8")
    output = run("payout", "results", "march", results, "--key", first)
    assert output.exit_code == 1
    assert "2 results, 1 refused" in output.stdout
    assert balance(world, "a", world.container.now())["paid"] == 1_000
    assert "settled" in run("payout", "show", "march").stdout
    [listed] = json.loads(run("payout", "list", "--json").stdout)
    assert (listed["id"], listed["status"], listed["failed_count"]) == ("march", "settled", 1)


def test_results_come_as_json_lines_too_and_a_bad_file_is_told_line_by_line(
    keys: tuple[str, str], tmp_path: Path
) -> None:
    first, second = keys
    run("payout", "create", "march", "--up-to", "now", "--key", first)
    run("payout", "approve", "march", "--key", second)
    good, bad, broken = (tmp_path / name for name in ("good.ndjson", "bad.csv", "broken.json"))
    good.write_text('{"shop_id": "a", "status": "paid"}\n\n{"shop_id": "b", "status": "paid"}\n', "utf-8")
    output = json.loads(run("payout", "results", "march", good, "--key", first, "--json").stdout)
    assert [row["status"] for row in output] == ["recorded", "recorded"]
    bad.write_text("shop_id,status\na,sent\n,paid\n", "utf-8")
    result = run("payout", "results", "march", bad, "--key", first)
    assert isinstance(result.exception, Refusal)
    assert [problem.pointer for problem in result.exception.problems] == ["line 2", "line 3"]
    broken.write_text("{", "utf-8")
    assert refusal_of(run("payout", "results", "march", broken, "--key", first)) == "invalid"


def test_a_batch_is_cancelled_by_either_key_and_bad_input_is_refused(keys: tuple[str, str]) -> None:
    first, second = keys
    run("payout", "create", "march", "--up-to", UP_TO, "--key", first)
    assert json.loads(run("payout", "cancel", "march", "--key", second, "--json").stdout)["status"] == "cancelled"
    assert refusal_of(run("payout", "create", "next", "--up-to", "tomorrow", "--key", first)) == "invalid"
    assert refusal_of(run("payout", "show", "none")) == "payout_unknown"
    assert refusal_of(run("payout", "approve", "march", "--key", "dk_0_x")) == "unauthorized"
    orders = run("key", "create", "--role", "orders").stdout.splitlines()[-1]
    assert refusal_of(run("payout", "create", "next", "--up-to", UP_TO, "--key", orders)) == "forbidden"


def test_payees_are_sealed_anew(keys: tuple[str, str]) -> None:
    assert "2 sealed anew" in run("payout", "reseal").stdout
    assert run("payout", "create", "march", "--up-to", UP_TO, "--key", keys[0]).exit_code == 0


def test_reports_are_written_as_csv(keys: tuple[str, str]) -> None:
    platform = list(csv.DictReader(run("payout", "report", "--quarter", "2026-Q1").stdout.splitlines()))
    assert [row["gross_minor"] for row in platform] in (["1000", "700"], ["700", "1000"])
    assert run("payout", "report", "us-1099", "--year", "2026").stdout.startswith("program,year,payee_name")
    for words in (("platform",), ("us-1099",), ("platform", "--quarter", "2026")):
        assert refusal_of(run("payout", "report", *words)) == "invalid"
