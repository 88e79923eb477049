"""Loads shops as they stood at an instant: uplines, rank and status.

The shop's row has what is newest; older reads go to the dated rows. Everything is read for a whole batch at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from distrib.domain.plans.plan import CHAIN_LENGTH
from distrib.store.network.kept_shops import ShopState, kept_shops
from distrib.store.sql import execute, execute_as

_COLUMNS = ", ".join(ShopState._fields)
_SHOPS = f"SELECT {_COLUMNS} FROM shops WHERE program_id = (SELECT %(program)s::integer)"
_BY_ID = f"{_SHOPS} AND shop_id = ANY(%(ids)b::text[])"
_BY_NUMBER = f"{_SHOPS} AND shop_no = ANY(%(numbers)b::bigint[])"
_STATUSES = """
SELECT shop_no, effective_at, status FROM shop_statuses
WHERE program_id = (SELECT %(program)s::integer) AND shop_no = ANY(%(numbers)b::bigint[])
  ORDER BY shop_no, effective_at, seq
"""
_RANKS = """
SELECT shop_no, effective_at, rank FROM shop_ranks
WHERE program_id = (SELECT %(program)s::integer) AND shop_no = ANY(%(numbers)b::bigint[])
  ORDER BY shop_no, effective_at, seq
"""
_OLD_CHAINS = """
WITH RECURSIVE chain AS (
    SELECT a.place, a.shop_no, a.at, 0 AS tier
    FROM unnest(%(places)b::integer[], %(numbers)b::bigint[], %(times)b::timestamptz[]) AS a (place, shop_no, at)
    UNION ALL
    SELECT c.place, r.sponsor_no, c.at, c.tier + 1
    FROM chain c CROSS JOIN LATERAL (
        SELECT sponsor_no FROM referrals
        WHERE program_id = (SELECT %(program)s::integer) AND shop_no = c.shop_no AND effective_at <= c.at
        ORDER BY effective_at DESC, seq DESC LIMIT 1
    ) r
    WHERE r.sponsor_no IS NOT NULL AND c.tier < %(length)s
)
SELECT place, shop_no FROM chain WHERE tier > 0 ORDER BY place, tier
"""


class _History:
    """The dated values of one shop, oldest first."""

    def __init__(self) -> None:
        self._instants: list[datetime] = []
        self._values: list[str | None] = []

    def append(self, effective_at: datetime, value: str | None) -> None:
        """Adds the next value."""
        self._instants.append(effective_at)
        self._values.append(value)

    def value_at(self, instant: datetime) -> str | None:
        """Finds the value in force at an instant; None before the first."""
        place = bisect_right(self._instants, instant)
        return self._values[place - 1] if place else None


class ShopStates:
    """The shops of one batch, as they stood at any instant that the batch asks for."""

    def __init__(self, conn: Connection, program_id: int) -> None:
        self._conn = conn
        self._program_id = program_id
        self.by_id: dict[str, ShopState] = {}
        self.by_number: dict[int, ShopState] = {}
        self._statuses: dict[int, _History] = {}
        self._ranks: dict[int, _History] = {}
        self._kept = kept_shops(conn, program_id)

    def load(self, shop_ids: Iterable[str], numbers: Iterable[int] = ()) -> None:
        """Loads the shops of those ids and numbers, where known, and all above them."""
        kept, missing = self._kept, []
        for shop_id in shop_ids:
            number = kept.numbers.get(shop_id)
            if number is None:
                missing.append(shop_id)
            else:
                self.by_id[shop_id] = self.by_number[number] = kept.by_number[number]
        if missing:
            self._read(_BY_ID, {"ids": missing})
        above = {number for shop in self.by_number.values() for number in shop.uplines}
        self.load_numbers(above.union(numbers))

    def load_numbers(self, numbers: Iterable[int]) -> None:
        """Loads the shops of those numbers that are not loaded yet."""
        missing = []
        for number in numbers:
            if number not in self.by_number:
                shop = self._kept.by_number.get(number)
                if shop is None:
                    missing.append(number)
                else:
                    self.by_id[shop.shop_id] = self.by_number[number] = shop
        if missing:
            self._read(_BY_NUMBER, {"numbers": np.array(missing, np.int64)})

    def load_past(self, asked: Iterable[tuple[int, datetime]]) -> None:
        """Loads the histories without which statuses and ranks of those shops at those instants are not known."""
        statuses, ranks = set(), set()
        for number, instant in asked:
            shop = self.by_number[number]
            if instant < shop.status_since:
                statuses.add(number)
            if instant < shop.rank_since:
                ranks.add(number)
        self._read_history(_STATUSES, statuses, self._statuses)
        self._read_history(_RANKS, ranks, self._ranks)

    def old_chains(self, asked: Sequence[tuple[int, datetime]]) -> list[list[int]]:
        """Loads the uplines, nearest first, of each shop at an instant older than its row knows."""
        chains: list[list[int]] = [[] for _ in asked]
        if asked:
            columns = {
                "program": self._program_id,
                "length": CHAIN_LENGTH,
                "places": list(range(len(asked))),
                "numbers": [number for number, _ in asked],
                "times": [instant for _, instant in asked],
            }
            for place, number in execute(self._conn, _OLD_CHAINS, columns):
                chains[place].append(number)
        self.load_numbers({number for chain in chains for number in chain})
        return chains

    def is_active(self, number: int, instant: datetime) -> bool:
        """Whether the shop had joined and was active at an instant."""
        shop = self.by_number[number]
        if instant < shop.joined_at:
            return False
        if instant >= shop.status_since:
            return shop.status == "active"
        return self._statuses[number].value_at(instant) == "active"

    def rank(self, number: int, instant: datetime) -> str | None:
        """Resolves the rank the shop held at an instant; None where it never got one."""
        shop = self.by_number[number]
        return shop.rank if instant >= shop.rank_since else self._ranks[number].value_at(instant)

    def _read(self, statement: str, params: dict[str, object]) -> None:
        bound = {"program": self._program_id, **params}
        shops = execute_as(self._conn, ShopState, statement, bound, binary=True).fetchall()
        self.by_id.update([(shop.shop_id, shop) for shop in shops])
        self.by_number.update([(shop.shop_no, shop) for shop in shops])
        self._kept.keep(shops)

    def _read_history(self, statement: str, numbers: set[int], histories: dict[int, _History]) -> None:
        if not numbers:
            return
        histories.update((number, _History()) for number in numbers)
        rows = execute(self._conn, statement, {"program": self._program_id, "numbers": sorted(numbers)})
        for number, effective_at, value in rows:
            histories[number].append(effective_at, value)
