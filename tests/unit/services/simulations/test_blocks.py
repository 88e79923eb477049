"""A block of orders is read again as it was kept, whatever its numbers, and so is one of an earlier build."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict

import numpy as np

from distrib.domain.settlement.snapshot import Room
from distrib.services.simulations.blocks import KeptOrder, packed, packed_shops, unpacked, unpacked_shops
from distrib.services.simulations.figures import BlockFigures, OrderFigures
from distrib.services.simulations.shop_sums import SummedShops

HUGE = 2**70


def figures(order_no: int, amounts: dict[tuple[int, str, int], int]) -> OrderFigures:
    return OrderFigures(order_no, defaultdict(int, amounts), {}, {})


def test_amounts_reasons_and_rooms_come_back_and_orders_of_nothing_do_not() -> None:
    amounts = defaultdict(int, {(0, "own", 300): -5, (1, "up", 2**40): 7})
    capped = OrderFigures(9, amounts, {1: ["rule_cap"]}, {1: (Room(0, 300, 5, None),)})
    failing = OrderFigures(11, defaultdict(int), {2: ["cost_missing"]}, {})
    content = packed(BlockFigures.of_orders([figures(7, {}), capped, failing]))
    assert content is not None
    assert unpacked(content) == [
        KeptOrder(9, [(0, "own", 300, -5), (1, "up", 2**40, 7)], {1: ["rule_cap"]}, {1: (Room(0, 300, 5, None),)}),
        KeptOrder(11, [], {2: ["cost_missing"]}, {}),
    ]
    assert packed(BlockFigures.of_orders([figures(7, {})])) is None


def test_amounts_beyond_64_bits_come_back() -> None:
    block = BlockFigures.of_orders([figures(1, {(0, "own", 3): HUGE}), figures(2, {(1, "own", 3): -1})])
    assert block.amount_minor.dtype == np.dtype(object)
    content = packed(block)
    assert content is not None
    assert [order.amounts for order in unpacked(content)] == [[(0, "own", 3, HUGE)], [(1, "own", 3, -1)]]


def test_a_block_that_an_earlier_build_kept_is_read() -> None:
    kept = [[4, [[0, "own", 3, 10], [1, "own", 3, 12]], {"1": ["order_cap"]}, {"1": [[0, 3, 9, None]]}]]
    [order] = unpacked(zlib.compress(json.dumps(kept).encode()))
    assert order == KeptOrder(
        4, [(0, "own", 3, 10), (1, "own", 3, 12)], {1: ["order_cap"]}, {1: (Room(0, 3, 9, None),)}
    )


def test_pages_of_shops_are_read_again_whoever_kept_them() -> None:
    shops = np.array([3, 2**40])
    for sums in (np.array([[1, -2], [300, 0]]), np.array([[HUGE, 0], [-1, 2]], object)):
        read = unpacked_shops(packed_shops(SummedShops(shops, sums)))
        assert [*map(list, read)] == [
            [shop_no, *of_shop] for shop_no, of_shop in zip([3, 2**40], sums.tolist(), strict=True)
        ]
    assert unpacked_shops(zlib.compress(json.dumps([[4, 10, 12]]).encode())) == [[4, 10, 12]]


def test_amounts_beyond_64_bits_that_an_earlier_build_kept_are_read() -> None:
    head = {"rules": ["own"], "reasons": {}, "rooms": {}, "amount_minor": [HUGE]}
    columns = {"order_no": 4, "amounts": 1, "side": 0, "rule": 0, "shop_no": 3}
    head["columns"] = [(name, "<i1", 1) for name in columns]
    content = json.dumps(head).encode() + b"\n" + bytes(columns.values())
    assert unpacked(zlib.compress(content)) == [KeptOrder(4, [(0, "own", 3, HUGE)], {}, {})]
