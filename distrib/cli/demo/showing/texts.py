"""What the demo says, in English and in Chinese. Words only; no figure is worked out here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from distrib.cli.demo.showing.texts_money import MONEY_TEXTS

Say: TypeAlias = Callable[[str], str]

TEXTS: dict[str, tuple[str, str]] = {
    "reading": ("reading the file", "读取数据文件"),
    "registering": ("registering shops", "注册店铺"),
    "posting": ("posting orders and refunds", "提交订单与退款"),
    "settling": ("settling", "结算"),
    "reading_back": ("reading statements back", "读取对账单"),
    "auditing": ("auditing", "审计"),
    "starting": ("starting the servers", "启动服务"),
    "real": ("real", "真实"),
    "invented": ("INVENTED", "虚构"),
    "recipe": ("by a seeded recipe, seed {seed}: docs/demo.md", "由固定种子 {seed} 的配方生成：docs/demo.md"),
    "invented_again": (
        "What of this is invented: {what}. The orders are real.",
        "以上内容中属虚构的：{what}。订单是真实的。",
    ),
    "program": ("program", "分销计划"),
    "earlier": (
        "earlier runs stay as they are, history is never deleted: {codes}",
        "历史从不删除，之前的运行保留：{codes}",
    ),
    "plan": ("plan", "方案"),
    "in_force": ("ranks {ranks}; in force from {at}", "等级 {ranks}；自 {at} 起生效"),
    "shops": ("shops", "店铺"),
    "tree": ("{roots} roots, {levels} levels", "{roots} 个根，{levels} 级"),
    "happened": ("What happened", "经过"),
    "figure": ("", ""),
    "count": ("count", "数量"),
    "amount": ("amount", "金额"),
    "rate": ("per second", "每秒"),
    "events_accepted": ("events accepted over HTTP", "经 HTTP 接收的事件"),
    "orders_settled": ("orders settled", "已结算订单"),
    "refunds_invented": ("refunds (invented)", "退款（虚构）"),
    "refunds_real": ("refunds (real credits)", "退款（真实贷记）"),
    "commissions": ("commissions", "佣金"),
    "reversals": ("reversals", "冲回"),
    "promotions": ("promotions to {rank}", "晋升为 {rank}"),
    "left_out": ("Left out of the file", "未采用的记录"),
    "explained": ("Order {id}, explained line by line", "订单 {id} 逐行说明"),
    "order_lines": (
        "paid {paid}, given back {back}; sold by {seller}; status {status}",
        "支付 {paid}，退回 {back}；售出店铺 {seller}；状态 {status}",
    ),
    "nobody": ("nobody", "无"),
    "line": ("line", "行"),
    "rule": ("rule", "规则"),
    "tier": ("tier", "层级"),
    "shop": ("shop", "店铺"),
    "rank": ("rank", "等级"),
    "base": ("base", "基数"),
    "ratio": ("rate", "比例"),
    "reason": ("reason", "原因"),
    "posted": ("posted", "入账"),
    "agrees": ("worked out again from the snapshot: agrees with what was posted", "按快照重算：与入账一致"),
    "disagrees": ("worked out again from the snapshot: DOES NOT AGREE", "按快照重算：与入账不一致"),
    "largest": ("Statement of {month}: the five largest shops", "{month} 对账单：最大的五家店铺"),
    "opening": ("opening", "期初"),
    "earned": ("earned", "赚取"),
    "reversed": ("reversed", "冲回"),
    "closing": ("closing", "期末"),
    "held": ("held", "冻结"),
    "available": ("available", "可用"),
    "orders": ("orders", "订单"),
    "refunds": ("refunds", "退款"),
    "all_shops": ("all {count:,} shops", "全部 {count:,} 家店铺"),
    "audit": ("Audit", "审计"),
    "audit_ok": ("clean: {count} checks hold", "通过：{count} 项检查成立"),
    "audit_failed": ("NOT CLEAN: {names}", "未通过：{names}"),
    "control": ("Control totals", "控制总数"),
    "counted": ("counted on its own", "独立统计"),
    "found": ("distrib", "distrib"),
    "verdict": ("", ""),
    "ok": ("agrees", "一致"),
    "not_ok": ("DIFFERS", "不一致"),
    "all_agree": ("All control totals agree, to the cent.", "所有控制总数一致，分毫不差。"),
    "some_differ": ("Control totals or audit DO NOT agree: see above.", "控制总数或审计不一致，见上。"),
    "look": ("To look at it:", "查看方式："),
    "serve": ("{command}   then open http://127.0.0.1:8000/", "{command}   然后打开 http://127.0.0.1:8000/"),
    "keys": ("API keys (orders, finance, admin)", "API 密钥（orders、finance、admin）"),
    "files": ("statements and payouts as CSV, log of the service", "对账单与打款 CSV、服务日志"),
    "seconds": ("{seconds} s in all", "总用时 {seconds} 秒"),
    # left out of UCI's file
    "credit_lines_without_earlier_sale": ("credit lines without an earlier sale", "没有更早销售的贷记行"),
    "credit_lines_without_customer": ("credit lines without a customer", "没有顾客的贷记行"),
    "credit_lines_not_goods": (
        "credit lines that are no goods (postage, discounts, …)",
        "非商品的贷记行（邮费、折扣等）",
    ),
    "credit_lines_covered_in_part": (
        "credit lines of more than was sold, taken in part",
        "超过销售数量、部分采用的贷记行",
    ),
    "credit_lines_of_sales_given_back_already": (
        "credit lines of sales given back before",
        "所对销售已全部退回的贷记行",
    ),
    "links_worth_nothing": ("refund links of less than a penny", "不足一便士的退款关联"),
    # control totals
    "published_orders": ("orders: as published, in the file", "订单数：公布值与文件"),
    "published_lines": ("lines: as published, in the file", "行数：公布值与文件"),
    "published_customers": ("customers: as published, in the file", "顾客数：公布值与文件"),
    "published_paid_minor": ("amount: as published, in the file", "金额：公布值与文件"),
    "published_refund_links": ("refund links: as known, as linked", "退款关联数：已知值与推定"),
    "published_credit_lines_without_earlier_sale": (
        "credits without earlier sale: as known, in the file",
        "无更早销售的贷记：已知值与文件",
    ),
    "lines": ("lines in the file, posted", "行数：文件与提交"),
    "paid_minor": ("amount in the file, of settled orders", "金额：文件与已结算"),
    "refunded_minor": ("refunds told, worked on: amount", "退款金额：提交与处理"),
    "events_done": ("events posted, done", "事件：提交与完成"),
    "events_not_done": ("events not done", "未完成的事件"),
    "statements_earned_minor": ("commissions in the ledger, in the statements", "佣金：账本与对账单"),
    "statements_reversed_minor": ("reversals in the ledger, in the statements", "冲回：账本与对账单"),
    "statements_closing_minor": ("ledger's balance, last closing", "余额：账本与末期期末"),
    "exports_earned_and_reversed_minor": ("statements, their CSV files", "对账单与其 CSV 文件"),
    **MONEY_TEXTS,
}


def speaker(language: str) -> Say:
    """Says the text of a key in ``zh`` or English; a word that has no text is said as it is."""
    place = 1 if language == "zh" else 0
    return lambda key: TEXTS[key][place] if key in TEXTS else key
