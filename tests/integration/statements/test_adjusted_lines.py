"""A line by hand leads to its cause, for finance and for the shop, wherever lines stand."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from distrib.services.context import Unit, format_period
from distrib.services.statements import closing
from distrib.store.statements import exports
from tests.integration.statements.test_closing import ANN, BEN, MARCH, NOW
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World

REASON = "货损补偿，见工单 =12"
LAST_COLUMNS = ["reverses_id", "adjustment_id", "reason"]


@pytest.fixture
def adjusted(api: Api) -> str:
    """Shop a sold once and was then given 5.00 by hand; the month in which that counts."""
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.join(("a", None))
    api.world.earn(settled("e1", "o1", "a", line(10_000)))
    draft = {"id": "adj-1", "shop_id": "a", "amount_minor": 500, "reason": REASON}
    api.caller("finance").post("/v1/adjustments", draft)
    period: str = api.caller("finance").post("/v1/adjustments/adj-1/approve")["period"]
    return period


def causes(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Kind, id of the adjustment and reason of each line."""
    return [(row["kind"], row["adjustment_id"], row["reason"]) for row in lines]


def exported(caller: Caller, period: str, form: str) -> bytes:
    """A month's lines of shop a in a format."""
    content: bytes = caller.call("GET", f"/v1/statements/{period}/export?format={form}&detail=lines&shop_id=a").data
    return content


def test_finance_and_the_shop_see_the_adjustment_behind_a_commission(api: Api, adjusted: str) -> None:
    for caller in (api.caller("finance"), api.caller("partner", "a")):
        for path in ("/v1/commissions?kind=adjusted", "/v1/shops/a/commissions?kind=adjusted"):
            assert causes(caller.get(path)["data"]) == [("adjusted", "adj-1", REASON)]
        assert causes(caller.get(f"/v1/statements/{adjusted}/shops/a")["lines"]) == [("adjusted", "adj-1", REASON)]
        assert causes(caller.get("/v1/commissions?kind=earned")["data"]) == [("earned", None, None)]


def test_every_file_says_id_and_reason_in_its_last_columns(api: Api, adjusted: str) -> None:
    for caller in (api.caller("finance"), api.caller("partner", "a")):
        heading, *rows = csv.reader(io.StringIO(exported(caller, adjusted, "csv").decode()))
        assert (heading[-3:], [row[-3:] for row in rows]) == (LAST_COLUMNS, [["", "adj-1", REASON]])
        book = openpyxl.load_workbook(io.BytesIO(exported(caller, adjusted, "xlsx")))
        headings, line_row, _ = book.worksheets[0].values
        assert headings[-3:] == ("冲回的佣金\nTakes back", "手工调整\nAdjustment", "原因\nReason")
        assert line_row[-3:] == (None, "adj-1", REASON)
        table = pq.read_table(io.BytesIO(exported(caller, adjusted, "parquet")))
        assert (table["adjustment_id"].to_pylist(), table["reason"].to_pylist()) == (["adj-1"], [REASON])


def test_the_pdf_says_id_and_reason_below_the_line(api: Api, adjusted: str) -> None:
    for caller in (api.caller("finance"), api.caller("partner", "a")):
        reader = PdfReader(io.BytesIO(exported(caller, adjusted, "pdf")))
        assert f"手工调整 / Adjustment adj-1: {REASON}" in reader.pages[0].extract_text()


def test_headings_and_kinds_of_the_pdf_stand_whole_each_language_on_a_line_of_its_own(api: Api, adjusted: str) -> None:
    lines = PdfReader(io.BytesIO(exported(api.caller("finance"), adjusted, "pdf"))).pages[0].extract_text().splitlines()
    chinese = ("时间", "订单与行", "事由", "类型", "基数", "比例", "金额", "可提现日", "调整")
    english = ("Time", "Order and line", "What for", "Kind", "Base", "Rate", "Amount", "Available", "adjusted")
    assert [heading for heading in (*chinese, *english, "Adjustment by hand") if heading not in lines] == []


def test_no_line_of_a_long_reason_begins_with_a_mark(api: Api, adjusted: str) -> None:
    finance = api.caller("finance")
    finance.post("/v1/adjustments", {"id": "adj-2", "shop_id": "a", "amount_minor": -1, "reason": "补差，" * 80})
    api.caller("admin").post("/v1/adjustments/adj-2/approve")
    text = PdfReader(io.BytesIO(exported(finance, adjusted, "pdf"))).pages[0].extract_text()
    assert text.count("补差，") > 70
    assert [drawn for drawn in text.splitlines() if drawn.startswith(("，", "。"))] == []


def test_a_month_closed_in_the_earlier_form_keeps_its_bytes_and_its_digest(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.earn(settled("e1", "o1", "a", line(10_000)))
    with monkeypatch.context() as earlier, world.container.begin() as conn:
        earlier.setattr(exports, "LINES_FORM", 1)
        closing.propose_close(Unit(conn, world.program, ANN, NOW), MARCH)
        closed = closing.confirm_close(Unit(conn, world.program, BEN, NOW), MARCH)
    answer = api.caller("finance").call("GET", f"/v1/statements/{format_period(MARCH)}/export?detail=lines")
    assert answer.text.splitlines()[0].endswith(",belongs_to_period,reverses_id")
    assert hashlib.sha256(answer.data).hexdigest() == (closed.lines and closed.lines.digest)
