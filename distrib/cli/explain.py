"""``distrib explain``: why an order paid what it paid, for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from rich.console import Console

from distrib.bootstrap import open_container
from distrib.cli.output import (
    json_option,
    language_option,
    open_console,
    print_json,
    print_line,
    print_table,
    program_option,
    time_text,
)
from distrib.domain.amounts import show_amount
from distrib.services.orders.explanations import explain_order
from distrib.services.plans.words import REASONS

_WORDS = {
    "order": ("Order", "订单"),
    "pending": ("pending", "待处理"),
    "waiting": ("waiting", "等待中"),
    "failed": ("failed", "失败"),
    "settled": ("settled", "已结算"),
    "cancelled": ("cancelled", "已取消"),
    "group_failed": ("dropped, its group failed", "拼团失败"),
    "partly_refunded": ("partly_refunded", "部分退款"),
    "refunded": ("refunded", "已退款"),
    "plan": ("plan", "方案"),
    "policy": ("policy pack", "合规策略"),
    "people": ("People as of payment", "付款时的人员"),
    "role": ("role", "角色"),
    "seller": ("seller", "销售店铺"),
    "upline": ("upline", "上线"),
    "leader": ("leader", "团长"),
    "opener": ("opener", "开团人"),
    "shop": ("shop", "店铺"),
    "rank": ("rank", "等级"),
    "active": ("active", "有效"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "looks": ("Everyone looked at", "逐行核算"),
    "line": ("line", "行"),
    "rule": ("rule", "规则"),
    "tier": ("tier", "层级"),
    "base": ("base", "基数"),
    "rate": ("rate", "比例"),
    "before_cap": ("before cap", "封顶前"),
    "amount": ("amount", "金额"),
    "posted": ("posted", "已入账"),
    "reason": ("reason", "原因"),
    "paid": ("paid, not settled yet", "已付款，待结算"),
    "paid_amount": ("paid", "实付"),
    "left": ("left", "剩余"),
    "agrees": ("Worked out again, it agrees with what was posted.", "重新核算与已入账一致。"),
    "differs": ("Worked out again, it DIFFERS from what was posted:", "重新核算与已入账不一致："),
    "expected": ("expected", "应为"),
    "what": ("what", "项目"),
    "by_binding": ("Sold by the shop bound to the customer", "由锁定该消费者的店铺成交："),
    "nobody": ("Nobody was looked at.", "未对任何人核算。"),
}
_Say = Callable[[str], str]


@click.command()
@click.argument("order_id", metavar="ORDER")
@program_option
@language_option
@json_option
def explain(order_id: str, program_code: str | None, language: str, as_json: bool) -> None:
    """Why an order paid what it paid, worked out again. 解释一个订单的佣金。

    Exit status 1 where the ledger does not agree.
    """
    with open_container() as container, container.begin() as conn:
        view = explain_order(conn, container.program(conn, program_code), order_id)
    if as_json:
        print_json(view)
    else:
        _show(open_console(), view, 1 if language == "zh" else 0)
    if not view["agrees"]:
        raise SystemExit(1)


def _show(console: Console, view: Mapping[str, Any], place: int) -> None:
    def say(word: str) -> str:
        return _WORDS[word][place]

    _head(console, view, say)
    if view["seller_by"] == "binding":
        print_line(console, f"{say('by_binding')} {view['customer_id'] or ''}".strip())
    if view["error"] is not None:
        print_line(console, view["error"]["detail_zh" if place else "detail"], "yellow")
    if view["reason"] is not None:
        print_line(console, _reason(view["reason"], place), "yellow")
    _people(console, view, say)
    _looks(console, view, say, place)
    _verdict(console, view, say)


def _head(console: Console, view: Mapping[str, Any], say: _Say) -> None:
    currency = view["currency"] or ""
    parts = [f"{say('order')} {view['id']}: {say(view['status'])}"]
    if view["paid_at"] is not None:
        parts.append(time_text(view["paid_at"]))
    if view["paid_minor"] is not None:
        parts.append(f"{say('paid_amount')} {show_amount(view['paid_minor'], currency)} {currency}")
        parts.append(f"{say('left')} {show_amount(view['left_minor'], currency)}")
    if view["plan"] is not None:
        parts.append(f"{say('plan')} {view['plan']['code']}@{view['plan']['version']}")
    if view["policy"]:
        parts.append(f"{say('policy')} {view['policy']}")
    print_line(console, ", ".join(parts), "bold")


def _people(console: Console, view: Mapping[str, Any], say: _Say) -> None:
    columns = {say("role"): False, say("shop"): False, say("rank"): False, say("active"): False}
    rows = []
    for person in view["people"]:
        role, _, tier = person["role"].partition("-")
        is_active = say("yes" if person["is_active"] else "no")
        rows.append((f"{say(role)} {tier}".strip(), person["shop_id"], person["rank"], is_active))
    if rows:
        print_table(console, say("people"), columns, rows)


def _looks(console: Console, view: Mapping[str, Any], say: _Say, place: int) -> None:
    texts, figures = ("line", "rule", "tier", "shop", "rank"), ("base", "rate", "before_cap", "amount", "posted")
    columns = {say(name): False for name in texts} | {say(name): True for name in figures} | {say("reason"): False}
    rows = []
    for look in view["looks"]:
        names = ("base_minor", "amount_before_cap_minor", "amount_minor", "posted_minor")
        base, before, amount, posted = (show_amount(look[name], view["currency"]) for name in names)
        who = (look["line_id"], look["rule"], look["tier"], look["shop_id"], look["rank"])
        rows.append((*who, base, look["rate"], before, amount, posted, _reason(look["reason"], place)))
    if rows:
        print_table(console, say("looks"), columns, rows)
    else:
        print_line(console, say("nobody"))


def _verdict(console: Console, view: Mapping[str, Any], say: _Say) -> None:
    if view["agrees"]:
        print_line(console, say("agrees"), "green")
        return
    names = ("what", "line", "rule", "tier", "shop")
    columns = {say(name): False for name in names} | {say("expected"): True, say("posted"): True}
    keys = ("what", "line_id", "rule", "tier", "shop_id")
    rows = [
        (
            *(row[key] for key in keys),
            show_amount(row["expected_minor"], view["currency"]),
            show_amount(row["posted_minor"], view["currency"]),
        )
        for row in view["differences"]
    ]
    print_table(console, say("differs"), columns, rows)


def _reason(code: str, place: int) -> str:
    text = REASONS.get(code)
    return code if text is None or text[place] == code else f"{code} ({text[place]})"
