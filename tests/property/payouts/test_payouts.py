"""Whatever happens to the money in whatever order: a batch takes what is there, and nothing is paid twice or lost."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from distrib.bootstrap import Container
from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.payouts import batches as payouts
from distrib.services.programs.tenants import ProgramDraft, create_program
from distrib.settings import Settings
from tests.world.documents import refunded
from tests.world.payouts import PROPOSER, approve, balance, earn, make, open_shops, record
from tests.world.world import World

BEGIN = datetime(2026, 4, 2, 4, tzinfo=UTC)
SHOPS = ("a", "b")
numbers = itertools.count(1)
ACTIONS = st.one_of(
    st.tuples(st.just("earn"), st.sampled_from(SHOPS), st.integers(1, 2_000)),
    st.tuples(st.just("refund"), st.integers(0, 5), st.integers(1, 100)),
    st.tuples(st.just("make"), st.integers(0, 1_500), st.just(0)),
    st.tuples(st.just("cancel"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("approve"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("settle"), st.integers(0, 5), st.sampled_from(["paid", "failed"])),
    st.tuples(st.just("return"), st.integers(0, 5), st.sampled_from(SHOPS)),
)


@dataclass
class Model:
    """What should be there, kept as plainly as can be."""

    net: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHOPS, 0))
    orders: list[tuple[str, int]] = field(default_factory=list)
    batches: list[dict[str, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    paid: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHOPS, 0))
    kept: dict[str, dict[str, int]] = field(default_factory=dict)

    def reserved(self, shop: str) -> int:
        """What open batches took aside."""
        with_states = zip(self.batches, self.states, strict=True)
        return sum(batch.get(shop, 0) for batch, state in with_states if state in ("proposed", "approved"))

    def available(self, shop: str) -> int:
        """What is left."""
        return self.net[shop] - self.paid[shop] - self.reserved(shop)


@given(actions=st.lists(ACTIONS, min_size=4, max_size=14))
@limits(max_examples=15, suppress_health_check=list(HealthCheck))
def test_a_batch_takes_what_is_available_and_every_unit_is_somewhere(
    settings: Settings, database_url: str, redis_url: str, actions: list[tuple[str, int | str, int | str]]
) -> None:
    container = Container(settings, database_url, redis_url)
    with container.begin() as conn:
        code = f"p-{next(numbers)}"
        program = create_program(
            conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), container.now(), container.policies
        )
    world = open_shops(World(container, program), *SHOPS)
    model, now = Model(), BEGIN
    for place, action in enumerate(actions):
        now += timedelta(minutes=1)
        act(world, model, action, place, now)
        for shop in SHOPS:
            amounts = balance(world, shop, now)
            assert amounts["available"] == model.available(shop), (shop, actions[: place + 1])
            assert (amounts["reserved"], amounts["paid"]) == (model.reserved(shop), model.paid[shop])
    with container.begin() as conn:
        assert run.run_audit(Unit(conn, world.program, COMMAND_LINE, now), container.policies).ok
    container.close()


def act(world: World, model: Model, action: tuple[str, int | str, int | str], place: int, now: datetime) -> None:
    """Does one thing to the world and to the model."""
    kind, shop_or_batch, other = action
    if kind == "earn":
        assert isinstance(shop_or_batch, str)
        assert isinstance(other, int)
        earn(world, shop_or_batch, other, now, f"o{place}")
        model.net[shop_or_batch] += other
        model.orders.append((shop_or_batch, place))
    elif kind == "refund" and isinstance(shop_or_batch, int) and shop_or_batch < len(model.orders):
        shop, order = model.orders.pop(shop_or_batch)
        before = world.earned().get(shop, 0)
        world.earn(refunded(f"r{place}", f"o{order}", None, now))
        model.net[shop] -= before - world.earned().get(shop, 0)
    elif kind == "make" and isinstance(shop_or_batch, int):
        made = make(world, f"b{place}", now, min_minor=shop_or_batch)
        taken = {line["shop_id"]: line["amount_minor"] for line in made["lines"]}
        least = max(shop_or_batch, 1)
        assert taken == {shop: model.available(shop) for shop in SHOPS if model.available(shop) >= least}
        model.batches.append(taken)
        model.states.append("proposed")
        model.names.append(f"b{place}")
    elif isinstance(shop_or_batch, int) and shop_or_batch < len(model.batches):
        decide(world, model, kind, shop_or_batch, other, now)


def decide(world: World, model: Model, kind: str, batch: int, status: int | str, now: datetime) -> None:
    """Approves, cancels or settles a batch that may be."""
    name = model.names[batch]
    if kind == "cancel" and model.states[batch] == "proposed":
        with world.container.begin() as conn:
            payouts.cancel_payout(Unit(conn, world.program, PROPOSER, now), name)
        model.states[batch] = "cancelled"
    elif kind == "approve" and model.states[batch] == "proposed":
        approve(world, name, now)
        model.states[batch] = "approved"
    elif kind == "settle" and model.states[batch] == "approved":
        record(world, name, [(shop, str(status)) for shop in model.batches[batch]], now)
        model.states[batch] = "settled"
        for shop, amount in model.batches[batch].items():
            model.paid[shop] += amount if status == "paid" else 0
        if status == "paid":
            model.kept[name] = dict(model.batches[batch])
    elif kind == "return" and model.states[batch] == "settled":
        [outcome] = record(world, name, [(str(status), "returned")], now)
        amount = model.kept.get(name, {}).pop(str(status), 0)
        assert (outcome.outcome == "recorded") == (amount > 0)
        model.paid[str(status)] -= amount
