"""``distrib payout`` as an operator types it: two keys from the making to the settled batch."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from distrib.cli.payouts.files import read_results
from distrib.domain.errors import Refusal
from distrib.settings import Settings
from tests.world.commands import name_servers, run
from tests.world.documents import PAID
from tests.world.payouts import balance, earn, open_shops, payee, put
from tests.world.world import World

UP_TO = "2026-04-01T00:00:00Z"


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    name_servers(settings, monkeypatch)


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_exported_file_comes_back_with_the_banks_answer_filled_in(
    world: World, keys: tuple[str, str], tmp_path: Path, encoding: str
) -> None:
    first, second = keys
    world.join(("+8613800138000", None))
    put(world, "+8613800138000", payee("320101198001011234"))
    earn(world, "+8613800138000", 300, PAID)
    run("payout", "create", "march", "--up-to", UP_TO, "--key", first)
    run("payout", "approve", "march", "--key", second)
    file = tmp_path / "march.csv"
    run("payout", "export", "march", "--encoding", encoding, "--output", file)
    with file.open(encoding=encoding, newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["shop_id"] for row in rows} == {"a", "b", "'+8613800138000"}
    today = f"{world.program.day_of(world.container.now())}"
    answers = {"a": "paid", "b": "failed", "'+8613800138000": "paid"}
    with file.open("w", encoding=encoding, newline="") as lines:
        writer = csv.DictWriter(lines, [*rows[0], "status", "paid_on", "reason"])
        writer.writeheader()
        for row in rows:
            status = answers[row["shop_id"]]
            answer = {"paid_on": today} if status == "paid" else {"reason": "账户不存在"}
            writer.writerow({**row, "status": status, **answer})
    words = [] if encoding == "utf-8-sig" else ["--encoding", encoding]
    output = run("payout", "results", "march", file, *words, "--key", first)
    assert (output.exit_code, output.stderr) == (0, "")
    assert "3 results, 0 refused" in output.stdout
    assert balance(world, "+8613800138000", world.container.now())["paid"] == 300
    back = tmp_path / "back.csv"
    back.write_text(f"detail_no,status,reason\n{rows[0]['detail_no']},returned,销户\n", encoding)
    assert run("payout", "results", "march", back, "--encoding", encoding, "--key", first).exit_code == 0
    view = json.loads(run("payout", "show", "march", "--json").stdout)
    assert [(line["shop_id"], line["status"], line["reason"]) for line in view["lines"]] == [
        ("+8613800138000", "returned", "销户"),
        ("a", "paid", None),
        ("b", "failed", "账户不存在"),
    ]


def test_a_file_in_another_encoding_is_told_from_a_bad_one(keys: tuple[str, str], tmp_path: Path) -> None:
    first, second = keys
    run("payout", "create", "march", "--up-to", UP_TO, "--key", first)
    run("payout", "approve", "march", "--key", second)
    file = tmp_path / "answer.csv"
    file.write_text("shop_id,status,reason\na,failed,账户不存在\n", "gb18030")
    result = run("payout", "results", "march", file, "--key", first)
    assert isinstance(result.exception, Refusal)
    [problem] = result.exception.problems
    assert "not utf-8; name another with --encoding" in str(problem.detail)


def test_a_column_that_is_none_and_a_row_of_another_width_are_named_and_nothing_is_recorded(
    world: World, keys: tuple[str, str], tmp_path: Path
) -> None:
    first, second = keys
    run("payout", "create", "march", "--up-to", UP_TO, "--key", first)
    run("payout", "approve", "march", "--key", second)
    file = tmp_path / "answer.csv"
    file.write_text("shop_id,status,paidon,bank\na,paid,2026-11-01,x\n", "utf-8")
    result = run("payout", "results", "march", file, "--key", first)
    assert isinstance(result.exception, Refusal)
    assert [problem.pointer for problem in result.exception.problems] == ["paidon", "bank"]
    file.write_text("shop_id,status,reason,bank,\na,failed,,x\nb,failed,销户,x,,\nb,failed,账号,错误,x,y\n", "utf-8")
    result = run("payout", "results", "march", file, "--ignore-columns", "bank", "--key", first)
    assert isinstance(result.exception, Refusal)
    assert [problem.pointer for problem in result.exception.problems] == ["line 2", "line 4"]
    lines = tmp_path / "answer.ndjson"
    lines.write_text(
        '{"shop_id": "a", "status": "paid"}\n{"shop_id": "b", "state": "paid", "status": "paid"}\n{', "utf-8"
    )
    result = run("payout", "results", "march", lines, "--key", first)
    assert isinstance(result.exception, Refusal)
    assert [problem.pointer for problem in result.exception.problems] == ["state", "line 3"]
    assert balance(world, "a", world.container.now())["paid"] == 0


def test_everything_wrong_with_a_file_of_results_is_named_by_line(keys: tuple[str, str], tmp_path: Path) -> None:
    first, second = keys
    run("payout", "create", "march", "--up-to", UP_TO, "--key", first)
    run("payout", "approve", "march", "--key", second)
    file = tmp_path / "answer.csv"
    file.write_text(
        "shop_id,detail_no,status,paid_on\n,,paid,\na,,paid,2.4.2026\na,,failed,2026-04-02\na/b,,sent,\n"
        f"a,{'P' * 65},paid,\n",
        "utf-8",
    )
    result = run("payout", "results", "march", file, "--key", first)
    assert isinstance(result.exception, Refusal)
    assert [(problem.pointer, str(problem.detail).split(" / ")[0]) for problem in result.exception.problems] == [
        ("line 2", "shop_id or detail_no is needed"),
        ("line 3", "paid_on must be a day with the year first, as 2026-03-09 or 2026/3/9"),
        ("line 4", "paid_on does not go with failed"),
        ("line 5", "shop_id is no id"),
        ("line 5", "status must be one of paid, failed, returned, or the channel's own word"),
        ("line 6", "detail_no must have 1 to 64 characters"),
    ]


@pytest.mark.parametrize("content", ["", "shop_id,status\n", "\n"])
def test_a_file_without_a_result_is_refused_by_name(keys: tuple[str, str], tmp_path: Path, content: str) -> None:
    assert run("payout", "create", "march", "--up-to", UP_TO, "--key", keys[0]).exit_code == 0
    results = tmp_path / "results.csv"
    results.write_text(content, "utf-8")
    refusal = run("payout", "results", "march", results, "--key", keys[0]).exception
    assert isinstance(refusal, Refusal)
    assert [(problem.pointer, str(problem.detail)) for problem in refusal.problems] == [
        ("results.csv", "holds no result / 没有一条结果")
    ]


def test_a_day_is_read_as_spreadsheets_write_it_with_the_year_first(world: World, tmp_path: Path) -> None:
    days = ("2026/4/2", "2026-4-2", "2026.04.02", "20260402", "2026年4月2日", "2026-04-02 17:08:50")
    others = ("2/4/2026", "2026/13/2", "2026-4", "46114", "2026/4-2")
    results = tmp_path / "results.csv"
    results.write_text("shop_id,status,paid_on\n" + "".join(f"a,paid,{day}\n" for day in days), "utf-8")
    channel = world.container.channels[0]
    drafts, _ = read_results(results, channel, "utf-8")
    assert [draft.paid_on for draft in drafts] == [date(2026, 4, 2)] * len(days)
    results.write_text("shop_id,status,paid_on\n" + "".join(f"a,paid,{day}\n" for day in others), "utf-8")
    with pytest.raises(Refusal) as caught:
        read_results(results, channel, "utf-8")
    assert [problem.pointer for problem in caught.value.problems] == [
        f"line {2 + place}" for place in range(len(others))
    ]


def test_the_channels_own_words_are_read_and_what_is_not_through_stays_open(
    world: World, keys: tuple[str, str], tmp_path: Path
) -> None:
    first, second = keys
    put(world, "a", payee("1", wechat_openid="o-a"))
    put(world, "b", payee("2", wechat_openid="o-b"))
    run("payout", "create", "march", "--up-to", UP_TO, "--channel", "wechat", "--key", first)
    run("payout", "approve", "march", "--key", second)
    file = tmp_path / "states.ndjson"
    file.write_text('{"shop_id": "a", "status": "SUCCESS"}\n{"shop_id": "b", "status": "WAIT_USER_CONFIRM"}\n', "utf-8")
    output = run("payout", "results", "march", file, "--key", first)
    assert "1 results, 0 refused" in output.stdout
    assert "1 lines are not through" in output.stderr
    statuses = [line["status"] for line in json.loads(run("payout", "show", "march", "--json").stdout)["lines"]]
    assert statuses == ["paid", "reserved"]


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
