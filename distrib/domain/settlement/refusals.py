"""What is refused of an order when its commissions are worked out."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class CostMissing(NamedRefusal, code="cost_missing", status=422):
    """A plan that pays of the margin meets a line without its cost."""

    said = Said("Line {line} has no cost_minor.", "行 {line} 缺少 cost_minor。")
    line: str


class CommissionTooLarge(NamedRefusal, code="commission_too_large", status=422):
    """A rule comes to more than a transfer can carry, in minor units."""

    said = Said(
        "The rule {rule} comes to more than {most} minor units on a line.",
        "规则 {rule} 在一行上的佣金超过 {most} 个最小货币单位。",
    )
    rule: str
    most: int


class CustomerMissing(NamedRefusal, code="customer_missing", status=422):
    """A rule is capped by customer, and the order names none."""

    said = Said(
        "The rule {rule} is capped by customer, and the order names none.",
        "规则 {rule} 按消费者封顶，而订单没有 customer_id。",
    )
    rule: str
