"""The orders of a simulation as they are kept: some thousand together, compressed, found by shop, rule and reason.

A block is a line of JSON (rules, and what few orders have) and columns behind it, each as narrow as its numbers allow.
Blocks that earlier builds kept are a list of orders in JSON. No SQL may enter.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, NotRequired, TypedDict

import numpy as np
from sqlalchemy import Connection

from distrib.columns.commissions.rounding import Whole
from distrib.columns.history.counting import distinct
from distrib.columns.tree import Integers
from distrib.domain.settlement.snapshot import Room
from distrib.services.simulations.figures import BlockFigures, Reasons, Rooms, integers
from distrib.services.simulations.shop_sums import SummedShops
from distrib.store.simulations import kept as rows
from distrib.store.simulations.kept import NewBlock, WantedBlocks

_LIST: Final = ord("[")


_Room = tuple[int, int, int | None, int | None]
"""What ``Room`` has, one after another."""


class _Said(TypedDict):
    """What few orders have, by their turn in the block, as it is written; and the ids of rules."""

    rules: Sequence[str]
    reasons: Reasons
    rooms: Rooms


class _Head(TypedDict):
    """The line of a block as it is read: of each column its name, the type of its numbers and how many there are.

    Turns and candidates are texts, as keys of JSON are. Figures beyond 64 bits stand in ``wide`` and in no column;
    earlier builds had such amounts in ``amount_minor``. A page of shops has no rules, reasons and rooms.
    """

    columns: list[tuple[str, str, int]]
    rules: list[str]
    reasons: dict[str, dict[str, list[str]]]
    rooms: dict[str, dict[str, list[_Room]]]
    wide: NotRequired[dict[str, list[int]]]
    amount_minor: NotRequired[list[int]]


_ListedOrder = tuple[int, list[tuple[int, str, int, int]], dict[str, list[str]], dict[str, list[_Room]]]
"""An order as earlier builds kept it: its number, amounts, reasons and rooms."""


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


def keep_block(conn: Connection, program_id: int, number: int, block_no: int, figures: BlockFigures) -> None:
    """Keeps what the orders of a block came to, those left out that come to nothing on any side."""
    content = packed(figures)
    if content is not None:
        rules = sorted({figures.rules[rule] for rule in np.flatnonzero(np.bincount(figures.rule)).tolist()})
        reasons = {reason for own in figures.reasons.values() for of_side in own.values() for reason in of_side}
        shops = distinct(figures.shop_no)
        block = NewBlock(block_no, content, shops, rules, sorted(reasons))
        rows.insert_block(conn, program_id, number, block)


def packed(figures: BlockFigures) -> bytes | None:
    """The content of a block, without the orders that come to nothing on any side; None where all do."""
    counts = np.bincount(figures.order, minlength=figures.order_no.size)
    is_counted = counts > 0
    is_counted[[*figures.reasons]] = True
    counted = np.flatnonzero(is_counted)
    if not counted.size:
        return None
    turn = dict(zip(counted.tolist(), range(counted.size), strict=True))
    columns = {
        "order_no": figures.order_no[counted],
        "amounts": counts[counted],
        "side": figures.side,
        "rule": figures.rule,
        "shop_no": figures.shop_no,
        "amount_minor": figures.amount_minor,
    }
    said: _Said = {
        "rules": figures.rules,
        "reasons": {turn[place]: own for place, own in figures.reasons.items()},
        "rooms": {turn[place]: own for place, own in figures.rooms.items() if place in turn},
    }
    return zlib.compress(_encoded(columns, said), 1)


def _encoded(columns: dict[str, Whole], said: _Said | None = None) -> bytes:
    """A block's content: a line that says what comes, and the columns one behind the other."""
    narrowed: list[tuple[str, str, int]] = []
    wide: dict[str, list[int]] = {}
    parts: list[bytes] = []
    for name, column in columns.items():
        if column.dtype == object:
            wide[name] = [int(figure) for figure in column]
            continue
        narrow = column.astype(_narrowest(column), copy=False)
        narrowed.append((name, narrow.dtype.str, narrow.size))
        parts.append(narrow.tobytes())
    head = json.dumps({"columns": narrowed, **(said or {}), "wide": wide}, separators=(",", ":")).encode()
    return b"".join([head, b"\n", *parts])


def _narrowest(column: Integers) -> str:
    """The narrowest type that carries a column's numbers, the lowest byte first."""
    least, most = int(column.min(initial=0)), int(column.max(initial=0))
    return next(f"<i{width}" for width in (1, 2, 4, 8) if -(1 << 8 * width - 1) <= least and most < 1 << 8 * width - 1)


def unpacked(content: bytes) -> list[KeptOrder]:
    """The orders of a block's content."""
    data = zlib.decompress(content)
    if data[0] == _LIST:
        listed: list[_ListedOrder] = json.loads(data)
        return [_order(*row) for row in listed]
    said, columns = _decoded(data)
    rules = [said["rules"][rule] for rule in columns["rule"]]
    amounts = list(zip(columns["side"], rules, columns["shop_no"], columns["amount_minor"], strict=True))
    ends = np.cumsum(integers(columns["amounts"])).tolist()
    return [
        KeptOrder(
            order_no, amounts[end - count : end], *_sparse(said["reasons"].get(str(turn)), said["rooms"].get(str(turn)))
        )
        for turn, (order_no, count, end) in enumerate(zip(columns["order_no"], columns["amounts"], ends, strict=True))
    ]


def _decoded(data: bytes) -> tuple[_Head, dict[str, list[int]]]:
    """The line of a block's content, and its columns."""
    head, _, body = data.partition(b"\n")
    said: _Head = json.loads(head)
    columns: dict[str, list[int]] = dict(said["wide"]) if "wide" in said else {}
    if "amount_minor" in said:
        columns["amount_minor"] = said["amount_minor"]
    offset = 0
    for name, kind, size in said["columns"]:
        column = np.frombuffer(body, np.dtype(kind), size, offset)
        columns[name], offset = column.tolist(), offset + column.nbytes
    return said, columns


def _sparse(
    reasons: dict[str, list[str]] | None, rooms: dict[str, list[_Room]] | None
) -> tuple[dict[int, list[str]], dict[int, tuple[Room, ...]]]:
    """What few orders have, by candidate."""
    return (
        {int(side): own for side, own in (reasons or {}).items()},
        {int(side): tuple([Room(*room) for room in own]) for side, own in (rooms or {}).items()},
    )


def _order(
    order_no: int,
    amounts: list[tuple[int, str, int, int]],
    reasons: dict[str, list[str]],
    rooms: dict[str, list[_Room]],
) -> KeptOrder:
    """An order as earlier builds kept it, in lists of JSON."""
    return KeptOrder(
        order_no, [(side, rule, shop, minor) for side, rule, shop, minor in amounts], *_sparse(reasons, rooms)
    )


def keep_shops(conn: Connection, program_id: int, number: int, pages: Iterator[SummedShops]) -> None:
    """Keeps what all shops have on each side, in blocks numbered from -1 down."""
    for page_no, page in enumerate(pages, 1):
        rows.insert_block(conn, program_id, number, NewBlock(-page_no, packed_shops(page)))


def packed_shops(page: SummedShops) -> bytes:
    """The content of a page of shops: a column of their numbers and one a side."""
    sides = {f"side_{side}": column for side, column in enumerate(page.sums_minor.T)}
    return zlib.compress(_encoded({"shop_no": page.shop_no, **sides}), 1)


def shops_of(conn: Connection, program_id: int, number: int) -> Iterator[Sequence[Sequence[int]]]:
    """Yields the shops of a simulation, some at a time: the number of each, and what it has on each side."""
    page_no = 1
    while (content := rows.block_content(conn, program_id, number, -page_no)) is not None:
        yield unpacked_shops(content)
        page_no += 1


def unpacked_shops(content: bytes) -> Sequence[Sequence[int]]:
    """The shops of a page; earlier builds kept them as lists in JSON."""
    data = zlib.decompress(content)
    if data[0] == _LIST:
        listed: list[list[int]] = json.loads(data)
        return listed
    _, columns = _decoded(data)
    sides = [columns[f"side_{side}"] for side in range(len(columns) - 1)]
    return list(zip(columns["shop_no"], *sides, strict=True))


def orders_from(
    conn: Connection, program_id: int, number: int, place: BlockPlace, wanted: WantedBlocks
) -> Iterator[tuple[BlockPlace, KeptOrder]]:
    """Yields the orders from a place on that fit, each with the place after it."""
    block_no, skip = place
    while True:
        block = rows.next_block(conn, program_id, number, block_no, wanted)
        if block is None:
            return
        orders = unpacked(block.content)
        first = skip if block.block_no == block_no else 0
        for index in range(first, len(orders)):
            order = orders[index]
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
