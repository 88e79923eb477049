"""Snapshots as they are kept: with names and a version; the first version's lists are still read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from distrib.domain.settlement.snapshot import EarlierOrders, Person, Room, Snapshot

SELLER = Person(7, "member", True)
WHOLE = Snapshot(
    SELLER,
    (Person(3, "gold", False), Person(1, "member", True, (2, 4))),
    True,
    Person(8, "member", True),
    Person(9, "member", False),
    300_000,
    "cn@2005-11-01",
    False,
    False,
    1,
    (Room(0, 7, 5_000, None), Room(1, 3, None, 0)),
    12,
)
FIRST_PAID_AT = datetime(2026, 3, 1, 2, 3, 4, 567, tzinfo=UTC)
WITH_CUSTOMER = WHOLE._replace(earlier_orders=EarlierOrders(2, FIRST_PAID_AT))
VERSION_1 = (
    '[[7,"member",1],[[3,"gold",0],[1,"member",1,[2,4]]],1,[8,"member",1],[9,"member",0],300000,"cn@2005-11-01",0,0,1,'
    "[[0,7,5000,null],[1,3,null,0]],12]"
)
VERSION_2 = {
    "v": 2,
    "seller": {"shop_no": 7, "rank": "member"},
    "uplines": [
        {"shop_no": 3, "rank": "gold", "is_active": False},
        {"shop_no": 1, "rank": "member", "unmet": [2, 4]},
    ],
    "is_self_purchase": True,
    "leader": {"shop_no": 8, "rank": "member"},
    "opener": {"shop_no": 9, "rank": "member", "is_active": False},
    "order_cap_ppm": 300_000,
    "pack": "cn@2005-11-01",
    "entry_pays_seller": False,
    "self_purchase_pays_uplines": False,
    "max_tiers": 1,
    "rooms": [
        {"rule_index": 0, "shop_no": 7, "month_minor": 5_000, "customer_minor": None},
        {"rule_index": 1, "shop_no": 3, "month_minor": None, "customer_minor": 0},
    ],
    "frozen_case": 12,
}


def test_everything_of_a_snapshot_has_its_name() -> None:
    assert json.loads(WHOLE.to_json()) == VERSION_2
    assert Snapshot.from_json(WHOLE.to_json()) == WHOLE
    kept = {"orders": 2, "first_paid_at": "2026-03-01T02:03:04.000567+00:00"}
    assert json.loads(WITH_CUSTOMER.to_json()) == VERSION_2 | {"earlier_orders": kept}
    assert Snapshot.from_json(WITH_CUSTOMER.to_json()) == WITH_CUSTOMER


def test_no_earlier_order_is_kept_apart_from_no_customer() -> None:
    nothing = Snapshot(SELLER, earlier_orders=EarlierOrders(0))
    assert json.loads(nothing.to_json())["earlier_orders"] == {"orders": 0}
    assert Snapshot.from_json(nothing.to_json()) == nothing
    assert Snapshot.from_json(Snapshot(SELLER).to_json()).earlier_orders is None


def test_an_instant_of_another_time_zone_is_kept_in_utc() -> None:
    there = FIRST_PAID_AT.astimezone(timezone(timedelta(hours=8)))
    kept = Snapshot(SELLER, earlier_orders=EarlierOrders(1, there)).to_json()
    assert kept == Snapshot(SELLER, earlier_orders=EarlierOrders(1, FIRST_PAID_AT)).to_json()


@pytest.mark.parametrize(
    ("kept", "snapshot"),
    [
        (VERSION_1, WHOLE),
        ('[[7,"member",1],[],0,null,null,null,"",1,1,3]', Snapshot(SELLER)),
        ('[null,[],0,null,null,null,"",1,1,3]', Snapshot(None)),
        ('[[7,"member",1],[],0,null,null,null,"",1,1,3,12]', Snapshot(SELLER, frozen_case=12)),
        (
            '[[7,"member",1],[],0,null,null,null,"",1,1,3,[[0,7,5,null]]]',
            Snapshot(SELLER, rooms=(Room(0, 7, 5, None),)),
        ),
    ],
)
def test_what_the_first_version_kept_by_position_is_read(kept: str, snapshot: Snapshot) -> None:
    assert Snapshot.from_json(kept) == snapshot


def test_an_empty_snapshot_is_a_version_alone_and_an_unknown_version_is_refused() -> None:
    assert Snapshot(None).to_json() == '{"v":2}'
    assert Snapshot.from_json('{"v":2}') == Snapshot(None)
    for unknown in ('{"v":3}', "{}"):
        with pytest.raises(ValueError, match=r"^snapshots are of version 1 or 2$"):
            Snapshot.from_json(unknown)
