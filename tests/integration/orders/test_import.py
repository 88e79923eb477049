"""`distrib import events`: files in, everything told about what was refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from distrib.cli import cli
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World


@pytest.fixture
def runner(world: World, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command line on the world's own servers."""
    for name, value in world.container.environment().items():
        monkeypatch.setenv(name, value)
    return CliRunner()


def test_ndjson_events_are_accepted_once_and_bad_ones_are_refused_with_their_reason(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    good = [settled(f"e{number}", f"o{number}", "s", line(1_000)) for number in range(3)]
    bad = settled("bad", "o9", "s", line(-1))
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join([*map(json.dumps, [*good, bad]), "{broken", ""]), "utf-8")
    first = runner.invoke(cli, ["import", "events", str(file), "--json"])
    assert (first.exit_code, json.loads(first.stdout)["accepted"], json.loads(first.stdout)["refused"]) == (1, 3, 2)
    refused = (tmp_path / "events.ndjson.refused.ndjson").read_text("utf-8")
    assert "/order/lines/0/paid_minor" in refused
    again = json.loads(runner.invoke(cli, ["import", "events", str(file), "--json"]).stdout)
    assert (again["accepted"], again["duplicate"], again["refused"]) == (0, 3, 2)


def test_csv_rows_of_one_event_are_its_lines(world: World, runner: CliRunner, tmp_path: Path) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    file = tmp_path / "events.csv"
    file.write_text(
        "id,type,occurred_at,order_id,shop_id,currency,paid_at,line_id,sku,quantity,paid_minor,refund_id,amount_minor\n"
        "e1,order.settled,2026-03-02T00:00:00Z,o1,s,CNY,2026-03-01T00:00:00Z,1,tea,1,1000,,\n"
        "e1,order.settled,2026-03-02T00:00:00Z,o1,s,CNY,2026-03-01T00:00:00Z,2,cup,2,500,,\n"
        "r1,order.refunded,2026-03-05T00:00:00Z,o1,,,,2,,,,refund-1,500\n",
        "utf-8",
    )
    assert runner.invoke(cli, ["import", "events", str(file)]).exit_code == 0
    assert runner.invoke(cli, ["settle", "--json"]).exit_code == 0
    assert world.earned() == {"s": 100}
    assert world.outcome("r1") == ("done", None)


def test_csv_rows_tell_of_payments_cancels_and_groups(world: World, runner: CliRunner, tmp_path: Path) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    file = tmp_path / "events.csv"
    file.write_text(
        "id,type,occurred_at,order_id,group_id,channel,shop_id,currency,paid_at,line_id,sku,quantity,paid_minor\n"
        "p1,order.paid,2026-03-01T00:00:00Z,o1,,,s,CNY,2026-03-01T00:00:00Z,1,tea,1,1000\n"
        "c1,order.cancelled,2026-03-02T00:00:00Z,o1,,,,,,,,,\n"
        "e2,order.settled,2026-03-02T00:00:00Z,o2,g1,group_buy,s,CNY,2026-03-01T00:00:00Z,1,tea,1,1000\n"
        "g1,group.succeeded,2026-03-05T00:00:00Z,,g1,,,,,,,,\n",
        "utf-8",
    )
    assert runner.invoke(cli, ["import", "events", str(file)]).exit_code == 0
    assert runner.invoke(cli, ["settle", "--json"]).exit_code == 0
    assert (world.earned(), world.expected()) == ({"s": 100}, {"s": 0})
