"""What the demo says of closing, paying and proving, by key. Words only."""

from __future__ import annotations

from distrib.domain.texts import Text

MONEY_TEXTS: dict[str, Text] = {
    "closing_months": Text("closing months"),
    "paying": Text("paying shops"),
    "proving": Text("proving every month"),
    "life": Text("The life of the money"),
    "step_closed": Text("months closed, through {through}: one key proposed, another confirmed"),
    "step_payees": Text("payees (invented), kept encrypted"),
    "step_batch": Text("{id}: lines of what was available, approved by the other key"),
    "step_batch_again": Text("{id}: what the bank had sent back and what was earned since, debts filled first"),
    "step_paid": Text("{id}: paid"),
    "step_failed": Text("{id}: sent back by the bank (invented), available again"),
    "step_late": Text("refunds told only after that, of months that are closed"),
    "step_marked": Text("  their reversals, in {period}, each naming the month it belongs to"),
    "step_debt": Text("shops whose balance that made negative"),
    "step_adjusted": Text("adjustment by hand (invented), by two keys"),
    "step_closed_then": Text("further months closed by two keys, with the orders that followed"),
    "step_refused": Text("{id}: shops with money but no payee, named and left out"),
    "step_debt_at_end": Text("shops still in debt at the end"),
    "added": Text(
        "Added by the demo, and no order or refund among it: payees, what the bank sends back, one adjustment."
        " Which refunds are told late is drawn; they are the history's own. What is paid today counts in today's"
        " month."
    ),
    "one_debtor": Text("Shop {shop}: the deepest debt of a refund after the payout"),
    "books": Text("The books of all shops, worked out again from the exported files and the batches"),
    "closed": Text("closed"),
    "open": Text("open", "demo"),
    "adjusted": Text("adjusted"),
    "paid": Text("paid"),
    "tax": Text("tax"),
    "reserved": Text("reserved"),
    "unexplained": Text("unexplained"),
    "in_total": Text("in total"),
    "equation": Text(
        "opening + earned + reversed + adjusted − paid − tax = closing = held + reserved + available, opening = the"
        " closing before, every movement by its lines: for every shop and month."
    ),
    "unexplained_in_all": Text("{amount} {currency} unexplained"),
    "sealed": Text("seal {number} over {count:,} transfers, SHA-256 {digest}"),
    "digest": Text("is what the month was closed with:"),
    "month": Text("month"),
    "books_unexplained_minor": Text("unexplained, over all shops and months"),
    "books_unexplained_in_total_minor": Text("unexplained, of all months together"),
    "closed_digests": Text("closed months, whose file still has its digest"),
    "payout-1_minor": Text("first payout: statement's file, batch"),
    "payout-2_minor": Text("second payout: statement's file, batch"),
    "paid_by_batches_minor": Text("paid by batches, in the statements"),
    "late_marked": Text("late reversals, marked with their month"),
    "ledger_payable_minor": Text("last closing, ledger's payable accounts"),
    "ledger_clearing_minor": Text("paid in the statements, ledger's clearing"),
    "ledger_tax_minor": Text("tax in the statements, ledger's tax account"),
    "ledger_sum_minor": Text("all accounts of the ledger together"),
}
