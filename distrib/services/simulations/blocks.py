"""The orders of a simulation as they are kept: some thousand together, compressed, found by shop, rule and reason.

No SQL may enter.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.settlement.snapshot import Room
from distrib.services.simulations.tallies import OrderFigures
from distrib.store.simulations import kept as rows
from distrib.store.simulations.kept import WantedBlocks


class KeptOrder(NamedTuple):
    """What an order came to: amounts as (side, rule, shop number, minor), its reasons and rooms by candidate."""

    order_no: int
    amounts: Sequence[tuple[int, str, int, int]]
    reasons: dict[int, list[str]]
    rooms: dict[int, tuple[Room, ...]]


class BlockPlace(NamedTuple):
    """Where a page begins: a block, and how many of its orders come before."""

    block_no: int
    skip: int


def keep_block(conn: Connection, program_id: int, number: int, block_no: int, figures: Sequence[OrderFigures]) -> None:
    """Keeps what the orders of a chunk came to, those left out that come to nothing on any side."""
    counted = [row for row in figures if row.amounts or row.reasons]
    if not counted:
        return
    shops = sorted({shop_no for row in counted for _, _, shop_no in row.amounts})
    rules = sorted({rule for row in counted for _, rule, _ in row.amounts})
    reasons = sorted({reason for row in counted for of_side in row.reasons.values() for reason in of_side})
    content = _packed([_encoded(row) for row in counted])
    rows.insert_block(conn, program_id, number, block_no, shops, rules, reasons, content)


def keep_shops(conn: Connection, program_id: int, number: int, pages: Iterator[list[list[int]]]) -> None:
    """Keeps what all shops have on each side, in blocks numbered from -1 down."""
    for page_no, page in enumerate(pages, 1):
        rows.insert_block(conn, program_id, number, -page_no, (), (), (), _packed(page))


def shops_of(conn: Connection, program_id: int, number: int) -> Iterator[list[list[int]]]:
    """Yields the shops of a simulation, some at a time, as they were kept."""
    page_no = 1
    while (content := rows.block_content(conn, program_id, number, -page_no)) is not None:
        yield json.loads(zlib.decompress(content))
        page_no += 1


def _packed(value: object) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)


def orders_from(
    conn: Connection, program_id: int, number: int, place: BlockPlace, wanted: WantedBlocks
) -> Iterator[tuple[BlockPlace, KeptOrder]]:
    """Yields the orders from a place on that fit, each with the place after it."""
    block_no, skip = place
    while True:
        block = rows.next_block(conn, program_id, number, block_no, wanted)
        if block is None:
            return
        orders = json.loads(zlib.decompress(block.content))
        first = skip if block.block_no == block_no else 0
        for index in range(first, len(orders)):
            order = _decoded(orders[index])
            if _fits(order, wanted):
                yield BlockPlace(block.block_no, index + 1), order
        block_no, skip = block.block_no + 1, 0


def _fits(order: KeptOrder, wanted: WantedBlocks) -> bool:
    """Whether a shop has something of the order by the rule, on whichever side, and the reason is among its reasons."""
    has_row = wanted.shop_no is None and wanted.rule is None
    has_row = has_row or any(
        (wanted.shop_no is None or shop_no == wanted.shop_no) and (wanted.rule is None or rule == wanted.rule)
        for _, rule, shop_no, _ in order.amounts
    )
    return has_row and (wanted.reason is None or any(wanted.reason in known for known in order.reasons.values()))


def _encoded(row: OrderFigures) -> list[object]:
    amounts = [[side, rule, shop_no, minor] for (side, rule, shop_no), minor in row.amounts.items()]
    return [row.order_no, amounts, dict(row.reasons), {side: list(map(list, own)) for side, own in row.rooms.items()}]


def _decoded(row: list[object]) -> KeptOrder:
    order_no, amounts, reasons, rooms = row
    return KeptOrder(
        int(str(order_no)),
        [(amount[0], amount[1], amount[2], amount[3]) for amount in amounts],  # type: ignore[attr-defined]
        {int(side): own for side, own in reasons.items()},  # type: ignore[attr-defined]
        {int(side): tuple([Room(*room) for room in own]) for side, own in rooms.items()},  # type: ignore[attr-defined]
    )
