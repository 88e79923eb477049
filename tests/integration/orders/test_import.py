"""`distrib import events`: files in, everything told about what was refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from distrib.cli import cli
from distrib.services.orders.inbox import EventFilters, list_events
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


def run(runner: CliRunner, file: Path, *options: str) -> tuple[int, dict[str, int]]:
    """Imports a file; answers the exit status and the counts."""
    done = runner.invoke(cli, ["import", "events", str(file), "--json", *options])
    counts = json.loads(done.stdout)
    return done.exit_code, {name: counts[name] for name in ("accepted", "duplicate", "refused")}


def kept(world: World, *events: str) -> list[str]:
    """Those of the events that the service knows."""
    with world.begin() as conn:
        known, _ = list_events(conn, world.program, EventFilters(), None, 100)
    return [event for event in events if event in {view.id for view in known}]


def rows_of(order: str, line_id: str, amount: int, paid_at: str = "2026-03-01T00:00:00Z") -> str:
    return f"e-{order},order.settled,2026-03-02T00:00:00Z,{order},s,CNY,{paid_at},{line_id},tea,1,{amount},,\n"


@pytest.fixture
def shop(world: World) -> None:
    """A shop that earns a tenth."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))


@pytest.mark.usefixtures("shop")
def test_rows_of_one_event_are_gathered_wherever_they_stand(world: World, runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "by-sku.csv"
    sorted_by_line = [rows_of(order, line_id, 1_000) for line_id in ("1", "2", "3") for order in ("a", "b")]
    file.write_text(HEADER + "".join(sorted_by_line), "utf-8")
    assert run(runner, file) == (0, {"accepted": 2, "duplicate": 0, "refused": 0})
    world.drain()
    assert world.earned() == {"s": 600}
    assert run(runner, file) == (0, {"accepted": 0, "duplicate": 2, "refused": 0})


@pytest.mark.usefixtures("shop")
def test_a_file_that_stands_twice_in_itself_counts_once(world: World, runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "twice.csv"
    orders = [rows_of("a", "1", 1_000), rows_of("a", "2", 2_000), rows_of("b", "1", 3_000)]
    file.write_text(HEADER + "".join(orders * 2), "utf-8")
    assert run(runner, file) == (0, {"accepted": 2, "duplicate": 2, "refused": 0})
    world.drain()
    assert world.earned() == {"s": 600}


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (rows_of("a", "2", 1_000, "2026-03-01T00:00:01Z"), "line 4 says otherwise than line 2: paid_at"),
        (rows_of("a", "1", 9_000), "/order/lines/1/id"),
        ("e-a,order.settled\n", "line 4: 2 fields under 13 columns"),
        (rows_of("a", "1", 1_000) + rows_of("a", "1", 1_000), "/order/lines/"),
    ],
)
def test_an_event_that_contradicts_itself_across_the_file_is_refused_before_anything_of_it_is_kept(
    world: World, runner: CliRunner, tmp_path: Path, later: str, reason: str
) -> None:
    file = tmp_path / "events.csv"
    file.write_text(HEADER + rows_of("a", "1", 1_000) + rows_of("b", "1", 1_000) + later, "utf-8")
    assert run(runner, file) == (1, {"accepted": 1, "duplicate": 0, "refused": 1})
    refused = (tmp_path / "events.csv.refused.csv").read_text("utf-8")
    assert reason in refused
    assert len(refused.splitlines()) == 2 + later.count("\n")
    assert kept(world, "e-a", "e-b") == ["e-b"]


def test_a_row_whose_event_cannot_be_known_takes_those_beside_it_along(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    nameless = rows_of("a", "2", 2_000).removeprefix("e-a")
    file.write_text(HEADER + rows_of("a", "1", 1_000) + nameless + rows_of("b", "1", 1) + rows_of("c", "1", 1), "utf-8")
    assert run(runner, file) == (1, {"accepted": 1, "duplicate": 0, "refused": 3})
    assert "line 3 beside it" in (tmp_path / "events.csv.refused.csv").read_text("utf-8")
    assert kept(world, "e-a", "e-b", "e-c") == ["e-c"]


def test_an_event_of_more_than_a_thousand_rows_is_refused_whole(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    file.write_text(HEADER + "".join(rows_of("a", str(number), 1) for number in range(2_500)), "utf-8")
    assert run(runner, file) == (1, {"accepted": 0, "duplicate": 0, "refused": 1})
    refused = (tmp_path / "events.csv.refused.csv").read_text("utf-8")
    assert ("has more than 1000 rows" in refused, len(refused.splitlines())) == (True, 2_501)


def test_ndjson_events_of_one_id_with_other_content_are_refused_both_and_with_the_same_counted_once(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    same, other = settled("e1", "o1", "s", line(1_000)), settled("e2", "o2", "s", line(1_000))
    turned = dict(reversed(same.items())) | {"occurred_at": "2026-03-09T10:00:00+08:00"}
    same |= {"occurred_at": "2026-03-09T02:00:00Z"}
    lines = [same, other, turned, settled("e2", "o2", "s", line(1_001))]
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert run(runner, file) == (1, {"accepted": 1, "duplicate": 1, "refused": 1})
    refused = [json.loads(text) for text in (tmp_path / "events.ndjson.refused.ndjson").read_text("utf-8").splitlines()]
    assert [row["refused_line"] for row in refused] == [2, 4]
    assert "line 2 has the same id with other content: lines 4" in refused[0]["refused_reason"]
    assert kept(world, "e1", "e2") == ["e1"]


@pytest.mark.usefixtures("shop")
def test_fields_that_a_spreadsheet_or_a_shop_system_writes_are_read(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    head, row = HEADER.strip(), rows_of("a", "1", 1_000).strip()
    row = row.replace("2026-03-02T00:00:00Z", "2026-03-01 21:00:00 -0300").replace(",tea,1,", ",tea,1.0,")
    file.write_bytes(f"\ufeff{head},entry,,\r\n{row},TRUE,,\r\n".encode())
    assert run(runner, file)[0] == 0
    world.drain()
    assert world.earned() == {"s": 100}


def test_an_amount_with_decimals_is_refused_by_name(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text(HEADER + rows_of("a", "1", 1_000).replace(",1000,", ",1000.0,"), "utf-8")
    assert run(runner, file)[0] == 1
    assert "/order/lines/0/paid_minor: must be an integer" in (tmp_path / "events.csv.refused.csv").read_text("utf-8")


@pytest.mark.usefixtures("shop")
def test_a_file_of_chinese_excel_is_read_by_its_encoding_and_says_so_without_it(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(
        (HEADER + rows_of("a", "1", 1_000).replace("tea", "乌龙茶") + rows_of("b", "1", 0)).encode("gb18030")
    )
    assert run(runner, file) == (1, {"accepted": 1, "duplicate": 0, "refused": 1})
    beside = tmp_path / "events.csv.refused.csv"
    assert b"is not UTF-8 (byte 0xCE); give the encoding of the file, such as --encoding gb18030" in beside.read_bytes()
    assert "乌龙茶".encode("gb18030") in beside.read_bytes()
    assert run(runner, file, "--encoding", "gb18030") == (0, {"accepted": 1, "duplicate": 1, "refused": 0})
    world.drain()
    assert world.earned() == {"s": 100}


def test_what_was_refused_is_written_in_the_encoding_of_the_file(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes((HEADER + rows_of("a", "1", -5).replace("tea", "茶葉")).encode("big5"))
    assert run(runner, file, "--encoding", "big5")[0] == 1
    assert "茶葉" in (tmp_path / "events.csv.refused.csv").read_text("big5")
    assert run(runner, tmp_path / "events.csv.refused.csv", "--encoding", "big5")[1]["refused"] == 1


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"id,type,memo,note\n", [], "not memo, note"),
        (b"id,type,memo,note\n", ["--ignore-columns", "memo"], "not note"),
        (b"id,,type\n", [], 'not ""'),
        (b"type,occurred_at\n", [], "the column id is missing"),
        (b"id,type,type\n", [], "a column stands twice: type"),
        (b"", [], "has no columns"),
        ("id,类型\n".encode("gb18030"), [], "is not UTF-8 (byte 0xC0)"),
        ("id,type\n".encode("utf-16"), [], "is UTF-16; save it as CSV UTF-8"),
        (b"PK\x03\x04\x14\x00", [], "is a workbook; save it as CSV UTF-8"),
        (b"id,type\n", ["--encoding", "utf-16"], "utf-16 is no encoding of text that is read by lines"),
        (b"id,type\n", ["--encoding", "klingon"], "klingon is no encoding"),
    ],
)
@pytest.mark.parametrize("noun", ["events", "shops"])
def test_a_file_that_cannot_be_read_is_refused_by_name(
    runner: CliRunner, tmp_path: Path, noun: str, content: bytes, options: list[str], words: str
) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(
        content if noun == "events" else content.replace(b"type", b"name").replace(b"occurred_", b"joined_")
    )
    done = runner.invoke(cli, ["import", noun, str(file), *options])
    assert done.exit_code == 2
    assert (words if noun == "events" else words.replace("type", "name")) in done.stderr


def test_columns_that_are_named_are_left_aside(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    row = rows_of("a", "1", 1_000).strip()
    file.write_text(f"{HEADER.strip()},memo,note\n{row},x,y\n", "utf-8")
    assert run(runner, file, "--ignore-columns", "memo, note")[0] == 0
