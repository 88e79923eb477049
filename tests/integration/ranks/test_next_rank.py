"""What a shop lacks to its next rank is what the promotion decides by: one short it stays, at need it rises."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from distrib.services.ranks import next_rank
from tests.integration.ranks.test_promotion_metrics import instant_of, plan, ranks, sale
from tests.world.api import Api
from tests.world.documents import refunded

MANAGER = {
    "all": [
        {"metric": "team_sales_minor", "levels": 2, "window": "month", "at_least": 4_000},
        {
            "any": [
                {"metric": "active_recruits", "window": "7d", "min_rank": "owner", "at_least": 5},
                {"metric": "customers", "window": "90d", "at_least": 2},
            ]
        },
    ]
}
OWNER = {"metric": "personal_sales_minor", "window": "30d", "at_least": 1_000}


@pytest.fixture
def ladder(api: Api) -> Api:
    """Ranks member, owner (1,000 sold), manager (all and any), director (by hand); shops top > s > a."""
    document = plan(OWNER, MANAGER)
    document["ranks"].append({"code": "director"})
    api.world.publish(document)
    api.world.join(("top", None), ("s", "top"), ("a", "s"))
    return api


def shown(api: Api, shop: str, now: datetime) -> dict[str, Any]:
    api.stop_clock(now)
    answer: dict[str, Any] = api.caller("partner", shop).get(f"/v1/shops/{shop}/next-rank")
    return answer


def test_one_short_is_not_promoted_and_at_need_is(ladder: Api) -> None:
    world = ladder.world
    world.earn(sale("o1", "s", instant_of(2), 999))
    short = shown(ladder, "s", instant_of(2, 20))
    [condition] = short["conditions"]
    assert (short["rank"], short["next_rank"], short["met"]) == ("member", "owner", False)
    assert (condition["have"], condition["need"], condition["met"]) == (999, 1_000, False)
    assert (condition["unit"], condition["currency"]) == ("minor", "CNY")
    assert ranks(world) == {}
    world.earn(sale("o2", "s", instant_of(3), 1))
    risen = ranks(world)["s"]
    assert risen == [("owner", instant_of(4, 0))]
    coming = shown(ladder, "s", instant_of(3, 20))
    assert (coming["rank"], coming["coming_rank"], coming["next_rank"]) == ("member", "owner", "manager")
    assert datetime.fromisoformat(coming["effective_at"]) == instant_of(4, 0)
    assert shown(ladder, "s", instant_of(4, 1))["rank"] == "owner"


def test_all_and_any_stay_as_the_plan_nests_them_and_decide_as_the_promotion_does(ladder: Api) -> None:
    world = ladder.world
    world.set_rank("top", "owner", instant_of(1))
    world.earn(
        sale("t1", "top", instant_of(2), 10, customer_id="c1"),
        sale("t2", "top", instant_of(2), 10, customer_id="c2"),
        sale("a1", "a", instant_of(3), 3_999),
        sale("gone", "s", instant_of(2), 500),
        refunded("r", "gone", None, instant_of(2, 13)),
    )
    short = shown(ladder, "top", instant_of(3, 20))
    team, either = short["conditions"]
    assert (short["next_rank"], short["takes"], short["met"]) == ("manager", "all", False)
    assert (team["have"], team["need"], team["levels"], team["met"]) == (3_999, 4_000, 2, False)
    assert datetime.fromisoformat(team["since"]) == instant_of(1, 0)
    assert (either["kind"], either["met"]) == ("any", True)
    recruits, customers = either["parts"]
    assert (recruits["have"], recruits["need"], recruits["min_rank"], recruits["unit"]) == (0, 5, "owner", "shops")
    assert (customers["have"], customers["met"], customers["currency"]) == (2, True, None)
    assert datetime.fromisoformat(customers["since"]) == instant_of(3, 20) - timedelta(days=90)
    assert "top" not in {shop for shop, rows in ranks(world).items() if rows[-1][0] == "manager"}
    world.earn(sale("a2", "a", instant_of(3, 21), 1))
    assert ranks(world)["top"][-1] == ("manager", instant_of(4, 0))


def test_a_rank_given_by_hand_alone_has_no_conditions_and_the_top_no_next(ladder: Api) -> None:
    ladder.world.set_rank("s", "manager")
    by_hand = shown(ladder, "s", ladder.world.container.now())
    assert (by_hand["next_rank"], by_hand["takes"], by_hand["conditions"]) == ("director", None, [])
    ladder.world.set_rank("s", "director")
    top = shown(ladder, "s", ladder.world.container.now())
    assert (top["rank"], top["next_rank"], top["met"]) == ("director", None, None)


def test_a_team_too_large_to_be_added_up_leaves_its_figure_open(ladder: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(next_rank, "MOST_TEAM", 2)
    ladder.world.set_rank("top", "owner")
    answer = shown(ladder, "top", ladder.world.container.now())
    team, either = answer["conditions"]
    assert (team["have"], team["met"], either["parts"][1]["have"], answer["met"]) == (None, None, 0, None)


def test_who_may_ask_and_for_whom(ladder: Api) -> None:
    path = "/v1/shops/s/next-rank"
    assert ladder.caller("finance").get(path)["next_rank"] == "owner"
    assert ladder.caller("partner", "top").refused("GET", path) == (403, "forbidden")
    assert ladder.caller().refused("GET", "/v1/shops/nobody/next-rank") == (404, "shop_unknown")
    unplanned = ladder.caller(program=ladder.other_program())
    unplanned.post("/v1/shops", {"id": "x"})
    assert unplanned.get("/v1/shops/x/next-rank")["rank"] is None
