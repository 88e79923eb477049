"""Statements, balances and shops in order over HTTP: worked out as asked, kept by workers, and closed, all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ledger.adjustments import AdjustmentDraft, approve_adjustment, propose_adjustment
from distrib.services.statements.sorting import keep_due_order
from distrib.store.ledger import sorted_balances
from distrib.store.network import listing
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.payouts import APPROVER
from tests.world.world import EARLY

NOW = datetime(2026, 4, 20, tzinfo=UTC)
MARCH, APRIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 18, tzinfo=UTC)
SHOPS = tuple("abcdefg")
SALES = {"a": 900, "b": 4_000, "c": 900, "d": 100, "e": 7_000}
ADJUSTED = {"b": -3_000, "d": -500, "f": -20, "c": 10}


@pytest.fixture
def admin(api: Api) -> Caller:
    """Seven shops: some earned in March, some days ago and not yet free, some are in debt; g has nothing at all."""
    world = api.world
    world.publish(SELLER_TEN_PERCENT | {"hold_days": 7})
    world.stopped_at = NOW
    api.stop_clock(NOW)
    world.join(*((shop, None) for shop in SHOPS))
    for month in (MARCH, APRIL):
        world.earn(
            *(
                settled(f"{shop}{month:%m}", f"{shop}{month:%m}", shop, line(10 * sold), paid_at=month)
                for shop, sold in SALES.items()
            )
        )
    adjust(api, ADJUSTED)
    return api.caller("finance")


def adjust(api: Api, amounts: dict[str, int]) -> None:
    with api.world.container.begin() as conn:
        for shop, amount in amounts.items():
            name = f"{shop}{amount}"
            draft = AdjustmentDraft(name, shop, amount, "by hand")
            propose_adjustment(Unit(conn, api.world.program, COMMAND_LINE, NOW), draft)
            approve_adjustment(Unit(conn, api.world.program, APPROVER, NOW), name)


def keep(api: Api, now: datetime = NOW, *, always: bool = True) -> bool:
    with api.world.container.begin() as conn:
        return keep_due_order(Unit(conn, api.world.program, COMMAND_LINE, now), always=always)


def walk(caller: Caller, path: str, size: int = 2) -> list[dict[str, Any]]:
    rows, cursor = list[dict[str, Any]](), ""
    while True:
        page = caller.get(f"{path}{'&' if '?' in path else '?'}limit={size}{cursor}")
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"


def check_order(rows: list[dict[str, Any]], everything: list[dict[str, Any]], figure: str, *, is_falling: bool) -> None:
    """The same rows, by a figure; of a month and of balances, those of one figure by number, which goes with the id."""
    figures = [row[figure] for row in rows]
    assert figures == sorted(figures, reverse=is_falling)
    if "shop_id" in everything[0]:
        assert rows == sorted(everything, key=lambda row: (row[figure], row["shop_id"]), reverse=is_falling)
    assert sorted(map(repr, rows)) == sorted(map(repr, everything))


@pytest.mark.parametrize("is_kept", [False, True])
def test_balances_go_by_what_is_available_or_held_and_those_in_debt_stand_alone(
    admin: Caller, api: Api, *, is_kept: bool
) -> None:
    assert not is_kept or keep(api)
    everything = walk(admin, "/v1/balances", 500)
    assert [row["shop_id"] for row in everything] == ["e", "b", "c", "a", "f", "d"]
    for row in everything:
        own = admin.get(f"/v1/shops/{row['shop_id']}/balance")
        assert {name: row[name] for name in row.keys() & own.keys()} == {
            name: own[name] for name in row.keys() & own.keys()
        }
        assert row["balance_minor"] == row["held_minor"] + row["reserved_minor"] + row["available_minor"]
    for name in ("available", "held"):
        for sign in ("", "-"):
            check_order(
                walk(admin, f"/v1/balances?sort={sign}{name}"), everything, f"{name}_minor", is_falling=bool(sign)
            )
    assert [row["shop_id"] for row in walk(admin, "/v1/balances?state=in_debt")] == ["d", "f"]
    assert [row["shop_id"] for row in walk(admin, "/v1/balances?state=owed")] == ["e", "b", "c", "a"]
    told = admin.get("/v1/balances")["sorted_as_of"]
    assert told == ("2026-04-20T00:00:00Z" if is_kept else None)


@pytest.mark.parametrize("is_kept", [False, True])
def test_what_is_held_becomes_available_day_by_day_but_for_shops_that_nobody_can_pay(
    admin: Caller, api: Api, *, is_kept: bool
) -> None:
    assert not is_kept or keep(api)
    answer = admin.get("/v1/balances/releases")
    held = {row["shop_id"]: row["held_minor"] for row in walk(admin, "/v1/balances", 500)}
    assert {row["day"]: row["amount_minor"] for row in answer["data"] if row["amount_minor"]} == {
        "2026-04-25": sum(held.values())
    }
    assert (len(answer["data"]), answer["data"][0]["day"], answer["later_minor"]) == (30, "2026-04-20", 0)
    near = admin.get("/v1/balances/releases?days=5")
    assert ([row["amount_minor"] for row in near["data"]], near["later_minor"]) == ([0] * 5, sum(held.values()))
    api.world.set_status("e", "frozen", EARLY)
    assert not is_kept or keep(api)
    assert admin.get("/v1/balances/releases")["data"][5]["amount_minor"] == sum(held.values()) - held["e"]
    assert admin.refused("GET", "/v1/balances/releases?days=0") == (422, "invalid")


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("counted", [2, 10_000])
def test_shops_go_by_their_sales_of_the_month_and_by_what_they_have(
    admin: Caller, api: Api, monkeypatch: pytest.MonkeyPatch, *, is_kept: bool, counted: int
) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", counted)
    assert not is_kept or keep(api)
    everything = walk(admin, "/v1/shops?sort=joined", 500)
    assert {row["id"]: row["month_sales_minor"] for row in everything} == {
        shop: 10 * SALES.get(shop, 0) for shop in SHOPS
    }
    for name, figure in (("sales", "month_sales_minor"), ("balance", "available_minor")):
        for sign in ("", "-"):
            check_order(walk(admin, f"/v1/shops?sort={sign}{name}"), everything, figure, is_falling=bool(sign))
    api.world.set_status("b", "frozen", EARLY)
    frozen = admin.get("/v1/shops?sort=-sales&status=frozen")
    assert ([row["id"] for row in frozen["data"]], frozen["count"]) == (["b"], 1)
    narrow = walk(admin, "/v1/shops?sort=-sales&status=active&level=1")
    assert [row["id"] for row in narrow if row["month_sales_minor"] != 9_000][:2] == ["e", "d"]
    assert {row["id"] for row in narrow} == set("acdefg")
    if is_kept and counted == 2:
        monkeypatch.setattr(sorted_balances, "MOST_LOOKED", 3)
        for shop in ("e", "c", "a"):
            api.world.set_status(shop, "frozen", EARLY)
        assert admin.refused("GET", "/v1/shops?sort=-sales&status=active") == (422, "list_too_wide")


@pytest.mark.parametrize("source", ["worked out", "kept", "closed"])
def test_a_month_goes_by_what_it_closes_with_or_brought_open_and_closed(admin: Caller, api: Api, source: str) -> None:
    if source == "closed":
        api.stop_clock(datetime(2026, 5, 3, tzinfo=UTC))
        other = api.caller("finance")
        for month in ("2026-03", "2026-04"):
            admin.post(f"/v1/statements/{month}/close")
            other.post(f"/v1/statements/{month}/close/confirm")
    elif source == "kept":
        keep(api)
    for month in ("2026-03", "2026-04"):
        path = f"/v1/statements?period={month}"
        everything = walk(admin, path, 500)
        assert walk(admin, f"{path}&sort=shop") == everything
        for name in ("closing", "earned"):
            for sign in ("", "-"):
                rows = walk(admin, f"{path}&sort={sign}{name}")
                check_order(rows, everything, f"{name}_minor", is_falling=bool(sign))
        by_closing = walk(admin, f"{path}&sort=closing", 500)
        in_debt = [row for row in by_closing if row["closing_minor"] < 0]
        assert walk(admin, f"{path}&filter=in_debt") == in_debt
        assert walk(admin, f"{path}&filter=owed") == [row for row in by_closing[::-1] if row["closing_minor"] > 0]
    assert [row["shop_id"] for row in in_debt] == ["d", "f"]
    page = admin.get(f"{path}&sort=-closing&limit=2")
    assert page["totals"] == admin.get(path)["totals"]
    assert page["sorted_as_of"] == ("2026-04-20T00:00:00Z" if source == "kept" else None)


def test_a_kept_order_grows_old_and_its_rows_do_not(admin: Caller, api: Api) -> None:
    keep(api)
    adjust(api, {"f": 50_000, "e": -60_000})
    assert [row["shop_id"] for row in walk(admin, "/v1/balances?state=in_debt")] == ["d"]
    assert [row["shop_id"] for row in walk(admin, "/v1/balances")] == ["e", "b", "c", "a", "f", "d"]
    assert walk(admin, "/v1/balances")[0]["available_minor"] < 0
    assert [row["shop_id"] for row in walk(admin, "/v1/statements?period=2026-04&filter=in_debt")] == ["d"]
    keep(api)
    assert [row["shop_id"] for row in walk(admin, "/v1/balances?state=in_debt")] == ["e", "d"]


def test_the_order_of_a_large_program_is_kept_when_it_is_due_and_of_two_months(
    admin: Caller, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not keep(api, always=False)
    monkeypatch.setattr("distrib.services.statements.sorting.LEAST_MONTHS", 1)
    assert keep(api, always=False)
    assert not keep(api, NOW + timedelta(minutes=4), always=False)
    assert keep(api, NOW + timedelta(minutes=6), always=False)
    assert admin.get("/v1/statements?period=2026-03&sort=closing")["data"]
    monkeypatch.setattr("distrib.services.statements.sorting.MOST_MONTHS", 1)
    assert keep(api, NOW + timedelta(hours=1), always=False)
    assert admin.refused("GET", "/v1/statements?period=2026-03&sort=closing") == (422, "sort_not_kept")
    assert admin.get("/v1/statements?period=2026-03")["data"]


def test_a_filter_goes_with_the_sort_that_carries_it(admin: Caller, api: Api) -> None:
    for path, pointer in (
        ("/v1/balances?sort=held&state=owed", "?state"),
        ("/v1/statements?period=2026-04&sort=earned&filter=owed", "?filter"),
        ("/v1/balances?sort=name", "?sort"),
    ):
        problem = admin.problem("GET", path)
        assert (problem["status"], [entry["pointer"] for entry in problem["errors"]]) == (422, [pointer])
    cursor = admin.get("/v1/balances?limit=1")["next_cursor"]
    assert admin.refused("GET", f"/v1/balances?limit=1&sort=held&cursor={cursor}") == (422, "invalid")
    for caller in (api.caller("partner", "a"), api.caller("orders")):
        assert caller.refused("GET", "/v1/balances") == (403, "forbidden")
