"""What an editor shows beside each key of a plan: one short line a key. No bounds, no rules."""

from __future__ import annotations

from distrib.domain.texts import Text

WORDS: dict[str, dict[str, Text]] = {
    "plan": {
        "code": Text("The plan's name; versions are numbered under it."),
        "title": Text("What people read: text, or a map of language tag to text."),
        "currency": Text("ISO 4217, the program's."),
        "policy": Text("One more policy pack that judges the plan; a stricter one only."),
        "base": Text("What a line's rates apply to; paid by default."),
        "rounding": Text("Once for each commission; half_up by default."),
        "round_per": Text("Rounded line by line, or once for the order and shared over its lines; line by default."),
        "hold_days": Text("Days of 24 hours until a commission is available; 7 by default."),
        "tiers": Text("How many uplines above the selling shop may be paid; 1 by default."),
        "inactive_upline": Text("An inactive upline's share stays, or it is passed over."),
        "self_purchase": Text("When the buyer is the shop: it earns, or does not, or the chain shifts up."),
        "order_cap": Text("What all commissions of an order may come to, of its paid amount."),
        "declarations": Text("What a policy pack has to know and no rule shows."),
        "ranks": Text("Ranks, lowest first; one rank member by default."),
        "rank_map": Text("For ranks that this version drops: which rank takes their place."),
        "rules": Text("Who earns how much of what."),
        "pools": Text("Shares of a month's base for the holders of ranks, by weight."),
    },
    "declarations": {
        "entry_fee_minor": Text("What joining costs, in minor units."),
        "entry_purchase": Text("Whether joining asks for a purchase."),
        "buy_back_days": Text("Days within which unsold stock is bought back."),
        "cooling_off_days": Text("Days within which who joined may leave without cost."),
        "minimum_age": Text("The youngest who may join."),
        "written_contract": Text("Whether shops have a written contract."),
        "organiser": Text("Who organises the programme."),
    },
    "rank": {
        "code": Text("The rank's name."),
        "promote": Text("What carries a shop there; without it the rank is given by hand."),
        "keep": Text("Looked at by the monthly evaluation; without it the rank is not lost."),
        "grace": Text("So many evaluations in a row may fail keep before the rank is lost; 0 by default."),
    },
    "condition": {
        "all": Text("Conditions that must hold together."),
        "any": Text("Conditions of which one is enough."),
        "metric": Text("The figure of a shop that is looked at."),
        "levels": Text("How many levels below the shop a team's sales count."),
        "min_rank": Text("The rank from which on a recruit counts, as it stands at the look."),
        "window": Text("30d, month (calendar month) or ever; ever by default."),
        "at_least": Text("What the figure must reach."),
    },
    "where": {
        "channel": Text("Channels of the order."),
        "category": Text("Categories of the line."),
        "sku": Text("Articles of the line."),
        "customer": Text("Lines of orders whose customer is new to the program, or returning."),
        "not": Text("Leaves out lines that match any of these keys."),
    },
    "customer": {
        "is": Text("new: no earlier settled order; returning: whoever is not new."),
        "within_orders": Text("New is also who has fewer earlier orders than this."),
        "within_days": Text("New is also whose first order was paid less than so many times 24 hours before."),
    },
    "slab": {
        "from_minor": Text("Where the slab begins (inclusive); below the first nothing is paid."),
        "rate": Text("The share within the slab."),
    },
    "requires": {
        "min_rank": Text("The earner's rank when the order was paid, or a higher one."),
        "min_personal_sales_minor": Text("The earner's own settled sales, net of refunds."),
        "window_days": Text("Sales of how many days of 24 hours before payment; ever by default."),
    },
    "cap": {
        "per_order_minor": Text("Most that one earner gets by this rule on one order."),
        "per_month_minor": Text("In the calendar month of settlement; refunds free no room."),
        "per_customer_minor": Text("From one customer ever; orders must name one."),
    },
    "pool": {
        "id": Text("Unique among the plan's pools."),
        "rate": Text("The share of the month's base."),
        "weights": Text("The weight of each rank that takes part."),
    },
    "of": {"rule": Text("The id of a rule that is worked on before this one.")},
    "rule": {
        "id": Text("Unique in the plan."),
        "pay": Text("Who: the seller, an upline, the chain (级差), the leader (团长), who opened the group."),
        "tier": Text("Which upline; with pay: upline only."),
        "rate": Text('A share such as "0.125", or by rank with an optional default.'),
        "amount_minor": Text("A fixed amount a piece, in minor units, or by rank."),
        "per": Text("The amount is paid for each piece, or once for the order; unit by default."),
        "slabs": Text("Shares by the size of what it is taken of."),
        "slab_mode": Text("The whole amount at one slab (default), or each part at its own."),
        "of": Text("Of the line's base (default), what lower tiers left, or what a rule paid."),
        "differential": Text("Each earns its rate less the highest below; with pay: chain."),
        "where": Text("Which lines it is for."),
        "requires": Text("What the earner must have when the order is paid."),
        "cap": Text("Most that one earner gets by this rule."),
        "group": Text("Rules of one group exclude each other on a line."),
    },
}
