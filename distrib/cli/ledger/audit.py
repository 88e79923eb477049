"""``distrib audit``: checks every invariant of a program; 1 and a list where one fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import Console

from distrib.auditor import audit_in_steps
from distrib.bootstrap import Container, open_container
from distrib.cli.output import (
    json_option,
    language_option,
    open_console,
    print_json,
    print_line,
    print_table,
    program_option,
)
from distrib.cli.simulations.showing import show_check
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.audit.run import audit_view
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.simulations.checking import CheckedView, check_as_published, check_ranks
from distrib.services.simulations.running import PaidSpan, enter_history
from distrib.services.simulations.trying_again import check_simulation

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_LATER = timedelta(days=1)

_WORDS = {
    "title": Text("Audit of {program} as of {as_of}"),
    "check": Text("check"),
    "meaning": Text("what must hold"),
    "looked_at": Text("looked at"),
    "wrong": Text("wrong"),
    "verdict": Text("verdict"),
    "ok": Text("holds"),
    "failed": Text("FAILS"),
    "clean": Text("Clean: every check holds."),
    "not_clean": Text("NOT clean."),
    "rows": Text("{name}: the first of {wrong}"),
    "rested": Text(
        "Months up to {closed_through} are sealed, closed and were clean on {rests_on}: of them only the seals were"
        " worked out again; --full asks all."
    ),
}
_WARNINGS = {
    "keys_without_owner": Text(
        "Warning: {wrong} of {figure} live keys of admins and finance name no owner; set it by `distrib key owner`."
    ),
}
CHECK_MEANINGS = {
    "transfers_match_account_months": Text("running totals are what the transfers add up to"),
    "transfers_balanced": Text("every transfer has two sides; all accounts add up to 0"),
    "reversals_within_earned": Text("no more is taken back than was earned"),
    "transfers_dated": Text("dates, holds and months follow from the events"),
    "plan_in_force": Text("each order has the plan in force when it was paid"),
    "events_accounted_for": Text("every accepted event is done, parked or queued"),
    "one_settlement_per_order": Text("each order settled once, from its own event"),
    "order_lives": Text("payments, cancels and drops fit their events and each other"),
    "groups_heeded": Text("group orders settle when their group has succeeded"),
    "expected_recompute": Text("what is expected, worked out again, is the same"),
    "held_changes_accounted_for": Text("each change of where money goes is open, or ended once and in its time"),
    "undecided_accounted_for": Text("what waits for a decision is in the list of what waits, and nothing else is"),
    "questions_accounted_for": Text("questions of shops are open or done, their words there or erased"),
    "payees_by_changes": Text("every payee but a shop's first came by a change that was approved or due"),
    "trail_unbroken": Text("no row of the trail is missing, moved or changed"),
    "deeds_in_trail": Text("what keys closed, paid, adjusted, published or set is in the trail"),
    "tree_acyclic_and_levels": Text("no loops; levels and uplines follow from the sponsors"),
    "tree_within_policy": Text("no deeper than the policy pack allows"),
    "sponsors_projection": Text("sponsors are those of the newest dated row"),
    "statuses_projection": Text("statuses are those of the newest dated row"),
    "ranks_projection": Text("ranks are those of the newest dated row"),
    "ids_unique": Text("no id stands twice"),
    "orders_recompute": Text("every order worked out again comes to what was posted"),
    "refunds_within_paid": Text("no line gave back more than was paid"),
    "rule_totals_match": Text("what caps count is what was posted"),
    "customer_merges_flat": Text("every merged customer goes on under one id, with no chain"),
    "earlier_orders_known": Text("what orders keep of their customers' earlier orders was so"),
    "order_cap_kept": Text("no order pays above its cap"),
    "balances_without_gaps": Text("every posting moved its running totals once"),
    "transfers_rest_on_causes": Text("every transfer has the order or payout it names"),
    "payouts_rest_on_lines": Text("paid and withheld is what lines and results say"),
    "withdrawals_rest_on_lines": Text("withdrawals and their fees are what lines and results say"),
    "closing_payments_of_closed_shops": Text("a closing payment pays a closed shop, by two keys"),
    "reserved_within_available": Text("no payout line was made of money that was not there"),
    "one_currency": Text("every published plan is in the program's currency"),
    "deliveries_accounted_for": Text("every webhook delivery has its message and its log"),
    "blocks_tell_all": Text("every row is on the pages that ask for its kind, month or day"),
    "payout_sums_add_up": Text("sums kept of payouts are those of their lines and results"),
    "kept_totals_add_up": Text("kept totals of months are what was posted until then"),
    "seals_unbroken": Text("every seal over the transfers holds"),
    "statements_add_up": Text("every month's statement adds up and follows the last"),
    "closed_statements_match_transfers": Text("closed statements are what the ledger adds up to"),
    "periods_closed_in_sequence": Text("months are closed one after the other, by two keys"),
    "closed_digests_hold": Text("closed files come to the digest that was fixed"),
}


@click.command()
@program_option
@language_option
@json_option
@click.option("--full", "is_full", is_flag=True, help="Ask what is sealed and closed again, too.")
@click.option("--simulate", "is_simulated", is_flag=True, help="Work out every row again under its own plan, too.")
def audit(program_code: str | None, language: str, as_json: bool, is_full: bool, is_simulated: bool) -> None:
    """Check every invariant; exit status 1 where one fails."""
    with open_container() as container:
        with container.begin() as conn:
            program = container.program(conn, program_code)
        audited = audit_in_steps(container.begin, program, container.now(), container.policies, is_full=is_full)
        simulated = _simulated(container, program) if is_simulated else None
    result = audit_view(audited)
    if simulated is not None:
        result |= {"ok": result["ok"] and simulated["ok"], "simulated": simulated}
    if as_json:
        print_json(result)
    else:
        _show(open_console(), program.code, result, language)
    if simulated is not None and not as_json:
        show_check(simulated, language)
    if not result["ok"]:
        raise SystemExit(1)


def _simulated(container: Container, program: Program) -> CheckedView:
    """Every row of the ledger, every share of a pool and every change of rank, worked out again."""
    now = container.now()
    with container.worker_engine.begin() as conn:
        enter_history(conn)
        span = PaidSpan(_BEGINNING, now + _LATER)
        checked = check_as_published(conn, program, container.policies, span)
        unit = Unit(conn, program, COMMAND_LINE, now)
        check_simulation(unit, container.worker_engine.begin, container.policies, span, checked)
        check_ranks(unit, container.worker_engine.begin, container.policies, checked)
    return checked.view()


def _show(console: Console, program: str, result: Mapping[str, Any], language: str) -> None:
    def say(word: str, **params: object) -> str:
        return render(_WORDS[word].with_params(**params), language)

    columns = {say("check"): False, say("meaning"): False, say("looked_at"): True, say("wrong"): True}
    rows = [
        (
            check["name"],
            render(CHECK_MEANINGS.get(check["name"], ""), language),
            f"{check['figure']:,}",
            f"{check['wrong']:,}",
            say("ok" if check["ok"] else "failed"),
        )
        for check in result["checks"]
    ]
    title = say("title", program=program, as_of=result["as_of"])
    print_table(console, title, columns | {say("verdict"): False}, rows)
    for check in result["checks"]:
        if not check["ok"]:
            print_line(console, say("rows", name=check["name"], wrong=check["wrong"]), "bold red")
            for row in check["rows"]:
                print_line(console, "  " + json.dumps(row, ensure_ascii=False, default=str))
    for warning in result["warnings"]:
        words = _WARNINGS[warning["name"]].with_params(figure=warning["figure"], wrong=warning["wrong"])
        print_line(console, render(words, language), "yellow")
        for row in warning["rows"]:
            print_line(console, "  " + json.dumps(row, ensure_ascii=False, default=str))
    covers = result["covers"]
    if not covers["full"]:
        print_line(console, say("rested", closed_through=covers["closed_through"], rests_on=covers["rests_on"]))
    print_line(console, say("clean" if result["ok"] else "not_clean"), "green" if result["ok"] else "bold red")
