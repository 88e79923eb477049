"""Which transfers a page of a list shows, by key: cause and number, whatever the list is filtered by.

Where a filter has no index of its own, the blocks of causes that can have rows of it are read (``transfer_blocks``, see
migration 0021). The rows themselves are read by those who list them. No view of a transfer may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection

from distrib.store.recorded import Part
from distrib.store.sql import column, execute, value_or_none

Key: TypeAlias = tuple[int, int]
"""The place of a transfer: its cause, and its number there."""

BLOCK_CAUSES = 128
BEFORE_ALL = -1
"""Below the number of every transfer of a cause."""
_AFTER_ALL: Final = 2**31 - 1
_MOST_BLOCKS = 512
_GROWTH = 4

CASE_HELD = """EXISTS (
    SELECT 1 FROM held_commissions z
    WHERE z.program_id = t.program_id AND z.cause_no = t.cause_no AND z.seq = COALESCE(t.reverses_seq, t.seq))"""
"""Whether a case holds the transfer ``t``, with what was taken back of it, whatever its date says."""

_EXACT = {
    "kinds": "t.kind = ANY(CAST(%(kinds)s AS transfer_kind[]))",
    "period": "t.period = %(period)s",
    "since": "t.occurred_at >= %(since)s",
    "until": "t.occurred_at < %(until)s",
    "held_at": f"(t.available_at > %(held_at)s OR {CASE_HELD})",
    "available_at": f"t.available_at <= %(available_at)s AND NOT {CASE_HELD}",
}
# What a block says of its days covers each row's instant; a case may hold a row of any day.
_OF_BLOCK = {
    "kinds": "k.kind = ANY(CAST(%(kinds)s AS transfer_kind[]))",
    "period": "k.period = %(period)s",
    "since": "k.occurred_on >= (CAST(%(since)s AS timestamptz) AT TIME ZONE 'UTC')::date",
    "until": "k.occurred_on <= (CAST(%(until)s AS timestamptz) AT TIME ZONE 'UTC')::date",
    "held_at": f"""(k.available_on >= (CAST(%(held_at)s AS timestamptz) AT TIME ZONE 'UTC')::date OR k.block IN (
        SELECT z.cause_no / {BLOCK_CAUSES} FROM frozen_commissions z WHERE z.program_id = %(program)s))""",
    "available_at": "k.available_on <= (CAST(%(available_at)s AS timestamptz) AT TIME ZONE 'UTC')::date",
}


class _Way(NamedTuple):
    """One of the two ways through a list: where it begins, what comes next, and in which order."""

    begin: Key
    near: str
    after: str
    order: str
    outer: str
    """The order of a query ``s`` within the statement."""
    of_blocks: str
    """Which blocks ``k`` are left, and in which order."""
    of_span: str
    """What of a span ``e`` is left, from its near end (a key) to its far one (a cause)."""
    step: int
    """From a block to the next."""

    def ends(self, after: Key, span: Key) -> tuple[Key, int]:
        """The near end of a span of causes, as far as it is left after ``after``, and its far one."""
        first, last = span
        return (max(after, (first, BEFORE_ALL)), last) if self.step > 0 else (min(after, (last, _AFTER_ALL)), first)


# Of a span one bound below and one above: of two below, the index may begin at the lower one.
_OLDEST_FIRST: Final = _Way(
    (0, 0),
    "t.cause_no >= %(after_cause)s",
    "(t.cause_no, t.seq) > (%(after_cause)s, %(after_seq)s)",
    "t.cause_no, t.seq",
    "s.cause_no, s.seq",
    "k.block >= %(from_block)s {of_block} ORDER BY k.block",
    "(t.cause_no, t.seq) > (e.near, e.seq) AND t.cause_no <= e.far",
    1,
)
_NEWEST_FIRST: Final = _Way(
    (2**62, _AFTER_ALL),
    "t.cause_no <= %(after_cause)s",
    "(t.cause_no, t.seq) < (%(after_cause)s, %(after_seq)s)",
    "t.cause_no DESC, t.seq DESC",
    "s.cause_no DESC, s.seq DESC",
    "k.block <= %(from_block)s {of_block} ORDER BY k.block DESC",
    "(t.cause_no, t.seq) < (e.near, e.seq) AND t.cause_no >= e.far",
    -1,
)
_PLAIN = """
SELECT t.cause_no, t.seq FROM transfers t
WHERE t.program_id = %(program)s AND {after} {exact}
ORDER BY {order} LIMIT %(limit)s
"""
# One shop's, through its index entries; an index begins at the cause, as the number is another row's.
_OF_SHOP = """
SELECT t.cause_no, t.seq FROM shop_transfers t
WHERE t.program_id = %(program)s AND t.shop_no = %(shop_no)s AND {near} AND {after} {exact}
ORDER BY {order} LIMIT %(limit)s
"""
_OF_CAUSE = """
SELECT t.cause_no, t.seq FROM transfers t
WHERE t.program_id = %(program)s AND t.cause_no = %(cause_no)s AND {after} {exact}
ORDER BY {order} LIMIT %(limit)s
"""
# One shop's transfers from the index alone, of blocks that fit; each that is left is then looked at.
_OF_SHOP_BY_BLOCK = f"""
SELECT s.cause_no, s.seq FROM (
    SELECT t.cause_no, t.seq FROM shop_transfers t
    WHERE t.program_id = %(program)s AND t.shop_no = %(shop_no)s AND {{near}} AND {{after}} AND EXISTS (
        SELECT 1 FROM transfer_blocks k
        WHERE k.program_id = t.program_id AND k.block = t.cause_no / {BLOCK_CAUSES} {{of_block}})
    ORDER BY {{order}} OFFSET 0) s
CROSS JOIN LATERAL (
    SELECT 1 FROM transfers t
    WHERE t.program_id = %(program)s AND t.cause_no = s.cause_no AND t.seq = s.seq {{exact}} OFFSET 0) x
ORDER BY {{outer}} LIMIT %(limit)s
"""
_BLOCKS = """
SELECT DISTINCT k.block FROM transfer_blocks k WHERE k.program_id = %(program)s AND {of_blocks} LIMIT %(blocks)s
"""
_PAYOUTS = f"""
SELECT payout_no FROM payouts
WHERE program_id = %(program)s AND payout_no >= %(first)s AND payout_no < %(last)s
  AND payout_no / {BLOCK_CAUSES} = ANY(CAST(%(blocks)s AS bigint[])) ORDER BY payout_no
"""
_OF_SPANS = """
SELECT s.cause_no, s.seq
FROM unnest(CAST(%(nears)s AS bigint[]), CAST(%(seqs)s AS integer[]), CAST(%(fars)s AS bigint[])) e (near, seq, far)
CROSS JOIN LATERAL (
    SELECT t.cause_no, t.seq FROM transfers t
    WHERE t.program_id = %(program)s AND {of_span} {exact}
    ORDER BY {order} LIMIT %(limit)s) s
ORDER BY {outer} LIMIT %(limit)s
"""
_SHOP = "SELECT shop_no FROM shops WHERE program_id = %(program)s AND shop_id = %(id)s"
_TAKEN_BACK: Final = frozenset({"reversed", "pool", "adjusted"})
_OF_PAYOUTS: Final = frozenset({"paid", "tax"})
_RARE_KINDS: Final = _TAKEN_BACK | _OF_PAYOUTS
"""Each shop's have an index of their own; those of all shops that no payout posts as well."""
# The kind stands in the statement itself: only so is its own index known to have all of its rows.
_BY_INDEX: Final = {kind: f" AND t.kind = '{kind}'" for kind in sorted(_RARE_KINDS)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which transfers are asked for; what is None does not matter.

    ``until`` is not part of what it ends. ``held_at`` and ``available_at`` ask for those held or available then.
    ``is_newest_first``: the other way round.
    """

    shop_no: int | None = None
    cause_no: int | None = None
    kinds: tuple[str, ...] | None = None
    period: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    held_at: datetime | None = None
    available_at: datetime | None = None
    is_newest_first: bool = False

    @property
    def filters(self) -> dict[str, object]:
        """What is asked for beside the shop and the cause, by name."""
        asked = {name: getattr(self, name) for name in _EXACT}
        asked["kinds"] = None if self.kinds is None else list(self.kinds)
        return {name: value for name, value in asked.items() if value is not None}

    def only_kind(self, among: frozenset[str]) -> str | None:
        """The one kind that is asked for, where it is among those."""
        kinds = self.kinds or ()
        return kinds[0] if len(kinds) == 1 and kinds[0] in among else None


def keys_of_page(conn: Connection, program_id: int, wanted: Wanted, after: Key | None, limit: int) -> list[Key]:
    """Lists the keys of the first ``limit`` transfers after ``after`` that are asked for, in their order."""
    way = _NEWEST_FIRST if wanted.is_newest_first else _OLDEST_FIRST
    part = Part(way.begin if after is None else after, limit)
    if wanted.cause_no is not None or wanted.shop_no is not None:
        return _of_cause_or_shop(conn, program_id, wanted, part, way)
    if not wanted.filters:
        return _keys(conn, _PLAIN.format(exact="", **way._asdict()), _bound(program_id, part))
    return _of_all(conn, program_id, wanted, part, way)


def number_of_shop(conn: Connection, program_id: int, shop_id: str) -> int | None:
    """Reads the number of the shop of that id; None without one."""
    return value_or_none(conn, int, _SHOP, {"program": program_id, "id": shop_id})


def _of_cause_or_shop(conn: Connection, program_id: int, wanted: Wanted, part: Part[Key], way: _Way) -> list[Key]:
    """The keys of one cause's or one shop's transfers."""
    filters = wanted.filters
    bound = _bound(program_id, part) | filters
    exact = _all_of(_EXACT, filters)
    if wanted.cause_no is not None:
        exact += "" if wanted.shop_no is None else " AND t.shop_no = %(shop_no)s"
        bound |= {"cause_no": wanted.cause_no, "shop_no": wanted.shop_no}
        return _keys(conn, _OF_CAUSE.format(exact=exact, **way._asdict()), bound)
    bound |= {"shop_no": wanted.shop_no}
    kind = wanted.only_kind(_RARE_KINDS)
    if kind is not None:
        of_kind = f"{exact}{_BY_INDEX[kind]} AND t.shop_no = %(shop_no)s"
        return _keys(conn, _PLAIN.format(exact=of_kind, **way._asdict()), bound)
    if not filters.keys() - {"kinds"}:
        return _keys(conn, _OF_SHOP.format(exact=exact, **way._asdict()), bound)
    of_block = _all_of(_OF_BLOCK, filters)
    statement = _OF_SHOP_BY_BLOCK.format(exact=exact, of_block=of_block, **way._asdict())
    return _keys(conn, statement, bound)


def _of_all(conn: Connection, program_id: int, wanted: Wanted, part: Part[Key], way: _Way) -> list[Key]:
    """The keys of transfers of all causes, block after block of those that can have some."""
    filters, (after, limit) = wanted.filters, part
    statement = _BLOCKS.format(of_blocks=way.of_blocks.format(of_block=_all_of(_OF_BLOCK, filters)))
    kind = wanted.only_kind(_TAKEN_BACK)
    exact = _all_of(_EXACT, filters) + ("" if kind is None else _BY_INDEX[kind])
    of_spans = _OF_SPANS.format(exact=exact, **way._asdict())
    keys: list[Key] = []
    from_block, most = after[0] // BLOCK_CAUSES, 2 + limit // BLOCK_CAUSES
    while True:
        asked = filters | {"program": program_id, "from_block": from_block, "blocks": most}
        blocks = column(conn, int, statement, asked)
        ends = [way.ends(after, span) for span in _spans(conn, program_id, blocks, wanted.kinds)]
        if ends:
            bound = {"program": program_id, "limit": limit - len(keys), "fars": [far for _, far in ends]}
            bound |= {"nears": [cause for (cause, _), _ in ends], "seqs": [seq for (_, seq), _ in ends]}
            keys += _keys(conn, of_spans, bound | filters)
        if len(keys) >= limit or len(blocks) < most:
            return keys
        from_block, most = blocks[-1] + way.step, min(most * _GROWTH, _MOST_BLOCKS)


def _spans(conn: Connection, program_id: int, blocks: Sequence[int], kinds: tuple[str, ...] | None) -> list[Key]:
    """The first and last causes of blocks; without payouts, which can be a million rows, where none is asked for."""
    if not blocks:
        return []
    payouts: dict[int, list[int]] = {}
    if kinds is not None and not _OF_PAYOUTS & set(kinds):
        ends = {"first": min(blocks) * BLOCK_CAUSES, "last": (max(blocks) + 1) * BLOCK_CAUSES}
        for payout_no in column(conn, int, _PAYOUTS, {"program": program_id, "blocks": list(blocks), **ends}):
            payouts.setdefault(payout_no // BLOCK_CAUSES, []).append(payout_no)
    spans = []
    for block in blocks:
        first, last = block * BLOCK_CAUSES, (block + 1) * BLOCK_CAUSES - 1
        for payout_no in payouts.get(block, ()):
            spans.append((first, payout_no - 1))
            first = payout_no + 1
        spans.append((first, last))
    return [(first, last) for first, last in spans if first <= last]


def _all_of(conditions: dict[str, str], filters: dict[str, object]) -> str:
    return "".join(f" AND {conditions[name]}" for name in filters)


def _bound(program_id: int, part: Part[Key]) -> dict[str, object]:
    cause_no, seq = part.place
    return {"program": program_id, "after_cause": cause_no, "after_seq": seq, "limit": part.limit}


def _keys(conn: Connection, statement: str, bound: dict[str, object]) -> list[Key]:
    return execute(conn, statement, bound).fetchall()
