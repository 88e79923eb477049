"""Compliance reports in their reader's form: words in Chinese or English, money, shares, the program's own clock.

One table for the papers and the command line. No figure is worked out here, and no layout may enter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from distrib.domain.amounts import show_amount
from distrib.domain.policies.monitors import RATIOS
from distrib.services.plans.words import SEVERITIES

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Compliance report of {program}", "{program} 合规报告"),
    "as_of": (
        "As of {as_of} ({zone}); amounts in {currency}. Digest {digest}",
        "截至 {as_of}（{zone}），金额单位 {currency}。摘要 {digest}",
    ),
    "packs": ("Policy packs", "合规策略"),
    "caps": ("Caps in force", "生效的上限"),
    "plans": ("Plans", "佣金方案"),
    "structure": ("Structure", "推荐关系结构"),
    "largest_trees": ("Largest trees", "最大的树"),
    "organisers": ("Organisers with several trees", "组织者名下多棵树合并"),
    "findings": ("Findings", "发现"),
    "recorded": ("Findings recorded until then", "截至该时点的记录"),
    "penalties_in_force": ("Penalties in force", "计入的处罚"),
    "cases": ("Cases and decisions", "案件与决定"),
    "sign_offs": ("Sign-offs of local overrides", "本地策略放宽的签署"),
    "none": ("None.", "无。"),
    "nothing_found": ("Nothing was found.", "没有发现。"),
    "version": ("version", "版本"),
    "source": ("source", "依据"),
    "code": ("plan", "方案"),
    "effective_from": ("in force from", "生效时间"),
    "is_in_force": ("in force", "当前生效"),
    "signed_off_by": ("signed off by", "签署人"),
    "tiers": ("uplines paid", "付佣上线数"),
    "order_cap": ("order cap", "订单佣金上限"),
    "hold_days": ("hold days", "冻结天数"),
    "max_tiers": ("most uplines", "上线数上限"),
    "max_tree_levels": ("most levels", "层级上限"),
    "on_excess": ("beyond it", "超出时"),
    "figure": ("figure", "数值"),
    "threshold": ("threshold", "阈值"),
    "id": ("id", "编号"),
    "severity": ("severity", "严重程度"),
    "subject": ("subject", "对象"),
    "detail": ("what it says", "说明"),
    "done": ("what was done", "处理情况"),
    "times": ("times", "次数"),
    "first_at": ("first", "首次"),
    "last_at": ("last", "最近"),
    "case_no": ("case", "案件"),
    "state": ("state", "状态"),
    "opened_at": ("opened", "立案时间"),
    "frozen_minor": ("held", "冻结金额"),
    "decisions": ("decisions", "决定"),
    "pack": ("pack", "策略"),
    "reason": ("reason", "理由"),
    "kind": ("kind", "类别"),
    "decided_on": ("decided on", "决定日期"),
    "lapses_on": ("lapses on", "失效日"),
    "authority": ("authority", "决定机关"),
    "reference": ("reference", "文号"),
    "shop_id": ("shop", "店铺"),
    "loosened": ("loosened", "放宽内容"),
    "recorded_at": ("recorded", "记录时间"),
}
MEASURES: dict[str, tuple[str, str]] = {
    "persons": ("persons", "人数"),
    "levels": ("levels", "层级"),
    "level": ("level", "层级"),
    "refused": ("refused", "拒绝次数"),
    "trees": ("trees", "树"),
    "buyers": ("buyers", "消费者"),
    "levels_with_buyers": ("levels with buyers", "含消费者层级"),
    "entry_minor": ("entry takings", "入门费用"),
    "retail_share": ("retail share", "零售占比"),
    "indirect_share": ("indirect share", "间接佣金占比"),
    "deepest_level": ("deepest level", "最深层级"),
    "deep_trees": ("trees of 3 levels and more", "三级及以上的树"),
    "deep_share": ("shops in them", "其中店铺占比"),
    "entry_share": ("entry share", "入门商品占比"),
    "persons_with_buyers": ("persons with buyers", "含消费者人数"),
    "deepest_level_with_buyers": ("deepest level with buyers", "含消费者最深层级"),
    "sales_minor": ("sales, 12 months", "十二个月销售额"),
    "retail_minor": ("retail sales", "零售销售额"),
    "recent_entry_minor": ("entry takings, 12 months", "十二个月入门费用"),
    "direct_minor": ("direct pay", "直接佣金"),
    "indirect_minor": ("indirect pay", "间接佣金"),
    "fee_or_head_count": ("fee or head count", "入门费或人头计酬"),
    "penalties": ("penalties", "处罚"),
    "recruits_per_buyer": ("new shops per new buyer", "新增店铺与新增消费者之比"),
    "at_rank_threshold": ("shops at the threshold", "恰在门槛的店铺"),
    "share_at_rank_threshold": ("share at the threshold", "恰在门槛占比"),
    "month_retail_share": ("retail share of the month", "本月零售占比"),
    "sponsors_with_few_buyers": ("sponsors with few buyers", "消费者不足的邀请人"),
    "month_earners": ("shops with that income in the month", "当月达到该收入的店铺"),
    "quarter_earners": ("shops with income in the quarter before", "上季度有收入的店铺"),
    "year_payees": ("payees with that much in the year", "当年达到该金额的收款人"),
}
_COUNTED_BY_MONEY = ("month_earners", "quarter_earners", "year_payees")
_VALUES: dict[str, tuple[str, str]] = {
    **SEVERITIES,
    "hold": ("hold", "暂扣立案"),
    "refuse": ("refused", "拒绝"),
    "detach": ("joins as a root", "作为根店铺加入"),
    "administrative": ("administrative", "行政处罚"),
    "criminal": ("criminal", "刑事处罚"),
    "open": ("open", "待决定"),
    "frozen": ("frozen", "已冻结"),
    "released": ("released", "已解冻"),
    "dismissed": ("dismissed", "已驳回"),
    "freeze": ("freeze", "冻结"),
    "release": ("release", "解冻"),
    "reverse": ("reverse", "冲回"),
    "dismiss": ("dismiss", "驳回"),
    "reported": ("reported", "已列报"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
}
_SUBJECTS: dict[str, tuple[str, str]] = {
    "tree": ("tree of", "推荐树"),
    "organiser": ("organiser", "组织者"),
    "plan": ("plan", "方案"),
    "shop": ("shop", "店铺"),
    "program": ("the whole program", "整个分销计划"),
    "more trees": ("more trees", "其余的树"),
}
_CASE, _SIGNED = ("case {case}: {state}", "案件 {case}：{state}"), ("signed off by {by}", "由 {by} 签署")
_EACH = (" (each: {each})", "（每店 {each}）")
_SHARES = RATIOS | {"order_cap"}
_CODED = ("severity", "state", "kind", "on_excess")
_NUMBERS_OF_THINGS = ("case_no", "version")
_MEASURED = re.compile(r"\b([a-z][a-z0-9_]*)( [≥><])? ([0-9.]+)")
_EACH_TOLD = re.compile(r" \(each: ([0-9]+)\)")


class Reader:
    """Tells a report's words and values to one reader.

    Args:
        language: ``zh``, or English.
    """

    def __init__(self, language: str, currency: str, time_zone: str) -> None:
        self._place = 1 if language == "zh" else 0
        self._currency, self._zone = currency, ZoneInfo(time_zone)
        self._special: dict[str, Callable[[Any], str]] = {
            "figure": self._measured,
            "threshold": self._measured,
            "subject": self._subject,
            "decisions": lambda decisions: "; ".join(map(self._decision, decisions)),
            "loosened": "; ".join,
        }

    def say(self, word: str, **params: object) -> str:
        """A heading, the name of a column or of a measure."""
        return (MEASURES.get(word) or WORDS[word])[self._place].format_map(params)

    def cell(self, row: Mapping[str, Any], name: str) -> str:
        """A row's value as the reader reads it."""
        if name == "done":
            return self._done(row)
        return self.value(name, row["detail_zh" if self._place else "detail_en"] if name == "detail" else row[name])

    def value(self, name: str, value: Any) -> str:
        """A value by its name: amounts in the currency, shares in percent, times by the program's clock; – for None."""
        if value is None:
            return "–"
        if name in self._special:
            return self._special[name](value)
        if isinstance(value, bool):
            return self._coded("yes" if value else "no")
        if isinstance(value, datetime):
            at = value.astimezone(self._zone).replace(tzinfo=None)
            return at.isoformat(" ", "auto" if name == "as_of" else "seconds")  # a report is asked for again by as_of
        if name in _CODED:
            return self._coded(str(value))
        return self._figure(name, str(value)) if _is_figure(name, value) else str(value)

    def _coded(self, code: str) -> str:
        return _VALUES[code][self._place] if code in _VALUES else code

    def _figure(self, name: str, digits: str) -> str:
        if name in _SHARES:
            return f"{(Decimal(digits) * 100).quantize(Decimal('0.01'), ROUND_DOWN)} %"
        if not digits.removeprefix("-").isdigit():
            return digits
        return show_amount(int(digits), self._currency) if name.endswith("_minor") else f"{int(digits):,}"

    def _measured(self, text: str) -> str:
        """``persons 119, levels ≥ 3`` in words; what is no measure stays as it is."""

        def one(found: re.Match[str]) -> str:
            name, sign, digits = found.groups()
            return f"{self.say(name)}{sign or ''} {self._figure(name, digits)}" if name in MEASURES else found[0]

        return _EACH_TOLD.sub(lambda each: self._each(each[1], text), _MEASURED.sub(one, text))

    def _each(self, digits: str, text: str) -> str:
        is_money = any(measure in text for measure in _COUNTED_BY_MONEY)
        return _EACH[self._place].format(each=self._figure("each_minor" if is_money else "each", digits))

    def _subject(self, text: str) -> str:
        kind, _, rest = text.partition(":")
        return f"{_SUBJECTS[kind][self._place]} {rest}".rstrip() if kind in _SUBJECTS else text

    def _done(self, finding: Mapping[str, Any]) -> str:
        """What was done about a finding of a report."""
        if finding["case_no"] is not None:
            return _CASE[self._place].format(case=finding["case_no"], state=self._coded(finding["case_state"]))
        if finding["signed_off_by"] is not None:
            return _SIGNED[self._place].format(by=finding["signed_off_by"])
        return self._coded("reported")

    def _decision(self, decision: Mapping[str, Any]) -> str:
        at = self.value("recorded_at", decision["recorded_at"])
        return f"{self._coded(decision['decision'])} {at} {decision['decided_by']}: {decision['reason']}"


def _is_figure(name: str, value: object) -> bool:
    """Whether a value is a number to be read as one; a share comes as a decimal string."""
    return name in _SHARES or (isinstance(value, int) and name not in _NUMBERS_OF_THINGS)
