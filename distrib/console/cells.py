"""What stands in cells of lists and cards: ids that copy, states as badges, amounts. Words and colours, no rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from markupsafe import Markup

from distrib.console.frame import Work, icon
from distrib.domain.texts import Text
from distrib.languages import render


class State(NamedTuple):
    """A state in words, with its tone and the icon that says the same without colour."""

    words: Text
    tone: str = ""
    mark: str = ""


ORDER_STATES: Final[Mapping[str, State]] = {
    "paid": State(Text("paid", "order"), "blue", "clock"),
    "payment_failed": State(Text("payment failed", "order"), "", "x"),
    "settled": State(Text("settled", "order"), "green", "check"),
    "refunded": State(Text("refunded", "order"), "red", "arrow-back-up"),
    "partly_refunded": State(Text("partly refunded", "order"), "amber", "arrow-back-up"),
    "cancelled": State(Text("cancelled", "order"), "", "x"),
    "group_failed": State(Text("group failed", "order"), "", "x"),
    "waiting": State(Text("waiting", "order"), "amber", "clock"),
    "failed": State(Text("failed", "order"), "red", "alert-triangle"),
    "pending": State(Text("pending", "order"), "amber", "clock"),
}
COMMISSION_STATES: Final[Mapping[str, State]] = {
    "expected": State(Text("expected", "commission"), "blue", "clock"),
    "held": State(Text("held", "commission"), "amber", "lock"),
    "available": State(Text("available", "commission"), "green", "check"),
}
COMMISSION_KINDS: Final[Mapping[str, State]] = {
    "earned": State(Text("earned", "commission"), "green", "plus"),
    "reversed": State(Text("taken back", "commission"), "red", "arrow-back-up"),
    "pool": State(Text("from a pool", "commission"), "green", "coins"),
    "adjusted": State(Text("adjusted by hand", "commission"), "amber", "adjustments"),
}
MONTH_STATES: Final[Mapping[str, State]] = {
    "open": State(Text("open", "month"), "blue", "clock"),
    "proposed": State(Text("proposed, to be confirmed", "month"), "amber", "clock"),
    "closed": State(Text("closed", "month"), "green", "lock"),
}
PAYOUT_STATES: Final[Mapping[str, State]] = {
    "proposed": State(Text("proposed, to be approved", "payout"), "amber", "clock"),
    "approved": State(Text("approved, to be paid", "payout"), "blue", "send"),
    "settled": State(Text("settled", "payout"), "green", "check"),
    "cancelled": State(Text("cancelled", "payout"), "", "x"),
}
LINE_STATES: Final[Mapping[str, State]] = {
    "reserved": State(Text("reserved", "payout line"), "blue", "lock"),
    "paid": State(Text("paid", "payout line"), "green", "check"),
    "failed": State(Text("failed", "payout line"), "red", "x"),
    "returned": State(Text("came back", "payout line"), "red", "arrow-back-up"),
    "cancelled": State(Text("cancelled", "payout line"), "", "x"),
}
WITHDRAWAL_STATES: Final[Mapping[str, State]] = {
    "requested": State(Text("requested", "withdrawal"), "amber", "clock"),
    "approved": State(Text("approved", "withdrawal"), "blue", "check"),
    "in_payout": State(Text("in a batch", "withdrawal"), "blue", "send"),
    "paid": State(Text("paid", "withdrawal"), "green", "check"),
    "failed": State(Text("failed", "withdrawal"), "red", "x"),
    "returned": State(Text("came back", "withdrawal"), "red", "arrow-back-up"),
    "refused": State(Text("refused", "withdrawal"), "red", "ban"),
    "cancelled": State(Text("taken back", "withdrawal"), "", "x"),
}
ADJUSTMENT_STATES: Final[Mapping[str, State]] = {
    "proposed": State(Text("proposed, to be approved", "adjustment"), "amber", "clock"),
    "approved": State(Text("approved", "adjustment"), "green", "check"),
}
UNPAYABLE: Final[Mapping[str, State]] = {
    "payee_missing": State(Text("no payee given", "unpayable"), "amber", "user"),
    "account_missing": State(Text("no account with this channel", "unpayable"), "amber", "building-bank"),
    "shop_frozen": State(Text("shop is frozen", "unpayable"), "red", "lock"),
    "shop_closed": State(Text("shop is closed", "unpayable"), "", "ban"),
    "below_minimum": State(Text("below the batch's least", "unpayable"), "", "x"),
    "below_channel_minimum": State(Text("below the channel's least", "unpayable"), "", "x"),
    "above_channel_maximum": State(Text("above the channel's most", "unpayable"), "amber", "alert-triangle"),
    "exceeds_available": State(Text("more than is available", "unpayable"), "red", "x"),
    "nothing_available": State(Text("nothing is available", "unpayable"), "", "x"),
}
EVENT_STATES: Final[Mapping[str, State]] = {
    "pending": State(Text("pending", "event"), "blue", "clock"),
    "waiting": State(Text("waiting", "event"), "amber", "clock"),
    "done": State(Text("done", "event"), "green", "check"),
    "failed": State(Text("failed", "event"), "red", "alert-triangle"),
}
PLAN_STATES: Final[Mapping[str, State]] = {
    "in_force": State(Text("in force", "plan"), "green", "check"),
    "coming": State(Text("coming", "plan"), "blue", "clock"),
    "former": State(Text("former", "plan"), "", "history"),
    "draft": State(Text("draft", "plan"), "amber", "file-text"),
}
SEVERITIES: Final[Mapping[str, State]] = {
    "refuse": State(Text("refused"), "red", "ban"),
    "sign_off": State(Text("needs a sign-off"), "amber", "alert-triangle"),
    "alert": State(Text("alert"), "amber", "alert-circle"),
    "info": State(Text("for information"), "blue", "help-circle"),
}
FINDING_SEVERITIES: Final[Mapping[str, State]] = {
    "refuse": State(Text("refused"), "red", "ban"),
    "hold": State(Text("hold"), "red", "lock"),
    "sign_off": State(Text("needs a sign-off"), "amber", "alert-triangle"),
    "alert": State(Text("alert"), "amber", "alert-circle"),
    "info": State(Text("for information"), "blue", "help-circle"),
}
CASE_STATES: Final[Mapping[str, State]] = {
    "open": State(Text("open", "case"), "amber", "clock"),
    "frozen": State(Text("frozen", "case"), "red", "lock"),
    "released": State(Text("released", "case"), "green", "check"),
    "dismissed": State(Text("dismissed", "case"), "", "x"),
}
PENALTY_STATES: Final[Mapping[str, State]] = {
    "in_force": State(Text("in force", "penalty"), "red", "alert-triangle"),
    "lapsed": State(Text("lapsed", "penalty"), "", "history"),
    "withdrawn": State(Text("withdrawn", "penalty"), "", "arrow-back-up"),
}
CHANGE_STATES: Final[Mapping[str, State]] = {
    "open": State(Text("waiting", "change"), "amber", "clock"),
    "due": State(Text("in force by itself", "change"), "green", "check"),
    "approved": State(Text("approved", "change"), "green", "check"),
    "cancelled": State(Text("cancelled", "change"), "", "x"),
    "replaced": State(Text("replaced", "change"), "", "history"),
    "erased": State(Text("erased", "change"), "", "trash"),
    "proposer_revoked": State(Text("its proposer has ended", "change"), "", "ban"),
    "refused": State(Text("refused", "change"), "red", "ban"),
}
WEBHOOK_STATES: Final[Mapping[str, State]] = {
    "enabled": State(Text("enabled", "webhook"), "green", "check"),
    "disabled": State(Text("disabled", "webhook"), "red", "ban"),
}
DELIVERY_STATES: Final[Mapping[str, State]] = {
    "pending": State(Text("on its way", "delivery"), "blue", "clock"),
    "delivered": State(Text("delivered", "delivery"), "green", "check"),
    "failed": State(Text("failed", "delivery"), "red", "alert-triangle"),
}
KEY_STATES: Final[Mapping[str, State]] = {
    "active": State(Text("active", "key"), "green", "check"),
    "expired": State(Text("expired", "key"), "amber", "clock"),
    "ended": State(Text("ended", "key"), "", "ban"),
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


def state_badge(states: Mapping[str, State], code: str | None, language: str) -> Markup:
    """A state as a badge; one that nobody put into words stands as it is."""
    if code is None:
        return Markup("")
    state = states.get(code)
    if state is None:
        return Markup('<span class="badge tone-plain">{}</span>').format(code)
    mark = icon(state.mark) if state.mark else Markup("")
    tone = state.tone or "plain"
    return Markup('<span class="badge tone-{}">{} {}</span>').format(tone, mark, render(state.words, language))


def options_of(states: Mapping[str, State]) -> list[tuple[str, Text | str]]:
    """The states as a filter's choices."""
    return [(code, state.words) for code, state in states.items()]


def id_cell(work: Work, value: str | None, endpoint: str = "", **path: str) -> Markup:
    """An id that leads to its page and copies on a click."""
    if not value:
        return Markup("")
    label = work.say(Text("Copy {id}", id=value))
    shown = Markup("{}").format(value)
    if endpoint:
        address = work.url(endpoint, **path)
        shown = Markup('<a href="{}">{}</a>').format(address, value)
    return Markup(
        '<span class="id">{}<button type="button" class="copy" data-copy="{}" aria-label="{}">{}</button></span>'
    ).format(shown, value, label, icon("copy"))


def shop_cell(work: Work, shop_id: str | None) -> Markup:
    """A shop's id, which leads to its card where the console has one."""
    if shop_id is not None and work.has_page("shop"):
        return id_cell(work, shop_id, "shop", shop_id=shop_id)
    return id_cell(work, shop_id)


def money_cell(work: Work, amount_minor: int | None, *, signed: bool = False) -> Markup:
    """An amount in the program's currency; below zero in red, with its minus."""
    if amount_minor is None:
        return Markup("")
    words = work.reader.signed(amount_minor) if signed else work.reader.money(amount_minor)
    below = " below" if amount_minor < 0 else ""
    return Markup('<span class="amount{}">{}</span>').format(below, words)
