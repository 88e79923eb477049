"""Prints what a run came to, as tables for people. Computes nothing but sums of what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from distrib.cli.demo.showing.report_money import print_books, print_life
from distrib.cli.demo.showing.texts import Say
from distrib.cli.output import open_console, print_line
from distrib.domain.amounts import show_amount

Figures = Mapping[str, Any]


def report(figures: Figures, say: Say, chinese: bool) -> None:
    """Prints the whole report on standard output; without colour and at a fixed width where that is no terminal."""
    console = open_console()
    currency, invented = figures["program"]["currency"], figures["source"]["invented"][chinese]
    _head(console, figures, say, chinese)
    _happened(console, figures, say)
    _left_out(console, figures["left_out"], say)
    if figures["explained"] is not None:
        _explained(console, figures["explained"], currency, say)
    print_life(console, figures, say)
    _largest(console, figures["statement"], currency, say)
    print_books(console, figures, say)
    _audit(console, figures["audit"], say)
    _simulated(console, figures["simulated"], say)
    _seal(console, figures["seal"], say)
    _control(console, figures["control"], currency, say)
    print_line(console, say("invented_again").format(what=invented), "yellow")
    _tail(console, figures, say)


def _table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right")
    return table


def _print(console: Console, table: Table) -> None:
    console.print()
    console.print(table)


def _head(console: Console, figures: Figures, say: Say, chinese: bool) -> None:
    source, program, plan, shops = (figures[name] for name in ("source", "program", "plan", "shops"))
    print_line(console, f"distrib demo · {source['title']}", "bold")
    print_line(console, f"  {source['origin']}; {source['licence']}")
    print_line(console, f"  {say('real')}: {source['real'][chinese]}")
    recipe = say("recipe").format(seed=source["seed"])
    print_line(console, f"  {say('invented')}: {source['invented'][chinese]} ({recipe})", "yellow")
    terms = f"{program['currency']}, {program['time_zone']}, {program['policy']}"
    print_line(console, f"{say('program')}: {program['code']} ({terms})")
    if program["earlier"]:
        print_line(console, "  " + say("earlier").format(codes=", ".join(program["earlier"])))
    in_force = say("in_force").format(ranks=", ".join(plan["ranks"]), at=plan["effective_from"])
    title = plan["title"]["zh" if chinese else "en"]
    print_line(console, f"{say('plan')}: {title}, {plan['code']} v{plan['version']}, {in_force} ({say('invented')})")
    tree = say("tree").format(roots=shops["roots"], levels=shops["levels"])
    print_line(console, f"{say('shops')}: {shops['registered']:,} ({say('invented')}; {tree})")


def _happened(console: Console, figures: Figures, say: Say) -> None:
    currency = figures["program"]["currency"]
    table = _table(say("happened"), [""], [say("count"), f"{say('amount')} {currency}", say("rate")])
    events, orders = figures["events"], figures["orders"]
    table.add_row(say("events_accepted"), f"{events['accepted']:,}", "", f"{events['per_second']:,}")
    paid = show_amount(orders["paid_minor"], currency)
    table.add_row(say("orders_settled"), f"{orders['settled']:,}", paid, f"{orders['per_second']:,}")
    refunds = say("refunds_real" if figures["source"]["has_real_refunds"] else "refunds_invented")
    for name, row in ((refunds, "refunds"), (say("commissions"), "commissions"), (say("reversals"), "reversals")):
        table.add_row(name, f"{figures[row]['count']:,}", show_amount(figures[row]["amount_minor"], currency))
    for rank, number in sorted(figures["promotions"].items()):
        table.add_row(say("promotions").format(rank=rank), f"{number:,}")
    _print(console, table)


def _left_out(console: Console, left_out: Mapping[str, int], say: Say) -> None:
    if left_out:
        table = _table(say("left_out"), [""], [say("count")])
        for reason, number in left_out.items():
            table.add_row(say(reason), f"{number:,}")
        _print(console, table)


def _explained(console: Console, explained: Figures, currency: str, say: Say) -> None:
    order = explained["order"]
    title = say("explained").format(id=order["id"])
    left = [say(name) for name in ("line", "rule", "tier", "shop", "rank")]
    table = _table(title, left, [say("base"), say("ratio"), f"{say('posted')} {currency}", say("reason")])
    for look in explained["looks"]:
        table.add_row(
            look["line_id"],
            look["rule"],
            str(look["tier"]),
            look["shop_id"] or "–",
            look["rank"] or "–",
            show_amount(look["base_minor"], currency),
            look["rate"] or "–",
            show_amount(look["posted_minor"], currency),
            look["reason"],
        )
    _print(console, table)
    paid = sum(line["paid_minor"] for line in order["lines"])
    left_over = sum(line["left_minor"] for line in order["lines"])
    seller = order["shop_id"] or say("nobody")
    sold = say("order_lines").format(
        paid=show_amount(paid, currency),
        back=show_amount(paid - left_over, currency),
        seller=seller,
        status=order["status"],
    )
    print_line(console, sold)
    agrees = bool(explained["agrees"])
    print_line(console, say("agrees" if agrees else "disagrees"), "green" if agrees else "bold red")


MONEY_COLUMNS = ("opening", "earned", "reversed", "closing", "held", "available")
COUNT_COLUMNS = ("orders", "refunds")


def _row(row: Figures, currency: str) -> list[str]:
    amounts = [show_amount(row[f"{name}_minor"], currency) for name in MONEY_COLUMNS]
    return [*amounts, *(f"{row[name]:,}" for name in COUNT_COLUMNS)]


def _largest(console: Console, statement: Figures, currency: str, say: Say) -> None:
    title = say("largest").format(month=statement["period"])
    table = _table(title, [say("shop")], [say(name) for name in (*MONEY_COLUMNS, *COUNT_COLUMNS)])
    for row in statement["largest"]:
        table.add_row(row["shop_id"], *_row(row, currency))
    table.add_section()
    table.add_row(say("all_shops").format(count=statement["totals"]["shops"]), *_row(statement["totals"], currency))
    _print(console, table)


def _audit(console: Console, audit: Figures, say: Say) -> None:
    failed = [check["name"] for check in audit["checks"] if not check["ok"]]
    console.print()
    if failed or not audit["ok"]:
        print_line(console, f"{say('audit')}: {say('audit_failed').format(names=', '.join(failed))}", "bold red")
    else:
        print_line(console, f"{say('audit')}: {say('audit_ok').format(count=len(audit['checks']))}", "green")


def _simulated(console: Console, simulated: Figures, say: Say) -> None:
    figures = {name: simulated[name] for name in ("differences", "orders")}
    print_line(console, say("simulated").format(**figures), "green" if simulated["ok"] else "bold red")


def _seal(console: Console, seal: Figures | None, say: Say) -> None:
    if seal is not None:
        values = {"number": seal["seal_no"], "count": seal["transfers"], "digest": seal["digest"]}
        print_line(console, say("sealed").format(**values), "green")


def _control(console: Console, control: Sequence[Figures], currency: str, say: Say) -> None:
    table = _table(say("control"), [""], [say("counted"), say("found"), ""])
    for check in control:
        both = (check["expected"], check["found"])
        shown = [show_amount(figure, currency) if check["is_money"] else f"{figure:,}" for figure in both]
        verdict = Text(say("ok"), "green") if check["ok"] else Text(say("not_ok"), "bold red")
        table.add_row(say(check["name"]), *shown, verdict)
    _print(console, table)


def _tail(console: Console, figures: Figures, say: Say) -> None:
    ok = figures["ok"]
    print_line(console, say("all_agree" if ok else "some_differ"), "bold green" if ok else "bold red")
    console.print()
    order = figures["explained"]["order"]["id"] if figures["explained"] else "ORDER"
    code, folder, life = figures["program"]["code"], figures["folder"], figures["money"]
    print_line(console, say("look"))
    print_line(console, "  " + say("serve").format(command="python3 dev.py serve"))
    print_line(console, "  " + say("console").format(address=f"http://127.0.0.1:8000/console/p/{code}"))
    for guest in figures["people"]:
        print_line(console, f"    {guest['login']} ({guest['role']})   {guest['password']}")
    for command in (
        f"explain {order}",
        f"statement show {figures['statement']['period']}",
        f"payout show {life['payouts'][0]['id']}",
        "ledger accounts",
        "compliance report",
        "audit",
    ):
        print_line(console, f"  .venv/bin/distrib {command} --program {code}")
    print_line(console, f"  sha256sum {folder}/{life['closed_first'][0]}-shops.csv   {say('digest')}")
    print_line(console, f"    {life['digest']}")
    print_line(console, f"  curl -H \"Authorization: Bearer $(sed -n 's/^finance //p' {folder}/keys)\" \\")
    print_line(console, f"    'http://127.0.0.1:8000/v1/commissions?period={life['late']['period']}&kind=reversed'")
    print_line(console, f"  {folder}/keys: {say('keys')}")
    print_line(console, f"  {folder}: {say('files')}")
    print_line(console, say("seconds").format(seconds=figures["seconds"]))
