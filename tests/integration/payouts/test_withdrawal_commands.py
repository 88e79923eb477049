"""``distrib withdrawal`` and the selections of ``distrib payout`` as an operator types them."""

from __future__ import annotations

import json

import pytest
from click.testing import Result

from distrib.domain.errors import Refusal
from distrib.services.context import Actor, Unit
from distrib.services.network import standing
from distrib.services.payouts.withdrawals import WithdrawalDraft, request_withdrawal
from distrib.services.programs.tenants import get_program
from distrib.settings import Settings
from tests.world.commands import name_servers, run
from tests.world.documents import PAID
from tests.world.payouts import PROPOSER, earn, open_shops
from tests.world.world import World

UP_TO = "2026-04-01T00:00:00Z"


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    name_servers(settings, monkeypatch)


def refusal_of(result: Result) -> Refusal:
    """What a command was refused with."""
    assert isinstance(result.exception, Refusal), result.output
    return result.exception


@pytest.fixture
def keys(world: World) -> tuple[str, str]:
    """Keys of an admin and of finance, on a world where a has 10.00 and b 7.00 and withdrawals cost 0.10."""
    open_shops(world, "a", "b")
    earn(world, "a", 1_000, PAID)
    earn(world, "b", 700, PAID)
    run("program", "set", "--withdrawal-least-minor", 100, "--withdrawal-fee-minor", 10)
    with world.container.begin() as conn:
        world.program = get_program(conn, world.program.program_id)
        shop = Actor("shop", "shop", "partner")
        for name, shop_id in (("w1", "a"), ("w2", "b")):
            request_withdrawal(
                Unit(conn, world.program, shop, world.container.now()), WithdrawalDraft(name, shop_id, 500)
            )
    admin, finance = (run("key", "create", "--role", role).stdout.splitlines()[-1] for role in ("admin", "finance"))
    return admin, finance


def test_withdrawals_are_listed_approved_refused_and_paid(keys: tuple[str, str]) -> None:
    admin, finance = keys
    assert "w1" in run("withdrawal", "list", "--status", "requested").stdout
    assert "approved" in run("withdrawal", "approve", "w1", "--key", finance).stdout
    refused = json.loads(run("withdrawal", "refuse", "w2", "--reason", "资料不全", "--key", finance, "--json").stdout)
    assert (refused["status"], refused["reason"]) == ("refused", "资料不全")
    made = json.loads(
        run("payout", "create", "p", "--up-to", UP_TO, "--withdrawal", "w1", "--key", admin, "--json").stdout
    )
    [line] = made["lines"]
    assert (line["amount_minor"], line["fee_minor"], line["net_minor"]) == (500, 10, 490)
    listed = json.loads(run("withdrawal", "list", "--shop", "a", "--json").stdout)
    assert [(row["id"], row["status"]) for row in listed] == [("w1", "in_payout")]
    problem = refusal_of(run("withdrawal", "refuse", "w1", "--reason", " ", "--key", finance)).problems
    assert [entry.pointer for entry in problem] == ["--reason"]


def test_a_batch_of_shops_and_of_amounts_is_made_by_hand(keys: tuple[str, str]) -> None:
    admin, _ = keys
    words = ("--up-to", UP_TO, "--key", admin, "--json")
    made = json.loads(run("payout", "create", "p1", "--amount", "a=300", "--amount", "b=1", *words).stdout)
    assert {row["shop_id"]: row["amount_minor"] for row in made["lines"]} == {"a": 300, "b": 1}
    made = json.loads(run("payout", "create", "p2", "--shop", "b", *words).stdout)
    assert {row["shop_id"]: row["amount_minor"] for row in made["lines"]} == {"b": 699}
    wrong = ("--amount", "a", "--amount", "a=0", "--amount", "b=1", "--amount", "b=2")
    problems = refusal_of(run("payout", "create", "p3", *wrong, *words)).problems
    assert [problem.pointer for problem in problems] == ["--amount a", "--amount a=0", "--amount b=2"]
    assert refusal_of(run("payout", "create", "p3", "--amount", "a=701", *words)).code == "exceeds_available"


def test_a_closing_payment_is_asked_for_by_an_admin_and_approved_as_a_batch(
    world: World, keys: tuple[str, str]
) -> None:
    admin, finance = keys
    with world.container.begin() as conn:
        standing.set_status(Unit(conn, world.program, PROPOSER, world.container.now()), "a", "closed", PAID, "left")
    words = ("payout", "closing", "last", "--shop", "a", "--reason", "left")
    assert refusal_of(run(*words, "--key", finance)).code == "forbidden"
    made = json.loads(run(*words, "--key", admin, "--json").stdout)
    assert (made["selection"], made["amount_minor"], made["reason"]) == ("closing", 1_000, "left")
    assert refusal_of(run("payout", "approve", "last", "--key", admin)).code == "same_key"
    assert "approved" in run("payout", "approve", "last", "--key", finance).stdout


def test_the_rules_of_withdrawals_are_set_and_taken_back_by_hand(world: World) -> None:
    words = ("program", "set", "--json")
    rules = ("--withdrawal-least-minor", 100, "--withdrawal-most-minor", 900, "--withdrawals-per-day", 1)
    made = json.loads(run(*words, *rules, "--withdrawals-per-month", 3).stdout)
    assert (made["withdrawal_least_minor"], made["withdrawal_most_minor"], made["withdrawal_fee_minor"]) == (
        100,
        900,
        None,
    )
    assert (made["withdrawals_per_day"], made["withdrawals_per_month"]) == (1, 3)
    made = json.loads(run(*words, "--withdrawal-least-minor", 50, "--withdrawal-fee-minor", 5).stdout)
    assert (made["withdrawal_most_minor"], made["withdrawal_fee_minor"], made["withdrawals_per_day"]) == (None, 5, None)
    wrong = refusal_of(run(*words, "--withdrawal-least-minor", 50, "--withdrawal-fee-minor", 50)).problems
    assert [problem.pointer for problem in wrong] == ["/withdrawals/fee_minor"]
    assert run(*words, "--no-withdrawals", "--withdrawal-least-minor", 50).exit_code == 2
    made = json.loads(run(*words, "--no-withdrawals").stdout)
    assert (made["withdrawal_least_minor"], made["withdrawal_fee_minor"]) == (None, None)
