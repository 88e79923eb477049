"""What a worker keeps of shops between batches, so that it reads a shop once and not once a batch.

Kept with the connection and gone with it. Before anything is used, a batch asks in its own transaction which shops have
changed since it asked last; those are read again. No rule may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute

MOST_SHOPS = 100_000
"""Of one program, some 45 MB, and of all together on one connection where a batch begins; those kept longest go."""
EVERY_SHOP = 0
_KEY = "distrib.kept_shops"

# By transactions and not by a number that counts up: a change may be given its number long before it can be seen.
# What this transaction changed itself may be undone with it. A snapshot takes its own transaction for one that is
# through, so this one and the one that asked last are looked for by their numbers.
_CHANGED = """
WITH asked AS MATERIALIZED (
    SELECT pg_current_snapshot() AS now, COALESCE(%(since)s::pg_snapshot, pg_current_snapshot()) AS since
)
SELECT a.now::text, pg_current_xact_id_if_assigned()::text, c.changed, c.has_own
FROM asked a CROSS JOIN LATERAL (
    SELECT COALESCE(array_agg(shop_no), '{}') AS changed,
           COALESCE(bool_or(changed_by = pg_current_xact_id_if_assigned()), false) AS has_own
    FROM shop_changes
    WHERE program_id = (SELECT %(program)s::integer) AND changed_by >= pg_snapshot_xmin(a.since)
      AND (changed_by IN (%(asked_by)s::xid8, pg_current_xact_id_if_assigned())
           OR NOT pg_visible_in_snapshot(changed_by, a.since))
) c
"""


class ShopState(NamedTuple):
    """A shop's newest state and since when it holds."""

    shop_no: int
    shop_id: str
    uplines: Sequence[int]
    chain_since: datetime
    joined_at: datetime
    status: str
    status_since: datetime
    rank: str | None
    rank_since: datetime


class KeptShops:
    """The shops of one program that are known on one connection: by number, and numbers by id."""

    def __init__(self) -> None:
        self.by_number: dict[int, ShopState] = {}
        self.numbers: dict[str, int] = {}
        self._asked_under: str | None = None
        self._asked_by: str | None = None
        self._is_certain = True

    def forget_changed(self, conn: Connection, program_id: int) -> None:
        """Forgets the shops that changed since this was asked last, whoever changed them."""
        asked = {"program": program_id, "since": self._asked_under, "asked_by": self._asked_by}
        row = execute(conn, _CHANGED, asked).fetchone()
        assert row is not None
        self._asked_under, self._asked_by, changed, has_own = row
        self._is_certain = not has_own
        if EVERY_SHOP in changed:
            self.by_number.clear()
            self.numbers.clear()
        for shop_no in changed:
            self._forget(shop_no)

    def keep(self, shops: Sequence[ShopState], room: int = MOST_SHOPS) -> None:
        """Keeps shops as this transaction read them, as far as there is room; none where it changed some itself."""
        if not self._is_certain:
            return
        self.by_number.update([(shop.shop_no, shop) for shop in shops])
        self.numbers.update([(shop.shop_id, shop.shop_no) for shop in shops])
        for shop_no in list(islice(self.by_number, max(len(self.by_number) - room, 0))):
            self._forget(shop_no)

    def _forget(self, shop_no: int) -> None:
        shop = self.by_number.pop(shop_no, None)
        if shop is not None:
            del self.numbers[shop.shop_id]


def kept_shops(conn: Connection, program_id: int) -> KeptShops:
    """What this connection knows of a program's shops, as they stand now."""
    programs: dict[int, KeptShops] = conn.info.setdefault(_KEY, {})
    kept = programs.pop(program_id) if program_id in programs else KeptShops()
    programs[program_id] = kept  # the one asked for last comes last
    kept.forget_changed(conn, program_id)
    while len(programs) > 1 and sum(len(each.by_number) for each in programs.values()) > MOST_SHOPS:
        del programs[next(iter(programs))]
    return kept
