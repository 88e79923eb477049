"""`distrib import events --map`: the export of an order system in, right money out; a dry run sends nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from distrib.cli import cli
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World

SAMPLES = Path(__file__).parents[2] / "unit" / "cli" / "imports" / "samples"


@pytest.fixture
def runner(world: World, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command line on the world's own servers, with a plan and the shops of the samples."""
    for name, value in world.container.environment().items():
        monkeypatch.setenv(name, value)
    world.publish(SELLER_TEN_PERCENT)
    world.join(("7", None), ("north", None))
    return CliRunner()


def sample(tmp_path: Path, name: str) -> Path:
    """A copy of a sample, so that files beside it are not kept."""
    file = tmp_path / f"{name}.csv"
    file.write_bytes((SAMPLES / f"{name}.csv").read_bytes())
    return file


def run(runner: CliRunner, file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = runner.invoke(cli, ["import", "events", str(file), "--json", *options])
    return done.exit_code, json.loads(done.stdout)


def test_an_export_by_a_map_earns_what_was_paid_for_the_lines_and_counts_once(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    file = sample(tmp_path, "yudao")
    status, counts = run(runner, file, "--map", "yudao")
    assert (status, counts["accepted"], counts["duplicate"], counts["refused"]) == (0, 6, 0, 0)
    world.drain()
    # 10 % of 100.00 and 30.00 without freight; 54.00 and 30.00 came back.
    assert world.earned() == {"7": 1300 - 540 - 300}
    status, counts = run(runner, file, "--map", "yudao")
    assert (status, counts["accepted"], counts["duplicate"]) == (0, 0, 6)


def test_the_generic_map_is_printed_changed_and_used(world: World, runner: CliRunner, tmp_path: Path) -> None:
    printed = runner.invoke(cli, ["import", "maps", "generic"]).stdout
    mine = tmp_path / "mine.yaml"
    mine.write_text(printed.replace("map: generic", "map: mine").replace("  sku: sku", "  sku: sku  # mine"), "utf-8")
    assert run(runner, sample(tmp_path, "generic"), "--map", str(mine))[0] == 0
    world.drain()
    assert world.earned() == {"north": 25_881 + 149 - 140}
    assert "shopify" in runner.invoke(cli, ["import", "maps"]).stdout.split()


def test_a_dry_run_shows_what_would_be_sent_and_why_the_rest_is_not_and_sends_nothing(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    file = sample(tmp_path, "crmeb")
    status, shown = run(runner, file, "--map", "crmeb", "--dry-run", "--exported-at", "2026-03-20T00:00:00Z")
    assert status == 0
    assert shown["would_send"] == {"order.paid": 2, "order.settled": 1, "order.refunded": 1}
    assert shown["amounts_minor"] == {"order.paid": {"CNY": 15_000}, "order.settled": {"CNY": 12_000}}
    assert "收货人电话" in shown["unread_columns"]
    events = [json.loads(line) for line in Path(shown["events_file"]).read_text("ascii").splitlines()]
    assert [event["id"] for event in events] == ["wx1:paid", "wx1:settled", "wx2:paid", "wx2:refunded"]
    assert "no event of the map has happened to it" in Path(shown["left_out_file"]).read_text("utf-8")
    with world.begin() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM events").scalar_one() == 0
    assert run(runner, Path(shown["events_file"]))[1]["accepted"] == 4


def test_an_order_that_cannot_be_read_is_refused_whole_with_all_that_is_wrong(
    runner: CliRunner, tmp_path: Path
) -> None:
    file = sample(tmp_path, "generic")
    text = file.read_text("utf-8").replace("¥19.99", "19.999").replace("2026-03-20 09:00", "20 March")
    file.write_text(text, "utf-8")
    status, counts = run(runner, file, "--map", "generic")
    assert (status, counts["accepted"], counts["refused"]) == (1, 0, 1)
    refused = Path(counts["refused_file"]).read_text("utf-8")
    assert 'line.paid: ""19.999"" has more decimals than CNY has (2)' in refused
    assert len(refused.splitlines()) == 3


def test_rows_of_an_order_that_contradict_each_other_are_refused(runner: CliRunner, tmp_path: Path) -> None:
    file = sample(tmp_path, "generic")
    file.write_text(file.read_text("utf-8").replace("A-1,north,c-1,CNY", "A-1,south,c-1,CNY", 1), "utf-8")
    status, counts = run(runner, file, "--map", "generic")
    assert (status, counts["refused"]) == (1, 1)
    assert "line 3 says otherwise than line 2: shop_id" in Path(counts["refused_file"]).read_text("utf-8")


def test_lines_without_ids_that_stand_apart_twice_are_refused_and_not_taken_for_a_repeat(
    runner: CliRunner, tmp_path: Path
) -> None:
    file = sample(tmp_path, "shopify")
    rows = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([*rows[:2], rows[4], rows[2], rows[5], rows[2]]), "utf-8")
    counts = run(runner, file, "--map", "shopify", "--dry-run", "--exported-at", "2026-04-01T00:00:00Z")[1]
    assert "rows stand twice apart" in Path(counts["refused_file"]).read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--map", "nowhere"], ["nowhere is neither a readable file nor one of the maps crmeb, generic"]),
        (["--map", "yudao"], ["the map needs the columns after_sale_no, cancel_time, count"]),
        (["--map", "square", "--set", "times.zone=Mars"], ["times.zone", "must be a time zone", "Mars"]),
        (["--map", "square", "--set", "map.id.x=1"], ["map.id.x", "is no path of keys in the map"]),
        (["--map", "square", "--set", "zone"], ["must be KEY=TEXT"]),
        (["--set", "a=b"], ["--set is for a map"]),
        (["--exported-at", "yesterday"], ["must be an RFC 3339 time with an offset"]),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_by_name(
    runner: CliRunner, tmp_path: Path, options: list[str], words: list[str]
) -> None:
    done = runner.invoke(cli, ["import", "events", str(sample(tmp_path, "generic")), *options])
    assert done.exit_code == 2
    assert [word for word in words if word not in done.stderr] == []


def test_a_map_says_the_encoding_of_its_files(world: World, runner: CliRunner, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("encoding: gb18030\n" + runner.invoke(cli, ["import", "maps", "generic"]).stdout, "utf-8")
    file = sample(tmp_path, "generic")
    file.write_bytes(file.read_text("utf-8").replace("oolong", "乌龙茶").encode("gb18030"))
    status, counts = run(runner, file, "--map", str(mine), "--dry-run")
    assert (status, counts["accepted"]) == (0, 3)
    assert "\\u4e4c\\u9f99\\u8336" in Path(counts["events_file"]).read_text("ascii")
    assert run(runner, file, "--map", str(mine), "--encoding", "utf-8")[1]["refused"] == 1


def test_a_dry_run_of_events_as_the_api_takes_them_names_what_would_be_refused(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    good, bad = settled("e1", "o1", "7", line(1_000)), settled("e2", "o2", "7", line(-1))
    file.write_text("\n".join(map(json.dumps, [good, bad, good])), "utf-8")
    status, counts = run(runner, file, "--dry-run")
    assert (status, counts["accepted"], counts["duplicate"], counts["refused"]) == (1, 1, 1, 1)
    with world.begin() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM events").scalar_one() == 0
    shown = runner.invoke(cli, ["import", "events", str(file), "--dry-run"])
    assert "order.settled" in shown.stdout
    assert "1 would be sent, 1 stand again, 1 refused" in shown.stdout
