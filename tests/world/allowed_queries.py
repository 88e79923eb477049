"""Which statements of the store may read a tenth of a large table or be estimated wrong by a hundred, and why.

By the function of the store and what is allowed it: ``reads``, or ``estimates``.
"""

from __future__ import annotations

AUDIT = "the audit proves every row, in parts of 10,000 orders or 20,000 shops: a third and a fifth of this program"
EVALUATION = "an evaluation judges every shop, once a month"
STRUCTURE = "the structure of the whole network is measured once a day"
PUBLISHING = "asked when a person publishes a plan that drops a rank or reaches back: seldom, and of all shops"
MONTH = "a month's close, its files and its pools are of all shops that month"
EVERYBODY = "a payout of everything looks at every shop that has money"
DEMO = "the totals of a whole program, as the demo prints them"
NEW_ROWS = "rows of the batch that was made a moment ago: no statistics know them yet"
LOOKS = "the promotions of a day are decided from the sales of many shops, a few rows of each"
SINCE = "what was done since the last audit: all of it, on the day the program was made"
SEALED = "a day's postings name their shops, each looked up: on the day the program was made that is all of them"
FUNNEL = "the funnel of a program is worked out once a day by the workers, all shops and the span's sales with it"
CURSOR = "a cursor of the server, planned for its first rows"

ADDED_UP = "totals are kept from 20,000 months of accounts on by the workers; until they have, a month is added up"
RETENTION = "of a large program it is counted once a day, by workers; of a small one as asked"
BY_RANGE = "a page is a range of numbers, of which the planner expects one row"
KEPT = "totals begin with every account once, and a program is large from 20,000 months of accounts on"
SINCE_KEPT = (
    "what was posted since lies at the end of the table, found by ranges of pages (BRIN) that are a tenth of this one"
)
COUNTED = "no further than 10,000 are counted, a tenth of this program"
ORDERED = "the order of all shops, which is kept every few minutes, and of a small program computed as it is asked"
RELEASED = "what becomes available later lies at the end of the table, found by ranges of pages (BRIN)"
NEW_ORDER = "rows that were kept a moment ago: no statistics know them yet"
SIMULATED = "a simulation tries a plan on all orders of a span: on the day the program was made that is much of it"
ASKED = "what is asked for comes as an array, of which the planner expects ten rows"
EXPORTED = "an export of history reads every table of a program whole, once, and each month by a cursor"
OWN_RANKS = "a simulation replays the ranks of all shops in tables of its own, of which no statistics know"
REPLAYED = "a replay of ranks reads once who was brought in, who sold and what came back, of all shops"
NEW_MONTH = "a month that began a moment ago: statistics know those before it"

_REASONS: dict[str, dict[str, str]] = {
    "reads": {
        "audit/pages.lively_orders": SINCE,
        "audit/pages.page_after": AUDIT,
        "audit/postings.money_of_page": AUDIT,
        "audit/questions.ask": AUDIT,
        "audit/questions.ask_together": AUDIT,
        "audit/runs.order_batch": AUDIT,
        "audit/runs.order_batch.<locals>.rows": AUDIT,
        "compliance/structure.buyers_by_shop": STRUCTURE,
        "compliance/structure.entry_by_shop": STRUCTURE,
        "compliance/structure.pay_by_shop": STRUCTURE,
        "compliance/structure.payees_in_common": STRUCTURE,
        "compliance/structure.sales_by_shop": STRUCTURE,
        "compliance/structure.tree_at": STRUCTURE,
        "compliance/structure.earners": STRUCTURE,
        "compliance/structure.newcomers": STRUCTURE,
        "compliance/structure.sponsors_with_few_buyers": STRUCTURE,
        "ledger/accounts.own_accounts": ADDED_UP,
        "ledger/balances.available_of_all": EVERYBODY,
        "ledger/releases.releases": ORDERED,
        "ledger/seals.sealed_transfers": SEALED,
        "ledger/sorted_balances._keys": ORDERED,
        "ledger/sorted_balances.keep_balances": ORDERED,
        "network/listing.choose_way": COUNTED,
        "network/retention.count_active": RETENTION,
        "network/standing.ranks_held": PUBLISHING,
        "network/standing.rename_later_ranks": PUBLISHING,
        "sharing/funnel.settled_months": FUNNEL,
        "network/tree.signal_recruiters": PUBLISHING,
        "payouts/batches.refusals_of": EVERYBODY,
        "payouts/candidates.candidates": EVERYBODY,
        "plans.has_orders_since": PUBLISHING,
        "programs/totals.event_totals": DEMO,
        "programs/totals.settled_totals": DEMO,
        "programs/totals.to_do": DEMO,
        "programs/totals.transfer_totals": DEMO,
        "sharing/funnel.figures_of_span": FUNNEL,
        "ranks/columns.customers": EVALUATION,
        "ranks/columns.earnings": EVALUATION,
        "ranks/columns.links": EVALUATION,
        "ranks/columns.refunded_shops": EVALUATION,
        "ranks/columns.sales": EVALUATION,
        "ranks/columns.tree_at": EVALUATION,
        "ranks/figures.figures": LOOKS,
        "history/rows.count_by_month": EXPORTED,
        "history/rows.month_rows": EXPORTED,
        "history/rows.order_numbers": EXPORTED,
        "simulations/history.bought_before": EXPORTED,
        "simulations/arrays.next_numbers": SIMULATED,
        "simulations/arrays.posted_arrays": SIMULATED,
        "simulations/arrays.refund_rows": SIMULATED,
        "simulations/arrays.settled_arrays": SIMULATED,
        "simulations/history._rows": SIMULATED,
        "simulations/history.count_orders": SIMULATED,
        "simulations/history.numbers_of": SIMULATED,
        "simulations/history.outside_rows": SIMULATED,
        "simulations/rank_facts._columns": REPLAYED,
        "simulations/rank_facts.buyers_between": SIMULATED,
        "simulations/ranks.begin_ranks": OWN_RANKS,
        "simulations/ranks.hold_ranks": OWN_RANKS,
        "simulations/ranks.first_fact": OWN_RANKS,
        "simulations/ranks.looks": OWN_RANKS,
        "statements/counts.count_once": MONTH,
        "statements/sorted_months.keep_month": ORDERED,
        "statements/sorted_months.keys_of_month": ORDERED,
        "statements/exports._copied": MONTH,
        "statements/exports._rows": MONTH,
        "statements/exports.lines_total": MONTH,
        "statements/months.periods_with_movement": AUDIT,
        "statements/months.statement_totals": ADDED_UP,
        "ledger/accounts.keep_own": KEPT,
        "statements/totals.is_large": KEPT,
        "statements/totals.large_programs": KEPT,
        "statements/totals.keep_totals": KEPT,
        "statements/totals.read_totals": SINCE_KEPT,
        "statements/periods.dated_facts": MONTH,
        "statements/periods.keep_figures": MONTH,
        "statements/pools.base_of_month": MONTH,
        "statements/pools.count_holders": MONTH,
        "statements/pools.holders_after": MONTH,
    },
    "estimates": {
        "audit/pages.lively_orders": SINCE,
        "audit/runs.order_batch": BY_RANGE,
        "audit/runs.order_batch.<locals>.rows": BY_RANGE,
        "audit/runs.rest_of": BY_RANGE,
        "compliance/cases.freezes_in_force": NEW_ROWS,
        "ledger/releases.releases": RELEASED,
        "ledger/seals.sealed_transfers": CURSOR,
        "ledger/sorted_balances._keys": NEW_ORDER,
        "ledger/sorted_balances.keep_balances": NEW_ORDER,
        "ledger/sorted_balances.shops_by_figure": NEW_ORDER,
        "statements/periods.posted_since": NEW_ROWS,
        "statements/sorted_months.forget_other_months": NEW_ORDER,
        "statements/sorted_months.keep_month": NEW_ORDER,
        "statements/sorted_months.keys_of_month": NEW_ORDER,
        "statements/periods.keep_figures": CURSOR,
        "undecided.waiting_numbers": NEW_ROWS,
        "statements/periods.kept_totals": NEW_ROWS,
        "audit/postings.money_of_page": AUDIT,
        "audit/questions.ask": AUDIT,
        "audit/questions.ask_together": AUDIT,
        "compliance/structure.buyers_by_shop": STRUCTURE,
        "compliance/structure.entry_by_shop": STRUCTURE,
        "payouts/batches.refusal_counts": NEW_ROWS,
        "payouts/batches.refusals_of": NEW_ROWS,
        "ranks/columns.earnings": EVALUATION,
        "statements/exports._copied": CURSOR,
        "statements/exports._rows": NEW_ROWS,
        "customer_merges.merges_of": ASKED,
        "history/rows.count_by_month": EXPORTED,
        "history/rows.month_rows": CURSOR,
        "history/rows.order_numbers": CURSOR,
        "history/rows.orders_of": ASKED,
        "simulations/history.bought_before": ASKED,
        "simulations/arrays.settled_arrays": BY_RANGE,
        "simulations/history._rows": BY_RANGE,
        "simulations/rank_facts._columns": REPLAYED,
        "simulations/ranks.begin_ranks": OWN_RANKS,
        "simulations/ranks.looks": OWN_RANKS,
        "simulations/ranks.take_signals": OWN_RANKS,
        "ranks/columns.newest_ranks": OWN_RANKS,
        "ranks/evaluations.promoted_shops": OWN_RANKS,
        "ranks/figures.rank_rows": OWN_RANKS,
        "statements/pools.holders_after": OWN_RANKS,
        "statements/pools.count_holders": MONTH,
        "statements/totals.keep_totals": NEW_MONTH,
        "statements/totals.read_totals": NEW_MONTH,
        "payouts/candidates.candidates": NEW_MONTH,
        "statements/months.statement_totals": NEW_MONTH,
    },
}
ALLOWED = {(origin, kind): reason for kind, of_kind in _REASONS.items() for origin, reason in of_kind.items()}
