"""The command line as an operator types it: exit statuses, and what is printed where.

The service and what is done beside it run as real processes; the rest goes through the same ``main``, within the test.
"""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from distrib.cli import main
from distrib.settings import REPOSITORY, Settings
from tests.world.commands import name_servers
from tests.world.live import Client
from tests.world.processes import wait_until

DISTRIB = str(Path(sys.executable).with_name("distrib"))
CREATE = ("--currency", "CNY", "--time-zone", "Asia/Shanghai", "--policy", "open")
PLAN = {
    "code": "standard",
    "currency": "CNY",
    "tiers": 1,
    "rules": [
        {"id": "sale", "pay": "seller", "rate": "0.10"},
        {"id": "team", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
EARLY = "2025-01-01T00:00:00+08:00"
Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]


def runner(**variables: str) -> Run:
    """Runs ``distrib`` with these settings alone; no command may ever show a traceback."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISTRIB_")}

    def run(*words: object, status: int = 0) -> Ran:
        command = [DISTRIB, *map(str, words)]
        ran = subprocess.run(
            command, env=inherited | variables, capture_output=True, encoding="utf-8", timeout=120, check=False
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        assert ran.returncode == status, (words, ran.returncode, ran.stdout, ran.stderr)
        return ran

    return run


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands on the servers of the tests, through ``main`` within this process: what it does not catch fails."""
    name_servers(settings, monkeypatch)

    def run(*words: object, status: int = 0) -> Ran:
        monkeypatch.setattr(sys, "argv", ["distrib", *map(str, words)])
        raw = io.BytesIO()
        out, err = io.TextIOWrapper(raw, "utf-8", write_through=True), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
        stdout, code = raw.getvalue().decode(), ended.value.code or 0
        assert code == status, (words, code, stdout, err.getvalue())
        return Ran([str(word) for word in words], status, stdout, err.getvalue())

    return run


def document(ran: Ran) -> Any:
    """The one JSON document on standard output."""
    return json.loads(ran.stdout)


def write_plan(path: Path, **changes: Any) -> Path:
    path.write_text(yaml.safe_dump(PLAN | changes), "utf-8")
    return path


def write_shops(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "sponsor_id", "joined_at"), *((*row, EARLY) for row in rows)])
    return path


def write_events(path: Path, orders: Mapping[str, int]) -> Path:
    lines = [{"id": "1", "sku": "A", "quantity": 1}]
    events = [
        {
            "id": f"settled-{order}",
            "type": "order.settled",
            "occurred_at": "2026-03-09T10:00:00+08:00",
            "order": {
                "id": order,
                "shop_id": "bo",
                "currency": "CNY",
                "paid_at": "2026-03-01T10:00:00+08:00",
                "lines": [lines[0] | {"paid_minor": paid_minor}],
            },
        }
        for order, paid_minor in orders.items()
    ]
    path.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    return path


def test_the_whole_way_on_the_command_line(run: Run, tmp_path: Path) -> None:
    assert "分销计划 tea 已建立" in run("program", "create", "tea", *CREATE).stdout
    key = run("key", "create", "--role", "finance").stdout.splitlines()[-1]
    assert key.startswith("dk_")
    assert " " not in key

    plan = write_plan(tmp_path / "plan.yaml")
    assert document(run("plan", "check", plan, "--json")) == {"ok": True, "problems": [], "findings": []}
    published = document(run("plan", "publish", plan, "--effective-from", "2026-01-01", "--json"))
    assert (published["version"], published["effective_from"]) == (1, "2025-12-31T16:00:00Z")

    shops = write_shops(tmp_path / "shops.csv", [("bo", "ada"), ("ada", ""), ("cy", "nobody")])
    tally = document(run("import", "shops", shops, "--json", status=1))
    assert (tally["created"], tally["refused"]) == (2, 1)
    refused = Path(tally["refused_file"]).read_text("utf-8")
    assert "sponsor_unknown" in refused
    assert "邀请人 nobody 不存在" in refused
    assert document(run("import", "shops", shops, "--json", status=1))["unchanged"] == 2

    events = write_events(tmp_path / "events.ndjson", {"o-1": 10_000, "o-2": 333, "o-3": -5})
    tally = document(run("import", "events", events, "--program", "tea", "--json", status=1))
    assert (tally["accepted"], tally["duplicate"], tally["refused"]) == (2, 0, 1)
    assert "/order/lines/0/paid_minor" in Path(tally["refused_file"]).read_text("utf-8")
    assert document(run("import", "events", events, "--json", status=1))["duplicate"] == 2

    assert document(run("settle", "--program", "tea", "--json"))["orders"] == 2
    assert document(run("settle", "--json"))["orders"] == 0

    explained = document(run("explain", "o-1", "--json"))
    assert [(look["shop_id"], look["amount_minor"]) for look in explained["looks"]] == [("bo", 1_000), ("ada", 500)]
    assert "重新核算与已入账一致" in run("explain", "o-1", "--lang", "zh").stdout

    [bo] = [
        row
        for row in csv.DictReader(run("statement", "export", "2026-03").stdout.splitlines())
        if row["shop_id"] == "bo"
    ]
    assert (bo["earned_minor"], bo["closing_minor"], bo["orders"]) == ("1033", "1033", "2")
    lines = tmp_path / "lines.csv"
    run("statement", "export", "2026-03", "--detail", "lines", "--output", lines)
    amounts = [int(row["amount_minor"]) for row in csv.DictReader(lines.read_text("utf-8").splitlines())]
    assert sorted(amounts) == [17, 33, 500, 1_000]

    audit = document(run("audit", "--json"))
    assert audit["ok"]
    assert all(check["ok"] for check in audit["checks"])
    assert "Clean" in run("audit", "--lang", "en").stdout


def test_a_plan_with_problems_is_checked_in_full_and_is_not_published(run: Run, tmp_path: Path) -> None:
    run("program", "create", "tea", *CREATE)
    rules = [{"id": "a", "pay": "seller", "rate": 0.1}, {"id": "a", "pay": "upline", "tier": 9, "rate": "1.5"}]
    plan = write_plan(tmp_path / "plan.yaml", rules=rules, rank_map=[], wat=1, currency="XXQ")
    problems = document(run("plan", "check", plan, "--json", status=1))["problems"]
    expected = {"rules[0].rate", "rules[1].id", "rules[1].tier", "rules[1].rate", "rank_map", "wat", "currency"}
    assert {problem["pointer"] for problem in problems} == expected
    readable = run("plan", "check", plan, status=1).stdout
    assert all(f": {pointer}\n" in readable for pointer in expected)
    ran = run("plan", "publish", plan, "--effective-from", "2026-01-01", status=2)
    assert all(f"{pointer}: " in ran.stderr for pointer in expected)


@pytest.mark.tampers
def test_an_audit_that_finds_something_ends_with_1_and_lists_it(run: Run, tmp_path: Path, settings: Settings) -> None:
    import psycopg  # noqa: PLC0415 - the vandal of this one test

    run("program", "create", "tea", *CREATE)
    run("plan", "publish", write_plan(tmp_path / "plan.yaml"), "--effective-from", EARLY)
    run("import", "shops", write_shops(tmp_path / "shops.csv", [("bo", "ada"), ("ada", "")]))
    run("import", "events", write_events(tmp_path / "events.ndjson", {"o-1": 10_000}))
    run("settle")
    with psycopg.connect(str(settings.database_url).replace("+psycopg", "")) as conn:
        conn.execute("UPDATE shops SET level = 5 WHERE shop_id = 'bo'")
    failed = [check for check in document(run("audit", "--json", status=1))["checks"] if not check["ok"]]
    assert "tree_acyclic_and_levels" in {check["name"] for check in failed}
    assert "NOT clean" in run("audit", "--lang", "en", status=1).stdout


def test_wrong_use_ends_with_2_and_says_what_is_wrong_in_both_languages(run: Run, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "plan.yaml")
    assert "还没有分销计划" in run("key", "create", "--role", "admin", status=2).stderr
    run("program", "create", "tea", *CREATE)
    assert "program_exists" in run("program", "create", "tea", *CREATE[:-1], "cn", status=2).stderr
    run("program", "create", "rice", *CREATE)
    ran = run("key", "create", "--role", "admin", status=2)
    assert "--program: rice, tea" in ran.stderr
    assert "请用 --program 指定分销计划" in ran.stderr
    assert ran.stdout == ""
    for words in (("audit",), ("settle",), ("explain", "o"), ("plan", "check", plan), ("import", "events", plan)):
        ran = run(*words, "--program", "none-such", status=2)
        assert "program_unknown: There is no program none-such. 没有分销计划 none-such。" in ran.stderr
    assert "order_unknown" in run("explain", "nope", "--program", "tea", status=2).stderr
    assert "period_invalid" in run("statement", "export", "2026-13", "--program", "tea", status=2).stderr
    nowhere = tmp_path / "nowhere" / "out.csv"
    ran = run("statement", "export", "2026-03", "--program", "tea", "--output", nowhere, status=2)
    assert "nowhere" in ran.stderr
    ran = run("key", "create", "--role", "partner", "--program", "tea", status=2)
    assert "仅 partner 密钥须指定店铺" in ran.stderr


def test_what_is_no_command_or_no_file_is_wrong_use_and_what_is_no_plan_a_finding(run: Run, tmp_path: Path) -> None:
    missing, broken, binary = tmp_path / "missing", tmp_path / "broken.yaml", tmp_path / "binary.yaml"
    broken.write_text("a: [1\nb: }", "utf-8")
    binary.write_bytes(b"\xff\xfe\x00")
    for words in (
        ("fly",),
        ("key", "lose"),
        ("audit", "--wat"),
        ("explain",),
        ("serve", "--port", "x"),
        ("plan", "check", missing),
        ("import", "shops", missing),
        ("import", "events", missing),
    ):
        assert "Error: " in run(*words, status=2).stderr
    assert "line 2, column 2" in run("plan", "check", broken, status=1).stdout
    assert "不是 UTF-8" in run("plan", "check", binary, status=1).stdout
    run("program", "create", "tea", *CREATE)
    assert "line 2, column 2" in run("plan", "publish", broken, "--effective-from", "2026-01-01", status=2).stderr
    assert "不是 UTF-8" in run("plan", "publish", binary, "--effective-from", "2026-01-01", status=2).stderr
    assert (
        "yesterday"
        not in run(
            "plan", "publish", write_plan(tmp_path / "plan.yaml"), "--effective-from", "yesterday", status=2
        ).stdout
    )


def test_a_database_that_is_away_or_not_migrated_is_told_in_one_line(
    run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (("audit",), ("program", "create", "tea", *CREATE), ("settle",), ("migrate",)):
        monkeypatch.setenv("DISTRIB_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/nowhere")
        message = run(*words, status=2).stderr
        assert message.startswith("The database does not answer / 数据库暂不可用: ")
        assert "secret" not in message
    blank = make_url(str(settings.database_url)).set(database="postgres")
    monkeypatch.setenv("DISTRIB_DATABASE_URL", blank.render_as_string(hide_password=False))
    assert "请运行 distrib migrate" in run("audit", status=2).stderr


def test_settings_that_are_wrong_are_told_all_at_once() -> None:
    wrong = {"PORT": "1", "LOG_LEVEL": "loud", "REDIS_URL": "http://x", "DRAIN_BATCH_ORDERS": "0"}
    run = runner(**{f"DISTRIB_{name}": value for name, value in wrong.items()})
    for words in (("audit",), ("serve",), ("worker",)):
        message = run(*words, status=2).stderr
        assert all(f"DISTRIB_{name}: " in message for name in wrong)
        assert "配置有误" in message


def test_help_lists_every_command_in_both_languages_even_where_the_locale_has_no_chinese() -> None:
    run = runner(LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    listed = run("--help").stdout
    commands = {
        "serve": "启动",
        "worker": "后台任务",
        "migrate": "升级",
        "program": "分销计划",
        "key": "密钥",
        "plan": "方案",
        "import": "导入",
        "settle": "处理",
        "explain": "解释",
        "statement": "对账单",
        "audit": "不变式",
        "bench": "基准",
        "demo": "演示",
    }
    assert all(f"  {command} " in listed and words in listed for command, words in commands.items())
    assert "仅显示一次" in run("key", "--help").stdout


# --- distrib serve ---


@contextmanager
def serving(var_dir: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """``distrib serve`` on the embedded servers under ``var_dir``; ends with all that it started."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DISTRIB_")}
    environment |= {"DISTRIB_VAR_DIR": str(var_dir), "DISTRIB_LOG_LEVEL": "ERROR", "DISTRIB_WORKER_PROCESSES": "1"}
    command = [DISTRIB, "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, cwd=REPOSITORY, start_new_session=True)
    try:
        wait_until(lambda: process.poll() is not None or _is_ready(port), "the service answers", 90)
        assert process.poll() is None
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def _is_ready(port: int) -> bool:
    try:
        return Client(port, "none").call("GET", "/readyz").status == 200
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_serve_shares_its_servers_with_commands_and_after_kill_9_the_next_start_takes_over(
    reachable_path: Path, tmp_path: Path
) -> None:
    var_dir = reachable_path / "var"
    run = runner(DISTRIB_VAR_DIR=str(var_dir))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    with serving(var_dir, port) as first:
        run("program", "create", "tea", *CREATE)
        client = Client(port, run("key", "create", "--role", "admin").stdout.splitlines()[-1])
        run("plan", "publish", write_plan(tmp_path / "plan.yaml"), "--effective-from", EARLY)
        run("import", "shops", write_shops(tmp_path / "shops.csv", [("bo", "ada"), ("ada", "")]))
        assert client.get("/v1/shops/bo")["sponsor_id"] == "ada"
        run("import", "events", write_events(tmp_path / "events.ndjson", {"o-1": 10_000}))
        client.wait_for_events()
        assert client.get("/v1/shops/bo/balance")["available_minor"] == 1_000
        first.send_signal(signal.SIGKILL)
        first.wait(30)
    wait_until(lambda: _is_free(port), "nothing of the killed service holds the port", 60)

    with serving(var_dir, port) as second:
        assert client.get("/v1/shops/bo/balance")["available_minor"] == 1_000
        run("import", "events", write_events(tmp_path / "more.ndjson", {"o-2": 20_000}))
        client.wait_for_events()
        assert client.get("/v1/shops/bo/balance")["available_minor"] == 3_000
        assert document(run("audit", "--json"))["ok"]
    assert second.returncode == 0
    assert _is_free(port)
    assert document(run("program", "list", "--json"))[0]["code"] == "tea"
