"""Money at the console: months and their close, batches from making to returns, withdrawals, adjustments, causes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook

from distrib.services.context import format_period
from tests.integration.console.conftest import Browser
from tests.integration.console.test_shops import words
from tests.world.api import Api
from tests.world.documents import PAID, line, settled
from tests.world.payouts import earn, open_shops
from tests.world.world import World

Person = Callable[..., Browser]
AT_HAND = {"shop_id": "a", "status": "returned", "reason": "account closed"}


@pytest.fixture
def funded(api: Api) -> Api:
    """Shops a (100.00) and b (7.00) with payees, and c (3.00) without; all earned in March 2026."""
    world = open_shops(api.world, "a", "b")
    world.join(("c", None))
    for shop, amount in (("a", 10_000), ("b", 700), ("c", 300)):
        earn(world, shop, amount, PAID)
    return api


def where_to(browser: Browser, path: str, **form: str) -> str:
    """The page on which a form of the program that must succeed ends."""
    answer = browser.do(path, **form)
    assert answer.status_code == 204, (answer.status, answer.text)
    return answer.headers["HX-Redirect"].removeprefix("/console/p/test")


def send_file(browser: Browser, path: str, name: str, content: bytes) -> tuple[int, str]:
    """Sends a file with a form of the program, its bytes as they go over the wire; answers status and text."""
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n' + browser.token.encode(),
        f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content,
    )
    sent = b"\r\n".join((*parts, b"--x--\r\n"))
    answer = browser.client.post(
        f"/console/p/test{path}",
        data=sent,
        content_type="multipart/form-data; boundary=x",
        headers={"HX-Request": "true", "Accept-Language": browser.language},
        buffered=True,
    )
    return answer.status_code, answer.text


def workbook(*rows: list[Any]) -> bytes:
    """A workbook of one sheet."""
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def test_a_month_is_closed_by_two_people_on_one_page_which_is_then_its_record(funded: Api, person: Person) -> None:
    ann, ben = person("ann"), person("ben", "finance")
    page = ann.page("/statements/2026-03/close")
    assert "Nothing stops it" in page
    assert "May confirm: Ben" in page
    wrong = ann.do("/statements/2026-03/close/propose", typed="2026-04")
    assert (wrong.status_code, "Type 2026-03 to go on" in wrong.text) == (422, True)
    page = ann.page(where_to(ann, "/statements/2026-03/close/propose", typed="2026-03"))
    assert "You proposed it; somebody else confirms" in page
    assert "/close/confirm" not in page
    assert ann.do("/statements/2026-03/close/confirm", typed="2026-03").status_code == 409
    proposed = ben.page("/statements/2026-03/close")
    digest = re.search(r'data-copy="([0-9a-f]{64})"', proposed)
    page = ben.page(where_to(ben, "/statements/2026-03/close/confirm", typed="2026-03"))
    assert "Record of the close" in page
    assert digest is not None
    assert digest[1] in page
    assert page.count("110.00") >= 2
    months = ann.page("/statements")
    assert re.search(r"Mar 2026</a>.*?closed.*?110\.00.*?Ben.*?Record of the close", months, re.S)
    file = ann.get("/console/p/test/statements/2026-03/export?format=csv&detail=shops")
    assert [row["shop_id"] for row in csv.DictReader(io.StringIO(file.text))] == ["a", "b", "c"]


def test_who_proposed_with_a_key_of_its_own_is_not_named_among_those_who_may_confirm(
    funded: Api, person: Person
) -> None:
    ann, ben = person("ann"), person("ben", "finance")
    funded.caller("finance", owner="ann").post("/v1/statements/2026-03/close")
    assert "May confirm Ben Type" in words(ben.page("/statements/2026-03/close"))
    assert "You proposed it; somebody else confirms" in ann.page("/statements/2026-03/close")


def test_all_that_stops_a_close_is_listed_with_where_to_go(funded: Api, person: Person) -> None:
    funded.world.post(settled("late", "late", "a", line(1_000)))
    ann = person("ann")
    march = ann.page("/statements/2026-03/close")
    assert "1 accepted events of the period or before are still to be worked on." in march
    assert "/events?status=pending" in march
    assert "/close/propose" not in march
    present = format_period(funded.world.program.period_of(funded.world.now()))
    stops = funded.caller().get(f"/v1/statements/{present}/close")["stops"]
    assert [(stop["code"], stop["next"]) for stop in stops] == [
        ("close_in_sequence", "2026-03"),
        ("period_not_over", None),
    ]


def test_figures_that_moved_since_a_proposal_are_shown_and_it_cannot_be_confirmed(funded: Api, person: Person) -> None:
    ann, ben = person("ann"), person("ben")
    ann.page("/statements/2026-03/close")
    where_to(ann, "/statements/2026-03/close/propose", typed="2026-03")
    earn(funded.world, "a", 500, PAID)
    page = ben.page("/statements/2026-03/close")
    assert "Figures moved since it was proposed." in page
    assert "+5.00" in page
    assert "/close/confirm" not in page
    assert ben.do("/statements/2026-03/close/confirm", typed="2026-03").status_code == 409


def test_a_shops_month_has_lines_that_lead_to_why(funded: Api, person: Person) -> None:
    page = person("ann", "viewer").page("/statements/2026-03/shops/a")
    assert re.search(r'/orders/a-[^"]*#why"><span class="amount">\+100\.00', page)


def test_who_cannot_be_paid_stands_beside_why(funded: Api, person: Person) -> None:
    world, finance = funded.world, funded.caller("finance")
    world.set_status("b", "frozen")
    rows = finance.get("/v1/payouts/reports/available")["data"]
    assert [(row["shop_id"], row["net_minor"], row["code"]) for row in rows] == [
        ("a", 10_000, None),
        ("b", None, "shop_frozen"),
        ("c", None, "payee_missing"),
    ]
    refused = finance.get("/v1/payouts/reports/available?side=refused&limit=1")
    rest = finance.get(f"/v1/payouts/reports/available?side=refused&limit=1&cursor={refused['next_cursor']}")
    assert [row["shop_id"] for row in refused["data"] + rest["data"]] == ["b", "c"]
    assert rest["next_cursor"] is None
    page = person("ann").page("/payable?side=refused")
    assert "shop is frozen" in page
    assert "no payee given" in page


def test_a_batch_goes_from_its_making_to_money_that_came_back(funded: Api, person: Person) -> None:
    ann, ben = person("ann"), person("ben", "finance")
    ann.page("/payable")
    batch = where_to(ann, "/payouts/make", payout_id="p-1", channel="csv", least="")
    assert batch == "/payouts/p-1"
    page = ann.page(batch)
    assert "You proposed it; somebody else confirms" in page
    assert "no payee given" in page
    assert ann.do(f"{batch}/approve", typed="107.00").status_code == 409
    ben.page(batch)
    assert ben.do(f"{batch}/approve", typed="106.99").status_code == 422
    assert where_to(ben, f"{batch}/approve", typed="107") == batch
    nowhere = ben.get(f"/console/p/test{batch}/file?part=9")
    assert (nowhere.status_code, nowhere.mimetype) == (404, "text/html")
    file = ben.get(f"/console/p/test{batch}/file")
    today = funded.world.program.day_of(funded.world.now())
    heading, first, second = list(csv.reader(io.StringIO(file.text)))[:3]
    back = workbook([*heading, "结果", "打款日"], [*first, "成功", today], [*second, "失败", None])
    status, text = send_file(ben, f"{batch}/results", "back.xlsx", back)
    assert (status, "2 recorded, 0 known before, 0 refused" in text) == (200, True)
    assert "0 recorded, 2 known before" in send_file(ben, f"{batch}/results", "back.xlsx", back)[1]
    assert where_to(ben, f"{batch}/result", **AT_HAND) == batch
    page = ben.page(batch)
    assert re.search(r"came back.*?account closed", page, re.S)
    assert [line["status"] for line in funded.caller().get("/v1/payouts/p-1")["lines"]] == ["returned", "failed"]
    assert "Nothing more becomes of this line" in ben.page(f"{batch}/lines/b")
    assert [line["shop_id"] for line in funded.caller().get("/v1/payouts/p-1?shop_id=b")["lines"]] == ["b"]
    assert funded.caller().get("/v1/payouts/p-1?shop_id=c")["lines"] == []
    assert funded.caller("partner", "a").refused("GET", "/v1/payouts/p-1?shop_id=a") == (422, "invalid")


def test_files_of_results_are_refused_by_name_and_bounded(funded: Api, person: Person, stranger: Person) -> None:
    ann = person("ann")
    ann.page("/payable")
    batch = where_to(ann, "/payouts/make", payout_id="p-1")
    status, text = send_file(ann, f"{batch}/results", "back.csv", "shop_id,status,备注\na,paid,x\n".encode("gb18030"))
    assert (status, "备注" in text) == (422, True)
    status, text = send_file(ann, f"{batch}/results", "back.xlsx", b"PK\x03\x04 nothing")
    assert (status, "is no CSV and no workbook that can be read" in text) == (422, True)
    large = b"shop_id,status\n" + b"a,paid\n" * 100_000
    assert send_file(ann, f"{batch}/results", "back.csv", large)[0] == 409
    status, text = send_file(ann, f"{batch}/results", "back.csv", large * 7)
    assert (status, "larger than 4096 KiB" in text) == (413, True)
    status, text = send_file(stranger(), f"{batch}/results", "back.csv", large)
    assert (status, "larger than 64 KiB" in text) == (413, True)


def test_a_batch_is_made_of_the_ticked_and_cancelled_by_either(funded: Api, person: Person) -> None:
    ann = person("ann")
    ann.page("/payable")
    batch = where_to(ann, "/payouts/make", id="b", do="make")
    assert [line["shop_id"] for line in funded.caller().get(f"/v1{batch}")["lines"]] == ["b"]
    assert "cancelled" in ann.page(where_to(ann, f"{batch}/cancel"))
    assert batch.removeprefix("/payouts/") in ann.page("/payouts?state=cancelled")
    assert person("eve", "viewer").do("/payouts/make", payout_id="p-2").status_code == 403


def test_the_last_money_of_a_closed_shop_is_paid_by_two_people(funded: Api, person: Person) -> None:
    ann, ben = person("ann"), person("ben", "finance")
    ann.page("/closing-payment")
    asked = {"payout_id": "last", "shop_id": "b", "reason": "left", "channel": "csv"}
    assert ann.do("/closing-payment/propose", **asked).status_code == 409
    funded.world.set_status("b", "closed")
    page = ben.page(where_to(ann, "/closing-payment/propose", **asked))
    assert "left" in page
    assert "approved" in ben.page(where_to(ben, "/payouts/last/approve", typed="7.00"))


def test_withdrawals_are_approved_refused_with_a_reason_and_paid_by_a_batch(funded: Api, person: Person) -> None:
    rules = {"withdrawals": {"least_minor": 1, "most_minor": 10_000}}
    funded.caller().patch("/v1/program", rules)
    for shop in ("a", "b"):
        funded.caller("partner", shop).post("/v1/withdrawals", {"id": f"w-{shop}", "amount_minor": 500})
    ann = person("ann", "finance")
    assert "w-a" in ann.page("/withdrawals?status=requested")
    assert ann.do("/withdrawals/decide", id="w-b", do="refuse", reason="").status_code == 422
    where_to(ann, "/withdrawals/decide", id="w-b", do="refuse", reason="account unclear")
    where_to(ann, "/withdrawals/decide", id="w-a", do="approve")
    assert "account unclear" in ann.page("/withdrawals/w-b")
    ann.page("/withdrawals?status=approved")
    batch = where_to(ann, "/withdrawals/decide", id="w-a", do="pay")
    assert batch.removeprefix("/payouts/") in ann.page("/withdrawals/w-a")


def test_an_adjustment_is_proposed_by_one_and_approved_by_another(funded: Api, person: Person) -> None:
    ann, ben = person("ann"), person("ben")
    ann.page("/new-adjustment")
    asked = {"id": "adj-1", "shop_id": "a", "reason": "goodwill"}
    assert ann.do("/adjustments/propose", amount="1.234", **asked).status_code == 422
    place = where_to(ann, "/adjustments/propose", amount="-12.50", **asked)
    assert "You proposed it; somebody else confirms" in ann.page(place)
    ben.page(place)
    assert ben.do(f"{place}/approve", typed="12.50").status_code == 422
    assert "approved" in ben.page(where_to(ben, f"{place}/approve", typed="-12.50"))
    listed = ben.page("/commissions?kind=adjusted")
    unfolded = re.search(r'hx-get="/console/p/test(/commissions/cause[^"]+)"', listed)
    assert unfolded is not None
    assert "adj-1" in ben.page(unfolded[1].replace("&amp;", "&"))


def test_a_commission_unfolds_into_rate_cause_and_amount(funded: Api, person: Person) -> None:
    ann = person("ann", "viewer")
    unfolded = re.search(r'hx-get="/console/p/test(/commissions/cause[^"]+)"', ann.page("/commissions?shop_id=b"))
    assert unfolded is not None
    cause = ann.page(unfolded[1].replace("&amp;", "&"))
    assert "10% of 70.00" in cause
    assert "#why" in cause


def test_an_event_shows_what_was_sent_and_where_it_differs_from_what_is_known(world: World, person: Person) -> None:
    open_shops(world, "a")
    world.earn(settled("e-1", "o-1", "a", line(1_000)))
    world.earn(settled("e-2", "o-1", "a", line(2_000)))
    ann = person("ann")
    assert "e-2" in ann.page("/events?status=failed&code=order_conflict")
    page = ann.page("/events/e-2")
    assert re.search(r"lines/1/paid_minor</code>.*?<del>1000</del>.*?<ins>2000</ins>", page, re.S)
    assert page.count("<ins>") == 1  # an instant is no other for being written otherwise
    assert "&#34;occurred_at&#34;" in page
    assert where_to(ann, "/events/e-2/retry") == "/events/e-2"
    assert "pending" in ann.page("/events/e-2")
