"""What stands in cells of lists and cards: ids that copy, states as badges, amounts. Words and colours, no rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from markupsafe import Markup

from distrib.console.frame import Visit, icon
from distrib.domain.texts import Text
from distrib.languages import render


class BadgeState(NamedTuple):
    """A state in words, with its tone and the icon that says the same without colour."""

    words: Text
    tone: str = ""
    mark: str = ""


ORDER_STATES: Final[Mapping[str, BadgeState]] = {
    "paid": BadgeState(Text("paid", "order"), "blue", "clock"),
    "payment_failed": BadgeState(Text("payment failed", "order"), "", "x"),
    "settled": BadgeState(Text("settled", "order"), "green", "check"),
    "refunded": BadgeState(Text("refunded", "order"), "red", "arrow-back-up"),
    "partly_refunded": BadgeState(Text("partly refunded", "order"), "amber", "arrow-back-up"),
    "cancelled": BadgeState(Text("cancelled", "order"), "", "x"),
    "group_failed": BadgeState(Text("group failed", "order"), "", "x"),
    "waiting": BadgeState(Text("waiting", "order"), "amber", "clock"),
    "failed": BadgeState(Text("failed", "order"), "red", "alert-triangle"),
    "pending": BadgeState(Text("pending", "order"), "amber", "clock"),
}
SHOP_STATES: Final[Mapping[str, BadgeState]] = {
    "pending": BadgeState(Text("pending", "shop"), "amber", "clock"),
    "active": BadgeState(Text("active", "shop"), "green", "check"),
    "frozen": BadgeState(Text("frozen", "shop"), "amber", "lock"),
    "closed": BadgeState(Text("closed", "shop"), "", "x"),
}
COMMISSION_STATES: Final[Mapping[str, BadgeState]] = {
    "expected": BadgeState(Text("expected", "commission"), "blue", "clock"),
    "held": BadgeState(Text("held", "commission"), "amber", "lock"),
    "available": BadgeState(Text("available", "commission"), "green", "check"),
}
COMMISSION_KINDS: Final[Mapping[str, BadgeState]] = {
    "earned": BadgeState(Text("earned", "commission"), "green", "plus"),
    "reversed": BadgeState(Text("taken back", "commission"), "red", "arrow-back-up"),
    "pool": BadgeState(Text("from a pool", "commission"), "green", "coins"),
    "adjusted": BadgeState(Text("adjusted by hand", "commission"), "amber", "adjustments"),
}
MONTH_STATES: Final[Mapping[str, BadgeState]] = {
    "open": BadgeState(Text("open", "month"), "blue", "clock"),
    "proposed": BadgeState(Text("proposed, to be confirmed", "month"), "amber", "clock"),
    "closed": BadgeState(Text("closed", "month"), "green", "lock"),
}
PAYOUT_STATES: Final[Mapping[str, BadgeState]] = {
    "proposed": BadgeState(Text("proposed, to be approved", "payout"), "amber", "clock"),
    "approved": BadgeState(Text("approved, to be paid", "payout"), "blue", "send"),
    "settled": BadgeState(Text("settled", "payout"), "green", "check"),
    "cancelled": BadgeState(Text("cancelled", "payout"), "", "x"),
}
LINE_STATES: Final[Mapping[str, BadgeState]] = {
    "reserved": BadgeState(Text("reserved", "payout line"), "blue", "lock"),
    "paid": BadgeState(Text("paid", "payout line"), "green", "check"),
    "failed": BadgeState(Text("failed", "payout line"), "red", "x"),
    "returned": BadgeState(Text("came back", "payout line"), "red", "arrow-back-up"),
    "cancelled": BadgeState(Text("cancelled", "payout line"), "", "x"),
}
WITHDRAWAL_STATES: Final[Mapping[str, BadgeState]] = {
    "requested": BadgeState(Text("requested", "withdrawal"), "amber", "clock"),
    "approved": BadgeState(Text("approved", "withdrawal"), "blue", "check"),
    "in_payout": BadgeState(Text("in a batch", "withdrawal"), "blue", "send"),
    "paid": BadgeState(Text("paid", "withdrawal"), "green", "check"),
    "failed": BadgeState(Text("failed", "withdrawal"), "red", "x"),
    "returned": BadgeState(Text("came back", "withdrawal"), "red", "arrow-back-up"),
    "refused": BadgeState(Text("refused", "withdrawal"), "red", "ban"),
    "cancelled": BadgeState(Text("taken back", "withdrawal"), "", "x"),
}
ADJUSTMENT_STATES: Final[Mapping[str, BadgeState]] = {
    "proposed": BadgeState(Text("proposed, to be approved", "adjustment"), "amber", "clock"),
    "approved": BadgeState(Text("approved", "adjustment"), "green", "check"),
}
TASK_STATES: Final[Mapping[str, BadgeState]] = {
    "waiting": BadgeState(Text("waits for a worker", "task"), "amber", "clock"),
    "running": BadgeState(Text("under way", "task"), "blue", "player-play"),
    "done": BadgeState(Text("done", "task"), "green", "check"),
    "failed": BadgeState(Text("failed", "task"), "red", "alert-triangle"),
    "cancelled": BadgeState(Text("cancelled", "task"), "", "x"),
}
UNPAYABLE: Final[Mapping[str, BadgeState]] = {
    "payee_missing": BadgeState(Text("no payee given", "unpayable"), "amber", "user"),
    "account_missing": BadgeState(Text("no account with this channel", "unpayable"), "amber", "building-bank"),
    "shop_frozen": BadgeState(Text("shop is frozen", "unpayable"), "red", "lock"),
    "shop_closed": BadgeState(Text("shop is closed", "unpayable"), "", "ban"),
    "below_minimum": BadgeState(Text("below the batch's least", "unpayable"), "", "x"),
    "below_channel_minimum": BadgeState(Text("below the channel's least", "unpayable"), "", "x"),
    "above_channel_maximum": BadgeState(Text("above the channel's most", "unpayable"), "amber", "alert-triangle"),
    "exceeds_available": BadgeState(Text("more than is available", "unpayable"), "red", "x"),
    "nothing_available": BadgeState(Text("nothing is available", "unpayable"), "", "x"),
}
EVENT_STATES: Final[Mapping[str, BadgeState]] = {
    "pending": BadgeState(Text("pending", "event"), "blue", "clock"),
    "waiting": BadgeState(Text("waiting", "event"), "amber", "clock"),
    "done": BadgeState(Text("done", "event"), "green", "check"),
    "failed": BadgeState(Text("failed", "event"), "red", "alert-triangle"),
}
PLAN_STATES: Final[Mapping[str, BadgeState]] = {
    "in_force": BadgeState(Text("in force", "plan"), "green", "check"),
    "coming": BadgeState(Text("coming", "plan"), "blue", "clock"),
    "former": BadgeState(Text("former", "plan"), "", "history"),
    "draft": BadgeState(Text("draft", "plan"), "amber", "file-text"),
}
SEVERITIES: Final[Mapping[str, BadgeState]] = {
    "refuse": BadgeState(Text("refused"), "red", "ban"),
    "sign_off": BadgeState(Text("needs a sign-off"), "amber", "alert-triangle"),
    "alert": BadgeState(Text("alert"), "amber", "alert-circle"),
    "info": BadgeState(Text("for information"), "blue", "help-circle"),
}
FINDING_SEVERITIES: Final[Mapping[str, BadgeState]] = {
    "refuse": BadgeState(Text("refused"), "red", "ban"),
    "hold": BadgeState(Text("hold"), "red", "lock"),
    "sign_off": BadgeState(Text("needs a sign-off"), "amber", "alert-triangle"),
    "alert": BadgeState(Text("alert"), "amber", "alert-circle"),
    "info": BadgeState(Text("for information"), "blue", "help-circle"),
}
CASE_STATES: Final[Mapping[str, BadgeState]] = {
    "open": BadgeState(Text("open", "case"), "amber", "clock"),
    "frozen": BadgeState(Text("frozen", "case"), "red", "lock"),
    "released": BadgeState(Text("released", "case"), "green", "check"),
    "dismissed": BadgeState(Text("dismissed", "case"), "", "x"),
}
PENALTY_STATES: Final[Mapping[str, BadgeState]] = {
    "in_force": BadgeState(Text("in force", "penalty"), "red", "alert-triangle"),
    "lapsed": BadgeState(Text("lapsed", "penalty"), "", "history"),
    "withdrawn": BadgeState(Text("withdrawn", "penalty"), "", "arrow-back-up"),
}
CHANGE_STATES: Final[Mapping[str, BadgeState]] = {
    "open": BadgeState(Text("waiting", "change"), "amber", "clock"),
    "due": BadgeState(Text("in force by itself", "change"), "green", "check"),
    "approved": BadgeState(Text("approved", "change"), "green", "check"),
    "cancelled": BadgeState(Text("cancelled", "change"), "", "x"),
    "replaced": BadgeState(Text("replaced", "change"), "", "history"),
    "erased": BadgeState(Text("erased", "change"), "", "trash"),
    "proposer_revoked": BadgeState(Text("its proposer has ended", "change"), "", "ban"),
    "refused": BadgeState(Text("refused", "change"), "red", "ban"),
}
WEBHOOK_STATES: Final[Mapping[str, BadgeState]] = {
    "enabled": BadgeState(Text("enabled", "webhook"), "green", "check"),
    "disabled": BadgeState(Text("disabled", "webhook"), "red", "ban"),
}
DELIVERY_STATES: Final[Mapping[str, BadgeState]] = {
    "pending": BadgeState(Text("on its way", "delivery"), "blue", "clock"),
    "delivered": BadgeState(Text("delivered", "delivery"), "green", "check"),
    "failed": BadgeState(Text("failed", "delivery"), "red", "alert-triangle"),
}
KEY_STATES: Final[Mapping[str, BadgeState]] = {
    "active": BadgeState(Text("active", "key"), "green", "check"),
    "expired": BadgeState(Text("expired", "key"), "amber", "clock"),
    "ended": BadgeState(Text("ended", "key"), "", "ban"),
}
ROLES: Final[Mapping[str, Text]] = {
    "admin": Text("Admin", "role"),
    "finance": Text("Finance", "role"),
    "operations": Text("Operations", "role"),
    "compliance": Text("Compliance", "role"),
    "viewer": Text("Viewer", "role"),
    "orders": Text("Order system", "role"),
    "partner": Text("Shop", "role"),
}


def state_badge(states: Mapping[str, BadgeState], code: str | None, language: str) -> Markup:
    """A state as a badge; one that nobody put into words stands as it is."""
    if code is None:
        return Markup("")
    state = states.get(code)
    if state is None:
        return Markup('<span class="badge tone-plain">{}</span>').format(code)
    mark = icon(state.mark) if state.mark else Markup("")
    tone = state.tone or "plain"
    return Markup('<span class="badge tone-{}">{} {}</span>').format(tone, mark, render(state.words, language))


def options_of(states: Mapping[str, BadgeState]) -> list[tuple[str, Text | str]]:
    """The states as a filter's choices."""
    return [(code, state.words) for code, state in states.items()]


def id_cell(visit: Visit, value: str | None, endpoint: str = "", *, name: str = "", **path: str) -> Markup:
    """An id that leads to its page and copies on a click, with the name beside it of what has one."""
    if not value:
        return Markup("")
    label = visit.say(Text("Copy {id}", id=value))
    shown = Markup("{}").format(value)
    if endpoint:
        address = visit.url(endpoint, **path)
        shown = Markup('<a href="{}">{}</a>').format(address, value)
    if name:
        shown += Markup(' <span class="text-secondary">{}</span>').format(name)
    return Markup(
        '<span class="id">{}<button type="button" class="copy" data-copy="{}" aria-label="{}">{}</button></span>'
    ).format(shown, value, label, icon("copy"))


def shop_cell(visit: Visit, shop_id: str | None) -> Markup:
    """A shop's id, which leads to its card, with its name beside it where the page has asked for names."""
    if not shop_id:
        return Markup("")
    return id_cell(visit, shop_id, "shop", name=visit.shop_names.get(shop_id, ""), shop_id=shop_id)


def money_cell(visit: Visit, amount_minor: int | None, *, signed: bool = False) -> Markup:
    """An amount in the program's currency; below zero in red, with its minus."""
    if amount_minor is None:
        return Markup("")
    words = visit.reader.signed(amount_minor) if signed else visit.reader.money(amount_minor)
    below = " below" if amount_minor < 0 else ""
    return Markup('<span class="amount{}">{}</span>').format(below, words)
