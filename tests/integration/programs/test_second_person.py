"""What takes two people takes two owners of keys: whoever made a key, or made what made it, is one person with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from distrib.services.programs.persons import is_same_person
from tests.world.api import Api, Caller
from tests.world.documents import PAID
from tests.world.payouts import earn, open_shops

LATER = datetime(2030, 1, 1, tzinfo=UTC)
REFUSED = (409, "same_person")


class Step(NamedTuple):
    """What one person proposes and another confirms, over HTTP."""

    propose: Callable[[Caller], object]
    confirm: str


def _posts(path: str, body: object = None) -> Callable[[Caller], object]:
    return lambda caller: caller.post(path, body)


STEPS = {
    "close": Step(_posts("/v1/statements/2026-03/close"), "/v1/statements/2026-03/close/confirm"),
    "adjustment": Step(
        _posts("/v1/adjustments", {"id": "x", "shop_id": "a", "amount_minor": 5, "reason": "r"}),
        "/v1/adjustments/x/approve",
    ),
    "payout": Step(_posts("/v1/payouts", {"id": "p", "up_to": "2026-05-01T00:00:00Z"}), "/v1/payouts/p/approve"),
    "withdrawal": Step(
        _posts("/v1/withdrawals", {"id": "w", "amount_minor": 1_000, "shop_id": "a"}), "/v1/withdrawals/w/approve"
    ),
    "closing payment": Step(
        _posts("/v1/shops/left/closing-payment", {"id": "last", "reason": "r"}),
        "/v1/shops/left/closing-payment/approve",
    ),
}


@pytest.fixture(params=list(STEPS))
def step(request: pytest.FixtureRequest) -> Step:
    """Each of the steps that take two people."""
    return STEPS[request.param]


@pytest.fixture
def funded(api: Api) -> Api:
    """A shop with money and one that left with some, in a program that takes withdrawals."""
    open_shops(api.world, "a", "left")
    for shop in ("a", "left"):
        earn(api.world, shop, 300_000, PAID)
    admin = api.caller()
    admin.post("/v1/shops/left/status", {"status": "closed", "reason": "left"})
    admin.patch("/v1/program", {"withdrawals": {"least_minor": 1}})
    return api


def test_a_key_of_the_same_owner_confirms_nothing(step: Step, funded: Api) -> None:
    first, second = funded.caller(owner="ann"), funded.caller("finance", owner="ann")
    step.propose(first)
    assert first.refused("POST", step.confirm) == (409, "same_key")
    assert second.refused("POST", step.confirm) == REFUSED
    funded.caller("finance", owner="ben").post(step.confirm)


def test_a_key_that_the_proposer_made_confirms_nothing_directly_or_through_others(step: Step, funded: Api) -> None:
    admin = funded.caller(owner="ann")
    made = funded.made_by(admin, "admin", owner="ben")
    funded.stop_clock(datetime.now(UTC) + timedelta(hours=25))
    through = funded.made_by(made, "finance", owner="carl")
    funded.stop_clock(datetime.now(UTC) + timedelta(hours=50))
    step.propose(admin)
    assert made.refused("POST", step.confirm) == REFUSED
    assert through.refused("POST", step.confirm) == REFUSED
    funded.caller("finance", owner="dora").post(step.confirm)


def test_who_made_the_key_that_proposed_confirms_nothing_with_any_key_of_its_own(step: Step, funded: Api) -> None:
    admin, other_key = funded.caller(owner="ann"), funded.caller("finance", owner="ann")
    step.propose(funded.made_by(admin, "admin", owner="ben"))
    assert admin.refused("POST", step.confirm) == REFUSED
    assert other_key.refused("POST", step.confirm) == REFUSED
    funded.caller("finance", owner="dora").post(step.confirm)


def test_what_a_key_proposed_that_ended_is_proposed_again(step: Step, funded: Api) -> None:
    admin, leaver, ben = funded.caller(owner="ann"), funded.caller(owner="lee"), funded.caller("finance", owner="ben")
    step.propose(leaver)
    admin.call("DELETE", f"/v1/keys/{leaver.key_id}")
    assert ben.refused("POST", step.confirm) == (409, "proposer_revoked")


def test_what_a_key_proposed_that_expired_is_not_confirmed(step: Step, funded: Api) -> None:
    now = datetime.now(UTC)
    leaver, ben = funded.caller(owner="lee", expires_at=now + timedelta(hours=1)), funded.caller(owner="ben")
    step.propose(leaver)
    funded.stop_clock(now + timedelta(hours=2))
    assert ben.refused("POST", step.confirm) == (409, "proposer_revoked")


def test_a_new_key_of_the_api_confirms_after_its_wait_and_is_told_when(step: Step, funded: Api) -> None:
    step.propose(funded.caller(owner="ann"))
    made = funded.made_by(funded.caller(owner="eve"), "finance", owner="ben")
    problem = made.problem("POST", step.confirm)
    confirms_from = made_from(funded, made)
    assert (problem["status"], problem["code"]) == (409, "key_not_approved")
    assert confirms_from is not None
    assert confirms_from[:19] in problem["errors"][1]["detail"]
    funded.stop_clock(datetime.fromisoformat(confirms_from))
    made.post(step.confirm)


def made_from(api: Api, made: Caller) -> str | None:
    """From when a key may confirm."""
    view = api.caller().get(f"/v1/keys/{made.key_id}")
    confirms_from: str | None = view["confirms_from"]
    assert view["may_confirm"] == (confirms_from is None)
    return confirms_from


def test_what_was_confirmed_is_answered_as_it_stands_whatever_became_of_the_keys(step: Step, funded: Api) -> None:
    ann, ben = funded.caller(owner="ann"), funded.caller(owner="ben")
    step.propose(ann)
    confirmed = ben.post(step.confirm)
    ben.call("DELETE", f"/v1/keys/{ann.key_id}")
    assert ben.post(step.confirm) == confirmed


def test_a_month_that_a_leaver_proposed_is_proposed_anew_with_the_same_figures(funded: Api) -> None:
    close = "/v1/statements/2026-03/close"
    ann, leaver, ben = funded.caller(owner="ann"), funded.caller(owner="lee"), funded.caller(owner="ben")
    first = leaver.post(close)
    ann.call("DELETE", f"/v1/keys/{leaver.key_id}")
    again = ann.post(close)
    assert (again["digest"], again["proposed_by"]) == (first["digest"], ann.key_id)
    assert ben.post(f"{close}/confirm")["status"] == "closed"


def test_a_key_that_changed_hands_stays_with_those_who_had_it(funded: Api) -> None:
    ann, other, held = funded.caller(owner="ann"), funded.caller(owner="otto"), funded.caller("finance", owner="otto")
    STEPS["adjustment"].propose(held)
    ann.patch(f"/v1/keys/{held.key_id}", {"owner": "ben"})
    assert ann.refused("POST", STEPS["adjustment"].confirm) == REFUSED
    assert other.refused("POST", STEPS["adjustment"].confirm) == REFUSED
    funded.caller(owner="dora").post(STEPS["adjustment"].confirm)


def test_who_gives_a_key_a_new_secret_has_it_in_hand_and_it_waits_anew(funded: Api) -> None:
    ann, held = funded.caller(owner="ann"), funded.caller("finance", owner="ben")
    STEPS["adjustment"].propose(ann)
    ann.post(f"/v1/keys/{held.key_id}/rotate")
    assert held.refused("POST", STEPS["adjustment"].confirm) == REFUSED
    STEPS["payout"].propose(funded.caller(owner="dora"))
    assert held.refused("POST", STEPS["payout"].confirm) == (409, "key_not_approved")


def test_the_name_stands_for_the_owner_until_it_is_set(funded: Api) -> None:
    first, second = funded.caller(name="ann"), funded.caller("finance", name="ann")
    STEPS["adjustment"].propose(first)
    assert second.refused("POST", STEPS["adjustment"].confirm) == REFUSED
    funded.caller(owner="eve").patch(f"/v1/keys/{second.key_id}", {"owner": "ben"})
    second.post(STEPS["adjustment"].confirm)


def test_keys_that_nobody_named_and_keys_of_before_are_persons_of_their_own(funded: Api) -> None:
    first, second = funded.caller("finance"), funded.caller("finance")
    STEPS["adjustment"].propose(first)
    second.post(STEPS["adjustment"].confirm)


def test_a_shops_key_is_its_own_whoever_made_it(funded: Api) -> None:
    admin = funded.caller(owner="ann")
    partner = funded.made_by(admin, "partner", "a's", shop_id="a")
    partner.post("/v1/withdrawals", {"id": "w", "amount_minor": 1_000})
    admin.post("/v1/withdrawals/w/approve")


def test_two_keys_that_one_admin_made_are_two_persons_once_they_may_confirm(funded: Api) -> None:
    """What stops an admin from acting as both is that the second waits, or takes another admin."""
    admin, second = funded.caller(owner="ann"), funded.caller(owner="eve")
    first, made = funded.made_by(admin, owner="ben"), funded.made_by(admin, owner="carl")
    STEPS["adjustment"].propose(first)
    assert made.refused("POST", STEPS["adjustment"].confirm) == (409, "key_not_approved")
    second.post(f"/v1/keys/{made.key_id}/approve")
    made.post(STEPS["adjustment"].confirm)


def test_keys_that_were_made_in_a_circle_are_one_person(api: Api) -> None:
    ann, ben = api.caller(owner="ann"), api.caller(owner="ben")
    ann.patch(f"/v1/keys/{ben.key_id}", {"expires_at": LATER.isoformat()})
    ben.patch(f"/v1/keys/{ann.key_id}", {"expires_at": LATER.isoformat()})
    world = api.world
    with world.begin() as conn:
        assert is_same_person(conn, world.program, ann.key_id, ben.key_id)
        assert is_same_person(conn, world.program, ben.key_id, ann.key_id)
        assert not is_same_person(conn, world.program, ann.key_id, api.caller(owner="carl").key_id)
        assert not is_same_person(conn, world.program, ann.key_id, "cli")
