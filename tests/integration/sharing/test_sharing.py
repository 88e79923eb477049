"""Posters, QR codes and invite links, over HTTP and by command: who gets them, what they show, what they never show."""

from __future__ import annotations

import html
import http.client
import io
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import text
from werkzeug.test import TestResponse

from distrib.cli import cli
from distrib.domain.errors import Refusal
from distrib.services.context import Program
from distrib.store.database import WEB_ROLE, open_engine
from tests.world.api import Api, app_on
from tests.world.live import Live, live_service
from tests.world.world import World, chain

BASE = "https://fx.example.com/d"
CLAIMS = ("躺赚", "月入", "guaranteed", "收益", "赚", "佣金", "commission", "earn", "￥", "¥", "免费", "free")


@pytest.fixture
def inviting(world: World) -> Api:
    """The API behind a public address of its own, with a shop of a name."""
    world.container.settings = replace(world.container.settings, public_url=BASE)
    built = Api(app_on(world.container), world)
    built.caller().post("/v1/shops", {"id": "s-1", "name": "喆记小店"})
    return built


@pytest.fixture
def live(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """A running service that knows its public address."""
    monkeypatch.setenv("DISTRIB_PUBLIC_URL", BASE)
    with live_service(world.container) as running:
        yield running


def code_of(api: Api, shop_id: str = "s-1", program: Program | None = None) -> str:
    return str(api.caller(program=program).get(f"/v1/shops/{shop_id}")["invite_code"])


def patch(api: Api, **settings: object) -> dict[str, Any]:
    answer = api.caller().call("PATCH", "/v1/program", settings)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = json.loads(answer.text)
    return shown


def visit(api: Api, code: str, query: str = "", **headers: str) -> TestResponse:
    client: FlaskClient = api.app.test_client()
    return client.get(f"/r/{code}{query}", headers=headers)


def words(answer: TestResponse) -> str:
    """The page as it is read."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def link_in(png: bytes) -> str:
    [barcode] = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)).convert("RGB"))
    return str(barcode.text)


# --- posters and codes ---


def test_the_code_on_a_poster_is_the_invite_link_under_the_public_address(inviting: Api) -> None:
    link = f"{BASE}/r/{code_of(inviting)}"
    for role, shop in (("admin", None), ("finance", None), ("partner", "s-1")):
        answer = inviting.caller(role, shop).call("GET", "/v1/shops/s-1/poster.png")
        assert (answer.status_code, answer.content_type) == (200, "image/png")
        assert link_in(answer.data) == link
    drawn = inviting.caller().call("GET", "/v1/shops/s-1/qr.svg?scale=4")
    assert (drawn.status_code, drawn.content_type) == (200, "image/svg+xml")
    assert drawn.data.startswith(b"<svg ")


def test_without_a_public_address_links_begin_as_the_service_was_reached(api: Api) -> None:
    api.world.join(("s-1", None))
    admin = api.caller()
    answer = admin.call("GET", "/v1/shops/s-1/poster.png", base_url="http://fx.test:8443")
    assert link_in(answer.data) == f"http://fx.test:8443/r/{code_of(api)}"
    refused = admin.call("GET", "/v1/shops/s-1/poster.png", headers={"Host": "a b<c>"})
    assert refused.status_code == 400


def test_each_language_has_its_poster_and_no_other_is_known(inviting: Api) -> None:
    admin = inviting.caller()
    posters = {admin.call("GET", f"/v1/shops/s-1/poster.png?language={language}").data for language in ("zh", "en")}
    assert len(posters) == 2
    assert admin.call("GET", "/v1/shops/s-1/poster.png").data in posters
    wrong = ("poster.png?language=fr", "poster.png?lang=zh", "qr.svg?scale=0", "qr.svg?scale=51", "qr.svg?scale=x")
    for query in wrong:
        assert admin.refused("GET", f"/v1/shops/s-1/{query}") == (422, "invalid")


def test_a_poster_shows_a_headline_and_an_article_in_three_designs_and_says_all_that_is_wrong(inviting: Api) -> None:
    admin, path = inviting.caller("partner", "s-1"), "/v1/shops/s-1/poster.png"
    goods = {"title": "春茶上新", "goods_name": "明前龙井", "goods_price_minor": "12800"}
    answers = [
        admin.call("GET", path, query_string={"design": design, **shown})
        for design in ("classic", "market", "night")
        for shown in ({}, goods)
    ]
    assert len({answer.data for answer in answers}) == len({answer.headers["ETag"] for answer in answers}) == 6
    assert answers[0].data == admin.call("GET", path).data
    assert {link_in(answer.data) for answer in answers} == {f"{BASE}/r/{code_of(inviting)}"}
    wrong = {"design": "loud", "title": "x" * 41, "goods_price_minor": "-1"}
    problem = admin.problem("GET", path, query_string=wrong)
    assert problem["status"] == 422
    assert {entry["pointer"] for entry in problem["errors"]} == {"?design", "?title", "?goods_price_minor"}
    alone = admin.problem("GET", path, query_string={"goods_price_minor": "1"})
    assert [entry["pointer"] for entry in alone["errors"]] == ["?goods_name"]


def encoded(picture: Image.Image, form: str = "PNG") -> dict[str, str]:
    """A picture as the body of a call."""
    with io.BytesIO() as file:
        picture.save(file, form)
        return {"image": b64encode(file.getvalue()).decode()}


def test_a_program_puts_a_picture_of_its_own_behind_its_posters_and_takes_it_away(inviting: Api) -> None:
    admin, path = inviting.caller(), "/v1/program/poster-background"
    poster = "/v1/shops/s-1/poster.png?background=own&design="
    assert admin.refused("GET", path) == (404, "not_found")
    assert [entry["pointer"] for entry in admin.problem("GET", f"{poster}night")["errors"]] == ["?background"]
    kept = [
        admin.put(path, encoded(Image.new("RGB", size, "teal"), form))
        for size, form in (((2000, 700), "JPEG"), ((600, 900), "WEBP"))
    ]
    assert {(view["width"], view["height"]) for view in kept} == {(1080, 1920)}
    assert admin.get(path) == kept[-1]
    for design in ("classic", "market", "night"):
        own = admin.call("GET", f"{poster}{design}")
        assert link_in(own.data) == f"{BASE}/r/{code_of(inviting)}"
        assert own.data != admin.call("GET", f"/v1/shops/s-1/poster.png?design={design}").data
    tag = admin.call("GET", f"{poster}night").headers["ETag"]
    admin.put(path, encoded(Image.new("RGBA", (540, 540), (0, 0, 0, 0))))
    assert admin.call("GET", f"{poster}night").headers["ETag"] != tag
    other = inviting.caller(program=inviting.other_program())
    assert other.refused("GET", path) == (404, "not_found")
    for _ in range(2):
        assert admin.call("DELETE", path).status_code == 204
    assert admin.refused("GET", path) == (404, "not_found")


def test_what_is_no_picture_or_too_large_is_refused_and_the_one_before_stays(inviting: Api) -> None:
    admin, path = inviting.caller(), "/v1/program/poster-background"
    kept = admin.put(path, encoded(Image.new("RGB", (600, 600), "teal")))
    whole = b64decode(encoded(Image.effect_noise((600, 600), 60))["image"])
    wrong = {
        "no base64": "%%%",
        "text": b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode(),
        "half": b64encode(whole[: len(whole) // 2]).decode(),
        "gif": encoded(Image.new("P", (600, 600)), "GIF")["image"],
        "small": encoded(Image.new("RGB", (539, 900)))["image"],
        "bomb": encoded(Image.new("1", (6_000, 6_000)))["image"],
        "heavy": b64encode(b"x" * (2 * 2**20 + 1)).decode(),
    }
    for name, image in wrong.items():
        problem = admin.problem("PUT", path, {"image": image})
        assert (problem["status"], [entry["pointer"] for entry in problem["errors"]]) == (422, ["/image"]), name
    assert admin.get(path) == kept


def test_a_poster_promises_no_earnings_under_a_pack_that_forbids_it(inviting: Api) -> None:
    asked = {"title": "躺赚", "goods_name": "月入过万课程"}
    assert inviting.caller().call("GET", "/v1/shops/s-1/poster.png", query_string=asked).status_code == 200
    patch(inviting, policy="cn")
    problem = inviting.caller().problem("GET", "/v1/shops/s-1/poster.png", query_string=asked)
    assert {entry["pointer"] for entry in problem["errors"]} == {"?title", "?goods_name"}


def test_a_poster_kept_by_its_reader_is_not_sent_again_until_it_would_differ(inviting: Api) -> None:
    admin = inviting.caller()
    for name in ("poster.png", "qr.svg"):
        first = admin.call("GET", f"/v1/shops/s-1/{name}")
        assert first.headers["Cache-Control"] == "private, no-cache"
        again = admin.call("GET", f"/v1/shops/s-1/{name}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    old = admin.call("GET", "/v1/shops/s-1/poster.png").headers["ETag"]
    patch(inviting, title="好物优选")
    changed = admin.call("GET", "/v1/shops/s-1/poster.png", headers={"If-None-Match": old})
    assert (changed.status_code, changed.headers["ETag"] == old) == (200, False)
    assert admin.call("GET", "/v1/shops/s-1").headers["Cache-Control"] == "no-store"


def test_a_partner_gets_its_own_poster_and_the_order_system_none(inviting: Api) -> None:
    inviting.world.join(("s-2", "s-1"), ("s-3", None))
    partner = inviting.caller("partner", "s-1")
    for name in ("poster.png", "qr.svg"):
        assert partner.refused("GET", f"/v1/shops/s-2/{name}") == (403, "forbidden")
        assert partner.refused("GET", f"/v1/shops/s-3/{name}") == (403, "forbidden")
        assert inviting.caller("orders").refused("GET", f"/v1/shops/s-1/{name}") == (403, "forbidden")
        assert inviting.nobody().refused("GET", f"/v1/shops/s-1/{name}") == (401, "unauthorized")
        assert inviting.caller().refused("GET", f"/v1/shops/nobody/{name}") == (404, "shop_unknown")
        other = inviting.caller(program=inviting.other_program(f"other-{name}"))
        assert other.refused("GET", f"/v1/shops/s-1/{name}") == (404, "shop_unknown")


@pytest.mark.parametrize("status", ["pending", "frozen", "closed"])
def test_a_shop_that_is_not_active_has_no_poster_and_its_link_leads_nowhere(inviting: Api, status: str) -> None:
    admin, code = inviting.caller(), code_of(inviting)
    admin.post("/v1/shops/s-1/status", {"status": status, "reason": "r"})
    for name in ("poster.png", "qr.svg"):
        problem = admin.problem("GET", f"/v1/shops/s-1/{name}")
        assert (problem["status"], problem["code"]) == (409, "shop_not_inviting")
        assert status in problem["detail"]
    assert visit(inviting, code).status_code == 404
    admin.post("/v1/shops/s-1/status", {"status": "active", "reason": "r"})
    assert visit(inviting, code).status_code == 200


def test_what_is_erased_is_on_no_poster_and_no_page(inviting: Api) -> None:
    admin, code = inviting.caller(), code_of(inviting)
    assert "喆记小店" in visit(inviting, code).text
    admin.post("/v1/shops/s-1/erase")
    assert admin.refused("GET", "/v1/shops/s-1/poster.png") == (409, "shop_not_inviting")
    gone = visit(inviting, code)
    assert (gone.status_code, "喆记小店" in gone.text) == (404, False)


# --- the page ---


def test_the_page_tells_who_invites_into_what_and_the_code_and_nothing_else(inviting: Api) -> None:
    code = code_of(inviting)
    patch(inviting, title="好物优选")
    chinese, english = visit(inviting, code, "?lang=zh"), visit(inviting, code, "?lang=en")
    assert words(chinese) == (
        f"加入好物优选 English 喆记小店 邀请你加入 好物优选 邀请码 {code} 复制邀请码 如何加入 "
        "复制邀请码，或截图保存本页。 打开好物优选的 App 或小程序，进入注册页面。 在平台注册时填写以上邀请码即可。 "
        "找不到入口？请询问发给你链接的人。 具体规则以平台公示为准。"
    )
    assert words(english) == (
        f"Join 好物优选 中文 喆记小店 invites you to join 好物优选 Invite code {code} Copy the code How to join "
        "Copy the code, or keep a picture of this page. Open the app or shop of 好物优选, where you can register. "
        "Give this code when you register with the platform. You do not find it? Ask who sent you this link. "
        "The rules are those the platform publishes."
    )
    for answer in (chinese, english):
        assert "s-1" not in answer.text
        assert [claim for claim in CLAIMS if claim in words(answer)] == []


def test_the_page_speaks_the_readers_language_and_says_so(inviting: Api) -> None:
    code = code_of(inviting)
    languages = {
        "zh-CN,zh;q=0.9": "zh",
        "en-GB": "en",
        "fr": "en",
        "": "en",
    }
    for sent, language in languages.items():
        answer = visit(inviting, code, **{"Accept-Language": sent})
        assert (answer.headers["Content-Language"], "Accept-Language" in answer.headers["Vary"]) == (language, True)
    assert visit(inviting, code, "?lang=zh", **{"Accept-Language": "en"}).headers["Content-Language"] == "zh"
    assert visit(inviting, code, "?lang=xx", **{"Accept-Language": "zh"}).headers["Content-Language"] == "zh"


def tags_of(answer: TestResponse) -> dict[str, str]:
    """What the page tells chats, by the name of the tag."""
    found = re.findall(
        r'<meta (?:property|itemprop|name="description" itemprop)="([^"]+)" content="([^"]*)"', answer.text
    )
    return {name: html.unescape(content) for name, content in found}


def test_a_chat_shows_who_invites_into_what_and_a_card_and_nothing_else(inviting: Api) -> None:
    code = code_of(inviting)
    patch(inviting, title="好物优选")
    tags = tags_of(visit(inviting, code, "?lang=zh"))
    link = f"{BASE}/r/{code}"
    assert tags["og:title"] == tags["name"] == "喆记小店邀请你加入好物优选"
    assert tags["og:description"] == tags["description"] == f"邀请码 {code}。具体规则以平台公示为准。"
    assert tags["og:image"] == tags["image"] == f"{link}/card.png?lang=zh"
    assert (tags["og:url"], tags["og:locale"], tags["og:site_name"]) == (link, "zh_CN", "好物优选")
    assert tags_of(visit(inviting, code, "?lang=en"))["og:title"] == "喆记小店 invites you to join 好物优选"
    assert [claim for claim in CLAIMS if claim in " ".join(tags.values())] == []
    cards = {language: visit(inviting, f"{code}/card.png", f"?lang={language}") for language in ("zh", "en")}
    for card in cards.values():
        assert (card.status_code, card.content_type, card.headers["Cache-Control"]) == (
            200,
            "image/png",
            "public, max-age=60",
        )
        size = tuple(int(tags[f"og:image:{side}"]) for side in ("width", "height"))
        assert Image.open(io.BytesIO(card.data)).size == size == (1200, 630)
    assert cards["zh"].data != cards["en"].data


def test_a_code_that_leads_nowhere_has_no_card_and_tells_chats_nothing(inviting: Api) -> None:
    code = code_of(inviting)
    inviting.caller().post("/v1/shops/s-1/status", {"status": "closed", "reason": "r"})
    for wrong in (code, "AAAAAAAAAA", "x"):
        card = visit(inviting, f"{wrong}/card.png")
        assert (card.status_code, card.data, card.headers["Cache-Control"]) == (404, b"", "no-store")
        assert tags_of(visit(inviting, wrong)) == {}


def test_the_page_runs_only_its_own_file_keeps_nothing_and_is_not_to_be_found(inviting: Api) -> None:
    answer = visit(inviting, code_of(inviting))
    assert answer.content_type == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?! src=)|<style| style=| on\w+=|<form|http://", answer.text)
    [script] = re.findall(r'<script src="([^"]+)" defer></script>', answer.text)
    assert inviting.nobody().call("GET", script).content_type.startswith("text/javascript")
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    [sheet] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', answer.text)
    assert inviting.nobody().call("GET", sheet).status_code == 200


def test_a_name_is_text_and_never_markup(inviting: Api) -> None:
    inviting.caller().call("PATCH", "/v1/shops/s-1", {"name": "<script>alert(1)</script>&\"'"})
    patch(inviting, title="<b>T</b>")
    answer = visit(inviting, code_of(inviting))
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text
    assert "<script>alert(1)</script>&\"'" in html.unescape(answer.text)


def test_every_code_that_leads_nowhere_gets_one_and_the_same_page(inviting: Api) -> None:
    code = code_of(inviting)
    wrong = ("AAAAAAAAAA", "x", "喆" * 10, "0" * 10, code[:9], code + "2", "%00")
    pages = {visit(inviting, invite_code).text for invite_code in wrong}
    inviting.caller().post("/v1/shops/s-1/status", {"status": "closed", "reason": "r"})
    closed = visit(inviting, code)
    assert pages == {closed.text}
    assert (closed.status_code, closed.headers["Cache-Control"]) == (404, "no-store")
    assert "No such invitation" in closed.text


def test_a_code_typed_in_small_letters_is_the_same_code(inviting: Api) -> None:
    assert visit(inviting, code_of(inviting).lower()).text == visit(inviting, code_of(inviting)).text


def test_the_page_leads_to_the_platforms_own_page_with_the_code(inviting: Api) -> None:
    code = code_of(inviting)
    for join_url, leads_to in (
        ("https://shop.example.com/join", f"https://shop.example.com/join?invite_code={code}"),
        ("https://shop.example.com/j?from=fx&x=", f"https://shop.example.com/j?from=fx&x=&invite_code={code}"),
    ):
        assert patch(inviting, join_url=join_url)["join_url"] == join_url
        [link] = re.findall(r'<a class="go" href="([^"]+)"', visit(inviting, code).text)
        assert html.unescape(link) == leads_to
        assert "shop.example.com" in words(visit(inviting, code))
    patch(inviting, join_url=None)
    assert 'class="go"' not in visit(inviting, code).text


@pytest.mark.parametrize(
    "join_url",
    [
        "http://shop.example.com",
        "javascript:alert(1)",
        "https://user@shop.example.com",
        "https://127.0.0.1/x",
        "https://",
        "https://shop.example.com/#x",
        "https://shop.example.com/?invite_code=A",
        "https://shop.example.com/a b",
        "shop",
    ],
)
def test_a_page_for_joining_that_is_not_safe_to_lead_to_is_refused(inviting: Api, join_url: str) -> None:
    problem = inviting.caller().problem("PATCH", "/v1/program", {"join_url": join_url, "title": " "})
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert {entry["pointer"] for entry in problem["errors"]} == {"/join_url", "/title"}


def test_a_name_that_promises_earnings_is_left_out_under_a_pack_that_forbids_it(inviting: Api) -> None:
    inviting.caller().call("PATCH", "/v1/shops/s-1", {"name": "月入过万俱乐部"})
    code = code_of(inviting)
    assert "月入过万" in visit(inviting, code).text
    patch(inviting, policy="cn", title="躺赚联盟")
    answer = visit(inviting, code, "?lang=zh")
    assert "月入" not in answer.text
    assert "躺赚" not in answer.text
    assert "诚邀加入 test" in words(answer)


def test_a_code_that_two_programs_have_shows_both_and_guesses_neither(inviting: Api) -> None:
    code, other = code_of(inviting), inviting.other_program()
    admin = inviting.caller(program=other)
    admin.post("/v1/shops", {"id": "x-1", "name": "Other shop"})
    container = inviting.world.container
    with container.begin() as conn:
        conn.execute(text("RESET ROLE"))  # no role may change a code
        same = "UPDATE shops SET invite_code = :code WHERE program_id = :program"
        conn.execute(text(same), {"code": code, "program": other.program_id})
    answer = visit(inviting, code)
    assert answer.text.count(f">{code}<") == 2
    assert "喆记小店" in answer.text
    assert "Other shop" in answer.text
    assert "Several programs know this code" in answer.text
    assert tags_of(answer) == {}
    assert visit(inviting, f"{code}/card.png").status_code == 404
    admin.post("/v1/shops/x-1/status", {"status": "closed", "reason": "r"})
    assert "Other shop" not in visit(inviting, code).text


def test_the_web_role_sees_by_a_code_the_shops_of_that_code_and_no_other(inviting: Api, database_url: str) -> None:
    inviting.world.join(*chain("s-2", "s-3"))
    engine = open_engine(database_url, WEB_ROLE)
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM shops")).scalar() == 0
        conn.execute(text("SELECT set_config('distrib.invite_code', :code, true)"), {"code": code_of(inviting)})
        assert conn.execute(text("SELECT shop_id FROM shops")).scalars().all() == ["s-1"]
        assert conn.execute(text("UPDATE shops SET name = 'x'")).rowcount == 0
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM shops")).scalar() == 0
    engine.dispose()


def test_who_joins_by_the_code_on_the_page_stands_below_who_invited(inviting: Api) -> None:
    [code] = re.findall(r'<p class="code">(\w+)</p>', visit(inviting, code_of(inviting)).text)
    joined = inviting.caller().post("/v1/shops", {"id": "new", "invite_code": code})
    assert joined["sponsor_id"] == "s-1"


def test_what_invitations_say_is_set_with_a_trail(inviting: Api) -> None:
    patch(inviting, title="T", join_url="https://a.example/j")
    patch(inviting, title=None)
    rows = inviting.caller("finance").get("/v1/program/changes")["data"]
    assert [row["after"] for row in rows] == [{"title": "T", "join_url": "https://a.example/j"}, {"title": None}]
    program = inviting.caller("finance").get("/v1/program")
    assert (program["title"], program["join_url"]) == (None, "https://a.example/j")


def test_a_shop_that_joins_later_does_not_invite_yet(inviting: Api) -> None:
    later = datetime(2090, 1, 1, tzinfo=UTC)
    inviting.world.join(("late", None), joined_at=later)
    assert inviting.caller().refused("GET", "/v1/shops/late/poster.png") == (409, "shop_not_inviting")


# --- a running service, and the command line ---


def test_a_running_service_draws_posters_whose_link_lands_on_its_page(live: Live) -> None:
    program = live.open_program("live")
    admin = live.client(program)
    admin.post("/v1/shops", {"id": "s-1", "name": "喆记小店"})
    status, kind, content = raw(live, admin.key, "/v1/shops/s-1/poster.png")
    assert (status, kind) == (200, "image/png")
    link = link_in(content)
    assert link.startswith(f"{BASE}/r/")
    status, kind, content = raw(live, None, f"/r/{link.rpartition('/')[2]}")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert "喆记小店" in content.decode()
    assert raw(live, None, "/r/NOBODYSCODE")[0] == 404


def raw(live: Live, key: str | None, path: str) -> tuple[int, str | None, bytes]:
    """Status, media type and bytes of a GET."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.getheader("Content-Type"), content


@pytest.fixture
def shell(inviting: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the world, as commands read them."""
    for name, value in inviting.world.container.environment().items():
        monkeypatch.setenv(name, value)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.mark.usefixtures("shell")
def test_commands_draw_what_the_service_draws(inviting: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISTRIB_PUBLIC_URL", BASE + "/")
    for name, path in (("poster", "poster.png?language=en"), ("qr", "qr.svg")):
        drawn = tmp_path / name
        extra = ("--language", "en") if name == "poster" else ()
        result = run("shops", name, "s-1", "--output", drawn, *extra)
        assert (result.exit_code, result.output) == (0, f"{drawn}: {BASE}/r/{code_of(inviting)}\n")
        assert drawn.read_bytes() == inviting.caller().call("GET", f"/v1/shops/s-1/{path}").data
    drawn = tmp_path / "market"
    article = ("--design", "market", "--title", "春茶", "--goods-name", "龙井", "--goods-price", "1,280.5")
    assert run("shops", "poster", "s-1", "--output", drawn, *article).exit_code == 0
    query = "design=market&title=%E6%98%A5%E8%8C%B6&goods_name=%E9%BE%99%E4%BA%95&goods_price_minor=128050"
    assert drawn.read_bytes() == inviting.caller().call("GET", f"/v1/shops/s-1/poster.png?{query}").data
    for wrong in (("--goods-price", "1"), ("--goods-name", "x", "--goods-price", "1.005"), ("--title", "x" * 41)):
        assert run("shops", "poster", "s-1", "--output", tmp_path / "wrong", *wrong).exit_code == 2
    assert not (tmp_path / "wrong").exists()


@pytest.mark.usefixtures("shell")
def test_a_command_that_cannot_know_the_public_address_says_what_to_set(inviting: Api, tmp_path: Path) -> None:
    result = run("shops", "poster", "s-1", "--output", tmp_path / "p.png")
    assert (result.exit_code, "DISTRIB_PUBLIC_URL" in result.output) == (2, True)
    assert not (tmp_path / "p.png").exists()


@pytest.mark.usefixtures("shell")
def test_a_shop_that_may_not_invite_gets_no_file(
    inviting: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DISTRIB_PUBLIC_URL", BASE)
    inviting.caller().post("/v1/shops/s-1/status", {"status": "closed", "reason": "r"})
    result = run("shops", "poster", "s-1", "--output", tmp_path / "p.png")
    assert isinstance(result.exception, Refusal)
    assert result.exception.code == "shop_not_inviting"
    assert not (tmp_path / "p.png").exists()


@pytest.mark.usefixtures("shell")
def test_a_command_sets_and_takes_back_what_invitations_say() -> None:
    assert run("program", "set", "--title", "好物优选", "--join-url", "https://a.example/j").exit_code == 0
    assert '"title": "好物优选"' in run("program", "set", "--join-url", "", "--json").output
    assert '"join_url": null' in run("program", "set", "--title", "好物优选", "--json").output
