"""Rows like those of the Online Retail file, all of them made up here, become sales and linked refunds."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from openpyxl import Workbook

from distrib.cli.demo.facts import DemoFailed, History
from distrib.cli.demo.sources.control import count_online_retail
from distrib.cli.demo.sources.online_retail import history_of, read_history
from distrib.cli.demo.sources.online_retail_file import COLUMNS, Row, read_rows

MORNING = datetime(2011, 7, 1, 9, 30)  # noqa: DTZ001  (the file has no zone)


def row(
    number: int, invoice: str, sku: str, quantity: int, price: str, minutes: int = 0, customer: str | None = "9"
) -> Row:
    return Row(number, invoice, sku, quantity, MORNING + timedelta(minutes=minutes), Decimal(price), customer)


def history_from(*rows: Row) -> History:
    return history_of(rows)


def refunds_of(*rows: Row) -> list[tuple[str, tuple[tuple[str, int], ...]]]:
    return [(refund.id, refund.lines) for refund in history_from(*rows).refunds]


def test_an_invoice_is_an_order_with_its_lines_at_the_first_of_its_times() -> None:
    (sale,) = history_from(row(1, "500", "A", 2, "1.25", minutes=1), row(2, "500", "B", 1, "0.50")).sales
    assert (sale.order_id, sale.customer_id, sale.paid_minor) == ("500", "uci-c9", 300)
    assert [(line.id, line.sku, line.paid_minor) for line in sale.lines] == [("1", "A", 250), ("2", "B", 50)]
    assert sale.paid_at == datetime(2011, 7, 1, 8, 30, tzinfo=UTC)  # British summer time
    assert sale.settled_at == sale.paid_at


def test_a_line_is_rounded_to_the_penny_once() -> None:
    (sale,) = history_from(row(1, "500", "A", 3, "0.125")).sales
    assert sale.paid_minor == 38


@pytest.mark.parametrize(
    "other",
    [
        row(2, "501", "A", 1, "1.00", customer=None),
        row(2, "501", "A", -1, "1.00"),
        row(2, "501", "A", 1, "0.000"),
        row(2, "A501", "B", 1, "-5.00"),
        row(2, "C501", "A", -1, "1.00", customer=None),
    ],
)
def test_what_is_no_sale_to_a_known_customer_makes_no_order(other: Row) -> None:
    assert [sale.order_id for sale in history_from(row(1, "500", "A", 2, "1.00"), other).sales] == ["500"]


def test_a_credit_gives_back_the_latest_sale_at_its_own_price_first() -> None:
    refunds = refunds_of(
        row(1, "500", "A", 5, "2.00"),
        row(2, "501", "A", 5, "3.00", 1),
        row(3, "502", "A", 5, "2.00", 2),
        row(4, "C503", "A", -7, "2.00", 3),
    )
    assert refunds == [("C503-502", (("3", 1000),)), ("C503-500", (("1", 400),))]


def test_a_credit_at_another_price_gives_back_at_the_sales_price() -> None:
    refunds = refunds_of(row(1, "500", "A", 5, "3.00"), row(2, "C501", "A", -1, "2.00", 1))
    assert refunds == [("C501-500", (("1", 300),))]


def test_a_sale_stands_earlier_by_time_and_then_by_place() -> None:
    assert refunds_of(row(1, "500", "A", 5, "3.00"), row(2, "C501", "A", -1, "3.00")) == [("C501-500", (("1", 300),))]
    history = history_from(row(1, "C501", "A", -1, "3.00"), row(2, "500", "A", 5, "3.00"))
    assert not history.refunds
    assert history.left_out["credit_lines_without_earlier_sale"] == 1


def test_a_credit_of_another_customer_or_article_gives_back_nothing() -> None:
    history = history_from(
        row(1, "500", "A", 5, "3.00"), row(2, "C501", "A", -1, "3.00", 1, "8"), row(3, "C502", "E", -1, "3.00", 1)
    )
    assert history.left_out["credit_lines_without_earlier_sale"] == 2


def test_never_more_is_given_back_than_is_left_of_the_sale() -> None:
    history = history_from(
        row(1, "500", "A", 5, "3.00"),
        row(2, "C501", "A", -4, "3.00", 1),
        row(3, "C502", "A", -4, "3.00", 2),
        row(4, "C503", "A", -1, "3.00", 3),
    )
    assert [refund.amount_minor for refund in history.refunds] == [1200, 300]
    assert history.left_out["credit_lines_covered_in_part"] == 1
    assert history.left_out["credit_lines_of_sales_given_back_already"] == 1
    assert history.counted["refund_links"] == 2


def test_pennies_given_back_one_by_one_add_up_to_what_was_paid() -> None:
    singles = [row(number, f"C{500 + number}", "A", -1, "0.125", number) for number in (2, 3, 4)]
    history = history_from(row(1, "500", "A", 3, "0.125"), *singles)
    assert [refund.amount_minor for refund in history.refunds] == [13, 12, 13]
    assert sum(refund.amount_minor for refund in history.refunds) == history.sales[0].paid_minor


def test_two_credit_lines_for_one_sale_line_are_one_line_of_the_refund() -> None:
    refunds = refunds_of(
        row(1, "500", "A", 5, "3.00"), row(2, "C501", "A", -1, "3.00", 1), row(3, "C501", "A", -2, "3.00", 1)
    )
    assert refunds == [("C501-500", (("1", 900),))]


@pytest.mark.parametrize("sku", ["POST", "M", "D", "gift_0001_20"])
def test_a_credit_of_no_goods_is_left_out_and_counted(sku: str) -> None:
    history = history_from(row(1, "500", sku, 5, "3.00"), row(2, "C501", sku, -1, "3.00", 1))
    assert not history.refunds
    assert history.left_out["credit_lines_not_goods"] == 1


def test_what_comes_to_less_than_a_penny_is_left_out_and_counted() -> None:
    history = history_from(row(1, "500", "A", 5, "0.001"), row(2, "C501", "A", -1, "0.001", 1))
    assert not history.refunds
    assert history.left_out["links_worth_nothing"] == 1


def test_the_control_counts_the_same_by_its_own_way() -> None:
    rows = [
        row(1, "500", "A", 3, "0.125"),
        row(2, "500", "POST", 1, "18.00"),
        row(3, "501", "E", 2, "1.00", 1, "8"),
        row(4, "502", "C", 1, "1.00", 1, None),
        row(5, "C503", "E", -1, "1.00", 2),
        row(6, "C504", "A", -1, "0.125", 3),
    ]
    control, history = count_online_retail(rows), history_from(*rows)
    assert (control.orders, control.lines, control.customers) == (2, 3, 2)
    assert control.paid_minor == sum(sale.paid_minor for sale in history.sales) == 38 + 1800 + 200
    assert control.credit_lines_without_earlier_sale == history.left_out["credit_lines_without_earlier_sale"] == 1
    assert control.published is None


# --- the three kinds of file ---

TABLE: list[tuple[Any, ...]] = [
    (700001, 10002, "POPPY", 2, MORNING, 2.55, 17.0, "France"),
    (700001, "10002L", "POPPY £", 1, MORNING, 0.1 + 0.2, 17.0, "France"),
    ("C700002", 10002, "POPPY", -1, MORNING + timedelta(days=12), 2.55, 17.0, "France"),
    (700003, "POST", None, 1, MORNING + timedelta(days=13), 18, None, "Spain"),
]
NAMES = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")


def as_xlsx(folder: Path) -> Path:
    book = Workbook()
    for cells in (NAMES, *TABLE, (None,) * 8):
        book.worksheets[0].append(cells)
    book.save(folder / "few.xlsx")
    return folder / "few.xlsx"


def as_csv(folder: Path, time_form: str = "%m/%d/%Y %H:%M", encoding: str = "utf-8-sig") -> Path:
    path = folder / "few.csv"
    with path.open("w", newline="", encoding=encoding) as file:
        table = csv.writer(file)
        table.writerow(NAMES)
        for cells in TABLE:
            price = f"{Decimal(cells[5]).quantize(Decimal('0.001')).normalize():f}"
            table.writerow([*cells[:4], cells[4].strftime(time_form), price, cells[6], cells[7]])
    return path


def as_parquet(folder: Path) -> Path:
    columns = {name: [cells[place] for cells in TABLE] for place, name in enumerate(NAMES)}
    columns["InvoiceNo"] = [str(cell) for cell in columns["InvoiceNo"]]
    columns["StockCode"] = [str(cell) for cell in columns["StockCode"]]
    columns["UnitPrice"] = [Decimal(cell).quantize(Decimal("0.001")) for cell in columns["UnitPrice"]]
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "few.parquet")
    return folder / "few.parquet"


@pytest.mark.parametrize(
    "write",
    [
        as_xlsx,
        as_csv,
        as_parquet,
        lambda folder: as_csv(folder, "%Y-%m-%d %H:%M:%S"),
        lambda folder: as_csv(folder, "%d/%m/%Y %H:%M", "latin-1"),
    ],
)
def test_the_same_rows_come_out_of_every_kind_of_file(write: Callable[[Path], Path], tmp_path: Path) -> None:
    later = MORNING + timedelta(days=12)
    assert read_rows(write(tmp_path)) == [
        Row(1, "700001", "10002", 2, MORNING, Decimal("2.550"), "17"),
        Row(2, "700001", "10002L", 1, MORNING, Decimal("0.300"), "17"),
        Row(3, "C700002", "10002", -1, later, Decimal("2.550"), "17"),
        Row(4, "700003", "POST", 1, later + timedelta(days=1), Decimal("18.000"), None),
    ]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="no such file"):
        read_history(tmp_path / "none.csv")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match=r"\.xlsx, \.csv or \.parquet"):
        read_history(tmp_path / "none.ods")


@pytest.mark.parametrize("kind", ["xlsx", "csv", "parquet"])
def test_a_file_that_is_something_else_inside_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"broken.{kind}"
    path.write_bytes(b"no such thing\n1\n")
    with pytest.raises(DemoFailed):
        read_history(path)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text(",".join(name for name in COLUMNS if name != "CustomerID") + "\n")
    with pytest.raises(DemoFailed, match="CustomerID"):
        read_history(path)


def test_a_file_without_a_sale_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(DemoFailed, match="no sale"):
        read_history(path)
