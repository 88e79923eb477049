"""What each shop is known to have sold at an instant while a batch is applied: the database's sales and the batch's.

Reads a batch's shops at once; each sale is read once, however many orders ask for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.services.settlement.batch import Batch
from distrib.store.settlement import sales
from distrib.store.settlement.sales import Span


class _Running:
    """Amounts by their instant, summed up as they come; cheap while they come in order."""

    def __init__(self) -> None:
        self._times: list[datetime] = []
        self._sums = [0]

    def add(self, instant: datetime, minor: int) -> None:
        place = bisect_right(self._times, instant)
        self._times.insert(place, instant)
        self._sums.insert(place + 1, self._sums[place])
        for later in range(place + 1, len(self._sums)):
            self._sums[later] += minor

    def between(self, after: datetime | None, to: datetime) -> int:
        start = 0 if after is None else bisect_right(self._times, after)
        return self._sums[max(bisect_right(self._times, to), start)] - self._sums[start]


class KnownSales:
    """Personal sales net of refunds as of an instant (plan.md, requires).

    Those that were in the database when a span was first asked for, and those that the batch has made since.
    """

    def __init__(self, conn: Connection, batch: Batch) -> None:
        self._conn, self._batch = conn, batch
        self._read: dict[Span, int] = {}
        self._sold: defaultdict[int, _Running] = defaultdict(_Running)
        self._back: defaultdict[int, list[tuple[datetime, datetime, int]]] = defaultdict(list)
        self._seen = [0, 0]

    def load(self, spans: Iterable[Span]) -> None:
        """Reads what the database has of these spans."""
        asked = sorted({*spans} - self._read.keys(), key=lambda span: (span.shop_no, span.to))
        if asked:
            program_id = self._batch.program.program_id
            back = sales.taken_back(self._conn, program_id, asked)
            gross = self._gross(asked)
            self._read |= {span: gross[span] - minor for span, minor in zip(asked, back, strict=True)}

    def figure(self, span: Span) -> int:
        """The net sales in a span, as known now."""
        if span not in self._read:
            self.load([span])
        self._take_in()
        own = self._sold[span.shop_no].between(span.after, span.to) if span.shop_no in self._sold else 0
        back = self._back.get(span.shop_no, ())
        return (
            self._read[span]
            + own
            - sum(m for sold_at, refunded_at, m in back if _is_in(span, sold_at) and refunded_at <= span.to)
        )

    def _gross(self, asked: Sequence[Span]) -> dict[Span, int]:
        """The sums of spans that overlap, from the sums between one of their ends and the next."""
        ends: defaultdict[int, set[datetime]] = defaultdict(set)
        for shop_no, after, to in asked:
            ends[shop_no] |= {to} if after is None else {after, to}
        ever = {span.shop_no for span in asked if span.after is None}
        cuts = {shop_no: sorted(times) for shop_no, times in ends.items()}
        pieces = [
            Span(shop_no, before, cut)
            for shop_no, times in cuts.items()
            for before, cut in zip((None, *times), times, strict=False)
            if before is not None or shop_no in ever
        ]
        sums = sales.sold(self._conn, self._batch.program.program_id, pieces)
        up_to: dict[tuple[int, datetime | None], int] = {}
        for (shop_no, before, cut), minor in zip(pieces, sums, strict=True):
            up_to[shop_no, cut] = up_to.get((shop_no, before), 0) + minor
        return {
            span: up_to.get((span.shop_no, span.to), 0) - up_to.get((span.shop_no, span.after), 0) for span in asked
        }

    def _take_in(self) -> None:
        """What the batch has added since it was looked at last."""
        settlements, refunds = self._batch.settlements, self._batch.refunds
        for row in settlements[self._seen[0] :]:
            if row.seller_no is not None:
                self._sold[row.seller_no].add(row.settled_at, row.sales_minor)
        for back in refunds[self._seen[1] :]:
            if back.seller_no is not None:
                self._back[back.seller_no].append((back.sold_at, back.occurred_at, back.sales_minor))
        self._seen = [len(settlements), len(refunds)]


def _is_in(span: Span, instant: datetime) -> bool:
    return instant <= span.to and (span.after is None or instant > span.after)
