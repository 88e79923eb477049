"""The words of plans, findings and explanations for people, English and Chinese: one table for the command line and the
console. What a code means is decided elsewhere; sentences and layout must not enter.
"""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    "paid": ("paid", "已付"),
    "no_upline": ("nobody sits there", "无上线"),
    "inactive": ("not active then", "当时未生效"),
    "rank_not_in_rate": ("the rank has no rate", "等级不在比例表"),
    "requires_not_met": ("requirements not met", "未达条件"),
    "tier_cap": ("beyond the tiers allowed", "超出允许层级"),
    "self_purchase": ("own purchase", "自购"),
    "no_difference": ("no difference in rate", "无级差"),
    "rule_cap": ("cap of the rule", "规则封顶"),
    "order_cap": ("cap of the order", "订单封顶"),
    "entry_sku": ("entry line", "入门商品"),
    "policy": ("forbidden by the pack", "合规策略不允许"),
    "order_cancelled": ("the order was cancelled", "订单已取消"),
    "group_failed": ("its group failed", "拼团失败"),
    "no_shop": ("no shop sold it", "没有归属店铺"),
    "nobody_earned": ("no rule paid anybody", "没有规则付给任何人"),
}
"""Why somebody was paid or not, by the reason code of an explanation."""
SEVERITIES: dict[str, tuple[str, str]] = {
    "refuse": ("refused", "拒绝"),
    "sign_off": ("needs a sign-off", "须签署"),
    "alert": ("alert", "提醒"),
    "info": ("for information", "提示"),
}
"""What a finding of a policy pack does to a plan."""
