"""Visits of invite links: once a visitor, shop and day, by source, for people alone, and nobody can tell who came."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from distrib.services.sharing.visits import SOURCES
from tests.world.api import Api
from workers.visits import forget_past_visitors

PHONE = "Mozilla/5.0 (iPhone) MicroMessenger/8.0"


@pytest.fixture
def shops(api: Api) -> dict[str, str]:
    """The invite codes of two shops."""
    api.world.join(("a", None), ("b", None))
    return {shop: str(api.caller().get(f"/v1/shops/{shop}")["invite_code"]) for shop in ("a", "b")}


def visit(api: Api, code: str, query: str = "", address: str = "192.0.2.1", method: str = "GET", **headers: str) -> int:
    """One visit of a link, to its end."""
    given = {"User-Agent": PHONE} | {name.replace("_", "-"): value for name, value in headers.items()}
    answer = api.app.test_client().open(
        f"/r/{code}{query}", method=method, headers=given, buffered=True, environ_base={"REMOTE_ADDR": address}
    )
    return answer.status_code


def counted(api: Api) -> dict[tuple[str, str], int]:
    """The visits by shop and source, over all days."""
    rows = api.world.rows(
        "SELECT s.shop_id, v.source, sum(v.visits) FROM visits v JOIN shops s USING (program_id, shop_no)"
        " WHERE v.program_id = :program GROUP BY 1, 2"
    )
    return {(shop, source): int(count) for shop, source, count in rows}


def test_a_visitor_counts_once_a_shop_and_day_and_by_where_it_came_from(api: Api, shops: dict[str, str]) -> None:
    for query in ("?s=wechat", "?s=wechat", "", "?utm_source=poster"):
        assert visit(api, shops["a"], query) == 200
    visit(api, shops["a"].lower(), "?utm_source=Poster", "192.0.2.2")
    visit(api, shops["a"], "?s=my-own-campaign", "192.0.2.3")
    visit(api, shops["b"])
    assert counted(api) == {("a", "wechat"): 1, ("a", "poster"): 1, ("a", "other"): 1, ("b", "direct"): 1}
    by_day = api.world.rows("SELECT source, sum(visits) FROM visit_days WHERE program_id = :program GROUP BY 1")
    assert {source: int(count) for source, count in by_day} == {"wechat": 1, "poster": 1, "other": 1, "direct": 1}
    assert {source for _, source in counted(api)} <= set(SOURCES)
    api.stop_clock(api.world.container.now() + timedelta(days=1))
    visit(api, shops["b"])
    assert counted(api)["b", "direct"] == 2


def test_who_asks_without_looking_is_not_counted(api: Api, shops: dict[str, str]) -> None:
    visit(api, shops["a"], method="HEAD")
    for agent in ("Googlebot/2.1", "", "curl/8.0", "Mozilla/5.0 HeadlessChrome/1"):
        visit(api, shops["a"], User_Agent=agent)
    visit(api, shops["a"], Sec_Purpose="prefetch;prerender")
    assert visit(api, "AAAAAAAAAA") == 404
    assert counted(api) == {}


def test_no_address_is_kept_and_salts_and_visitors_are_gone_when_the_day_is_over(
    api: Api, shops: dict[str, str], owner: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(api, shops["a"])
    container = api.world.container
    with owner.begin() as conn:
        [(salt, digest)] = conn.execute(
            text("SELECT salt, digest FROM visit_salts JOIN visitors USING (program_id, day)")
        )
    assert (len(salt), len(digest)) == (32, 16)
    forget_past_visitors(container)
    gone = text("SELECT (SELECT count(*) FROM visit_salts) + (SELECT count(*) FROM visitors)")
    with owner.begin() as conn:
        assert conn.execute(gone).scalar_one() == 2
    later = container.now() + timedelta(days=1)
    monkeypatch.setattr(type(container), "now", lambda _: later)
    forget_past_visitors(container)
    with owner.begin() as conn:
        assert conn.execute(gone).scalar_one() == 0
    assert counted(api) == {("a", "direct"): 1}


def test_a_page_is_sent_though_its_visit_cannot_be_counted(api: Api, shops: dict[str, str], owner: Engine) -> None:
    visit(api, shops["a"], address="192.0.2.9")
    with owner.begin() as conn:
        conn.execute(text("LOCK TABLE visits IN ACCESS EXCLUSIVE MODE"))
        assert visit(api, shops["a"]) == 200
    assert counted(api) == {("a", "direct"): 1}
