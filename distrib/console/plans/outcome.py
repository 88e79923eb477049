"""What a trial came to, as rows of text: everyone looked at, what each earns, what the platform keeps."""

from __future__ import annotations

from typing import NamedTuple

from distrib.console.language import Say
from distrib.domain.amounts import show_amount, show_percent
from distrib.domain.money import parse_ratio, round_ratio
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.explanation import Look
from distrib.languages import render
from distrib.services.plans.trials import SEATS, Earned
from distrib.services.plans.words import REASONS

_HUNDREDTHS = 10_000
_PPM_A_HUNDREDTH = 100


class LookRow(NamedTuple):
    """One rule and one person looked at."""

    rule: str
    who: str
    tier: int
    rank: str
    base: str
    rate: str
    before: str
    amount: str
    reason: str
    code: str
    is_paid: bool


class EarnedRow(NamedTuple):
    """What one person earns, or the platform keeps, in all; the share is of what was paid, half up."""

    who: str
    amount: str
    share: str


class Outcome(NamedTuple):
    """A trial in text."""

    looks: tuple[LookRow, ...]
    earned: tuple[EarnedRow, ...]
    total: EarnedRow
    kept: EarnedRow
    limit: str


def outcome_of(plan: Plan, earned: Earned, say: Say, language: str) -> Outcome:
    """Shows a trial's figures as money of the plan's currency."""

    def money(amount_minor: int) -> str:
        return show_amount(amount_minor, plan.currency)

    def row(who: str, amount_minor: int) -> EarnedRow:
        return EarnedRow(who, money(amount_minor), _share(amount_minor, earned.paid_minor))

    return Outcome(
        tuple(_look(plan, look, say, language) for look in earned.looks),
        tuple(row(say(f"seat.{seat}"), amount) for seat, amount in earned.by_seat.items()),
        row(say("total"), earned.total_minor),
        row(say("platform_keeps"), earned.paid_minor - earned.total_minor),
        "" if earned.limit_minor is None else money(earned.limit_minor),
    )


def _look(plan: Plan, look: Look, say: Say, language: str) -> LookRow:
    base, before, amount = (
        show_amount(minor, plan.currency)
        for minor in (look.base_minor, look.amount_before_cap_minor, look.amount_minor)
    )
    return LookRow(
        look.rule_id,
        say("nobody") if look.shop_no is None else say(f"seat.{SEATS[look.shop_no]}"),
        look.tier,
        look.rank or "",
        base,
        "" if look.rate is None else show_percent(parse_ratio(look.rate)),
        before,
        amount,
        render(REASONS[look.reason], language),
        look.reason,
        look.amount_minor > 0,
    )


def _share(amount_minor: int, paid_minor: int) -> str:
    """Shows hundredths of a percent of what was paid, half up; below 0 by what it lacks.

    >>> _share(1, 3), _share(-1, 3), _share(5, 0)
    ('33.33%', '-33.33%', '')
    """
    if not paid_minor:
        return ""
    share = round_ratio(abs(amount_minor) * _HUNDREDTHS, paid_minor, "half_up") * _PPM_A_HUNDREDTH
    return ("-" if amount_minor < 0 else "") + show_percent(share)
