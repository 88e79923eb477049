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


HEADER = (
    "id,type,occurred_at,order_id,shop_id,currency,paid_at,line_id,sku,quantity,paid_minor,refund_id,amount_minor\n"
)


def test_rows_of_one_event_that_contradict_each_other_are_refused_whole_and_every_line_is_named(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    file.write_text(
        HEADER + "E1,order.settled,2026-03-02T00:00:00Z,A-1001,b,CNY,2026-03-01T00:00:00Z,51,tea,1,1000,,\n"
        "E1,order.settled,2026-03-02T00:00:00Z,A-1002,a,CNY,2026-03-01T00:00:00Z,52,tea,1,90000,,\n"
        "E1,order.settled,2026-03-02T00:00:00Z,A-1001,b,USD,2026-03-01T00:00:00Z,53,tea,1,90000,,\n",
        "utf-8",
    )
    done = runner.invoke(cli, ["import", "events", str(file), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["accepted"], json.loads(done.stdout)["refused"]) == (1, 0, 1)
    refused = (tmp_path / "events.csv.refused.csv").read_text("utf-8")
    assert "line 3 says otherwise than line 2: order_id, shop_id" in refused
    assert "line 4 says otherwise than line 2: currency" in refused
    assert len(refused.splitlines()) == 4


def test_later_rows_of_an_event_may_leave_its_fields_empty_or_repeat_them_in_another_zone(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    file = tmp_path / "events.csv"
    file.write_text(
        HEADER + "e1,order.settled,2026-03-02T00:00:00Z,o1,s,CNY,2026-03-01T00:00:00Z,1,tea,1,1000,,\n"
        "e1,,,,,,,2,tea,1,2000,,\n"
        "e1,,2026-03-02T08:00:00+08:00,o1,,,2026-03-01T08:00:00+08:00,3,tea,1,3000,,\n",
        "utf-8",
    )
    assert runner.invoke(cli, ["import", "events", str(file)]).exit_code == 0
    world.drain()
    assert world.earned() == {"s": 600}


def test_a_refund_of_an_amount_without_a_line_is_refused_and_takes_nothing_back(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    file = tmp_path / "events.csv"
    file.write_text(
        HEADER + "e1,order.settled,2026-03-02T00:00:00Z,o1,s,CNY,2026-03-01T00:00:00Z,1,tea,1,1000,,\n"
        "r1,order.refunded,2026-03-05T00:00:00Z,o1,,,,,,,,refund-1,50\n",
        "utf-8",
    )
    done = runner.invoke(cli, ["import", "events", str(file), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["refused"]) == (1, 1)
    assert "/refund/lines/0/line_id" in (tmp_path / "events.csv.refused.csv").read_text("utf-8")
    world.drain()
    assert world.earned() == {"s": 100}


def test_ids_are_read_with_or_without_the_mark_of_a_spreadsheet_and_are_marked_in_the_file_of_what_was_refused(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("+8613800138000", None))
    file = tmp_path / "events.csv"
    file.write_text(
        HEADER + "e1,order.settled,2026-03-02T00:00:00Z,o1,'+8613800138000,CNY,2026-03-01T00:00:00Z,1,tea,1,1000,,\n"
        "e2,order.settled,2026-03-02T00:00:00Z,o2,+8613800138000,CNY,2026-03-01T00:00:00Z,1,tea,1,2000,,\n"
        "e3,order.settled,2026-03-02T00:00:00Z,o3,+8613800138000,CNY,2026-03-01T00:00:00Z,1,tea,0,2000,,\n",
        "utf-8",
    )
    assert runner.invoke(cli, ["import", "events", str(file)]).exit_code == 1
    world.drain()
    assert world.earned() == {"+8613800138000": 300}
    assert ",'+8613800138000," in (tmp_path / "events.csv.refused.csv").read_text("utf-8")
