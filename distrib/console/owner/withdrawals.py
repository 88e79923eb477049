"""Withdrawals (提现): the form within the program's rules, and what became of those that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from secrets import token_hex
from typing import Any, Final, NamedTuple

from flask import Blueprint, url_for

from distrib.console.owner.frame import Leaf, Onward, OwnerVisit, deed, leaf
from distrib.console.owner.payees import known_payee
from distrib.domain.currencies import decimals_of
from distrib.domain.errors import Problem, Refusal
from distrib.domain.money import MAX_MINOR
from distrib.domain.payouts.refusals import PayeeMissing, ShopFrozen
from distrib.domain.texts import Text

LISTED: Final = "20"


class RequestState(NamedTuple):
    """A state in words, with its tone."""

    words: Text
    tone: str


STATES: Final[Mapping[str, RequestState]] = {
    "requested": RequestState(Text("waits for the platform", "withdrawal"), "amber"),
    "approved": RequestState(Text("approved, will be paid", "withdrawal"), "blue"),
    "in_payout": RequestState(Text("being paid", "withdrawal"), "blue"),
    "paid": RequestState(Text("paid", "withdrawal"), "green"),
    "failed": RequestState(Text("could not be paid; the money is back here", "withdrawal"), "red"),
    "returned": RequestState(Text("came back; the money is here again", "withdrawal"), "red"),
    "refused": RequestState(Text("not approved", "withdrawal"), "red"),
    "cancelled": RequestState(Text("taken back by you", "withdrawal"), "plain"),
}
_TOO_MUCH = Text("You can withdraw {amount} at the most now.", "owner")
_LEAST = Text("A withdrawal is at least {amount}.", "owner")
_MOST = Text("A withdrawal is at most {amount}.", "owner")
_NO_AMOUNT = Text("Type an amount such as {example}.", "owner")
_NO_PAYEE = Text("The platform has no account yet to pay you to. Give it one in the platform's app.", "owner")
_FROZEN = Text("The shop is frozen: nothing can be withdrawn. Ask the platform.", "owner")
_SAID: Final = {PayeeMissing.code: _NO_PAYEE, ShopFrozen.code: _FROZEN}


def withdrawal_pages(blueprint: Blueprint) -> None:
    """Adds the page of withdrawals, the request and its taking back."""

    @leaf(blueprint, "/withdraw")
    def withdraw(visit: OwnerVisit) -> Leaf:
        page = visit.call("list_withdrawals", query={"limit": LISTED, "cursor": visit.query.get("cursor", "")})
        rows = page["data"]
        available = visit.own("get_balance")["available_minor"]
        waiting = sum(row["amount_minor"] for row in rows if row["status"] in ("requested", "approved"))
        return Leaf(
            "withdraw.html",
            {
                "available_minor": available,
                "free_minor": max(0, available - waiting),
                "waiting_minor": waiting,
                "rules": visit.desk.program.withdrawals,
                "payee": known_payee(visit),
                "hold_days": visit.desk.program.payee_hold_days,
                "rows": rows,
                "next": page["next_cursor"],
                "state": lambda code: (visit.say(STATES[code].words), STATES[code].tone),
                "request_id": f"w-{token_hex(12)}",
                "typed": visit.form.get("amount", ""),
            },
            "wallet",
        )

    @deed(blueprint, "/withdraw", withdraw)
    def request_money(visit: OwnerVisit) -> Onward:
        body = {"id": visit.form.get("id", ""), "amount_minor": _amount(visit)}
        try:
            visit.call("request_withdrawal", body)
        except Refusal as refusal:
            raise refusal.listing(_said(visit, refusal)) from None
        return Onward(url_for("owner.withdraw", done="asked"))

    @deed(blueprint, "/withdraw/cancel", withdraw)
    def cancel_request(visit: OwnerVisit) -> Onward:
        visit.call("cancel_withdrawal", withdrawal_id=visit.form.get("id", ""))
        return Onward(url_for("owner.withdraw", done="cancelled"))


def _amount(visit: OwnerVisit) -> int:
    """Reads what was typed in major units as minor ones; no digit is rounded away."""
    decimals = decimals_of(visit.reader.currency)
    text = visit.form.get("amount", "").strip().replace(",", "").replace("，", "").lstrip(visit.symbol)
    try:
        minor = Decimal(text).scaleb(decimals)
    except InvalidOperation:
        minor = Decimal(-1)
    if not minor.is_finite() or minor != minor.to_integral_value() or not 0 < minor <= MAX_MINOR:
        example = visit.reader.money(10 * 10**decimals)
        raise Refusal("invalid", [Problem("amount", _NO_AMOUNT.with_params(example=example))])
    return int(minor)


def _said(visit: OwnerVisit, refusal: Refusal) -> list[Problem]:
    """What stands against a withdrawal in the owner's words: amounts with their currency."""
    if refusal.code in _SAID:
        return [Problem("", _SAID[refusal.code])]
    return [Problem(entry.pointer, _with_amounts(visit, entry.detail)) for entry in refusal.problems]


def _with_amounts(visit: OwnerVisit, detail: Any) -> Any:
    """The same with amounts in major units."""
    params: Mapping[str, Any] = getattr(detail, "params", {})
    for name, words in (("available_minor", _TOO_MUCH), ("least_minor", _LEAST), ("most_minor", _MOST)):
        if name in params:
            return words.with_params(amount=visit.money(params[name]))
    return detail
