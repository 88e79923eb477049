"""Payouts in a world: money to be paid out, payees, batches and results, through the same services as the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from distrib.domain.payouts.personal_data import Payee
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.payouts import batches, payee_versions
from distrib.services.payouts.batches import PayoutDraft
from distrib.services.payouts.results import record_results
from distrib.services.payouts.sheet import LineOutcome, ResultDraft
from distrib.services.programs.tenants import get_program
from distrib.services.statements import months
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World

PROPOSER, APPROVER = COMMAND_LINE, Actor("second", "second", "finance")


def payee(number: str = "110101199003071234", kind: str = "person", **accounts: str) -> Payee:
    """A payee whose identity has that number."""
    bank = {"bank_account": "6222021234567890", "bank_name": "工商银行"}
    return Payee("李雷", "id_card", number, kind, accounts or bank)


def with_withholding(world: World, method: str) -> World:
    """The same world, withholding so."""
    with world.container.begin() as conn:
        conn.execute(text("UPDATE programs SET withholding = :m"), {"m": method})
        world.program = get_program(conn, world.program.program_id)
    return world


def earn(world: World, shop_id: str, amount_minor: int, earned_at: datetime, name: str | None = None) -> None:
    """Lets a shop earn an amount that is available at once."""
    order = name or f"{shop_id}-{earned_at.isoformat()}-{amount_minor}"
    event = settled(f"e-{order}", order, shop_id, line(amount_minor * 10), paid_at=earned_at, occurred_at=earned_at)
    world.earn(event | {"id": event["id"][-64:]})


def open_shops(world: World, *shops: str, kind: str = "person") -> World:
    """Shops that earn a tenth of what they sell, each with a payee of its own."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(*((shop, None) for shop in shops))
    for place, shop in enumerate(shops):
        put(world, shop, payee(f"11010119900307{place:04d}", kind))
    return world


def put(world: World, shop_id: str, whom: Payee, now: datetime | None = None) -> dict[str, Any]:
    """Keeps a payee, at once: the command line does."""
    container = world.container
    sealer, pepper, put_at = container.sealer, world.pepper, now or container.now()
    with container.begin() as conn:
        view, _ = payee_versions.put_payee(Unit(conn, world.program, PROPOSER, put_at), shop_id, whom, sealer, pepper)
    return asdict(view)


def make(
    world: World, payout_id: str, now: datetime, up_to: datetime | None = None, actor: Actor = PROPOSER, **more: Any
) -> dict[str, Any]:
    """Makes a batch and answers it with all its lines."""
    draft = PayoutDraft(payout_id, up_to or now, **more)
    with world.container.begin() as conn:
        batches.create_payout(Unit(conn, world.program, actor, now), draft, world.container.channels)
        view = asdict(batches.payout_view(Unit(conn, world.program, COMMAND_LINE, now), payout_id, 0, 500)[0])
    return {**view.pop("batch"), **view}


def approve(world: World, payout_id: str, now: datetime, actor: Actor = APPROVER) -> None:
    """Approves a batch by a second key."""
    with world.container.begin() as conn:
        batches.approve_payout(Unit(conn, world.program, actor, now), payout_id)


def record(
    world: World, payout_id: str, results: Sequence[tuple[str, str]], now: datetime, **more: Any
) -> list[LineOutcome]:
    """Records results as (shop, status)."""
    drafts = [ResultDraft(shop, status, **more) for shop, status in results]
    container = world.container
    with container.begin() as conn:
        return record_results(Unit(conn, world.program, APPROVER, now), payout_id, drafts, container.channels)


def pay(world: World, payout_id: str, now: datetime, **more: Any) -> dict[str, Any]:
    """Makes a batch, approves it and has every line paid a second later."""
    made = make(world, payout_id, now, **more)
    approve(world, payout_id, now)
    if made["lines"]:
        record(world, payout_id, [(row["shop_id"], "paid") for row in made["lines"]], now + timedelta(seconds=1))
    return made


def balance(world: World, shop_id: str, as_of: datetime) -> dict[str, int]:
    """What a shop has at an instant: held, reserved, available, paid."""
    with world.container.begin() as conn:
        number = payee_versions.shop_no_of(conn, world.program, shop_id)
        amounts = months.balance(conn, world.program, number, as_of)
    return {
        "held": amounts.held_minor,
        "reserved": amounts.reserved_minor,
        "available": amounts.available_minor,
        "paid": amounts.paid_minor,
    }


def in_other_currency(world: World, currency: str) -> World:
    """The same world under another currency's name; for what looks at the name alone."""
    world.program = replace(world.program, currency=currency)
    return world
