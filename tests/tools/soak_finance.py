"""Who pays and who closes months while a soak goes on: each step is sent until it is answered, and must add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from distrib.domain.periods import next_period
from distrib.services.context import format_period
from tests.world.documents import SELLER_TEN_PERCENT, line, settled

if TYPE_CHECKING:
    from tests.tools.soak import Soak

PAYEE: Final = {
    "name": "李雷",
    "id_type": "id_card",
    "id_number": "110101199003071234",
    "kind": "sole_trader",
    "accounts": {"bank_account": "6222021234567890", "bank_name": "工商银行"},
}
_FIRST_MONTH, _LAST_MONTH = 202501, 202610
_SALES, _SOLD_MINOR = 5, 10_000
_WAITS_S = 300
_NOT_YET = ("events_pending", "close_changed", "close_not_proposed")


def pay_out(soak: Soak) -> None:
    """Sells, and pays out what is available by two keys, until it is over; in the end all that was earned is paid.

    Raises:
        AssertionError: a payment was lost or made twice.
    """
    service, (admin, first, second) = soak.service, _shop_of(soak)
    service.call_until_done(admin, "PUT", "/v1/shops/a/payee", PAYEE)
    for number in count(1):
        _sell(soak, admin, f"{number}", datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=31 * (number % 6)))
        service.wait_for_events(admin, _WAITS_S)
        is_last = soak.over.is_set()
        _pay(soak, first, second, f"pay-{number}")
        if is_last:
            break
    earned_minor = number * _SALES * _SOLD_MINOR // 10
    balance = service.call_until_done(admin, "GET", "/v1/shops/a/balance")
    had = {name: balance[f"{name}_minor"] for name in ("held", "available", "reserved", "paid")}
    assert had == {"held": 0, "available": 0, "reserved": 0, "paid": earned_minor}, had
    soak.paid_minor = earned_minor


def close_months(soak: Soak) -> None:
    """Closes the months of one program after the other until it is over.

    Raises:
        AssertionError: what was earned is in no month, or in two.
    """
    while not soak.over.is_set():
        _close_program(soak)


def _close_program(soak: Soak) -> None:
    """Closes one month after the other, of which facts go on coming in, by two keys; in the end nothing is missing."""
    service, (admin, first, second) = soak.service, _shop_of(soak)
    sold, period = 0, _FIRST_MONTH
    while not soak.over.is_set() and period < _LAST_MONTH:
        sold = _close(soak, (admin, first, second), period, sold)
        soak.closed += 1
        period = next_period(period)
    service.wait_for_events(admin, _WAITS_S)
    earned, period = 0, _FIRST_MONTH
    while period <= next_period(_LAST_MONTH):
        shown = service.call_until_done(admin, "GET", f"/v1/statements?period={format_period(period)}")
        earned += shown["totals"]["earned_minor"]
        period = next_period(period)
    assert earned == sold * _SALES * _SOLD_MINOR // 10, (earned, sold)


def _close(soak: Soak, keys: tuple[str, str, str], period: int, sold: int) -> int:
    """Posts sales of a month, proposes and confirms its close, again where it is not to be closed yet."""
    admin, first, second = keys
    paid_at = datetime(period // 100, period % 100, 5, tzinfo=UTC)
    path = f"/v1/statements/{format_period(period)}/close"
    while True:
        sold += 1
        _sell(soak, admin, f"{sold}", paid_at)
        cut_off = {"cut_off_at": datetime.now(UTC).isoformat()} if sold % 2 else None
        if _is_done(soak, first, path, cut_off) and _is_done(soak, second, f"{path}/confirm", None):
            return sold


def _is_done(soak: Soak, key: str, path: str, body: object) -> bool:
    """Whether a step was taken; one that was taken before, and of which the answer was lost, is."""
    answer = soak.service.call_until_done(key, "POST", path, body, _WAITS_S, may_refuse=True)
    code = answer.get("code")
    assert code in (None, "period_closed", *_NOT_YET), answer
    return code in (None, "period_closed")


def _shop_of(soak: Soak) -> list[str]:
    """A program with a plan and a shop; the keys of an admin and of two of finance."""
    _, made = soak.open_program(("admin", "finance", "finance"))
    admin, joined_at = made[0], "2024-12-01T00:00:00Z"
    soak.call_once(admin, "POST", "/v1/plans", SELLER_TEN_PERCENT)
    soak.call_once(admin, "POST", "/v1/plans/plain/1/publish", {"effective_from": joined_at})
    soak.call_once(admin, "POST", "/v1/shops", {"id": "a", "joined_at": joined_at})
    return made


def _sell(soak: Soak, key: str, name: str, paid_at: datetime) -> None:
    sales = range(_SALES)
    events = [settled(f"e{name}-{n}", f"o{name}-{n}", "a", line(_SOLD_MINOR), paid_at=paid_at) for n in sales]
    soak.service.post(key, events)


def _pay(soak: Soak, first: str, second: str, payout_id: str) -> None:
    """One batch: made by one key, approved by another, paid."""
    service, up_to = soak.service, datetime.now(UTC).isoformat()
    draft: dict[str, Any] = {"id": payout_id, "up_to": up_to}
    made = service.call_until_done(first, "POST", "/v1/payouts", draft, _WAITS_S)
    if made["count"]:
        path = f"/v1/payouts/{payout_id}"
        service.call_until_done(second, "POST", f"{path}/approve", None, _WAITS_S)
        results = {"results": [{"shop_id": "a", "status": "paid"}]}
        service.call_until_done(second, "POST", f"{path}/results", results, _WAITS_S)
