"""Statement files read back: the same rows in every format, nothing a spreadsheet would run, ids as text."""

from __future__ import annotations

import csv
import hashlib
import io
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from distrib.domain.errors import Refusal
from distrib.domain.spreadsheet_cells import MARK, restored
from distrib.services.context import Actor
from distrib.services.statements import closing
from distrib.services.statements.files import FileWish, export_file
from distrib.services.statements.workbook import write_workbook
from distrib.store.statements import exports
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World

MARCH = 202603
NOW = datetime(2026, 8, 1, tzinfo=UTC)
ODD = ("=1+1", "@cmd", "+x", "-y", "007", "店铺")


@pytest.fixture
def odd(world: World) -> World:
    """Shops, orders and lines with names that a spreadsheet would take for something else."""
    world.publish({**SELLER_TEN_PERCENT, "rules": [{"id": "seller", "pay": "seller", "rate": "0.125"}]})
    world.join(*((name, None) for name in ODD))
    world.earn(*(settled(f"=e{n}", f"00{n}", name, line(8_000 + n, '="x"')) for n, name in enumerate(ODD)))
    world.earn(refunded("@r", "000", {'="x"': 1_000}))
    return world


def file(world: World, wish: FileWish) -> bytes:
    with world.container.begin() as conn:
        return b"".join(export_file(conn, world.program, wish, NOW))


def csv_rows(world: World, detail: str, shop_id: str | None = None) -> list[list[str]]:
    content = file(world, FileWish(MARCH, "csv", detail, shop_id)).decode()
    return list(csv.reader(io.StringIO(content)))


def sheet_rows(content: bytes) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return [list(row) for sheet in book for row in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize("detail", ["shops", "lines"])
def test_a_workbook_has_the_rows_of_the_csv_file_with_numbers_as_numbers(odd: World, detail: str) -> None:
    heading, *rows = sheet_rows(file(odd, FileWish(MARCH, "xlsx", detail)))
    expected, *written = csv_rows(odd, detail)
    assert heading == expected
    shown = [["" if value is None else str(value) for value in row] for row in rows]
    assert shown == [[restored(cell) for cell in row] for row in written]
    for name, value in zip(heading, rows[0], strict=True):
        is_figure = name.endswith("_minor") or name in ("orders", "refunds", "tier")
        assert value is None or isinstance(value, int) == is_figure, name


def test_no_cell_of_a_workbook_is_a_formula_and_none_needs_a_mark(odd: World) -> None:
    for detail in ("shops", "lines"):
        book = openpyxl.load_workbook(io.BytesIO(file(odd, FileWish(MARCH, "xlsx", detail))))
        cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n"}
        assert not any(str(cell.value).startswith(MARK) for cell in cells)


def test_rows_beyond_a_sheet_go_on_in_the_next() -> None:
    pages = iter([[(f"{n}", n) for n in range(3)], [("3", 10**15), ("4", -(10**15))]])
    content = b"".join(write_workbook(("id", "amount_minor"), pages, "shops", most_rows=3))
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["shops", "shops 2", "shops 3"]
    assert [list(sheet.values) for sheet in book] == [
        [("id", "amount_minor"), ("0", 0), ("1", 1)],
        [("id", "amount_minor"), ("2", 2), ("3", "1000000000000000")],
        [("id", "amount_minor"), ("4", "-1000000000000000")],
    ]


@pytest.mark.parametrize("detail", ["shops", "lines"])
def test_parquet_has_amounts_as_integers_and_texts_as_they_are(
    odd: World, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_CHUNK", 2)
    table = pq.read_table(io.BytesIO(file(odd, FileWish(MARCH, "parquet", detail))))
    heading, *rows = csv_rows(odd, detail)
    assert table.column_names == heading
    for field in table.schema:
        is_figure = field.name.endswith("_minor") or field.name in ("orders", "refunds", "tier")
        assert str(field.type) == ("int64" if is_figure else "string"), field.name
    amounts = table["closing_minor" if detail == "shops" else "amount_minor"].to_pylist()
    assert sum(amounts) == sum(odd.earned().values())
    assert set(table["shop_id"].to_pylist()) == set(ODD)
    assert table.num_rows == len(rows)


def test_an_empty_month_is_a_file_with_a_heading_in_every_format(world: World) -> None:
    assert sheet_rows(file(world, FileWish(MARCH, "xlsx"))) == [list(exports.SHOPS_COLUMNS)]
    table = pq.read_table(io.BytesIO(file(world, FileWish(MARCH, "parquet", "lines"))))
    assert (table.num_rows, tuple(table.column_names)) == (0, exports.LINES_COLUMNS)


def test_a_pdf_of_one_shop_has_its_figures_and_lines_in_chinese_and_english(odd: World) -> None:
    content = file(odd, FileWish(MARCH, "pdf", shop_id="店铺"))
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    expected = ("对账单 Statement", "店铺 Shop: 店铺", "期末 Closing", "10.01", "80.05", "0.125", "005", "佣金 earned")
    assert [wanted for wanted in expected if wanted not in words] == []
    assert "=1+1" not in words
    assert content == file(odd, FileWish(MARCH, "pdf", shop_id="店铺"))


def test_a_pdf_of_many_lines_goes_over_many_pages_and_loses_none(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.earn(*(settled(f"e{n}", f"{'order-' * 8}{n:05}", "a", line(1_000)) for n in range(600)))
    reader = PdfReader(io.BytesIO(file(world, FileWish(MARCH, "pdf", shop_id="a"))))
    words = "".join("".join(page.extract_text().split()) for page in reader.pages)
    assert len(reader.pages) > 10
    assert [n for n in range(600) if f"{n:05}" not in words] == []


def test_a_pdf_breaks_no_amount_that_a_line_can_have(world: World) -> None:
    world.publish({**SELLER_TEN_PERCENT, "rules": [{"id": "s", "pay": "seller", "rate": "1"}]})
    world.join(("a", None))
    world.earn(settled("e", "o", "a", line(10**12)), refunded("r", "o", {"1": 10**12}))
    [page] = PdfReader(io.BytesIO(file(world, FileWish(MARCH, "pdf", shop_id="a")))).pages
    texts = page.extract_text().split()
    assert [texts.count(amount) for amount in ("10,000,000,000.00", "-10,000,000,000.00")] == [4, 2]


def test_a_pdf_draws_names_beyond_its_font_too(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("店😀ä", None))
    world.earn(settled("e", "o", "店😀ä", line(1_000)))
    assert file(world, FileWish(MARCH, "pdf", shop_id="店😀ä")).startswith(b"%PDF")


def test_a_file_of_one_shop_holds_nothing_of_others(odd: World) -> None:
    for detail in ("shops", "lines"):
        _, *rows = csv_rows(odd, detail, "007")
        assert {row[2 if detail == "shops" else 5] for row in rows} == {"007"}


@pytest.mark.parametrize("wish", [FileWish(MARCH, "pdf"), FileWish(MARCH, "doc"), FileWish(MARCH, "csv", "pages")])
def test_a_file_that_there_is_not_is_refused_before_it_begins(world: World, wish: FileWish) -> None:
    with world.container.begin() as conn, pytest.raises(Refusal) as caught:
        export_file(conn, world.program, wish, NOW)
    assert caught.value.code == "invalid"


def test_a_pdf_of_no_shop_is_not_found(world: World) -> None:
    with world.container.begin() as conn, pytest.raises(Refusal) as caught:
        export_file(conn, world.program, FileWish(MARCH, "pdf", shop_id="nobody"), NOW)
    assert caught.value.code == "shop_unknown"


def test_over_http_each_format_has_its_type_name_and_rows(odd: World, api: Api) -> None:
    finance = api.caller("finance")
    for form, kind, start in (
        ("csv", "text/csv; charset=utf-8", b"program,"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("parquet", "application/vnd.apache.parquet", b"PAR1"),
        ("pdf", "application/pdf", b"%PDF"),
    ):
        shop_query = "&shop_id=007" if form == "pdf" else ""
        answer = finance.call("GET", f"/v1/statements/2026-03/export?format={form}{shop_query}")
        assert (answer.status_code, answer.content_type, answer.data[: len(start)]) == (200, kind, start)
        assert f".{form}" in answer.headers["Content-Disposition"]
    problem = finance.problem("GET", "/v1/statements/2026-03/export?format=pdf&detail=pages")
    assert problem["status"] == 422
    assert {entry["pointer"] for entry in problem["errors"]} == {"?detail", "?shop_id"}
    assert finance.refused("GET", "/v1/statements/2026-03/export?format=pdf&shop_id=no") == (404, "shop_unknown")


def test_a_partner_gets_the_file_of_its_own_shop_and_of_no_other(odd: World, api: Api) -> None:
    partner = api.caller("partner", "007")
    rows = list(csv.reader(io.StringIO(partner.call("GET", "/v1/statements/2026-03/export").text)))
    assert [row[2] for row in rows] == ["shop_id", "007"]
    assert partner.call("GET", "/v1/statements/2026-03/export?format=pdf&shop_id=007").data.startswith(b"%PDF")
    assert partner.refused("GET", "/v1/statements/2026-03/export?shop_id=%3D1%2B1") == (403, "forbidden")
    assert partner.refused("GET", "/v1/statements?period=2026-03") == (403, "forbidden")
    assert partner.refused("GET", "/v1/statements/2026-03/export/manifest") == (403, "forbidden")


def test_the_manifest_and_the_header_tell_count_total_and_digest_of_the_files(odd: World, api: Api) -> None:
    finance = api.caller("finance")
    opened = finance.get("/v1/statements/2026-03/export/manifest")
    assert opened["status"] == "open"
    for period_is_closed in (False, True):
        if period_is_closed:
            for who, act in (("ann", closing.propose_close), ("ben", closing.confirm_close)):
                with odd.container.begin() as conn:
                    act(conn, odd.program, MARCH, Actor(who, who, "finance"), NOW)
        manifest = finance.get("/v1/statements/2026-03/export/manifest")
        for detail in ("shops", "lines"):
            answer = finance.call("GET", f"/v1/statements/2026-03/export?detail={detail}")
            digest = hashlib.sha256(answer.data)
            assert manifest[detail]["digest"] == digest.hexdigest()
            assert manifest[detail]["rows"] == answer.text.count("\n") - 1
            header = answer.headers.get("Repr-Digest")
            assert (header is None) is not period_is_closed
            if header is not None:
                assert b64decode(header.removeprefix("sha-256=:").removesuffix(":")) == digest.digest()
        assert manifest["lines"]["amount_minor"] == manifest["shops"]["totals"]["closing_minor"]
    assert (manifest["status"], manifest["shops"]) == ("closed", opened["shops"])
