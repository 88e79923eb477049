"""Money without lines, out of an export by a map or of CSV, is shared over the lines and takes back no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from distrib.cli import cli
from tests.world.documents import SELLER_TEN_PERCENT
from tests.world.world import World

SAMPLES = Path(__file__).parents[2] / "unit" / "cli" / "imports" / "samples"


@pytest.fixture
def runner(world: World, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command line on the world's own servers, with a plan of 10 % and the shops of the samples."""
    for name, value in world.container.environment().items():
        monkeypatch.setenv(name, value)
    world.publish(SELLER_TEN_PERCENT)
    world.join(("north", None), ("tea", None), ("7", None), ("8", None))
    return CliRunner()


def imported(runner: CliRunner, file: Path, *options: str) -> tuple[int, int]:
    """Exit status and how many events are in."""
    done = runner.invoke(cli, ["import", "events", str(file), "--json", *options])
    return done.exit_code, json.loads(done.stdout)["accepted"]


def sample(tmp_path: Path, name: str, currency: str = "CNY") -> Path:
    """A copy of a sample in the currency of the program."""
    file = tmp_path / f"{name}.csv"
    file.write_text((SAMPLES / f"{name}.csv").read_text("utf-8").replace(currency, "CNY"), "utf-8")
    return file


def test_a_partial_refund_of_shopify_takes_back_the_part_of_the_lines(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    options = ("--map", "shopify", "--set", "order.shop_id=Vendor", "--exported-at", "2026-04-01T00:00:00Z")
    file = sample(tmp_path, "shopify", "USD")
    assert imported(runner, file, *options) == (0, 5)
    world.drain()
    # 10 % of 587.00, not of 597.00, and of 100.00 less 10.00: 11.00 were given back of 110.00 with freight.
    assert world.earned() == {"tea": 1957 + 1957 + 1957 + 1000 - 100}
    assert imported(runner, file, *options) == (0, 0)


def test_a_register_shares_what_is_given_back_over_the_lines_of_its_sale(
    world: World, runner: CliRunner, tmp_path: Path
) -> None:
    options = ("--set", "order.currency.constant=CNY", "--set", "times.zone=America/New_York")
    assert imported(runner, sample(tmp_path, "square"), "--map", "square", *options) == (0, 2)
    world.drain()
    # 10 % of 36.00 and 15.00; of 18.00, 12.71 and 5.29 come back.
    assert world.earned() == {"north": 510 - 180}


def test_woocommerce_takes_back_by_line_or_by_amount(world: World, runner: CliRunner, tmp_path: Path) -> None:
    options = ("--map", "woocommerce", "--set", "order.shop_id=Customer User ID", "--set", "times.zone=Europe/Berlin")
    assert imported(runner, sample(tmp_path, "woocommerce", "EUR"), *options) == (0, 7)
    world.drain()
    assert world.earned() == {"7": 600 - 200, "8": 1000 - 100}


def test_a_csv_row_says_how_an_amount_is_spread(world: World, runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text(
        "id,type,occurred_at,order_id,shop_id,currency,paid_at,line_id,sku,quantity,paid_minor,refund_id,amount_minor,spread\n"
        "e1,order.settled,2026-03-02T00:00:00Z,o1,tea,CNY,2026-03-01T00:00:00Z,1,oolong,1,10000,,,\n"
        "r1,order.refunded,2026-03-05T00:00:00Z,o1,,,,,,,,g1,500,none\n"
        "r2,order.refunded,2026-03-06T00:00:00Z,o1,,,,,,,,g2,1000,lines\n"
        "u2,refund.reversed,2026-03-07T00:00:00Z,,,,,,,,,g2,,\n"
        "r3,order.refunded,2026-03-08T00:00:00Z,o1,,,,,,,,g3,3000,lines\n"
        "p1,order.payment_failed,2026-03-09T00:00:00Z,o2,,,,,,,,,,\n",
        "utf-8",
    )
    assert imported(runner, file) == (0, 6)
    world.drain()
    assert world.earned() == {"tea": 1000 - 300}
