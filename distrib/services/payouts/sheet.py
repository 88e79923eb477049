"""Which line each result of a call is about, and what becomes of it in the order sent. Nothing is written here.

A line is named by its number at the channel (``detail_no``), by its shop, or by both, as in the file that left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from distrib.domain.errors import Refusal
from distrib.domain.payouts.channels import Channel, channel_on
from distrib.domain.payouts.refusals import (
    ChannelWithoutReturns,
    DetailOfOtherShop,
    DetailUnknownInPayout,
    LineAmbiguous,
    LineUnknownInPayout,
)
from distrib.domain.payouts.results import (
    PAID,
    RECORDED,
    RETURNED,
    DayBounds,
    LineHistory,
    Saying,
    decide_result,
)
from distrib.domain.periods import next_period
from distrib.domain.spreadsheet_cells import restored
from distrib.services.context import Program, Unit, period_bounds
from distrib.services.payouts.lines import channel_no, line_no_of
from distrib.store.payouts import batches as rows
from distrib.store.payouts.batch_rows import BatchHead, LineRow

REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ResultDraft:
    """The result of one line as it was sent; the line is named by its shop, its ``detail_no``, or both."""

    shop_id: str | None
    status: str
    reference: str | None = None
    reason: str | None = None
    detail_no: str | None = None
    paid_on: date | None = None


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of one result: recorded, unchanged, or refused with the refusal."""

    shop_id: str | None
    detail_no: str | None
    outcome: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class FreshResult:
    """A result to be recorded, its line, and the instant at which it counts."""

    saying: Saying
    line: LineRow
    occurred_at: datetime


class ResultSheet:
    """The lines of a batch that results are about, what is known of them, and what of the results is new."""

    def __init__(
        self,
        unit: Unit,
        head: BatchHead,
        decided_at: datetime,
        results: Sequence[ResultDraft],
        channels: Sequence[Channel],
    ) -> None:
        """Loads the lines of all results at once; ``unit`` is as of the instant at which they count."""
        conn, program, counts_at = unit.conn, unit.program, unit.now
        self.program, self.head, self.decided_at, self.counts_at = program, head, decided_at, counts_at
        closed = rows.closed_through(conn, program.program_id)
        self.bounds = DayBounds(
            program.day_of(decided_at),
            program.day_of(period_bounds(next_period(closed), program.zone)[0]) if closed else date.min,
            program.day_of(counts_at),
        )
        takes_back = any(draft.status == RETURNED for draft in results)
        channel = channel_on(channels, head.channel, program.day_of(head.created_at)) if takes_back else None
        self.knows_returns = channel is not None and channel.returns
        shop_ids = {
            shop_id for draft in results if draft.shop_id for shop_id in (draft.shop_id, restored(draft.shop_id))
        }
        numbers = {number for draft in results if (number := self._line_no(draft)) is not None}
        self.by_shop = rows.lines_of_shops(conn, program.program_id, head.payout_no, sorted(shop_ids))
        self.by_number = rows.lines_of_numbers(conn, program.program_id, head.payout_no, sorted(numbers))
        lines = (*self.by_shop.values(), *self.by_number.values())
        self.histories = {line.line_no: _history(program, line) for line in lines}
        self.paid_at: dict[int, datetime] = {line.line_no: line.occurred_at for line in lines if line.occurred_at}
        self.fresh: list[FreshResult] = []

    def settle(self, draft: ResultDraft) -> LineOutcome:
        """Decides on one result, as the next after those before it."""
        line = self._line_of(draft)
        if isinstance(line, Refusal):
            return LineOutcome(draft.shop_id, draft.detail_no, REFUSED, line)
        number = channel_no(self.program.code, self.head.payout_id, self.head.payout_no, line.line_no)
        outcome = self._decide(draft, line)
        if isinstance(outcome, Refusal):
            return LineOutcome(line.shop_id, number, REFUSED, outcome)
        return LineOutcome(line.shop_id, number, outcome)

    def _decide(self, draft: ResultDraft, line: LineRow) -> str | Refusal:
        saying = Saying(draft.status, draft.paid_on, draft.reference, draft.reason)
        history = self.histories[line.line_no]
        if saying.status == RETURNED and not self.knows_returns:
            return ChannelWithoutReturns(channel=self.head.channel)
        decided = decide_result(saying, history, self.bounds, line.shop_id)
        if decided == RECORDED:
            self._record(saying, line, history)
        return decided

    def _record(self, saying: Saying, line: LineRow, history: LineHistory) -> None:
        earliest = self.paid_at[line.line_no] if saying.status == RETURNED else self.decided_at
        occurred_at = self._instant_of(saying.day, earliest)
        dated = saying._replace(day=self.program.day_of(occurred_at))
        if saying.status == RETURNED:
            self.histories[line.line_no] = history._replace(returned=dated)
        else:
            self.histories[line.line_no] = LineHistory(dated if saying.status == PAID else saying)
            self.paid_at[line.line_no] = occurred_at
        self.fresh.append(FreshResult(saying, line, occurred_at))

    def _instant_of(self, day: date | None, earliest: datetime) -> datetime:
        """The instant at which a day counts: its first, not before ``earliest``; now where the day is today."""
        if day is None or day == self.bounds.today:
            return self.counts_at
        return max(datetime(day.year, day.month, day.day, tzinfo=self.program.zone), earliest)

    def _line_no(self, draft: ResultDraft) -> int | None:
        if draft.detail_no is None:
            return None
        return line_no_of(self.program.code, self.head.payout_id, self.head.payout_no, draft.detail_no)

    def _line_of(self, draft: ResultDraft) -> LineRow | Refusal:
        """Finds the line that a result names; a shop's id with or without the mark that a spreadsheet file has."""
        if draft.detail_no is not None:
            return self._line_of_number(draft, draft.detail_no)
        shop_id = draft.shop_id or ""
        exact, unmarked = self.by_shop.get(shop_id), self.by_shop.get(restored(shop_id))
        if exact is not None and unmarked is not None and exact.line_no != unmarked.line_no:
            return LineAmbiguous(id=exact.shop_id, other=unmarked.shop_id)
        return exact or unmarked or LineUnknownInPayout(id=shop_id)

    def _line_of_number(self, draft: ResultDraft, detail_no: str) -> LineRow | Refusal:
        number = self._line_no(draft)
        line = None if number is None else self.by_number.get(number)
        if line is None:
            return DetailUnknownInPayout(detail=detail_no)
        if draft.shop_id is not None and line.shop_id not in (draft.shop_id, restored(draft.shop_id)):
            return DetailOfOtherShop(detail=detail_no, id=draft.shop_id)
        return line


def _history(program: Program, line: LineRow) -> LineHistory:
    if line.status is None:
        return LineHistory()
    day = program.day_of(line.occurred_at) if line.occurred_at is not None and line.status == PAID else None
    result = Saying(line.status, day, line.reference, line.reason)
    if line.returned_at is None:
        return LineHistory(result)
    returned = Saying(RETURNED, program.day_of(line.returned_at), line.return_reference, line.return_reason)
    return LineHistory(result, returned)
