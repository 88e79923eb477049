"""Statement files read back: the same rows in every format, nothing a spreadsheet would run, ids as text."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from base64 import b64decode
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from distrib.domain.amounts import show_amount
from distrib.domain.errors import Refusal
from distrib.domain.spreadsheet_cells import MARK, restored
from distrib.domain.texts import Text
from distrib.languages.readers import READERS, reader_of
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.network.shops import ShopDraft
from distrib.services.statements import closing
from distrib.services.statements.columns import AMOUNT, COUNT, LINES_TABLE, RATE, SHOPS_TABLE, TIME, SheetColumn
from distrib.services.statements.files import FileWish, export_file
from distrib.services.statements.workbook import SheetPlan, write_workbook
from distrib.store.statements import exports
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import EARLY, World

MARCH = 202603
NOW = datetime(2026, 8, 1, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
ODD = ("=1+1", "@cmd", "+x", "-y", "007", "店铺")


@pytest.fixture
def odd(world: World) -> World:
    """Shops, orders and lines with names that a spreadsheet would take for something else."""
    world.publish({**SELLER_TEN_PERCENT, "rules": [{"id": "seller", "pay": "seller", "rate": "0.125"}]})
    world.register_all([ShopDraft(id=name, name=f"{name} & Co.", joined_at=EARLY) for name in ODD])
    world.earn(*(settled(f"=e{n}", f"00{n}", name, line(8_000 + n, '="x"')) for n, name in enumerate(ODD)))
    world.earn(refunded("@r", "000", {'="x"': 1_000}))
    return world


def file(world: World, wish: FileWish) -> bytes:
    with world.container.begin() as conn:
        return b"".join(export_file(Unit(conn, world.program, COMMAND_LINE, NOW), wish))


def csv_rows(world: World, detail: str, shop_id: str | None = None) -> list[list[str]]:
    content = file(world, FileWish(MARCH, "csv", detail, shop_id)).decode()
    return list(csv.reader(io.StringIO(content)))


def sheet_rows(content: bytes) -> list[list[Any]]:
    """The rows of the first sheet."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


def shown(column: SheetColumn, cell: str) -> Any:
    """What a cell of the CSV file reads as in a workbook: amounts in yuan, shares, times by the clock of Shanghai."""
    if cell == "":
        return None
    if column.kind == AMOUNT:
        return Decimal(cell) / 100
    if column.kind == TIME:
        return datetime.fromisoformat(cell).astimezone(SHANGHAI).replace(tzinfo=None)
    return Decimal(cell) if column.kind in (COUNT, RATE) else restored(cell)


def exact(value: Any) -> Any:
    """A number as it is written in the file: of a double, the shortest decimal that is it."""
    return Decimal(repr(value)) if isinstance(value, (int, float)) else value


@pytest.mark.parametrize("detail", ["shops", "lines"])
def test_a_workbook_has_the_rows_of_the_csv_file_with_amounts_as_people_read_them(odd: World, detail: str) -> None:
    _, *rows, totals = sheet_rows(file(odd, FileWish(MARCH, "xlsx", detail, language="en")))
    names, *written = csv_rows(odd, detail)
    columns = SHOPS_TABLE if detail == "shops" else LINES_TABLE
    place = [column.name for column in columns].index("shop_name")
    assert [row[place] for row in rows] == [f"{row[place - 1]} & Co." for row in rows]
    kept = [column for column in columns if column.name != "shop_name"]
    assert [column.name for column in kept] == names
    read = [[exact(value) for at, value in enumerate(row) if at != place] for row in rows]
    assert read == [[shown(*pair) for pair in zip(kept, row, strict=True)] for row in written]
    sums = {at: sum(row[at] or 0 for row in rows) for at, column in enumerate(columns) if column.is_added}
    assert len(sums) == (10 if detail == "shops" else 1)
    assert [totals[0], *(round(totals[at], 2) for at in sums)] == [
        "Total",
        *(round(total, 2) for total in sums.values()),
    ]
    assert [value for at, value in enumerate(totals) if at and at not in sums and value is not None] == []


@pytest.mark.parametrize(
    ("language", "heading", "sheets"),
    [
        ("zh", "店铺名称", ["店铺", "列说明"]),
        ("en", "Shop name", ["Shops", "What the columns mean"]),
        ("both", "店铺名称\nShop name", ["店铺 Shops", "列说明 What the columns mean"]),
    ],
)
def test_a_workbook_speaks_its_readers_language_and_says_what_its_columns_mean(
    odd: World, language: str, heading: str, sheets: list[str]
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(file(odd, FileWish(MARCH, "xlsx", language=language))))
    assert book.sheetnames == sheets
    shops, explained = book.worksheets
    assert shops["D1"].value == heading
    names = [row[2] for row in explained.values]
    assert set(exports.SHOPS_COLUMNS) < set(names)
    facts = {row[0]: row[1] for row in explained.iter_rows(max_row=7, values_only=True)}
    assert "2026-03" in facts.values()
    assert any("Asia/Shanghai" in str(fact) for fact in facts.values())


def test_a_workbooks_heading_stays_in_sight_and_filters_all_rows_but_the_totals(odd: World) -> None:
    book = openpyxl.load_workbook(io.BytesIO(file(odd, FileWish(MARCH, "xlsx", "lines"))))
    sheet = book.worksheets[0]
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("A2", "$1:$1")
    assert sheet.auto_filter.ref == f"A1:V{len(csv_rows(odd, 'lines'))}"
    assert min(sheet.column_dimensions[letter].width for letter in "ABCDEFGHIJKLMNOPQRSTUV") >= 9
    amount, rate, time = sheet["M2"], sheet["L2"], sheet["P2"]
    assert (amount.number_format, rate.number_format) == ("#,##0.00;[Red]-#,##0.00", "0.00##%")
    assert time.is_date


def test_no_cell_of_a_workbook_is_a_formula_and_none_needs_a_mark(odd: World) -> None:
    for detail in ("shops", "lines"):
        book = openpyxl.load_workbook(io.BytesIO(file(odd, FileWish(MARCH, "xlsx", detail))))
        cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
        assert not any(str(cell.value).startswith(MARK) for cell in cells)


def sheet_plan(currency: str, most_rows: int = 4) -> SheetPlan:
    """A plan of two columns, the second of amounts."""
    id_column, amount = (column for column in LINES_TABLE if column.name in ("id", "amount_minor"))
    plan = SheetPlan(Text("Shops", "sheet"), (id_column, amount), reader_of("en"), currency, SHANGHAI)
    return plan._replace(most_rows=most_rows)


def test_rows_beyond_a_sheet_go_on_in_the_next_and_the_totals_are_of_all() -> None:
    pages: list[list[tuple[Any, ...]]] = [[(f"{n}", n) for n in range(3)], [("3", 100), ("4", None)]]
    book = openpyxl.load_workbook(io.BytesIO(b"".join(write_workbook(sheet_plan("CNY"), iter(pages)))))
    assert book.sheetnames == ["Shops", "Shops 2", "Shops 3", "What the columns mean"]
    heading = ("Commission id", "Amount")
    assert [list(sheet.values) for sheet in book.worksheets[:3]] == [
        [heading, ("0", 0), ("1", 0.01)],
        [heading, ("2", 0.02), ("3", 1)],
        [heading, ("4", None), ("Total", 1.03)],
    ]


@pytest.mark.parametrize(("currency", "decimals"), [("CNY", 2), ("JPY", 0), ("KWD", 3)])
def test_every_amount_of_fifteen_digits_is_read_back_exactly_and_a_longer_one_is_a_text(
    currency: str, decimals: int
) -> None:
    dice = Random(14)
    minors = [10**15 - 1, 1 - 10**15, 999_999_999_999_907, 7, -1, 0, *(dice.randrange(10**15) for _ in range(2_000))]
    long = [10**15, -(10**15), 2**53 + 1]
    content = b"".join(
        write_workbook(sheet_plan(currency, 10_000), iter([[("x", minor) for minor in [*minors, *long]]]))
    )
    amounts = [row[1] for row in sheet_rows(content)][1:]
    read = [Decimal(repr(amount)).scaleb(decimals) for amount in amounts[: len(minors)]]
    assert read == minors
    assert amounts[len(minors) : len(minors) + 3] == [show_amount(minor, currency) for minor in long]
    assert (
        re.findall(r"<v>[^<]*E", zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()) == []
    )
    assert amounts[len(minors) + 3] == show_amount(sum(minors) + sum(long), currency)


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
    heading, totals = sheet_rows(file(world, FileWish(MARCH, "xlsx", language="en")))
    assert heading == [column.heading.message for column in SHOPS_TABLE]
    assert totals == ["Total", *[None] * 4, *[0] * 10, None, None]
    table = pq.read_table(io.BytesIO(file(world, FileWish(MARCH, "parquet", "lines"))))
    assert (table.num_rows, tuple(table.column_names)) == (0, exports.LINES_COLUMNS)


def words_of(content: bytes) -> str:
    """The texts of a PDF, a line for each that was drawn."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


@pytest.mark.parametrize(
    ("language", "expected", "absent"),
    [
        ("zh", ["对账单", "店铺", "期末", "佣金", "冲回", "本店销售", "第 1 页，共 1 页"], ["Statement", "earned"]),
        ("en", ["Statement", "Shop", "Closing", "earned", "Own sale", "Page 1 of 1"], ["对账单", "佣金"]),
        (
            "both",
            ["对账单", "Statement", "期末", "Closing", "佣金", "earned", "本店销售", "Own sale"],
            ["对账单Statement"],
        ),
    ],
)
def test_a_pdf_of_one_shop_has_its_figures_and_lines_in_its_readers_language(
    odd: World, language: str, expected: list[str], absent: list[str]
) -> None:
    wish = FileWish(MARCH, "pdf", shop_id="店铺", language=language)
    content = file(odd, wish)
    words = " ".join(words_of(content).split())
    figures = ["店铺 & Co.", "10.01", "80.05", "12.5%", '005 / ="x"', "2026-03-01 – 2026-03-31"]
    assert [wanted for wanted in (*expected, *figures) if wanted not in words] == []
    assert [wanted for wanted in (*absent, "=1+1", "seller", "0.125") if wanted in words] == []
    assert content == file(odd, wish)


def test_a_pdf_names_the_program_and_says_of_a_closed_month_what_seals_it(odd: World, api: Api) -> None:
    api.caller().call("PATCH", "/v1/program", {"title": "春茶优选"})
    wish = "/v1/statements/2026-03/export?format=pdf&shop_id=007&language=en"
    finance = api.caller("finance")
    assert "The month is open" in words_of(finance.call("GET", wish).data)
    for who, act in (("ann", closing.propose_close), ("ben", closing.confirm_close)):
        with odd.container.begin() as conn:
            closed = act(Unit(conn, odd.program, Actor(who, who, "finance"), NOW), MARCH)
    words = words_of(finance.call("GET", wish).data)
    assert "春茶优选" in words
    assert f"SHA-256 of the month: {closed.digest}" in words
    assert "The month is open" not in words


def test_a_pdf_says_of_each_line_whose_sale_it_was(world: World) -> None:
    rules = [
        {"id": "r-1", "pay": "seller", "rate": "0.1"},
        {"id": "r-2", "pay": "upline", "tier": 1, "rate": "0.03"},
        {"id": "r-3", "pay": "upline", "tier": 2, "rate": "0.0123"},
        {"id": "r-4", "group": "by-rank", "pay": "chain", "differential": True, "rate": {"default": "0.02"}},
    ]
    world.publish({**SELLER_TEN_PERCENT, "tiers": 2, "rules": rules})
    world.join(("a", None), ("b", "a"), ("c", "b"))
    world.earn(*(settled(f"e-{shop}", f"o-{shop}", shop, line(10_000)) for shop in "abc"))
    words = " ".join(words_of(file(world, FileWish(MARCH, "pdf", shop_id="a", language="en"))).split())
    said = ("Own sale", "Own sale, by rank", "Downline sale, level 1", "Downline sale, level 2", "1.23%")
    assert [phrase for phrase in said if phrase not in words] == []
    assert "r-" not in words


def test_a_pdf_of_many_lines_goes_over_many_pages_and_loses_none(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.earn(*(settled(f"e{n}", f"{'order-' * 8}{n:05}", "a", line(1_000)) for n in range(600)))
    reader = PdfReader(io.BytesIO(file(world, FileWish(MARCH, "pdf", shop_id="a", language="en"))))
    words = "".join("".join(page.extract_text().split()) for page in reader.pages)
    pages = len(reader.pages)
    assert pages > 10
    assert [n for n in range(600) if f"{n:05}" not in words] == []
    assert [n for n in range(1, pages + 1) if f"Page{n}of{pages}" not in words] == []
    assert words.count("Orderandline") == pages - (
        "Orderandline" not in reader.pages[-1].extract_text().replace(" ", "")
    )
    assert "Lines:600" in words


def test_a_pdf_breaks_no_amount_that_a_line_can_have(world: World) -> None:
    world.publish({**SELLER_TEN_PERCENT, "rules": [{"id": "s", "pay": "seller", "rate": "1"}]})
    world.join(("a", None))
    world.earn(settled("e", "o", "a", line(10**12)), refunded("r", "o", {"1": 10**12}))
    for language in READERS:
        [page] = PdfReader(io.BytesIO(file(world, FileWish(MARCH, "pdf", shop_id="a", language=language)))).pages
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


@pytest.mark.parametrize(
    "wish",
    [FileWish(MARCH, "pdf"), FileWish(MARCH, "doc"), FileWish(MARCH, "csv", "pages"), FileWish(MARCH, language="fr")],
)
def test_a_file_that_there_is_not_is_refused_before_it_begins(world: World, wish: FileWish) -> None:
    with world.container.begin() as conn, pytest.raises(Refusal) as caught:
        export_file(Unit(conn, world.program, COMMAND_LINE, NOW), wish)
    assert caught.value.code == "invalid"


def test_a_pdf_of_no_shop_is_not_found(world: World) -> None:
    with world.container.begin() as conn, pytest.raises(Refusal) as caught:
        export_file(Unit(conn, world.program, COMMAND_LINE, NOW), FileWish(MARCH, "pdf", shop_id="nobody"))
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
    problem = finance.problem("GET", "/v1/statements/2026-03/export?format=pdf&detail=pages&language=fr")
    assert problem["status"] == 422
    assert {entry["pointer"] for entry in problem["errors"]} == {"?detail", "?shop_id", "?language"}
    assert finance.refused("GET", "/v1/statements/2026-03/export?format=pdf&shop_id=no") == (404, "shop_unknown")


def test_over_http_a_file_for_people_is_in_the_language_asked_for_or_accepted_or_in_both(odd: World, api: Api) -> None:
    finance = api.caller("finance")
    for query, accepted, language in (
        ("&language=zh", "en", "zh"),
        ("", "zh-CN,zh;q=0.9", "zh"),
        ("", "en-GB", "en"),
        ("", "fr", "zh, en"),
        ("&language=both", "en", "zh, en"),
    ):
        answer = finance.call(
            "GET", f"/v1/statements/2026-03/export?format=xlsx{query}", headers={"Accept-Language": accepted}
        )
        assert (answer.headers["Content-Language"], answer.headers["Vary"]) == (language, "Accept-Language")
        heading = {"zh": "分销计划", "en": "Program", "zh, en": "分销计划\nProgram"}[language]
        assert sheet_rows(answer.data)[0][0] == heading
    assert "Content-Language" not in finance.call("GET", "/v1/statements/2026-03/export").headers


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
                    act(Unit(conn, odd.program, Actor(who, who, "finance"), NOW), MARCH)
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
