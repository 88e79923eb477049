"""``distrib demo`` on a small file like CDNOW's, with real servers, HTTP and workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from distrib.settings import REPOSITORY, Settings
from tests.world.processes import children_of, kill, wait_until

CUSTOMERS, ROWS = 40, 600
DEMO = [sys.executable, "-c", "from distrib.cli import main; main()", "demo"]


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    path = tmp_path / "few.txt"
    days = [f"1997{1 + row % 12:02d}{1 + row % 28:02d}" for row in range(ROWS)]
    rows = [f" {row % CUSTOMERS:05d} {day} 2 {row}.{row % 100:02d}" for row, day in enumerate(days)]
    path.write_text("\n".join(["customer_id date number_of_cds dollar_value", *rows]), encoding="ascii")
    return path


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """Servers of one's own, so that workers are started apart."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DISTRIB_")},
        "DISTRIB_DATABASE_URL": settings.database_url or "",
        "DISTRIB_REDIS_URL": settings.redis_url or "",
        "DISTRIB_KEY_PEPPER": settings.key_pepper,
        "DISTRIB_VAR_DIR": str(settings.var_dir),
    }


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*DEMO, *arguments]
    return subprocess.run(
        command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=200, check=False
    )


def figures(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    reported: dict[str, Any] = json.loads(done.stdout)
    return reported


@pytest.mark.faults
def test_the_whole_way_agrees_to_the_cent_and_again_while_workers_are_killed(
    environment: dict[str, str], small_file: Path
) -> None:
    first = figures(run(environment, "--file", str(small_file), "--json"))
    assert first["ok"]
    assert first["orders"]["settled"] == ROWS
    assert first["orders"]["paid_minor"] == sum(row * 100 + row % 100 for row in range(ROWS))
    assert all(check["ok"] for check in first["control"])
    assert first["audit"]["ok"]
    assert first["explained"]["agrees"]
    assert first["commissions"]["count"] > 0 > first["reversals"]["amount_minor"]
    assert len(list(Path(first["folder"]).glob("1997-*-shops.csv"))) == 12
    assert_the_money_lived(first["money"])
    assert Path(first["folder"], "keys").stat().st_mode & 0o077 == 0

    stormy, complaints = run_killing_workers(environment, small_file)
    assert not complaints
    assert "cdnow-demo-2" in stormy
    assert "历史从不删除" in stormy
    assert "虚构" in stormy
    assert "所有控制总数一致" in stormy
    assert "不明差额 0.00 USD" in stormy
    assert f"{first['commissions']['amount_minor'] / 100:,.2f}" in stormy
    calm, after_kills = books(environment["DISTRIB_DATABASE_URL"])
    assert calm == after_kills


def run_killing_workers(environment: dict[str, str], small_file: Path) -> tuple[str, str]:
    """What a second demo prints, in Chinese, whose workers are killed in the middle of its orders."""
    slowly = {**environment, "DISTRIB_DRAIN_BATCH_ORDERS": "1"}
    command = [*DEMO, "--file", str(small_file), "--lang", "zh"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=slowly, cwd=REPOSITORY, **pipes) as demo:
        wait_until(lambda: settled(environment["DISTRIB_DATABASE_URL"]) > ROWS + 20, "orders of the second run")
        workers = working(demo.pid)
        for worker in workers:
            kill(worker)
        assert workers
        assert settled(environment["DISTRIB_DATABASE_URL"]) < 2 * ROWS
        output, complaints = demo.communicate(timeout=200)
    assert demo.returncode == 0, complaints
    return output, complaints


def books(database_url: str) -> list[dict[str, list[tuple[Any, ...]]]]:
    """What each program came to: its transfers by kind, promotions and refunds."""
    of_program = {
        "moved": "SELECT kind, count(*), sum(amount_minor) FROM transfers WHERE program_id = :program GROUP BY kind",
        "ranks": "SELECT rank, cause, count(*) FROM shop_ranks WHERE program_id = :program GROUP BY rank, cause",
        "refunds": "SELECT count(*), sum(amount_minor) FROM refund_lines WHERE program_id = :program",
    }
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as conn:
        numbers = conn.execute(text("SELECT program_id FROM programs ORDER BY program_id")).scalars().all()
        return [
            {
                name: sorted(tuple(row) for row in conn.execute(text(statement), {"program": number}))
                for name, statement in of_program.items()
            }
            for number in numbers
        ]


def assert_the_money_lived(money: dict[str, Any]) -> None:
    """Closed, paid, sent back, taken back after the payout, paid again, explained to the cent."""
    first, again = money["payouts"]
    assert money["closed"] > len(money["closed_first"]) >= 1
    assert first["failed_count"] >= 1
    assert first["paid_count"] + first["failed_count"] == first["count"]
    assert first["expected_minor"] == first["amount_minor"] == first["paid_minor"] + first["failed_minor"]
    assert again["paid_minor"] >= first["failed_minor"]
    assert money["late"]["told"] >= 1
    assert money["late"]["marked"] == money["late"]["posted"]
    assert money["adjusted"]["proposed_by"] != money["adjusted"]["approved_by"]
    assert money["unexplained_minor"] == 0
    whole = money["whole"]
    assert whole["paid_minor"] == first["paid_minor"] + again["paid_minor"] == money["ledger"]["clearing"]
    moved = whole["earned_minor"] + whole["reversed_minor"] + whole["adjusted_minor"] - whole["paid_minor"]
    assert whole["closing_minor"] == moved - whole["tax_minor"] == money["ledger"]["payable"]


def settled(database_url: str) -> int:
    """Orders settled so far, of all programs."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as conn:
        return int(conn.execute(text("SELECT count(*) FROM settlements")).scalar_one())


def working(demo: int) -> list[int]:
    """The RQ workers below a demo: children of the supervisor that it started.

    Known by their parent: where setproctitle is installed, RQ gives its workers another name.
    """
    supervisors = [pid for pid in children_of(demo) if b"workers" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return [worker for supervisor in supervisors for worker in children_of(supervisor)]


def test_a_source_without_its_file_is_wrong_use(environment: dict[str, str]) -> None:
    done = run(environment, "--source", "uci-online-retail")
    assert done.returncode == 2
    assert "--file" in done.stderr


def test_a_file_that_is_not_there_is_one_clear_message(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(environment, "--source", "uci-online-retail", "--file", str(tmp_path / "none.xlsx"))
    assert done.returncode == 1
    assert "no such file" in done.stderr
    assert "Traceback" not in done.stderr
