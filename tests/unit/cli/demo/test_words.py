"""Everything that the demo shows has words in both languages, and the control totals notice what differs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import History, Sale, SaleLine, Source
from distrib.cli.demo.life.checks import control_checks, money_checks
from distrib.cli.demo.life.payday import Payday
from distrib.cli.demo.life.proof import FIGURES, Proved
from distrib.cli.demo.life.story import Debts, Late, Life
from distrib.cli.demo.posting.poster import PostedEvents
from distrib.cli.demo.showing.texts import TEXTS, speaker
from distrib.cli.demo.sources import cdnow, online_retail, recipe
from distrib.cli.demo.sources.control import CDNOW_PUBLISHED, ONLINE_RETAIL_PUBLISHED, Control
from distrib.cli.demo.sources.known import LoadedSource
from distrib.languages import LANGUAGES, render
from distrib.services.programs.totals import Totals
from distrib.store.programs.totals import TransferTotal

AT = datetime(2011, 1, 1, 12, tzinfo=UTC)
SALE = Sale("o-1", "c-1", AT, AT + timedelta(hours=1), (SaleLine("1", "A", 1, 500),))
TOTALS = Totals(1, 1, 500, 0, 0, TransferTotal(1, 50), TransferTotal(0, 0), {}, {"done": 1})
MONTHS = [{"totals": {"earned_minor": 50, "reversed_minor": 0, "closing_minor": 50}, "exported_minor": 50}]


def loaded(source: Source = online_retail.SOURCE, published: dict[str, int] | None = None) -> LoadedSource:
    control = Control(orders=1, lines=1, customers=1, paid_minor=500, published=published)
    network = recipe.invent_network([SALE], Dice(1))
    return LoadedSource(History(source, [SALE]), network, control, seed=1)


def differing(totals: Totals = TOTALS, posted: int = 1, months: Sequence[dict[str, Any]] = MONTHS) -> list[str]:
    return [check.name for check in control_checks(loaded(), totals, posted, months) if not check.ok]


@pytest.mark.parametrize(
    ("source", "published"), [(cdnow.SOURCE, CDNOW_PUBLISHED), (online_retail.SOURCE, ONLINE_RETAIL_PUBLISHED)]
)
def test_every_control_total_has_words(source: Source, published: dict[str, int]) -> None:
    checks = control_checks(loaded(source, published), TOTALS, 1, MONTHS)
    assert {check.name for check in checks} <= set(TEXTS)


def test_every_reason_to_leave_a_row_out_has_words() -> None:
    reasons = {name for name in TEXTS if name.startswith("credit_lines_")}
    assert len(reasons) == 5
    assert all(render(TEXTS[name], language) for name in reasons for language in LANGUAGES)


def test_each_language_has_its_own_words() -> None:
    assert (speaker("en")("shops"), speaker("zh")("shops")) == ("shops", "店铺")


def test_a_run_in_which_all_is_right_agrees() -> None:
    assert differing() == []


def test_a_cent_too_little_is_noticed() -> None:
    assert differing(replace(TOTALS, paid_minor=499)) == ["paid_minor"]


def test_an_order_too_many_is_noticed() -> None:
    assert differing(replace(TOTALS, orders_settled=2)) == ["orders_settled"]


def test_a_refund_that_nobody_told_is_noticed() -> None:
    assert differing(replace(TOTALS, refunds=1, refunded_minor=100)) == ["refunds", "refunded_minor"]


def test_an_event_that_failed_is_noticed() -> None:
    assert differing(replace(TOTALS, events={"done": 1, "failed": 1}), posted=2) == ["events_done", "events_not_done"]


def test_a_statement_that_forgets_is_noticed() -> None:
    forgetful = [{**MONTHS[0], "exported_minor": 49}]
    assert differing(months=forgetful) == ["exports_earned_and_reversed_minor"]


def test_a_file_that_is_not_what_was_published_is_noticed() -> None:
    checks = control_checks(loaded(cdnow.SOURCE, CDNOW_PUBLISHED), TOTALS, 1, MONTHS)
    assert "published_orders" in {check.name for check in checks if not check.ok}


NO_FIGURES = dict.fromkeys(FIGURES, 0)
PAYDAYS = [Payday(f"payout-{number}", "", 1, 30, 30, 0, 1, 30, 0, 0, "f", ()) for number in (1, 2)]
BOOKS = NO_FIGURES | {"earned_minor": 100, "paid_minor": 60, "closing_minor": 40, "available_minor": 40}
LIFE = Life(
    PostedEvents(1, 1, 0, 1.0),
    1.0,
    ["2011-01"],
    1,
    {},
    PAYDAYS,
    Late(1, 5, "2011-02", 2, 2, -3, 1, -3, "s"),
    Debts(0, 0, None),
    [Proved("2011-01", True, 1, BOOKS, 0, True)],
    [],
    {"expense": -100, "clearing": 60, "tax": 0, "payable": 40},
)


def wrong(life: Life) -> set[str]:
    return {check.name for check in money_checks(life) if not check.ok}


def test_every_check_of_the_money_has_words_and_holds_where_all_is_right() -> None:
    assert {check.name for check in money_checks(LIFE)} <= set(TEXTS)
    assert not wrong(LIFE)


@pytest.mark.parametrize(
    ("life", "names"),
    [
        (replace(LIFE, proved=[replace(LIFE.proved[0], unexplained_minor=1)]), {"books_unexplained_minor"}),
        (replace(LIFE, proved=[replace(LIFE.proved[0], digest_holds=False)]), {"closed_digests"}),
        (replace(LIFE, paydays=[replace(PAYDAYS[0], expected_minor=31), PAYDAYS[1]]), {"payout-1_minor"}),
        (replace(LIFE, late=replace(LIFE.late, marked=1)), {"late_marked"}),
        (replace(LIFE, ledger={**LIFE.ledger, "tax": 1}), {"ledger_tax_minor", "ledger_sum_minor"}),
        (replace(LIFE, paydays=PAYDAYS[:1]), {"paid_by_batches_minor"}),
    ],
)
def test_a_minor_unit_that_nothing_explains_is_noticed(life: Life, names: set[str]) -> None:
    assert wrong(life) == names
