"""Lists of shops over HTTP: any filters together, both ways, against a plain look at every shop."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from distrib.services.network.shops import ShopDraft
from distrib.store.network import listing
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled

OPENED = datetime(2026, 1, 1, tzinfo=UTC)
SHOPS = 40
RANKED = SELLER_TEN_PERCENT | {"ranks": [{"code": "member"}, {"code": "owner"}]}
FILTERS: dict[str, tuple[str, Callable[[dict[str, Any]], bool]]] = {
    "q": ("sh", lambda row: row["id"].startswith("sh") or (row["name"] or "").lower().startswith("sh")),
    "status": ("frozen", lambda row: row["status"] == "frozen"),
    "rank": ("owner", lambda row: row["rank"] == "owner"),
    "level": ("2", lambda row: row["level"] == 2),
    "root": ("sh-00", lambda row: row["root_id"] == "sh-00"),
    "joined_from": ("2026-01-05T00:00:00Z", lambda row: row["joined_at"] >= "2026-01-05"),
    "joined_to": ("2026-01-20T00:00:00Z", lambda row: row["joined_at"] < "2026-01-20"),
}


@pytest.fixture
def admin(api: Api, plain_invite_codes: None) -> Caller:
    """Forty shops in three trees, each with its own name, day, status and rank; some joined at one instant."""
    draw, caller, world = random.Random(14), api.caller(), api.world
    world.publish(RANKED)
    drafts = list[ShopDraft]()
    for number in range(SHOPS):
        sponsor = None if number < 3 else drafts[draw.randrange(number)].id
        name = draw.choice([None, "Shen", "shang 上", "春茶优选", "Mei"])
        drafts.append(
            ShopDraft(
                f"{'sh' if number % 2 == 0 else 'no'}-{number:02d}",
                sponsor,
                name=name,
                joined_at=OPENED + timedelta(days=number // 3 * 2),
            )
        )
    world.register_all(drafts)
    for draft in drafts:
        if draw.random() < 0.3:
            world.set_status(draft.id, draw.choice(["pending", "frozen", "closed"]))
        if draw.random() < 0.3:
            world.set_rank(draft.id, draw.choice(["owner", "member"]))
    caller.post("/v1/shops/no-01/move", {"sponsor_id": "sh-00", "reason": "r"})
    return caller


def walk(caller: Caller, query: str, size: int = 7) -> list[dict[str, Any]]:
    rows, cursor, seen = list[dict[str, Any]](), "", set[int]()
    while True:
        page = caller.get(f"/v1/shops?limit={size}&{query}{cursor}")
        rows += page["data"]
        seen.add(page["count"])
        if page["next_cursor"] is None:
            assert seen == {len(rows)}
            assert not page["count_is_estimate"]
            return rows
        cursor = f"&cursor={page['next_cursor']}"


def test_any_filters_together_list_what_fits_both_ways(admin: Caller) -> None:
    everything = walk(admin, "sort=-joined", 500)
    assert len(everything) == SHOPS
    assert [row["joined_at"] for row in everything] == sorted((row["joined_at"] for row in everything), reverse=True)
    assert walk(admin, "sort=joined") == everything[::-1]
    for chosen in (*combinations(FILTERS, 1), *combinations(FILTERS, 2), *combinations(FILTERS, 3)):
        query = "&".join(f"{name}={FILTERS[name][0]}" for name in chosen)
        expected = [row for row in everything if all(FILTERS[name][1](row) for name in chosen)]
        assert walk(admin, query) == expected, query


def test_a_row_is_what_the_shop_itself_shows(admin: Caller) -> None:
    for row in walk(admin, "q=sh-0"):
        shop, above = admin.get(f"/v1/shops/{row['id']}"), admin.get(f"/v1/shops/{row['id']}/upline")["data"]
        assert row["root_id"] == (above[-1]["id"] if above else row["id"])
        shared = row.keys() & shop.keys()
        assert {name: row[name] for name in shared} == {name: shop[name] for name in shared}
        assert shared >= {"name", "status", "rank", "level", "sponsor_id", "joined_at", "direct_recruits"}


def test_names_in_any_case_codes_in_any_case_and_ids_as_they_are(admin: Caller) -> None:
    code = admin.get("/v1/shops/sh-00")["invite_code"]
    assert [row["id"] for row in walk(admin, f"q={code.lower()}")] == ["sh-00"]
    assert {row["name"] for row in walk(admin, "q=SHEN")} == {"Shen"}
    assert {row["name"] for row in walk(admin, "q=春茶")} == {"春茶优选"}
    assert walk(admin, "q=茶") == []
    assert walk(admin, "q=%25") == walk(admin, "q=_") == []


def test_the_lowest_rank_and_the_status_of_nearly_all_are_filters_too(admin: Caller) -> None:
    everything = walk(admin, "")
    for name, value in (("rank", "member"), ("status", "active"), ("status", "pending"), ("level", "1")):
        expected = [row for row in everything if str(row[name]) == value]
        assert expected
        assert walk(admin, f"{name}={value}") == expected


def test_sales_of_the_month_and_what_is_available_stand_beside_a_shop(admin: Caller, api: Api) -> None:
    now = datetime(2026, 3, 20, tzinfo=UTC)
    api.stop_clock(now)
    api.world.stopped_at = now
    admin.post("/v1/shops/sh-00/status", {"status": "active", "reason": "r"})
    sold = {"paid_at": datetime(2026, 3, 1, tzinfo=UTC)}
    before = {"paid_at": datetime(2026, 2, 1, tzinfo=UTC), "occurred_at": datetime(2026, 2, 2, tzinfo=UTC)}
    api.world.earn(
        settled("e1", "o1", "sh-00", line(10_000), **sold, occurred_at=datetime(2026, 3, 2, tzinfo=UTC)),
        settled("e2", "o2", "sh-00", line(7_000), **before),
        refunded("r1", "o1", {"1": 4_000}, datetime(2026, 3, 5, tzinfo=UTC)),
    )
    [row] = walk(admin, "q=sh-00")
    balance = admin.get("/v1/shops/sh-00/balance")
    assert row["month_sales_minor"] == 6_000
    assert (row["available_minor"], row["currency"]) == (balance["available_minor"], balance["currency"])
    assert row["available_minor"] > 0


def test_a_tree_keeps_its_root_when_its_shops_move(admin: Caller) -> None:
    moved = {row["id"] for row in walk(admin, "root=sh-00")}
    admin.post("/v1/shops/sh-00/move", {"sponsor_id": "sh-02", "reason": "r"})
    assert moved < {row["id"] for row in walk(admin, "root=sh-02")}
    assert admin.problem("GET", "/v1/shops?root=sh-00")["errors"][0]["pointer"] == "?root"
    admin.post("/v1/shops/sh-00/move", {"sponsor_id": None, "reason": "r"})
    assert {row["id"] for row in walk(admin, "root=sh-00")} == moved


def test_beyond_what_is_counted_there_is_an_estimate_and_no_page_looks_without_end(
    admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = walk(admin, "", 500)
    monkeypatch.setattr(listing, "MOST_COUNTED", 5)
    page = admin.get("/v1/shops?q=sh")
    assert page["count_is_estimate"]
    assert page["count"] > 0
    assert [row["id"] for row in page["data"]] == [row["id"] for row in everything if FILTERS["q"][1](row)]
    assert admin.get("/v1/shops")["count_is_estimate"]
    monkeypatch.setattr(listing, "MOST_LOOKED", 10)
    problem = admin.problem("GET", "/v1/shops?status=active&q=sh")
    assert (problem["status"], problem["code"]) == (422, "list_too_wide")
    assert "status" in problem["detail"]
    assert "q" in problem["detail"]


def test_what_is_wrong_is_said_all_at_once_and_a_root_must_be_one(admin: Caller, api: Api) -> None:
    problem = admin.problem("GET", "/v1/shops?status=open&level=0&sort=name&q=&joined_from=2026&limit=501")
    pointers = {entry["pointer"] for entry in problem["errors"]}
    assert pointers == {"?status", "?level", "?sort", "?q", "?joined_from", "?limit"}
    assert admin.refused("GET", "/v1/shops?root=nobody") == (404, "shop_unknown")
    cursor = admin.get("/v1/shops?limit=1")["next_cursor"]
    assert admin.refused("GET", f"/v1/shops?limit=1&level=1&cursor={cursor}") == (422, "invalid")
    for caller in (api.caller("partner", "sh-00"), api.caller("orders")):
        assert caller.refused("GET", "/v1/shops") == (403, "forbidden")
