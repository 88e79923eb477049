"""History as Parquet: every row once, closed months kept, a killed export harmless, no names; verified to the byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from pyarrow import parquet

from distrib.domain.errors import Refusal
from distrib.services.context import Actor, Unit
from distrib.services.history.schema import COLUMNS
from distrib.services.statements import closing
from distrib.settings import REPOSITORY
from distrib.transactions import in_transaction
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World, chain

DAY = timedelta(days=1)
IDENTITY = "110101199003070011"
TABLES = {
    "orders": "settlements",
    "refunds": "refund_lines",
    "transfers": "transfers",
    "shops": "shops",
    "referrals": "referrals",
    "statuses": "shop_statuses",
    "ranks": "shop_ranks",
    "merges": "customer_merges",
    "failures": "rank_failures",
    "customers": "customer_shops",
    "organisers": "shop_organisers",
}


@pytest.fixture
def sold(api: Api, monkeypatch: pytest.MonkeyPatch) -> World:
    """A chain of three shops, of which one has a name and an identity, and orders of March and April."""
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a", "b"))
    world.register("c", "b", name="Zhang San", identity=IDENTITY, attributes={"note": "VIP"})
    world.earn(*[settled(f"s{n}", f"o{n}", "b", line(1_000 + n), paid_at=PAID + n * 4 * DAY) for n in range(12)])
    world.earn(refunded("r1", "o1", {"1": 300}, PAID + 40 * DAY))
    name_servers(world.container.settings, monkeypatch)
    return world


def exported(world: World, directory: Path) -> dict[str, Any]:
    """What the command says of an export."""
    result = run(
        "history",
        "export",
        "--to",
        directory,
        "--program",
        world.program.code,
        "--json",
    )
    assert result.exit_code == 0, result.output
    view: dict[str, Any] = json.loads(result.stdout)
    return view


def manifest_of(directory: Path) -> dict[str, Any]:
    """The manifest as it stands."""
    document: dict[str, Any] = json.loads((directory / "manifest.json").read_text("utf-8"))
    return document


def verified(directory: Path) -> Result:
    """What the command says of a directory."""
    return run("history", "verify", directory, "--json")


def close(world: World, month: int) -> None:
    """Closes the books of a month by two keys."""
    begin, program, now = world.container.begin, world.program, world.now()
    ann, ben = Actor("ann", "Ann", "finance"), Actor("ben", "Ben", "finance")
    in_transaction(begin, lambda conn: closing.propose_close(Unit(conn, program, ann, now), month))
    in_transaction(begin, lambda conn: closing.confirm_close(Unit(conn, program, ben, now), month))


def test_every_row_is_exported_once_and_of_people_ids_alone(sold: World, tmp_path: Path) -> None:
    view = exported(sold, tmp_path)
    rows = dict.fromkeys(COLUMNS, 0)
    for file in manifest_of(tmp_path)["files"]:
        table = parquet.read_table(tmp_path / file["kind"] / file["name"])
        rows[file["kind"]] += table.num_rows
        assert table.column_names == [column.name for column in COLUMNS[file["kind"]]]
        assert not [word for word in ("Zhang", IDENTITY, "VIP") if word in str(table.to_pylist())]
        if file["kind"] == "orders":
            assert {sold.program.period_of(row["settled_at"]) for row in table.to_pylist()} == {file["period"]}
    counted = {
        kind: sold.rows(f"SELECT count(*) FROM {table} WHERE program_id = :program")[0][0]
        for kind, table in TABLES.items()
    }
    assert rows == counted | {"failed": 0, "payees": 0, "penalties": 0}
    assert view["rows"] == sum(counted.values())
    assert [plan["code"] for plan in manifest_of(tmp_path)["plans"]] == ["plain"]
    table = run("history", "export", "--to", tmp_path, "--lang", "zh")
    assert table.exit_code == 0
    assert "字节数" in table.output


def test_months_of_closed_books_are_kept_until_a_late_fact_stands_in_them(sold: World, tmp_path: Path) -> None:
    close(sold, 202603)
    first = exported(sold, tmp_path)
    assert first["kept"] == []
    march = {path for path in first["written"] if "2026-03" in path or "2020-01" in path}
    again = exported(sold, tmp_path)
    assert set(again["kept"]) == march
    assert set(again["written"]) == set(first["written"]) - march, "an open month of the same rows has the same name"
    sold.earn(settled("late", "late", "b", line(5_000), paid_at=PAID + 2 * DAY))
    late = exported(sold, tmp_path)
    assert {path.partition("/")[0] for path in march - set(late["kept"])} == {"orders"}, "no other kind"
    assert len([path for path in late["written"] if path.startswith("orders/orders-2026-03")]) == 1
    kept = next(path for path in late["kept"] if path.startswith("transfers"))
    (tmp_path / kept).write_bytes(b"PAR1")
    assert kept in exported(sold, tmp_path)["written"], "a file that is not as the manifest says is written again"
    assert verified(tmp_path).exit_code == 0
    named = {f"{file['kind']}/{file['name']}" for file in manifest_of(tmp_path)["files"]}
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")} == named


def test_a_late_order_has_later_months_count_it_before_those_of_its_customer(sold: World, tmp_path: Path) -> None:
    sold.earn(settled("april", "april", "b", line(900), paid_at=PAID + 35 * DAY, customer_id="ann"))
    for month in (202603, 202604):
        close(sold, month)
    assert counted_before(exported(sold, tmp_path), tmp_path) == {"april": 0}
    sold.earn(settled("late", "late", "b", line(5_000), paid_at=PAID + 2 * DAY, customer_id="ann"))
    late = exported(sold, tmp_path)
    assert counted_before(late, tmp_path) == {"late": 0, "april": 1}
    assert {path.partition("/")[0] for path in late["kept"]} == {
        "refunds",
        "transfers",
        "shops",
        "referrals",
        "statuses",
    }


def counted_before(view: dict[str, Any], directory: Path) -> dict[str, int]:
    """By id of the order how many its customer had before, of orders that name one."""
    rows = [
        row
        for path in sorted((*view["written"], *view["kept"]))
        if path.startswith("orders/")
        for row in parquet.read_table(directory / path).to_pylist()
    ]
    return {row["order_id"]: row["earlier_orders"] for row in rows if row["customer_id"] is not None}


def test_an_export_that_is_killed_leaves_the_directory_as_good_as_it_was(sold: World, tmp_path: Path) -> None:
    exported(sold, tmp_path)
    before = manifest_of(tmp_path)
    sold.earn(settled("more", "more", "b", line(7_000), paid_at=PAID + 50 * DAY))
    code = "from distrib.cli import main; main()"
    words = [sys.executable, "-c", code, "history", "export", "--to", str(tmp_path)]
    environment = {**os.environ, "DISTRIB_FAILPOINT": "history.written:kill"}
    killed = subprocess.run(
        words,
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert manifest_of(tmp_path) == before
    good = json.loads(verified(tmp_path).stdout)
    assert (good["ok"], good["files"]) == (True, len(before["files"]))
    after = exported(sold, tmp_path)
    assert after["rows"] == sum(file["rows"] for file in before["files"]) + 2
    assert len(list(tmp_path.rglob("*.parquet"))) == after["files"]
    assert not list(tmp_path.rglob("*.part"))


def test_what_differs_from_the_manifest_is_named(sold: World, tmp_path: Path) -> None:
    exported(sold, tmp_path)
    manifest = manifest_of(tmp_path)
    first, second, third, fourth = [f"{file['kind']}/{file['name']}" for file in manifest["files"][:4]]
    spoiled = (tmp_path / first).read_bytes()
    (tmp_path / first).write_bytes(spoiled[:-5] + b"x" + spoiled[-4:])
    (tmp_path / second).unlink()
    (tmp_path / third).write_bytes((tmp_path / fourth).read_bytes())
    manifest["files"][2] |= {
        "bytes": manifest["files"][3]["bytes"],
        "sha256": manifest["files"][3]["sha256"],
    }
    manifest["files"][3]["rows"] += 1
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    result = verified(tmp_path)
    assert result.exit_code == 1
    unlike = json.loads(result.stdout)["differences"]
    assert {row["path"] for row in unlike} == {first, second, third, fourth}
    table = run("history", "verify", tmp_path, "--lang", "en")
    assert table.exit_code == 1
    assert "differ from the manifest" in table.output
    for text in (
        "no JSON",
        "{}",
        json.dumps(manifest | {"schema_version": 99}),
        json.dumps(manifest | {"files": 7}),
    ):
        (tmp_path / "manifest.json").write_text(text, "utf-8")
        refused = verified(tmp_path).exception
        assert isinstance(refused, Refusal)
        assert refused.code == "history_unreadable"


def test_what_cannot_be_written_is_one_message(sold: World, tmp_path: Path) -> None:
    exported(sold, tmp_path / "h")
    taken = tmp_path / "taken"
    taken.write_text("a file", "utf-8")
    refused = run("history", "export", "--to", taken / "below").exception
    assert isinstance(refused, Refusal)
    assert (refused.code, str(taken) in str(refused)) == ("history_unwritable", True)
    manifest = manifest_of(tmp_path / "h")
    manifest["program"]["code"] = "another"
    (tmp_path / "h" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    refused = run("history", "export", "--to", tmp_path / "h").exception
    assert isinstance(refused, Refusal)
    assert refused.code == "history_of_another"
