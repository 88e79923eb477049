"""The life of the money: months closed, shops paid, money taken back after that, earned and paid again, accounted for.

Every step goes over HTTP, with two people's keys where two are needed. Nothing is added to the history: what comes
late is of it; what the demo adds by itself (payees, one adjustment, what the bank says) is no order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import History
from distrib.cli.demo.life.books import adjust, close_months, download, export, ledger_balances
from distrib.cli.demo.life.payday import Desk, Payday, paid_by_month, pay, put_payees, sent_back, worth_paying
from distrib.cli.demo.life.proof import MonthFiles, Proved, Rows, came_late, prove, shop_rows
from distrib.cli.demo.posting.arrival import Arrivals, month_end, month_of, months_of
from distrib.cli.demo.posting.ground import Stage
from distrib.cli.demo.posting.poster import PostedEvents
from distrib.cli.demo.posting.way_in import post_and_settle, together
from distrib.domain.texts import Text
from distrib.languages import render_both

ADJUSTED_MINOR = 2_500
REASON = render_both(Text("goodwill of the demo, by hand"))


@dataclass(frozen=True, slots=True)
class Late:
    """What refunds after the payout did: how many, posted into which month, and how many shops they left in debt."""

    count: int
    given_back_minor: int
    period: str
    posted: int
    marked: int
    reversed_minor: int
    in_debt: int
    debt_minor: int
    deepest: str | None

    def document(self) -> dict[str, Any]:
        """The late refunds as the JSON of a run has them."""
        figures = asdict(self)
        return {"told": figures.pop("count"), **figures}


class Debts(NamedTuple):
    """How many shops owe, how much together, and who owes most."""

    shops: int
    amount_minor: int
    deepest: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """All that happened, and the proof of it."""

    posted: PostedEvents
    seconds: float
    closed_first: Sequence[str]
    payees: int
    adjusted: Mapping[str, Any]
    paydays: Sequence[Payday]
    late: Late
    debts_at_end: Debts
    proved: Sequence[Proved]
    files: Sequence[MonthFiles]
    ledger: Mapping[str, int]
    months_of_deepest: Sequence[tuple[str, Mapping[str, int]]] = field(default=())


def live(stage: Stage, arrivals: Arrivals) -> Life:
    """The whole life, from the first event to the proof."""
    zone = stage.loaded.history.source.time_zone
    dice = Dice(stage.loaded.seed)
    ways = [post_and_settle(stage, arrivals.first)]
    with ExitStack() as stack:
        finance, admin = (stack.enter_context(stage.client(role)) for role in ("finance", "admin"))
        desk = Desk(finance, admin, stage.ground.folder)
        months = months_of(stage.loaded.history)
        digests = _close(stage, desk, arrivals.closed_first)
        due = worth_paying(shop_rows(export(finance, arrivals.closed_first[-1], "shops")))
        stage.step("paying", len(due))
        payees = put_payees(admin, due, stage.watch.advance)
        end = month_end(arrivals.closed_first[-1], zone)
        paydays = [pay(desk, "payout-1", end, due, sent_back(dice, list(due)))]
        ways.append(post_and_settle(stage, arrivals.late))
        opened = month_of(end, zone)
        late = _look_at_late(stage, desk, arrivals.late, opened)
        adjusted = adjust(desk, _adjusted_shop(late, stage), ADJUSTED_MINOR, REASON)
        ways.append(post_and_settle(stage, arrivals.then))
        digests |= _close(stage, desk, months[len(digests) : -1])
        paydays.append(_second(stage, desk, due))
        stage.step("proving")
        shown = sorted({*months, opened, *_present(paydays, zone)})
        files = [download(finance, month, digests) for month in shown]
        proved = prove(files, paid_by_month(paydays, zone))
        return Life(
            together(posted for posted, _ in ways),
            sum(seconds for _, seconds in ways),
            arrivals.closed_first,
            payees,
            adjusted,
            paydays,
            late,
            debts(shop_rows(files[-1].shops)),
            proved,
            files,
            ledger_balances(finance),
            _months_of_shop(files, late.deepest),
        )


def _close(stage: Stage, desk: Desk, months: Sequence[str]) -> dict[str, str]:
    stage.step("closing_months", len(months))
    return close_months(desk, months, stage.watch.advance)


def _second(stage: Stage, desk: Desk, due: Mapping[str, int]) -> Payday:
    """Pays what is there by now: what the bank had sent back, and what was earned since, debts filled first."""
    now = datetime.now(UTC)
    rows = shop_rows(export(desk.finance, month_of(now, stage.loaded.history.source.time_zone), "shops"))
    stage.step("paying")
    expected = {shop: amount for shop, amount in worth_paying(rows).items() if shop in due}
    return pay(desk, "payout-2", now, expected, ())


def _look_at_late(stage: Stage, desk: Desk, late: History, opened: str) -> Late:
    """What the late refunds came to; they count in the earliest open month and name the one they belong to."""
    posted, marked, amount_minor = came_late(export(desk.finance, opened, "lines"))
    now = month_of(datetime.now(UTC), stage.loaded.history.source.time_zone)
    owed = debts(shop_rows(export(desk.finance, now, "shops")))
    given_back = sum(refund.amount_minor for refund in late.refunds)
    return Late(len(late.refunds), given_back, opened, posted, marked, amount_minor, *owed)


def debts(rows: Rows) -> Debts:
    """The debts of a month's rows: of each shop whose available amount is below zero."""
    owed = {shop: row["available_minor"] for shop, row in rows.items() if row["available_minor"] < 0}
    deepest = min(owed, key=lambda shop: (owed[shop], shop), default=None)
    return Debts(len(owed), sum(owed.values()), deepest)


def _adjusted_shop(late: Late, stage: Stage) -> str:
    """Whoever owes most; without debts the shop that joined first."""
    return late.deepest or stage.loaded.network.shops[0].id


def _present(paydays: Sequence[Payday], zone: str) -> list[str]:
    """The months in which money was moved by hand: now."""
    times = [datetime.fromisoformat(payday.lines[0]["recorded_at"]) for payday in paydays if payday.lines]
    return sorted({month_of(recorded_at, zone) for recorded_at in [*times, datetime.now(UTC)]})


def _months_of_shop(files: Sequence[MonthFiles], shop: str | None) -> list[tuple[str, Mapping[str, int]]]:
    rows = ((month.period, shop_rows(month.shops).get(shop or "")) for month in files)
    return [(period, row) for period, row in rows if row is not None]
