"""What is refused of customers, of whose they are, and of merging them."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class CustomerUnknown(NamedRefusal, code="customer_unknown", status=404):
    """Nothing was ever said of the customer."""

    said = Said("Nothing is known of the customer {id}.", "没有消费者 {id} 的记录。")
    id: str


class BindingShopUnknown(NamedRefusal, code="binding_shop_unknown", status=422):
    """A customer is said to be of a shop that is not known."""

    said = Said("There is no shop {id} to name.", "要指定的店铺 {id} 不存在。")
    id: str


class CustomerMergedIntoItself(NamedRefusal, code="customer_merged_into_itself", status=422):
    """A merge names one customer twice."""

    said = Said("The customer {id} cannot be merged into itself.", "消费者 {id} 不能合并到自身。")
    id: str


class MergeCustomerUnknown(NamedRefusal, code="merge_customer_unknown", status=422):
    """A merge leads to a customer of whom nothing was ever said."""

    said = Said(
        "Nothing is known of the customer {id}, into whom another is to be merged.",
        "没有消费者 {id} 的任何记录，不能把其他消费者合并到它。",
    )
    id: str


class CustomerMerged(NamedRefusal, code="customer_merged", status=409):
    """The customer was merged into another one than it is now to be."""

    said = Said("The customer {id} was merged into {into}.", "消费者 {id} 已合并到 {into}。")
    id: str
    into: str


class PersonTooLarge(NamedRefusal, code="person_too_large", status=422):
    """One person would be more customers than are looked at together."""

    said = Said(
        "The customer {id} would be more than {most} customers in one.",
        "合并后消费者 {id} 名下的编号将超过 {most} 个。",
    )
    id: str
    most: int


class BoundInFuture(NamedRefusal, code="bound_in_future", status=422):
    """A binding has not begun yet."""

    said = Said("bound_at lies more than five minutes ahead.", "bound_at 晚于当前时间五分钟以上。")
