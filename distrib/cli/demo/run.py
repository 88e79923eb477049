"""The demo from the file to the figures: everything goes in over HTTP, and what came out is read back.

Printing must not enter; the result is one JSON-able document.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from distrib.bootstrap import Container
from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import Source
from distrib.cli.demo.life.checks import control_checks, money_checks
from distrib.cli.demo.life.night import spend_night
from distrib.cli.demo.life.proof import totals_of_all, whole_gap
from distrib.cli.demo.life.readback import explained, largest, monthly_statements
from distrib.cli.demo.life.story import Life, live
from distrib.cli.demo.posting.arrival import arrivals_of, months_of
from distrib.cli.demo.posting.ground import Stage, open_ground
from distrib.cli.demo.posting.service import running_service
from distrib.cli.demo.posting.way_in import publish_and_register
from distrib.cli.demo.showing.texts import Say
from distrib.cli.demo.showing.watch import Watch
from distrib.cli.demo.sources.known import LoadedSource, order_to_explain
from distrib.languages import LANGUAGES, render
from distrib.services.audit.run import audit_view, enter_snapshot, run_audit
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.ledger.seals import seal_now
from distrib.services.programs.totals import Totals, program_totals
from distrib.services.simulations.checking import CheckedView, check_as_published
from distrib.services.simulations.running import PaidSpan, enter_history
from distrib.services.simulations.trying_again import check_simulation

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


def run_demo(container: Container, loaded: LoadedSource, watch: Watch, say: Say) -> dict[str, Any]:
    """Runs the whole way and returns every figure of it; ``ok`` says whether all of them agree.

    Raises:
        DemoFailed: something stands in the way; what was done so far stays.
    """
    ground = open_ground(container, loaded)
    with running_service(container.settings, ground.folder / "service.log") as service:
        stage = Stage(container, loaded, ground, service, watch, say)
        plan = publish_and_register(stage)
        life = live(stage, arrivals_of(loaded.history, Dice(loaded.seed)))
        stage.step("night")
        spend_night(container, ground.program)
        stage.step("reading_back")
        read = _read_back(stage, life)
    with container.begin() as conn:
        totals = program_totals(conn, ground.program)
    stage.step("auditing")
    seal = _seal(container, ground.program)
    audit = _audit(container, ground.program)
    stage.step("simulating")
    simulated = _simulated(container, ground.program)
    read |= {"audit": audit, "simulated": simulated, "seal": seal, "step_seconds": stage.step_seconds()}
    return _figures(stage, plan, life, totals, read)


def _seal(container: Container, program: Program) -> dict[str, Any] | None:
    """The seal over all that was posted; None where the workers have just made it."""
    with container.begin() as conn:
        seal = seal_now(Unit(conn, program, COMMAND_LINE, container.now()))
    return None if seal is None else asdict(seal)


def _audit(container: Container, program: Program) -> dict[str, Any]:
    with container.begin() as conn:
        enter_snapshot(conn)
        return audit_view(run_audit(Unit(conn, program, COMMAND_LINE, container.now()), container.policies))


def _simulated(container: Container, program: Program) -> CheckedView:
    """Every row of the ledger worked out again under the plan that was in force, and simulated as a candidate is."""
    with container.worker_engine.begin() as conn:
        enter_history(conn)
        span = PaidSpan(_BEFORE_ALL, container.now())
        checked = check_as_published(conn, program, container.policies, span)
        unit = Unit(conn, program, COMMAND_LINE, container.now())
        check_simulation(unit, container.worker_engine.begin, container.policies, span, checked)
        return checked.view()


def _read_back(stage: Stage, life: Life) -> dict[str, Any]:
    loaded = stage.loaded
    with stage.client("finance") as reader:
        months = monthly_statements(reader, life.files, stage.ground.folder)
        best = max(months, key=lambda month: int(month["totals"]["earned_minor"]))
        order_id = order_to_explain(loaded)
        return {
            "explained": None if order_id is None else explained(reader, order_id),
            "statement": {
                "period": best["period"],
                "totals": best["totals"],
                "largest": largest(reader, best["period"]),
            },
            "statements": months,
        }


def _figures(stage: Stage, plan: dict[str, Any], life: Life, totals: Totals, read: dict[str, Any]) -> dict[str, Any]:
    loaded, ground = stage.loaded, stage.ground
    posted, history = life.posted, loaded.history
    months = set(months_of(history))
    of_orders = [month for month in read["statements"] if month["period"] in months]
    checks = [*control_checks(loaded, totals, posted.events, of_orders), *money_checks(life)]
    return {
        "source": {**_source(history.source), "seed": loaded.seed},
        "program": {**asdict(ground.program), "earlier": list(ground.earlier)},
        "plan": plan,
        "shops": {
            "registered": len(loaded.network.shops),
            "roots": sum(shop.sponsor_id is None for shop in loaded.network.shops),
            "levels": loaded.levels,
        },
        "events": {
            "accepted": posted.events,
            "sent_again": posted.duplicate,
            "calls": posted.calls,
            "seconds": round(posted.seconds, 3),
            "per_second": round(posted.events / posted.seconds),
        },
        "orders": {
            "settled": totals.orders_settled,
            "of_shops": totals.orders_of_shops,
            "paid_minor": totals.paid_minor,
            "seconds": round(life.seconds, 3),
            "per_second": round(totals.orders_settled / life.seconds),
        },
        "refunds": {"count": totals.refunds, "amount_minor": totals.refunded_minor},
        "commissions": {"count": totals.earned.transfers, "amount_minor": totals.earned.amount_minor},
        "reversals": {"count": totals.reversed.transfers, "amount_minor": -totals.reversed.amount_minor},
        "promotions": totals.promotions,
        "left_out": history.left_out,
        **read,
        "money": _money(life),
        "control": [check.document() for check in checks],
        "folder": str(ground.folder),
        "people": [guest._asdict() for guest in ground.guests],
        "ok": bool(read["audit"]["ok"] and read["simulated"]["ok"]) and all(check.ok for check in checks),
    }


def _money(life: Life) -> dict[str, Any]:
    """Closing, paying and what came after, without the lines of the batches."""
    paydays = [{name: value for name, value in asdict(payday).items() if name != "lines"} for payday in life.paydays]
    return {
        "closed_first": list(life.closed_first),
        "digest": life.files[0].digest,
        "closed": sum(month.is_closed for month in life.proved),
        "payees": life.payees,
        "adjusted": life.adjusted,
        "payouts": paydays,
        "late": life.late.document(),
        "in_debt_at_end": {"count": life.debts_at_end.shops, "amount_minor": life.debts_at_end.amount_minor},
        "one_debtor": {"shop_id": life.late.deepest, "months": life.months_of_deepest},
        "books": [asdict(month) for month in life.proved],
        "whole": totals_of_all(life.proved),
        "unexplained_minor": sum(month.unexplained_minor for month in life.proved) + whole_gap(life.proved),
        "ledger": life.ledger,
    }


def _source(source: Source) -> dict[str, Any]:
    """Where the orders come from, what is said of it in each language."""
    texts = {"real": source.real, "invented": source.invented}
    return asdict(source) | {name: [render(text, word) for word in LANGUAGES] for name, text in texts.items()}
