"""What the plan page says by a key: fields, choices, what is wrong with them. The rest stands in its templates."""

from __future__ import annotations

from distrib.domain.texts import Text

TEXTS: dict[str, Text] = {
    "whole": Text("the document"),
    "may_publish": Text("It can be published as it is."),
    "needs_sign_off": Text("It can be published with a named person's sign-off only."),
    "refused": Text("It cannot be published under this pack."),
    "paid": Text("Paid for the line"),
    "list": Text("List price, if another"),
    "cost": Text("Cost"),
    "quantity": Text("Quantity"),
    "category": Text("Category"),
    "sku": Text("SKU"),
    "channel": Text("Channel"),
    "customer": Text("Customer"),
    "customer.new": Text("new"),
    "customer.returning": Text("returning"),
    "customer.unknown": Text("not named"),
    "channel.retail": Text("retail", "page"),
    "channel.group_buy": Text("group_buy (拼团)", "page"),
    "channel.community": Text("community (社区团购)", "page"),
    "rank": Text("rank"),
    "active": Text("active"),
    "inactive": Text("not active"),
    "met": Text("reached"),
    "unmet": Text("not reached"),
    "nobody": Text("nobody"),
    "seat.seller": Text("Selling shop"),
    "seat.upline-1": Text("Upline 1"),
    "seat.upline-2": Text("Upline 2"),
    "seat.upline-3": Text("Upline 3"),
    "seat.upline-4": Text("Upline 4"),
    "seat.leader": Text("Leader (团长)"),
    "seat.opener": Text("Opener (开团人)"),
    "total": Text("All commissions"),
    "platform_keeps": Text("The platform keeps"),
    "wrong.amount": Text(
        "{field}: must be an amount in {currency} such as 199, at most 10^12 minor units, not “{entered}”"
    ),
    "wrong.quantity": Text("{field}: must be a whole number from 1 to 1,000,000, not “{entered}”"),
    "wrong.text": Text("{field}: does not fit an order: “{entered}”"),
}
