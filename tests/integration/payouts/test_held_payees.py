"""Another account of a shop waits its days or a second person; until then the one before is paid."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from distrib.api.calls.backend import EXTENSION
from distrib.services.encryption import KEY_BYTES, Sealer, data_keys
from distrib.services.held_changes import reseal_contents
from distrib.services.payouts.payee_versions import reseal_payees
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from workers.held_changes import apply_due_changes

OLD, NEW = "6222000012345678", "6217000087654321"


def payee(account: str) -> dict[str, Any]:
    """The payee of the tests, with that account."""
    return {
        "name": "Han Mei",
        "id_type": "id_card",
        "id_number": "110101199003070000",
        "kind": "person",
        "accounts": {"bank": {"account": account}},
    }


def put(caller: Caller, account: str) -> int:
    """Puts the payee; answers the status."""
    return caller.call("PUT", "/v1/shops/mei/payee", payee(account)).status_code


def account_of(caller: Caller) -> str:
    """The last digits of the account in force."""
    account: str = caller.get("/v1/shops/mei/payee")["accounts"]["bank_account"]
    return account[-4:]


def wait(api: Api, **span: float) -> datetime:
    """Lets time pass for all requests from now on."""
    backend = api.app.extensions[EXTENSION]
    later: datetime = backend.now() + timedelta(**span)
    api.app.extensions[EXTENSION] = replace(backend, now=lambda: later)
    return later


def paid_account(api: Api, caller: Caller, payout_id: str) -> dict[str, str]:
    """The row of a new, approved batch's file."""
    up_to = api.app.extensions[EXTENSION].now().isoformat()
    caller.post("/v1/payouts", {"id": payout_id, "up_to": up_to})
    api.caller("finance").post(f"/v1/payouts/{payout_id}/approve")
    text = caller.call("GET", f"/v1/payouts/{payout_id}/export?format=csv").text
    [row] = csv.DictReader(io.StringIO(text))
    return row


@pytest.fixture
def shop(api: Api) -> Api:
    """A shop with 1,000 fen available and a payee."""
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.join(("mei", None))
    api.world.earn(settled("evt", "order", "mei", line(10_000)))
    assert put(api.caller(), OLD) == 200
    return api


def test_the_first_payee_is_in_force_at_once_and_another_waits_while_the_old_one_is_paid(shop: Api) -> None:
    admin = shop.caller()
    assert put(admin, NEW) == 202
    shown = admin.get("/v1/shops/mei/payee")
    assert shown["accounts"]["bank_account"].endswith(OLD[-4:])
    assert shown["pending"]["fields"] == ["accounts"]
    due_in = datetime.fromisoformat(shown["pending"]["due_at"]) - datetime.fromisoformat(
        shown["pending"]["proposed_at"]
    )
    assert due_in == timedelta(days=3)
    assert NEW[-4:] not in str(shown)
    own = shop.caller("partner", "mei").get("/v1/shops/mei/payee")
    assert own["accounts"] == shown["accounts"]
    assert own["pending"] == {name: shown["pending"][name] for name in ("id", "fields", "proposed_at", "due_at")}
    assert "recorded_by" not in own
    row = paid_account(shop, admin, "pay")
    assert (row["account_no"], row["account_changed_at"], row["fresh_account"]) == (OLD, "", "")


def test_after_its_days_it_is_in_force_though_no_worker_came_by_and_lines_name_it_as_fresh(shop: Api) -> None:
    admin = shop.caller()
    put(admin, NEW)
    later = wait(shop, days=3)
    row = paid_account(shop, admin, "pay")
    assert (row["account_no"], row["fresh_account"]) == (NEW, "yes")
    assert datetime.fromisoformat(row["account_changed_at"]) == later
    [shown] = admin.get("/v1/payouts/pay")["lines"]
    assert (shown["fresh_account"], shown["payee_version"]) == (True, 2)
    assert admin.get("/v1/shops/mei/payee")["pending"] is None


def test_a_month_after_its_change_an_account_is_fresh_no_more(shop: Api) -> None:
    admin = shop.caller()
    put(admin, NEW)
    shop.caller("finance").post("/v1/shops/mei/payee/approve")
    wait(shop, days=30)
    row = paid_account(shop, admin, "pay")
    assert (row["account_no"], row["fresh_account"]) == (NEW, "")
    assert row["account_changed_at"]


def test_a_second_person_puts_it_in_force_at_once_and_its_proposer_cannot(shop: Api) -> None:
    admin, second = shop.caller(), shop.caller("finance")
    put(admin, NEW)
    assert admin.refused("POST", "/v1/shops/mei/payee/approve") == (409, "same_key")
    made = admin.post("/v1/keys", {"role": "admin", "name": "mine"})["key"]
    assert Caller(admin.client, made).refused("POST", "/v1/shops/mei/payee/approve") == (409, "same_person")
    assert account_of(admin) == OLD[-4:]
    for _ in range(2):
        assert second.post("/v1/shops/mei/payee/approve")["version"] == 2
    assert account_of(admin) == NEW[-4:]
    [ended] = admin.get("/v1/changes")["data"]
    assert (ended["status"], ended["shop_id"], ended["kind"]) == ("approved", "mei", "payee")
    assert admin.get("/v1/changes?status=open")["data"] == []
    assert admin.refused("POST", "/v1/shops/mei/payee/cancel") == (409, "change_in_force")


def test_what_waits_can_be_cancelled_replaced_or_taken_back_by_the_payee_in_force(shop: Api) -> None:
    admin, second = shop.caller(), shop.caller("finance")
    put(admin, NEW)
    for _ in range(2):
        assert second.post("/v1/shops/mei/payee/cancel")["pending"] is None
    assert second.refused("POST", "/v1/shops/mei/payee/approve") == (404, "change_unknown")
    first = admin.put("/v1/shops/mei/payee", payee(NEW))["pending"]
    assert admin.put("/v1/shops/mei/payee", payee(NEW))["pending"] == first
    assert put(admin, "6200") == 202
    assert put(admin, OLD) == 200
    statuses = [change["status"] for change in admin.get("/v1/changes")["data"]]
    assert statuses == ["cancelled", "replaced", "cancelled"]
    wait(shop, days=10)
    assert paid_account(shop, admin, "pay")["account_no"] == OLD


def test_what_a_key_proposed_that_was_revoked_never_comes_into_force(shop: Api) -> None:
    admin, thief = shop.caller(), shop.caller()
    put(thief, NEW)
    assert thief.key is not None
    assert admin.call("DELETE", f"/v1/keys/{thief.key.split('_')[1]}").status_code == 204
    assert admin.refused("POST", "/v1/shops/mei/payee/approve") == (409, "proposer_revoked")
    wait(shop, days=3)
    assert paid_account(shop, admin, "pay")["account_no"] == OLD
    [change] = admin.get("/v1/changes")["data"]
    assert (change["status"], change["ended_by"]) == ("proposer_revoked", "clock")


def test_erasing_a_shop_is_no_way_round_the_wait(shop: Api) -> None:
    admin = shop.caller()
    put(admin, NEW)
    admin.post("/v1/shops/mei/erase")
    assert [change["status"] for change in admin.get("/v1/changes")["data"]] == ["erased"]
    assert put(admin, NEW) == 202
    assert admin.refused("GET", "/v1/shops/mei/payee") == (404, "payee_missing")
    admin.post("/v1/payouts", {"id": "pay", "up_to": shop.world.now().isoformat()})
    assert [line["code"] for line in admin.get("/v1/payouts/pay/refused")["data"]] == ["payee_missing"]


def test_the_workers_put_in_force_what_is_due_and_nothing_before(shop: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    admin, container = shop.caller(), shop.world.container
    put(admin, NEW)
    apply_due_changes(container)
    assert account_of(admin) == OLD[-4:]
    later = container.now() + timedelta(days=3, seconds=1)
    monkeypatch.setattr(container, "now", lambda: later)
    apply_due_changes(container)
    apply_due_changes(container)
    assert account_of(admin) == NEW[-4:]
    [change] = admin.get("/v1/changes")["data"]
    assert (change["status"], change["ended_by"]) == ("due", "clock")


def test_a_program_without_a_wait_changes_at_once_and_a_shorter_wait_itself_waits(shop: Api) -> None:
    admin, second = shop.caller(), shop.caller("finance")
    changed = json.loads(admin.call("PATCH", "/v1/program", {"payee_hold_days": 0}).text)
    assert (changed["payee_hold_days"], changed["pending"]["settings"]) == (3, {"payee_hold_days": 0})
    assert put(admin, NEW) == 202
    assert second.post("/v1/program/approve")["payee_hold_days"] == 0
    assert put(admin, OLD) == 200
    assert put(admin, NEW) == 200
    assert account_of(admin) == NEW[-4:]
    assert json.loads(admin.call("PATCH", "/v1/program", {"payee_hold_days": 7}).text)["payee_hold_days"] == 7


def test_what_waits_is_sealed_anew_with_a_newer_data_key(shop: Api) -> None:
    admin, settings = shop.caller(), shop.world.container.settings
    put(admin, NEW)
    [key] = data_keys(settings.data_key, [settings.key_pepper])
    both = Sealer([b"n" * KEY_BYTES, key])
    with shop.world.container.begin() as conn:
        assert reseal_contents(conn, shop.world.program, both) == 1
        assert reseal_payees(conn, shop.world.program, both) == 1
    shop.app.extensions[EXTENSION] = replace(shop.app.extensions[EXTENSION], sealer=Sealer([b"n" * KEY_BYTES]))
    assert shop.caller("finance").post("/v1/shops/mei/payee/approve")["version"] == 2
