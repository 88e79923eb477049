"""The plans in force, simulated as candidates are, come to what the ledger holds; where not, the check says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.simulations.checking import Checked, check_as_published
from distrib.services.simulations.running import PaidSpan, enter_history
from distrib.services.simulations.trying_again import check_simulation
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, paid, refunded, settled
from tests.world.world import World, chain

DAY = timedelta(days=1)
ALL = PaidSpan(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
CAPPED = SELLER_TEN_PERCENT | {
    "code": "capped",
    "rules": [{"id": "own", "pay": "seller", "rate": "0.10", "cap": {"per_month_minor": 100}}],
}


def simulated(world: World) -> Checked:
    """The ledger held against a simulation of every version on its own orders."""
    checked = Checked()
    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        unit = Unit(conn, world.program, COMMAND_LINE, world.now())
        check_simulation(unit, world.container.worker_engine.begin, world.policies, ALL, checked)
    return checked


def test_each_version_comes_to_what_was_posted_on_the_orders_paid_under_it(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.publish(SELLER_TEN_PERCENT | {"code": "later", "order_cap": "0.05"}, PAID + 3 * DAY)
    world.join(*chain("a", "b"))
    world.earn(*(settled(f"s{n}", f"o{n}", "ab"[n % 2], line(9_999 + n), paid_at=PAID + n * DAY) for n in range(7)))
    world.earn(refunded("r1", "o1", {"1": 4_321}, PAID + 8 * DAY))
    checked = simulated(world)
    assert (checked.simulated, checked.differences, checked.in_another_order) == (7, 0, 0)


def test_what_was_posted_and_the_plan_does_not_pay_is_a_difference(world: World, owner: Engine) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a"))
    world.earn(*(settled(f"s{n}", f"o{n}", "a", line(10_000), paid_at=PAID + n * DAY) for n in range(3)))
    with owner.begin() as conn:
        conn.execute(text("ALTER TABLE transfers DISABLE TRIGGER USER"))
        conn.execute(text("UPDATE transfers SET amount_minor = amount_minor + 7 WHERE seq = 1 AND cause_no = 2"))
        conn.execute(text("ALTER TABLE transfers ENABLE TRIGGER USER"))
    checked = simulated(world)
    assert checked.differences == 1
    [row] = checked.shown
    assert (row["what"], row["shop_id"], row["amount_minor"]) == ("simulated", "a", -7)


def test_orders_of_which_others_decide_are_counted_apart(world: World) -> None:
    """One post: the order that was known first settles last, and the room of the month goes to whoever comes first."""
    world.publish(CAPPED)
    world.join(*chain("a"))
    world.earn(
        paid("p1", "o1", "a", line(60_000), paid_at=PAID),
        settled("s2", "o2", "a", line(60_000), paid_at=PAID + DAY, occurred_at=PAID + 5 * DAY),
        settled("s1", "o1", "a", line(60_000), paid_at=PAID, occurred_at=PAID + 11 * DAY),
    )
    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        assert check_as_published(conn, world.program, world.policies, ALL).differences == 0
    checked = simulated(world)
    assert (checked.differences, checked.shown) == (0, [])
    assert checked.in_another_order == 2
