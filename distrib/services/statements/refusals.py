"""What is refused of statements and of closing their months."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class PeriodClosed(NamedRefusal, code="period_closed", status=409):
    """The books of the month are closed, for ever."""

    said = Said("{period} is closed.", "账期 {period} 已结账。")
    period: str


class CloseInSequence(NamedRefusal, code="close_in_sequence", status=409):
    """A month closes after the one before it."""

    said = Said("Periods close in sequence: {next} comes next.", "账期须依次结账，下一个是 {next}。")
    next: str


class CloseNotProposed(NamedRefusal, code="close_not_proposed", status=409):
    """A close is approved that nobody proposed."""

    said = Said("Nobody has proposed to close {period}.", "尚无人提议结账 {period}。")
    period: str


class CloseChanged(NamedRefusal, code="close_changed", status=409):
    """What was proposed is not what stands now."""

    said = Said("The figures have changed since they were proposed; propose again.", "提议之后数据已变化，请重新提议。")


class SortNotKept(NamedRefusal, code="sort_not_kept", status=422):
    """Of an open month no order by amount is kept."""

    said = Said(
        "The open month {period} of this program is not kept in order: sort by shop.",
        "该计划规模较大，未关闭的 {period} 没有保留此排序：请按店铺排序。",
    )
    period: str
