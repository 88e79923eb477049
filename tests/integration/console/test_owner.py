"""The page of a shop's owner: who comes in, what it shows and hides, and what its forms do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

import distrib.console
from distrib.api.calls.backend import EXTENSION
from distrib.api.calls.desk import at_desk, at_shop_desk
from distrib.console.site import EXTENSION as SITE
from tests.integration.console.conftest import Browser
from tests.world.api import Api
from tests.world.documents import PAID, line, refunded, settled
from tests.world.payouts import payee, put
from tests.world.world import World

PLAN = {
    "code": "levels",
    "currency": "CNY",
    "policy": "open",
    "hold_days": 7,
    "ranks": [
        {"code": "member"},
        {"code": "owner", "promote": {"metric": "team_sales_minor", "levels": 1, "window": "ever", "at_least": 90_000}},
    ],
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.05"},
        {"id": "upline", "pay": "upline", "tier": 1, "rate": "0.03"},
    ],
}
PAGES = ("", "?show=held", "?show=back", "/withdraw", "/team", "/rank", "/own", "/invite", "/questions")
MOST_BYTES = 100_000
_FIELD = re.compile(r'name="([a-z_]+)" value="([^"]*)"')
_CHINESE = re.compile(r"[一-鿿]+")


@dataclass
class Phone:
    """An owner's browser: knows links, forms and cookies."""

    client: FlaskClient
    language: str = "en"
    fields: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> TestResponse:
        """A page; the hidden fields of its forms are kept."""
        answer = self.client.get(path, headers={"Accept-Language": self.language}, buffered=True)
        if answer.mimetype == "text/html":
            self.fields = dict(_FIELD.findall(answer.text))
        return answer

    def page(self, path: str = "") -> str:
        """The text of a page that must be shown."""
        answer = self.get(f"/my{path}")
        assert answer.status_code == 200, (path, answer.status, answer.text)
        return answer.text

    def send(self, path: str, **form: str) -> TestResponse:
        """Sends a form of the page that was shown last."""
        sent = {**self.fields, **form}
        return self.client.post(path, data=sent, headers={"Accept-Language": self.language}, buffered=True)


@dataclass
class Owners:
    """Lets owners in, as the platform's app does."""

    api: Api

    def link(self, shop_id: str) -> str:
        """The path of a link for a shop."""
        url = str(self.api.caller().post(f"/v1/shops/{shop_id}/session")["url"])
        return url[url.index("/s/") :]

    def nobody(self) -> Phone:
        """A phone on which nobody is in."""
        return Phone(self.api.app.test_client())

    def owner(self, shop_id: str, language: str = "en") -> Phone:
        """A phone on which the owner of a shop is in."""
        phone = Phone(self.api.app.test_client(), language)
        assert phone.send(self.link(shop_id)).headers["Location"] == "/my"
        return phone


@pytest.fixture
def owners(api: Api) -> Owners:
    """above > mei > 王小明 (below), who sold for 300.00, of which 90.00 came back; mei sold for 100.00."""
    world = api.world
    world.publish(PLAN)
    world.join(("above", None), ("mei", "above"), ("shop-below", "mei"))
    with world.begin() as conn:
        conn.execute(text("UPDATE shops SET name = '王小明' WHERE shop_id = 'shop-below'"))
    back = PAID + timedelta(days=2)
    world.earn(
        settled("e-1", "20260301000231", "shop-below", line(30_000)),
        settled("e-2", "20260301000232", "mei", line(10_000)),
        refunded("r-1", "20260301000231", {"1": 9_000}, back),
    )
    _stop(api, PAID + timedelta(days=3))
    return Owners(api)


def _stop(api: Api, instant: datetime) -> None:
    """Stops the clock of the service, operations and pages alike."""
    api.world.stopped_at = instant
    api.stop_clock(instant)
    backend = api.app.extensions[EXTENSION]
    desks = {"at_desk": partial(at_desk, backend), "at_shop_desk": partial(at_shop_desk, backend)}
    api.app.extensions[SITE] = replace(api.app.extensions[SITE], now=lambda: instant, **desks)


def test_a_link_is_opened_by_its_button_once_and_used_up_by_nobody_who_looks_ahead(owners: Owners) -> None:
    link, phone = owners.link("mei"), owners.nobody()
    for _ in range(2):
        assert "Open my shop" in phone.get(link).text
    opened = phone.send(link)
    cookie = opened.headers["Set-Cookie"]
    assert {"HttpOnly", "Path=/my", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Can be withdrawn" in phone.page()
    again = owners.nobody()
    for answer in (again.get(link), again.send(link), again.get("/my"), again.get("/s/never-was")):
        assert answer.status_code == 401
        assert "gives you a new one" in answer.text
    secure = owners.nobody().client.post(owners.link("mei"), base_url="https://localhost")
    assert "Secure" in secure.headers["Set-Cookie"].split("; ")


def test_the_wallet_says_what_is_free_when_and_what_was_taken_back_and_why(owners: Owners) -> None:
    phone = owners.owner("mei")
    page = phone.page()
    for words in ("Order …0231", "Refund …0231", "The customer got ¥90.00 back; 3% of it was taken back"):
        assert words in page, words
    assert "free from 8 Mar" in page
    assert "−2.70" in page
    line_of_refund = re.findall(r"/my/lines/[0-9-]+", phone.page("?show=back"))
    assert len(line_of_refund) == 1
    why = phone.page(line_of_refund[0].removeprefix("/my"))
    for words in ("one level below", "at 3%", "9.00", "6.30"):
        assert words in why, words
    chinese = owners.owner("mei", "zh").page()
    assert "收回 3%" in chinese
    assert "冻结中" in chinese
    assert "3月8日可提现" in chinese


def test_a_session_shows_its_own_shops_money_and_nobody_elses(owners: Owners) -> None:
    mei, above = owners.owner("mei"), owners.owner("above")
    [first, *_] = re.findall(r"/my(/lines/[0-9-]+)", mei.page())
    assert above.get(f"/my{first}").status_code == 404
    assert above.send(f"/my{first}/ask", text="Why?").status_code in (400, 404)
    team = above.page("/team")
    assert "王小明" not in team
    assert "shop-below" not in team
    assert not re.search(r"\d\.\d\d", team[team.index("<main>") :])  # nobody's money, neither sold nor earned


def test_no_page_shows_words_of_the_other_language_or_sends_for_more_than_a_phone_should(owners: Owners) -> None:
    static = Path(distrib.console.__file__).parent / "static"
    beside = sum((static / name).stat().st_size for name in ("owner.css", "owner.js", "favicon.svg"))
    for language in ("en", "zh"):
        phone = owners.owner("mei", language)
        for path in PAGES:
            page = phone.page(path)
            assert len(page.encode()) + beside < MOST_BYTES
            assert not re.search(r'(src|href)="(https?:)?//', page), path
            assert " style=" not in page
            foreign = set(_CHINESE.findall(page)) - {"中文", "王"}
            assert language == "zh" or not foreign, (path, foreign)
            assert language == "en" or "可提现" in page or path not in ("", "/withdraw"), path


def test_a_shop_that_is_closed_and_an_owner_who_leaves_have_no_session(owners: Owners) -> None:
    leaving, closing = owners.owner("above"), owners.owner("mei")
    leaving.page("/own")
    kept = leaving.client.get_cookie("distrib_shop", path="/my")
    assert kept is not None
    assert "You have left" in leaving.send("/my/leave").text
    leaving.client.set_cookie("distrib_shop", kept.value, path="/my")
    assert leaving.get("/my").status_code == 401
    closing.page()
    owners.api.caller().post("/v1/shops/mei/status", {"status": "closed", "reason": "gone"})
    assert closing.get("/my").status_code == 401


def test_a_withdrawal_is_asked_for_within_the_rules_and_taken_back(owners: Owners) -> None:
    api, phone = owners.api, owners.owner("mei")
    assert "pays out by itself" in phone.page("/withdraw")
    api.caller().patch("/v1/program", {"withdrawals": {"least_minor": 100, "most_minor": 400, "fee_minor": 10}})
    put(api.world, "mei", payee())
    _stop(api, PAID + timedelta(days=30))
    phone = owners.owner("mei")
    assert "11.30" in phone.page("/withdraw")
    for typed, said in (("0.5", "at least"), ("4.01", "at most"), ("1.234", "such as"), ("99", "You can withdraw")):
        answer = phone.send("/my/withdraw", amount=typed)
        assert (answer.status_code, said in answer.text) == (422, True), (typed, answer.text)
        assert f'value="{typed}"' in answer.text
    assert phone.send("/my/withdraw", amount="3.00").headers["Location"] == "/my/withdraw?done=asked"
    assert phone.send("/my/withdraw", amount="3.00").status_code == 303
    [asked] = api.caller("finance").get("/v1/withdrawals")["data"]
    assert (asked["shop_id"], asked["amount_minor"], asked["status"]) == ("mei", 300, "requested")
    assert "waits for the platform" in phone.page("/withdraw")
    phone.send("/my/withdraw/cancel", id=asked["id"])
    assert "taken back by you" in phone.page("/withdraw")


def test_the_account_is_shown_masked_with_the_day_from_which_another_one_counts(owners: Owners) -> None:
    phone = owners.owner("mei")
    assert "no account yet" in phone.page("/own")
    put(owners.api.world, "mei", payee())
    for path in ("/own", "/withdraw"):
        page = phone.page(path)
        assert "李**" in page, path
        assert "Another account waits" not in page
    changed = asdict(payee()) | {"name": "韩梅梅"}
    owners.api.caller().put("/v1/shops/mei/payee", changed)
    page = phone.page("/own")
    assert "from 7 Mar on" in page
    assert "韩" not in page
    assert "3月7日起" in owners.owner("mei", "zh").page("/own")


def test_a_form_that_no_page_of_the_session_sent_does_nothing(owners: Owners) -> None:
    mei, above = owners.owner("mei"), owners.owner("above")
    above.page("/own")
    mei.page("/own")
    for token in ("", "made up", "喆", above.fields["form_token"]):
        answer = mei.send("/my/withdraw", amount="1.00", form_token=token)
        assert (answer.status_code, "form" in answer.text) == (400, True)


def test_a_question_reaches_finance_with_the_explanation_and_comes_back_answered(
    owners: Owners, world: World, person: Callable[..., Browser]
) -> None:
    mei, finance = owners.owner("mei"), person("fay", "finance")
    [first, *_] = re.findall(r"/my(/lines/[0-9-]+)", mei.page())
    mei.page(first)
    assert mei.send(f"/my{first}/ask", text="Why not 6 %?").status_code == 303
    assert mei.send(f"/my{first}/ask", text="Why not 6 %?").status_code == 303
    assert "waits for an answer" in mei.page(first)
    [address] = re.findall(rf"/console/p/{world.program.code}(/questions/q-[0-9a-f]+)", finance.page("/questions"))
    page = finance.page(address)
    assert "Why not 6 %?" in page
    assert "/orders/20260301000232" in page
    assert finance.do(f"{address}/answer", answer="The plan says 5 %.").status_code == 204
    assert "The plan says 5 %." in mei.page("/questions")
    assert "1 answered" in mei.page("/own")
    mei.page(first)
    mei.send(f"/my{first}/close", id=address.rpartition("/")[2])
    assert "closed" in mei.page("/questions")
    assert address not in finance.page("/questions?status=open")
    assert address in finance.page("/questions?status=closed")


def test_statements_are_those_of_closed_months_and_files_are_the_shops_own(owners: Owners) -> None:
    api, phone = owners.api, owners.owner("mei")
    assert "No month is closed yet" in phone.page("/own")
    _stop(api, PAID + timedelta(days=40))
    api.caller("finance", name="one").post("/v1/statements/2026-03/close")
    api.caller("finance", name="two").post("/v1/statements/2026-03/close/confirm")
    phone = owners.owner("mei")
    assert "/my/statements/2026-03.pdf" in phone.page("/own")
    file = phone.get("/my/statements/2026-03.pdf")
    assert (file.mimetype, file.data[:5]) == ("application/pdf", b"%PDF-")
    assert phone.get("/my/qr.svg").mimetype == "image/svg+xml"
    assert phone.get("/my/poster.png?design=night").mimetype == "image/png"
    assert "/r/" in phone.page("/invite")


def test_the_rank_says_what_is_there_and_what_is_missing(owners: Owners) -> None:
    page = owners.owner("mei").page("/rank")
    assert "Team sales, levels below: 1" in page
    assert re.search(r'<progress value="\d+" max="90000"', page)
    assert "missing" in page
