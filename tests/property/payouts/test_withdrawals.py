"""Whatever becomes of withdrawals in whatever order: each is paid at most once, its fee stands where the money does."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from distrib.bootstrap import Container
from distrib.domain.errors import Refusal
from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.payouts import batches, payee_versions, withdrawals
from distrib.services.payouts.withdrawals import WithdrawalDraft
from distrib.services.programs.tenants import ProgramDraft, create_program
from distrib.services.statements import months
from distrib.settings import Settings
from tests.world.payouts import APPROVER, PROPOSER, approve, balance, earn, make, open_shops, record
from tests.world.world import World

BEGIN = datetime(2026, 4, 2, 4, tzinfo=UTC)
SHOP, FEE, LEAST = Actor("shop", "shop", "partner"), 7, 10
DECISIONS = ("approve", "refuse", "cancel")
RESULTS = ("cancelled", "paid", "failed", "returned")
numbers = itertools.count(1)
ACTIONS = st.one_of(
    st.tuples(st.just("earn"), st.integers(100, 2_000)),
    st.tuples(st.just("ask"), st.integers(LEAST, 900)),
    st.tuples(st.just("approve"), st.integers(0, 2)),
    st.tuples(st.just("make"), st.integers(1, 3)),
    st.tuples(st.sampled_from(("paid", "returned", *RESULTS)), st.integers(0, 2)),
    st.tuples(st.sampled_from(("refuse", "cancel", "pay_out_all")), st.integers(0, 2)),
)
BEGINNING = [("earn", 2_000), ("ask", 300), ("ask", 200), ("approve", 0), ("make", 2)]


@dataclass
class Batch:
    """One batch: what it is of, what it took, and what became of it."""

    id: str
    names: list[str]
    amount: int
    end: str = "open"


@dataclass
class Model:
    """What should be there of one shop, kept as plainly as can be."""

    earned: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)

    def fees(self) -> int:
        """What stands of fees: those of withdrawals that were paid and did not come back."""
        return FEE * sum(len(batch.names) for batch in self.batches if batch.end == "paid")

    def paid(self) -> int:
        """What the shop received and kept."""
        return sum(batch.amount for batch in self.batches if batch.end == "paid") - self.fees()

    def reserved(self) -> int:
        """What batches without a result took aside."""
        return sum(batch.amount for batch in self.batches if batch.end == "open")

    def available(self) -> int:
        """What is left."""
        return self.earned - self.paid() - self.fees() - self.reserved()

    def of(self, *states: str) -> list[str]:
        """The withdrawals in those states, in the order they were asked for."""
        return [name for name, state in self.states.items() if state in states]


@given(actions=st.lists(ACTIONS, min_size=12, max_size=30).map(BEGINNING.__add__))
@limits(max_examples=15, suppress_health_check=list(HealthCheck))
def test_a_withdrawal_is_paid_once_and_every_unit_is_somewhere(
    settings: Settings, database_url: str, redis_url: str, actions: list[tuple[str, int]]
) -> None:
    container = Container(settings, database_url, redis_url)
    with container.begin() as conn:
        code = f"w-{next(numbers)}"
        program = create_program(
            conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), container.now(), container.policies
        )
    program = replace(program, withdrawal_least_minor=LEAST, withdrawal_fee_minor=FEE)
    world = open_shops(World(container, program), "a")
    model, now = Model(), BEGIN
    for place, (kind, value) in enumerate(actions):
        now += timedelta(minutes=1)
        act(world, model, kind, value, f"x{place}", now)
        amounts = balance(world, "a", now)
        figures = (amounts["available"], amounts["reserved"], amounts["paid"])
        assert figures == (model.available(), model.reserved(), model.paid()), actions[: place + 1]
    check(world, model, now)
    container.close()


def check(world: World, model: Model, now: datetime) -> None:
    """Compares what the service says of withdrawals and of the month, and has everything audited."""
    program, period = world.program, world.program.period_of(now)
    with world.container.begin() as conn:
        listed, _ = withdrawals.list_withdrawals(Unit(conn, program, COMMAND_LINE, now), "a", None, None, 500)
        assert {row.id: row.status for row in listed} == model.states
        number = payee_versions.shop_no_of(conn, program, "a")
        month, _ = months.shop_statement(Unit(conn, program, COMMAND_LINE, now), period, number, None, 500)
        assert (month.adjusted_minor, month.paid_minor) == (-model.fees(), model.paid())
        assert month.closing_minor == model.available() + model.reserved()
        assert run.run_audit(Unit(conn, program, COMMAND_LINE, now), world.container.policies).ok


def act(world: World, model: Model, kind: str, value: int, name: str, now: datetime) -> None:
    """Does one thing to the world and to the model."""
    if kind == "earn":
        earn(world, "a", value, now, name)
        model.earned += value
    elif kind == "ask":
        waiting = sum(model.asked[other] for other in model.of("requested", "approved"))
        draft = WithdrawalDraft(name, "a", value)
        if is_done(world, withdrawals.request_withdrawal, SHOP, now, draft):
            assert value <= model.available() - waiting
            model.asked[name], model.states[name] = value, "requested"
        else:
            assert value > model.available() - waiting
    elif kind in DECISIONS:
        decide(world, model, kind, value, now)
    elif kind in RESULTS:
        settle(world, model, kind, value, now)
    else:
        take(world, model, model.of("approved")[:value] if kind == "make" else [], name, now)


def take(world: World, model: Model, named: list[str], name: str, now: datetime) -> None:
    """Makes a batch of withdrawals, or of everything where none is named."""
    wanted = sum(model.asked[other] for other in named) if named else model.available()
    is_there = 0 < wanted <= model.available()
    made = make(world, name, now, withdrawals=named or None)
    lines = [(row["amount_minor"], row["fee_minor"], row["net_minor"]) for row in made["lines"]]
    fee = FEE * len(named)
    assert lines == ([(wanted, fee, wanted - fee)] if is_there else [])
    if is_there:
        model.batches.append(Batch(name, named, wanted))
        model.states |= dict.fromkeys(named, "in_payout")


def decide(world: World, model: Model, kind: str, place: int, now: datetime) -> None:
    """Approves, refuses or cancels one of the withdrawals that wait."""
    waiting = model.of("requested") if kind == "approve" else model.of("requested", "approved", "in_payout")
    if not waiting:
        return
    name = waiting[place % len(waiting)]
    state = model.states[name]
    if kind == "approve":
        approved = sum(model.asked[other] for other in model.of("approved"))
        is_there = model.asked[name] <= model.available() - approved
        assert is_done(world, withdrawals.approve_withdrawal, APPROVER, now, name) == is_there
        model.states[name] = "approved" if is_there else state
    else:
        ends = withdrawals.refuse_withdrawal if kind == "refuse" else withdrawals.cancel_withdrawal
        more = ("r",) if kind == "refuse" else ()
        assert is_done(world, ends, APPROVER, now, name, *more) == (state != "in_payout")
        if state != "in_payout":
            model.states[name] = "refused" if kind == "refuse" else "cancelled"


def settle(world: World, model: Model, result: str, place: int, now: datetime) -> None:
    """Cancels a batch, or records what the channel says of it."""
    needed = "paid" if result == "returned" else "open"
    fitting = [batch for batch in model.batches if batch.end == needed]
    if not fitting:
        return
    batch = fitting[place % len(fitting)]
    if result == "cancelled":
        with world.container.begin() as conn:
            batches.cancel_payout(Unit(conn, world.program, PROPOSER, now), batch.id)
    else:
        approve(world, batch.id, now)
        record(world, batch.id, [("a", result)], now)
    batch.end = result
    model.states |= dict.fromkeys(batch.names, "approved" if result == "cancelled" else result)


def is_done(world: World, call: Any, actor: Actor, now: datetime, *arguments: Any) -> bool:
    """Whether the service does what is asked; what it refuses it leaves as it was."""
    try:
        with world.container.begin() as conn:
            call(Unit(conn, world.program, actor, now), *arguments)
    except Refusal:
        return False
    return True
