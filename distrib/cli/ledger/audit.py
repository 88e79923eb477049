"""``distrib audit``: checks every invariant of a program; 1 and a list where one fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
)
from distrib.services.audit.run import audit_view, enter_snapshot, run_audit

_WORDS = {
    "title": ("Audit of {program} as of {as_of}", "分销计划 {program} 的审计，{as_of}"),
    "check": ("check", "检查"),
    "meaning": ("what must hold", "应当成立"),
    "looked_at": ("looked at", "核对数"),
    "wrong": ("wrong", "错误数"),
    "verdict": ("verdict", "结论"),
    "ok": ("holds", "成立"),
    "failed": ("FAILS", "不成立"),
    "clean": ("Clean: every check holds.", "通过：所有检查成立。"),
    "not_clean": ("NOT clean.", "未通过。"),
    "rows": ("{name}: the first of {wrong}", "{name}：共 {wrong} 项，前几项"),
}
CHECK_MEANINGS = {
    "transfers_match_account_months": ("running totals are what the transfers add up to", "累计数等于流水之和"),
    "transfers_balanced": ("every transfer has two sides; all accounts add up to 0", "借贷两方齐全，总和为零"),
    "reversals_within_earned": ("no more is taken back than was earned", "冲回不超过所得"),
    "transfers_dated": ("dates, holds and months follow from the events", "日期、冻结与账期来自事件"),
    "plan_in_force": ("each order has the plan in force when it was paid", "订单用付款时生效的方案"),
    "events_accounted_for": ("every accepted event is done, parked or queued", "每个事件都有下落"),
    "one_settlement_per_order": ("each order settled once, from its own event", "每个订单只结算一次"),
    "order_lives": ("payments, cancels and drops fit their events and each other", "付款、取消与作废前后一致"),
    "groups_heeded": ("group orders settle when their group has succeeded", "拼团成功后才结算"),
    "expected_recompute": ("what is expected, worked out again, is the same", "预计佣金重新核算一致"),
    "tree_acyclic_and_levels": ("no loops; levels and uplines follow from the sponsors", "推荐关系无环、层级正确"),
    "tree_within_policy": ("no deeper than the policy pack allows", "层级不超过合规策略"),
    "sponsors_projection": ("sponsors are those of the newest dated row", "邀请人与历史一致"),
    "statuses_projection": ("statuses are those of the newest dated row", "状态与历史一致"),
    "ranks_projection": ("ranks are those of the newest dated row", "等级与历史一致"),
    "ids_unique": ("no id stands twice", "编号不重复"),
    "orders_recompute": ("every order worked out again comes to what was posted", "每个订单重新核算一致"),
    "refunds_within_paid": ("no line gave back more than was paid", "退款不超过实付"),
    "rule_totals_match": ("what caps count is what was posted", "封顶累计与入账一致"),
    "order_cap_kept": ("no order pays above its cap", "订单佣金不超过封顶"),
    "balances_without_gaps": ("every posting moved its running totals once", "每次入账恰好更新一次累计数"),
    "transfers_rest_on_causes": ("every transfer has the order or payout it names", "每笔流水都有其来源"),
    "payouts_rest_on_lines": ("paid and withheld is what lines and results say", "打款与扣税与明细及结果一致"),
    "reserved_within_available": ("no payout line was made of money that was not there", "打款不超过当时可用金额"),
    "one_currency": ("every published plan is in the program's currency", "方案货币与分销计划一致"),
    "deliveries_accounted_for": ("every webhook delivery has its message and its log", "每次投递都有消息与记录"),
    "seals_unbroken": ("every seal over the transfers holds", "流水封存链完好"),
    "statements_add_up": ("every month's statement adds up and follows the last", "对账单逐月相符"),
    "closed_statements_match_transfers": ("closed statements are what the ledger adds up to", "已结账数据与流水相符"),
    "periods_closed_in_sequence": ("months are closed one after the other, by two keys", "账期依次由两人结账"),
    "closed_digests_hold": ("closed files come to the digest that was fixed", "已结账文件与摘要相符"),
}


@click.command()
@program_option
@language_option
@json_option
def audit(program_code: str | None, language: str, as_json: bool) -> None:
    """Check every invariant; exit status 1 where one fails. 检查所有不变式。"""
    with open_container() as container:
        with container.begin() as conn:
            program = container.program(conn, program_code)
        with container.begin() as conn:
            enter_snapshot(conn)
            result = audit_view(run_audit(conn, program, container.now(), container.policies))
    if as_json:
        print_json(result)
    else:
        _show(open_console(), program.code, result, 1 if language == "zh" else 0)
    if not result["ok"]:
        raise SystemExit(1)


def _show(console: Console, program: str, result: Mapping[str, Any], place: int) -> None:
    def say(word: str) -> str:
        return _WORDS[word][place]

    columns = {say("check"): False, say("meaning"): False, say("looked_at"): True, say("wrong"): True}
    rows = [
        (
            check["name"],
            CHECK_MEANINGS.get(check["name"], ("", ""))[place],
            f"{check['figure']:,}",
            f"{check['wrong']:,}",
            say("ok" if check["ok"] else "failed"),
        )
        for check in result["checks"]
    ]
    title = say("title").format(program=program, as_of=result["as_of"])
    print_table(console, title, columns | {say("verdict"): False}, rows)
    for check in result["checks"]:
        if not check["ok"]:
            print_line(console, say("rows").format(name=check["name"], wrong=check["wrong"]), "bold red")
            for row in check["rows"]:
                print_line(console, "  " + json.dumps(row, ensure_ascii=False, default=str))
    print_line(console, say("clean" if result["ok"] else "not_clean"), "green" if result["ok"] else "bold red")
