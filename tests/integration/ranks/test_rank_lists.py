"""Who rose, who fell and who is near: lists over all shops, the newest or the nearest first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ranks.near import keep_near_ranks
from tests.integration.ranks.test_evaluation import RANKED, by_hand, evaluate, instant_of, sale
from tests.world.api import Api
from workers.near_ranks import refresh_near_ranks

MANAGER: dict[str, Any] = {
    "all": [
        {"metric": "personal_sales_minor", "window": "ever", "at_least": 10_000},
        {"any": [
            {"metric": "direct_recruits", "window": "ever", "at_least": 2},
            {"metric": "personal_orders", "window": "ever", "at_least": 5},
        ]},
    ]
}  # fmt: skip


def moves(api: Api, query: str = "") -> list[tuple[str, str | None, str | None, str | None]]:
    data = api.caller("finance").get(f"/v1/ranks/changes{query}")["data"]
    return [(row["shop_id"], row["from_rank"], row["rank"], row["direction"]) for row in data]


def test_who_rose_and_who_fell_stands_the_newest_first_with_why_and_by_which_evaluation(api: Api) -> None:
    world = api.world
    world.publish(RANKED)
    world.join(("s", None), ("t", None), ("u", None))
    world.earn(sale("o1", "s", 50_000, instant_of(1, 10)), sale("o2", "t", 10_000, instant_of(1, 31)))
    for period in (202601, 202602, 202603):
        evaluate(world, period)
    by_hand(world, "u", "manager", instant_of(4, 5))
    by_hand(world, "u", None, instant_of(4, 6))
    fell, rose_last, rose_first = (
        ("s", "manager", "owner", "fell"),
        ("t", "member", "owner", "rose"),
        ("s", "member", "manager", "rose"),
    )
    by_hand_rows = [("u", "manager", None, "fell"), ("u", "member", "manager", "rose")]
    assert moves(api) == [*by_hand_rows, fell, rose_last, rose_first]
    assert moves(api, "?cause=promotion") == [rose_last, rose_first]
    assert moves(api, "?cause=hand") == by_hand_rows
    assert moves(api, "?evaluation=2026-03") == [fell]
    assert moves(api, "?evaluation=2026-01") == []
    assert moves(api, "?evaluation=2027-01") == []
    finance = api.caller("finance")
    [row] = finance.get("/v1/ranks/changes?cause=evaluation")["data"]
    assert (row["evaluation"], row["reason"]["code"], row["reason"]["failures"]) == ("2026-03", "keep_failed", 2)
    paged: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = finance.get(f"/v1/ranks/changes?limit=2{cursor and '&cursor=' + cursor}")
        paged += page["data"]
        cursor = page["next_cursor"]
    assert paged == finance.get("/v1/ranks/changes")["data"]
    problem = finance.problem("GET", "/v1/ranks/changes?cause=luck&evaluation=x")
    assert {entry["pointer"] for entry in problem["errors"]} == {"?cause", "?evaluation"}


def test_who_is_near_is_told_with_what_is_there_the_nearest_first_as_of_when_it_was_worked_out(api: Api) -> None:
    world, finance = api.world, api.caller("finance")
    owner = {"metric": "personal_sales_minor", "window": "30d", "at_least": 1_000}
    ladder = [{"code": "member"}, {"code": "owner", "promote": owner}, {"code": "manager", "promote": MANAGER}]
    world.publish(RANKED | {"ranks": ladder, "rules": [{"id": "s", "pay": "seller", "rate": "0.1"}]})
    assert finance.get("/v1/ranks/near") == {"data": [], "next_cursor": None, "as_of": None, "shops": None}
    world.join(("a", None), ("b", "a"), ("c", None), ("d", None), ("idle", None), ("shut", None))
    world.earn(
        sale("a1", "a", 900, instant_of(3, 1)),
        sale("b1", "b", 999, instant_of(3, 1)),
        sale("c1", "c", 5_000, instant_of(3, 1)),
        sale("d1", "d", 400, instant_of(3, 1)),
        sale("s1", "shut", 998, instant_of(3, 1)),
    )
    api.caller().post("/v1/shops/shut/status", {"status": "closed", "reason": "r"})
    as_of = instant_of(3, 3)
    with world.begin() as conn:
        assert keep_near_ranks(Unit(conn, world.program, COMMAND_LINE, as_of))
    answer = finance.get("/v1/ranks/near")
    assert [(row["shop_id"], row["rank"], row["next_rank"], row["share"]) for row in answer["data"]] == [
        ("b", "member", "owner", "0.999"),
        ("a", "member", "owner", "0.9"),
        ("d", "member", "owner", "0.4"),
        ("c", "owner", "manager", "0.2"),
    ]
    assert answer["shops"] == 6
    [manager] = finance.get("/v1/ranks/near?rank=manager")["data"]
    have = [(part["condition"], part["have"], part["need"], part["met"]) for part in manager["conditions"]]
    assert have == [
        ("personal_sales_minor", 5_000, 10_000, False),
        ("direct_recruits", 0, 2, False),
        ("personal_orders", 1, 5, False),
    ]
    first = finance.get("/v1/ranks/near?limit=3")
    rest = finance.get(f"/v1/ranks/near?limit=3&cursor={first['next_cursor']}")
    assert first["data"] + rest["data"] == answer["data"]
    refresh_near_ranks(world.container)
    later = finance.get("/v1/ranks/near")
    assert [row["shop_id"] for row in later["data"]] == ["c"]
    assert later["as_of"] > answer["as_of"]
    world.earn(sale("a2", "a", 950, world.now() - timedelta(hours=1)))
    refresh_near_ranks(world.container)
    assert finance.get("/v1/ranks/near") == later
