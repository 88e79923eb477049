"""What is refused of orders, their events, refunds and groups, or waits for what has not come yet."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class OrderUnknown(NamedRefusal, code="order_unknown", status=404):
    """Nothing is known of an order."""

    said = Said("There is no order {id}.", "没有订单 {id}。")
    id: str


class OrderConflict(NamedRefusal, code="order_conflict", status=409):
    """The order is known with other content."""

    said = Said("The order is known with other content.", "订单已存在且内容不同。")


class EventUnknown(NamedRefusal, code="event_unknown", status=404):
    """No event of that id was accepted."""

    said = Said("There is no event {id}.", "没有事件 {id}。")
    id: str


class EventNotFailed(NamedRefusal, code="event_not_failed", status=409):
    """Only what has failed is tried again."""

    said = Said("Only a failed event can be retried.", "只有失败的事件可以重试。")


class CurrencyMismatch(NamedRefusal, code="currency_mismatch", status=422):
    """The order is not in the currency of the plan in force."""

    said = Said(
        "The order is in {currency}, the plan in {expected}.", "订单货币 {currency} 与方案货币 {expected} 不符。"
    )
    currency: str
    expected: str


class LineUnknown(NamedRefusal, code="line_unknown", status=422):
    """A refund names a line that the order does not have."""

    said = Said("The order has no line {line}.", "订单没有行 {line}。")
    line: str


class RefundExceeds(NamedRefusal, code="refund_exceeds", status=422):
    """More is given back than is left: of a line, or of the order where none is named. In minor units."""

    said = Said("Line {line}: {amount} is more than the {left} left.", "行 {line}：退款 {amount} 超过剩余 {left}。")
    of_order = Said("{amount} is more than the {left} left of the order.", "{amount} 超过订单剩余的 {left}。")
    line: str | None = None
    amount: int
    left: int


class RefundAmbiguous(NamedRefusal, code="refund_ambiguous", status=422):
    """Several orders have a refund of that id."""

    said = Said(
        "Refunds of several orders are called {id}: name the order_id.",
        "多个订单有编号为 {id} 的退款：请注明 order_id。",
    )
    id: str


class RefundUndoneBefore(NamedRefusal, code="refund_undone", status=409):
    """The refund was undone, and comes again after that."""

    said = Said(
        "The refund {id} was undone before: refund again under another id.",
        "退款 {id} 此前已被撤销：请用另一个编号再次退款。",
    )
    id: str


class RefundConflict(NamedRefusal, code="refund_conflict", status=409):
    """The refund is known with other content."""

    said = Said("The refund {id} is known with other content.", "退款 {id} 已存在且内容不同。")
    id: str


class GroupConflict(NamedRefusal, code="group_conflict", status=409):
    """The group was decided the other way, for ever."""

    said = Said("The group {id} has been decided the other way.", "拼团 {id} 已有相反的结果。")
    id: str


class Poison(NamedRefusal, code="poison", status=422):
    """The event brings down whoever works on it."""

    said = Said("The event could not be worked on: {reason}", "事件无法处理：{reason}")
    reason: str


class WaitsForOrder(NamedRefusal, code="waits_for_order", status=202):
    """The event is about an order that has not come."""

    said = Said("Waits for the order {id}.", "等待订单 {id}。")
    id: str


class WaitsForRefund(NamedRefusal, code="waits_for_refund", status=202):
    """The event undoes a refund that has not come."""

    said = Said("Waits for the refund {id}.", "等待退款 {id}。")
    id: str


class WaitsForShop(NamedRefusal, code="waits_for_shop", status=202):
    """The order names a shop that has not been registered."""

    said = Said("Waits for the shop {id}.", "等待店铺 {id} 注册。")
    id: str


class WaitsForGroup(NamedRefusal, code="waits_for_group", status=202):
    """The order settles once its group has succeeded."""

    said = Said("Waits for the group {id} to succeed.", "等待拼团 {id} 成功。")
    id: str
