"""CDNOW's file becomes sales; what is not a row of it is refused by its line."""

from datetime import timedelta
from pathlib import Path

import pytest

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import DemoFailed, Sale
from distrib.cli.demo.sources import cdnow
from distrib.cli.demo.sources.control import count_cdnow

HEADING = " customer_id  date number_of_cds  dollar_value\r\n"
ROWS = HEADING + " 00001 19970101  1   11.77\r\n 00002 19970112  5   77.00\r\n 00002 19970112  1    0.00\r\n"


def read(text: str) -> list[Sale]:
    return list(cdnow.read_sales(text.splitlines(keepends=True), Dice(1)))


def test_every_row_is_an_order_named_by_its_number() -> None:
    first, second, third = read(ROWS)
    assert (first.order_id, first.customer_id, first.paid_minor) == ("cdnow-00001", "cdnow-c00001", 1177)
    assert (second.order_id, second.lines[0].quantity, second.paid_minor) == ("cdnow-00002", 5, 7700)
    assert (third.order_id, third.paid_minor) == ("cdnow-00003", 0)


def test_an_order_stays_on_its_day_in_new_york_and_settles_later() -> None:
    for sale in read(ROWS):
        local = sale.paid_at - timedelta(hours=5)
        assert local.strftime("%Y%m%d") in {"19970101", "19970112"}
        assert timedelta(hours=20) <= sale.settled_at - sale.paid_at <= timedelta(hours=120)


def test_the_same_seed_reads_the_same_and_another_another() -> None:
    assert read(ROWS) == read(ROWS)
    assert read(ROWS) != list(cdnow.read_sales(ROWS.splitlines(), Dice(2)))


@pytest.mark.parametrize("row", ["00001 19970101 1 11.7", "00001 19970101 1", "x 19970101 1 1.00", "1 19970101 -1 1.0"])
def test_a_row_of_another_shape_is_refused_with_its_line(row: str) -> None:
    with pytest.raises(DemoFailed, match="line 2"):
        read(HEADING + row + "\n")


def test_a_day_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DemoFailed, match="19970231"):
        read(HEADING + " 00001 19970231  1   11.77\n")


def test_the_installed_file_holds_what_is_published_of_it() -> None:
    control = count_cdnow(cdnow.find_file(), is_published=True)
    figures = {"orders": control.orders, "customers": control.customers, "paid_minor": control.paid_minor}
    assert figures == control.published == {"orders": 69_659, "customers": 23_570, "paid_minor": 250_031_563}


def test_the_reader_and_the_control_count_the_same(tmp_path: Path) -> None:
    path = tmp_path / "few.txt"
    path.write_text(ROWS, encoding="ascii")
    history, control = cdnow.read_history(path, Dice(1)), count_cdnow(path, is_published=False)
    assert len(history.sales) == control.orders == 3
    assert sum(sale.paid_minor for sale in history.sales) == control.paid_minor == 8877


def test_a_missing_package_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdnow, "PACKAGE", "no-such-package-of-ours")
    with pytest.raises(DemoFailed, match=r"dev\.py demo"):
        cdnow.find_file()
