"""Freezes: indirect pay of a tree is held by a case, and released or taken back by a person's decision."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.services.audit.run import enter_snapshot, run_audit
from distrib.services.compliance import cases
from distrib.services.compliance.cases import CaseDecision, CaseView
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import shops
from distrib.services.network.moves import Move
from distrib.services.network.records import change_shop
from distrib.services.orders.explanations import explain_order
from distrib.services.statements import months
from tests.world.documents import PAID, line, paid, refunded, settled
from tests.world.world import World, chain

TWO_UP: dict[str, Any] = {
    "code": "two-up",
    "currency": "CNY",
    "policy": "open",
    "hold_days": 0,
    "tiers": 2,
    "rules": [
        {"id": "own", "pay": "seller", "rate": "0.10"},
        {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.05"},
        {"id": "up-2", "pay": "upline", "tier": 2, "rate": "0.02"},
    ],
}
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
FREEZE = PAID - DAY


@pytest.fixture
def tree(world: World) -> World:
    """A chain a > b > c with two levels of indirect pay, and another tree x > y."""
    world.publish(TWO_UP)
    world.join(*chain("a", "b", "c"), *chain("x", "y"))
    return world


def opened(world: World, shop_id: str | None = "c", organiser_id: str | None = None) -> int:
    with world.container.begin() as conn:
        now = world.container.now()
        case = cases.open_case(Unit(conn, world.program, COMMAND_LINE, now), shop_id, organiser_id, "a test")
    number: int = case.case_no
    return number


def decide(world: World, case_no: int, decision: str, decided_at: Any = None, by: str = "Han Meimei") -> CaseView:
    with world.container.begin() as conn:
        return cases.decide_case(
            Unit(conn, world.program, COMMAND_LINE, world.container.now()),
            case_no,
            CaseDecision(decision, decided_at, by, "a test"),
        )


def frozen(world: World) -> int:
    case_no = opened(world)
    decide(world, case_no, "freeze", FREEZE)
    return case_no


def held(world: World) -> dict[str, int]:
    """What freezes hold of each shop."""
    statement = (
        "SELECT s.shop_id, sum(f.signed_minor) FROM frozen_transfers f JOIN shops s USING (program_id, shop_no)"
        " WHERE f.program_id = :program AND f.freed_at IS NULL GROUP BY 1"
    )
    return {row[0]: int(row[1]) for row in world.rows(statement)}


def clean(world: World) -> bool:
    with world.container.begin() as conn:
        enter_snapshot(conn)
        result = run_audit(Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.container.policies)
    assert result.ok, [check for check in result.checks if not check.ok]
    return result.ok


def reasons(world: World, order_id: str) -> list[tuple[str | None, int, str]]:
    with world.container.begin() as conn:
        explained = explain_order(conn, world.program, order_id)
    assert explained.agrees, explained.differences
    return [(look.shop_id, look.posted_minor, look.reason) for look in explained.looks]


def test_a_case_about_a_shop_is_about_its_tree(tree: World) -> None:
    with tree.container.begin() as conn:
        case = cases.get_case(conn, tree.program, opened(tree), tree.container.now())
    assert (case.subject, case.shop_id, case.state, case.frozen_minor) == ("tree:a", "a", "open", 0)


def test_while_a_tree_is_frozen_its_indirect_pay_is_posted_and_held_and_its_own_sales_are_paid(tree: World) -> None:
    case_no = frozen(tree)
    earned = tree.earn(settled("e1", "o1", "c", line(10_000)), settled("e2", "o2", "y", line(10_000)))
    assert earned == {"c": 1_000, "b": 500, "a": 200, "y": 1_000, "x": 500}
    assert held(tree) == {"b": 500, "a": 200}
    assert reasons(tree, "o1") == [("c", 1_000, "paid"), ("b", 500, "policy"), ("a", 200, "policy")]
    assert reasons(tree, "o2") == [("y", 1_000, "paid"), ("x", 500, "paid"), (None, 0, "no_upline")]
    with tree.container.begin() as conn:
        assert cases.get_case(conn, tree.program, case_no, tree.container.now()).frozen_minor == 700
    assert clean(tree)


def test_what_is_held_is_not_available_in_balance_and_statement_until_it_is_released(tree: World) -> None:
    case_no = frozen(tree)
    tree.earn(settled("e1", "o1", "c", line(10_000)), settled("e2", "o2", "c", line(5_000), paid_at=FREEZE - DAY))
    assert (balance(tree, "b"), month(tree)) == ((500, 250), (700, 1_850))
    decide(tree, case_no, "release")
    assert balance(tree, "b") == (0, 750)
    with tree.container.begin() as conn:
        shop_no = shops.get_shop(Unit(conn, tree.program, COMMAND_LINE, tree.container.now()), "b").shop_no
        then = months.balance(conn, tree.program, shop_no, PAID + DAY)
    assert (then.held_minor, then.available_minor) == (500, 250)
    assert month(tree) == (700, 1_850)  # as of the month's last instant, when they were held
    assert clean(tree)


def balance(world: World, shop_id: str) -> tuple[int, int]:
    """Held and available of a shop now."""
    with world.container.begin() as conn:
        now = world.container.now()
        shop_no = shops.get_shop(Unit(conn, world.program, COMMAND_LINE, now), shop_id).shop_no
        amounts = months.balance(conn, world.program, shop_no, now)
    return amounts.held_minor, amounts.available_minor


def month(world: World) -> tuple[int, int]:
    """Held and available of all shops at the end of the month of the orders."""
    with world.container.begin() as conn:
        statement, _ = months.statement_totals_and_rows(
            Unit(conn, world.program, COMMAND_LINE, world.container.now()), 202603, None, 50
        )
    totals = statement.totals or {}
    return totals["held_minor"], totals["available_minor"]


def test_orders_paid_before_the_freeze_or_settled_after_its_end_are_not_held(tree: World) -> None:
    case_no = frozen(tree)
    tree.earn(settled("e1", "o1", "c", line(10_000), paid_at=FREEZE - DAY))
    assert held(tree) == {}
    decide(tree, case_no, "release")
    tree.earn(settled("e2", "o2", "c", line(10_000)))
    assert held(tree) == {}
    assert clean(tree)


def test_a_release_frees_what_is_held(tree: World) -> None:
    case_no = frozen(tree)
    tree.earn(settled("e1", "o1", "c", line(10_000)))
    case = decide(tree, case_no, "release")
    assert (case.state, case.frozen_minor, held(tree)) == ("released", 0, {})
    assert tree.earned() == {"c": 1_000, "b": 500, "a": 200}
    assert [decision.decision for decision in case.decisions] == ["freeze", "release"]
    assert clean(tree)


def test_what_is_taken_back_is_a_reversal_of_the_order_and_no_refund_brings_it_back(tree: World) -> None:
    case_no = frozen(tree)
    tree.earn(settled("e1", "o1", "c", line(10_000)), settled("e2", "o2", "c", line(6_000)))
    tree.earn(refunded("r1", "o1", {"1": 4_000}))
    assert held(tree) == {"b": 600, "a": 240}
    case = decide(tree, case_no, "reverse")
    assert (case.state, case.frozen_minor) == ("frozen", 0)
    assert tree.earned() == {"c": 1_200, "b": 0, "a": 0}
    assert reasons(tree, "o1") == [("c", 600, "paid"), ("b", 0, "policy"), ("a", 0, "policy")]
    assert clean(tree)
    assert tree.earn(refunded("r2", "o1", {"1": 1_000}), refunded("r3", "o2", None)) == {"c": 500, "b": 0, "a": 0}
    assert clean(tree)


def test_a_freeze_goes_on_after_what_it_held_was_taken_back_until_it_is_released(tree: World) -> None:
    case_no = frozen(tree)
    tree.earn(settled("e1", "o1", "c", line(10_000)))
    decide(tree, case_no, "reverse")
    tree.earn(settled("e2", "o2", "c", line(10_000)))
    assert held(tree) == {"a": 200, "b": 500}
    decide(tree, case_no, "release")
    assert held(tree) == {}
    assert tree.earned() == {"c": 2_000, "b": 500, "a": 200}
    assert clean(tree)


def test_a_refund_of_what_is_held_is_held_with_it(tree: World) -> None:
    frozen(tree)
    tree.earn(settled("e1", "o1", "c", line(10_000)), refunded("r1", "o1", None))
    assert held(tree) == {"a": 0, "b": 0}
    assert tree.earned() == {"a": 0, "b": 0, "c": 0}
    assert clean(tree)


def test_all_trees_of_an_organiser_are_frozen_together(tree: World) -> None:
    organise(tree, "boss", FREEZE, "a", "x")
    decide(tree, opened(tree, None, "boss"), "freeze", FREEZE)
    tree.earn(settled("e1", "o1", "c", line(10_000)), settled("e2", "o2", "y", line(10_000)))
    assert held(tree) == {"b": 500, "a": 200, "x": 500}
    assert clean(tree)


def organise(world: World, organiser_id: str | None, since: datetime, *shop_ids: str) -> None:
    """Says who runs the trees of those shops from an instant on, as if it had been said then."""
    with world.container.begin() as conn:
        for shop_id in shop_ids:
            change_shop(Unit(conn, world.program, COMMAND_LINE, since), shop_id, {"organiser_id": organiser_id})


def test_whoever_ran_the_tree_when_an_order_was_paid_decides_whatever_was_said_since(tree: World) -> None:
    """The organiser is set, changed and cleared; the orders of each time arrive when all is over."""
    organise(tree, "boss", PAID, "a")
    organise(tree, "other", PAID + 2 * DAY, "a")
    organise(tree, None, PAID + 4 * DAY, "a")
    decide(tree, opened(tree, None, "boss"), "freeze", PAID - 30 * DAY)
    paid_at = {
        "before": PAID - DAY,
        "when set": PAID,
        "last of boss": PAID + 2 * DAY - SECOND,
        "changed": PAID + 2 * DAY,
        "cleared": PAID + 5 * DAY,
    }
    tree.earn(*(settled(f"e {name}", name, "c", line(10_000), paid_at=instant) for name, instant in paid_at.items()))
    assert {name: reasons(tree, name)[1] for name in paid_at} == {
        "before": ("b", 500, "paid"),
        "when set": ("b", 500, "policy"),
        "last of boss": ("b", 500, "policy"),
        "changed": ("b", 500, "paid"),
        "cleared": ("b", 500, "paid"),
    }
    assert held(tree) == {"b": 1_000, "a": 400}
    assert clean(tree)


def test_an_order_stays_as_it_was_settled_when_its_tree_changes_hands(tree: World) -> None:
    organise(tree, "boss", FREEZE, "a")
    decide(tree, opened(tree, None, "boss"), "freeze", FREEZE)
    tree.earn(settled("e1", "o1", "c", line(10_000)), settled("e2", "o2", "y", line(10_000)))
    organise(tree, None, PAID + DAY, "a")
    organise(tree, "boss", PAID + DAY, "x")
    tree.earn(refunded("r1", "o1", {"1": 5_000}), refunded("r2", "o2", {"1": 5_000}))
    assert held(tree) == {"b": 250, "a": 100}
    assert reasons(tree, "o1")[1] == ("b", 250, "policy")
    assert reasons(tree, "o2")[1] == ("x", 250, "paid")
    assert clean(tree)


def test_two_organisers_and_a_tree_of_its_own_are_distinguished_and_the_oldest_case_holds(tree: World) -> None:
    organise(tree, "boss", FREEZE, "a")
    organise(tree, "other", FREEZE, "x")
    of_other, of_boss, of_tree = opened(tree, None, "other"), opened(tree, None, "boss"), opened(tree, "a")
    for case_no in (of_tree, of_boss, of_other):
        decide(tree, case_no, "freeze", FREEZE)
    tree.earn(settled("e1", "o1", "c", line(10_000)), settled("e2", "o2", "y", line(10_000)))
    with tree.container.begin() as conn:
        shares = [
            cases.get_case(conn, tree.program, number, tree.container.now()).frozen_minor
            for number in (of_other, of_boss, of_tree)
        ]
    assert shares == [500, 700, 0]


def test_a_tree_that_was_moved_under_another_stays_under_its_organisers_freeze(tree: World) -> None:
    organise(tree, "boss", FREEZE, "x")
    decide(tree, opened(tree, None, "boss"), "freeze", FREEZE)
    with tree.container.begin() as conn:
        pack, now = tree.container.policies["open"], tree.container.now()
        shops.move_shop(Unit(conn, tree.program, COMMAND_LINE, now), pack, "x", Move("c", PAID - SECOND, "a test"))
    tree.earn(settled("e1", "o1", "y", line(10_000)), settled("e2", "o2", "c", line(10_000)))
    assert held(tree) == {"x": 500, "c": 200}


def test_the_organiser_of_a_root_beyond_a_snapshots_chain_is_found_as_of_the_payment(world: World) -> None:
    world.publish(TWO_UP)
    world.join(*chain(*(f"s{number}" for number in range(15))))
    organise(world, "boss", PAID, "s0")
    decide(world, opened(world, None, "boss"), "freeze", FREEZE)
    world.earn(
        settled("e1", "o1", "s14", line(10_000)), settled("e2", "o2", "s14", line(20_000), paid_at=PAID - SECOND)
    )
    assert held(world) == {"s13": 500, "s12": 200}


def test_a_case_may_be_opened_about_an_organiser_who_has_left(tree: World) -> None:
    organise(tree, "boss", FREEZE, "a")
    organise(tree, None, PAID + DAY, "a")
    decide(tree, opened(tree, None, "boss"), "freeze", FREEZE)
    tree.earn(settled("e1", "o1", "c", line(10_000)))
    assert held(tree) == {"b": 500, "a": 200}


def test_what_was_expected_under_a_freeze_and_settles_after_its_release_is_not_held(tree: World) -> None:
    case_no = frozen(tree)
    tree.earn(paid("p1", "o1", "c", line(10_000)))
    decide(tree, case_no, "release")
    tree.earn(settled("e1", "o1", "c", line(10_000)))
    assert balance(tree, "b") == (0, 500)
    assert clean(tree)


def test_the_root_of_a_chain_longer_than_a_snapshot_is_found(world: World) -> None:
    world.publish(TWO_UP)
    shops = [f"s{number}" for number in range(15)]
    world.join(*chain(*shops), *chain("t0", "t1"))
    decide(world, opened(world, "s3"), "freeze", FREEZE)
    world.earn(settled("e1", "o1", "s14", line(10_000)), settled("e2", "o2", "t1", line(10_000)))
    assert held(world) == {"s13": 500, "s12": 200}


def test_decisions_follow_each_other_as_they_can(tree: World) -> None:
    case_no = opened(tree)
    for decision in ("release", "reverse"):
        with pytest.raises(Refusal) as refused:
            decide(tree, case_no, decision)
        assert refused.value.code == "case_decided"
    with pytest.raises(Refusal) as refused:
        opened(tree, "b")
    assert refused.value.code == "case_open"
    assert decide(tree, case_no, "dismiss").state == "dismissed"
    with pytest.raises(Refusal):
        decide(tree, case_no, "freeze")
    assert opened(tree, "b") > case_no
    with pytest.raises(Refusal) as refused:
        decide(tree, case_no, "freeze", by=" ")
    assert refused.value.code in ("case_decided", "invalid")
    for shop_id, organiser_id, code in (("nobody", None, "shop_unknown"), (None, "nobody", "organiser_unknown")):
        with pytest.raises(Refusal) as refused:
            opened(tree, shop_id, organiser_id)
        assert refused.value.code == code


def test_who_waited_for_the_lock_sees_what_was_decided_meanwhile(tree: World) -> None:
    case_no = opened(tree)
    asked = tree.container.now()
    decide(tree, case_no, "freeze", FREEZE)
    tree.earn(settled("e1", "o1", "c", line(10_000)))

    def late(decision: str) -> CaseView:
        with tree.container.begin() as conn:
            return cases.decide_case(
                Unit(conn, tree.program, COMMAND_LINE, asked),
                case_no,
                CaseDecision(decision, None, "Han Meimei", "a test"),
            )

    with pytest.raises(Refusal) as refused:
        late("freeze")
    assert refused.value.code == "case_decided"
    assert late("reverse").frozen_minor == 0
    released = late("release")
    instants = [decision.recorded_at for decision in released.decisions]
    assert (released.state, instants) == ("released", sorted(set(instants)))
    assert held(tree) == {}
    assert clean(tree)


def test_a_second_freeze_from_a_later_day_does_not_hold_what_was_paid_under_the_first(tree: World) -> None:
    case_no = frozen(tree)
    tree.earn(paid("p1", "o1", "c", line(10_000)), paid("p2", "o2", "c", line(20_000), paid_at=PAID + DAY))
    decide(tree, case_no, "release")
    decide(tree, case_no, "freeze", PAID + DAY)
    tree.earn(settled("e1", "o1", "c", line(10_000)), settled("e2", "o2", "c", line(20_000), paid_at=PAID + DAY))
    assert held(tree) == {"b": 1_000, "a": 400}
    assert clean(tree)


def test_what_a_sponsor_earns_on_a_purchase_of_its_recruit_is_held_though_it_sits_at_the_first_tier(
    world: World,
) -> None:
    """A chain that is shifted pays the sponsor at tier 0; the leader of the order stands beside the chain."""
    lead = {"id": "lead", "pay": "leader", "rate": "0.01", "where": {"channel": ["community"]}}
    world.publish({**TWO_UP, "self_purchase": "shift", "rules": [*TWO_UP["rules"], lead]})
    world.join(*chain("a", "b", "c"), ("x", None))
    frozen(world)
    bought = {"customer_id": "c", "channel": "community", "leader_id": "x"}
    assert world.earn(settled("e1", "o1", "c", line(10_000), **bought)) == {"b": 1_000, "a": 500, "x": 100}
    assert held(world) == {"b": 1_000, "a": 500}
    assert [row[::2] for row in reasons(world, "o1") if row[1]] == [("b", "policy"), ("a", "policy"), ("x", "paid")]
    world.earn(refunded("r1", "o1", {"1": 5_000}))
    assert held(world) == {"b": 500, "a": 250}
    assert clean(world)
