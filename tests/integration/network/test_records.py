"""What a shop is called and who runs it changes; what is personal can be blanked, and the tree and the money stay."""

import json
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, settled

ANN = {"id": "ann", "name": "Ann 安", "identity": "110101", "attributes": {"city": "杭州"}}


@pytest.fixture
def admin(api: Api) -> Caller:
    """An admin's key in a program with Ann, who brought Bob."""
    caller = api.caller()
    caller.post("/v1/shops", ANN)
    caller.post("/v1/shops", {"id": "bob", "sponsor_id": "ann", "name": "Bob"})
    return caller


def patch(caller: Caller, **body: object) -> dict[str, Any]:
    answer = caller.call("PATCH", "/v1/shops/ann", body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = json.loads(answer.text)
    return shown


def test_name_attributes_and_organiser_change_one_by_one(admin: Caller) -> None:
    assert patch(admin, name="Anna")["attributes"] == {"city": "杭州"}
    shown = patch(admin, attributes={"vip": True}, organiser_id="org-1")
    assert (shown["name"], shown["attributes"], shown["organiser_id"]) == ("Anna", {"vip": True}, "org-1")
    cleared = patch(admin, name=None, organiser_id=None)
    assert (cleared["name"], cleared["attributes"], cleared["organiser_id"]) == (None, {"vip": True}, None)
    assert patch(admin) == cleared


def test_who_ran_a_tree_and_since_when_stays_in_the_history(admin: Caller, api: Api) -> None:
    for organiser_id in ("org-1", "org-1", "org-2", None):
        patch(admin, organiser_id=organiser_id)
    rows = api.world.rows("SELECT organiser_id FROM shop_organisers WHERE program_id = :program ORDER BY seq")
    assert [row[0] for row in rows] == ["org-1", "org-2", None]


def test_a_registration_is_still_compared_with_what_was_first_sent(admin: Caller) -> None:
    patch(admin, name="Anna")
    answer = admin.call("POST", "/v1/shops", ANN)
    assert (answer.status_code, json.loads(answer.text)["name"]) == (200, "Anna")
    assert admin.refused("POST", "/v1/shops", ANN | {"name": "Anna"}) == (409, "id_conflict")


def test_only_an_admin_changes_a_shop_and_only_what_there_is(admin: Caller, api: Api) -> None:
    assert admin.refused("PATCH", "/v1/shops/nobody", {"name": "x"}) == (404, "shop_unknown")
    assert admin.refused("POST", "/v1/shops/nobody/erase") == (404, "shop_unknown")
    problem = admin.problem("PATCH", "/v1/shops/ann", {"name": "", "sponsor_id": "bob", "organiser_id": 7})
    assert {entry["pointer"] for entry in problem["errors"]} == {"/name", "/sponsor_id", "/organiser_id"}
    for caller in (api.caller("finance"), api.caller("orders"), api.caller("partner", "ann")):
        assert caller.refused("PATCH", "/v1/shops/ann", {"name": "x"}) == (403, "forbidden")
        assert caller.refused("POST", "/v1/shops/ann/erase") == (403, "forbidden")


def test_who_runs_several_trees_is_no_partners_business(admin: Caller, api: Api) -> None:
    patch(admin, organiser_id="org-1")
    assert "organiser_id" not in api.caller("partner", "ann").get("/v1/shops/ann")
    assert api.caller("finance").get("/v1/shops/ann")["organiser_id"] == "org-1"


def test_what_is_personal_is_blanked_and_tree_and_money_stay(admin: Caller, api: Api) -> None:
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.earn(settled("e", "o", "ann", line(1000), paid_at=world.container.now(), occurred_at=world.container.now()))
    before = admin.get("/v1/shops/ann/balance")
    erased = admin.post("/v1/shops/ann/erase")
    assert (erased["name"], erased["attributes"], erased["direct_recruits"]) == (None, None, 1)
    assert admin.post("/v1/shops/ann/erase") == erased
    assert admin.get("/v1/shops/bob")["sponsor_id"] == "ann"
    after = admin.get("/v1/shops/ann/balance")
    assert {name: after[name] for name in after if name != "as_of"} == {
        name: before[name] for name in before if name != "as_of"
    }
    assert world.earned() == {"ann": 100}
    kept = world.rows("SELECT * FROM shops WHERE program_id = :program AND shop_id = 'ann'")
    assert not any("杭州" in str(value) or "Ann" in str(value) for value in kept[0])


def test_an_erased_registration_sent_again_brings_nothing_back(admin: Caller) -> None:
    admin.post("/v1/shops/ann/erase")
    answer = admin.call("POST", "/v1/shops", ANN)
    assert (answer.status_code, json.loads(answer.text)["name"]) == (200, None)
    assert admin.post("/v1/shops", {"id": "again", "identity": "110101"})["status"] == "active"


def test_of_many_who_bring_one_identity_at_once_one_comes_in(api: Api) -> None:
    barrier, statuses = Barrier(6), []

    def register(number: int) -> None:
        caller = api.caller()
        draft = {"id": f"s-{number}", "identity": "the same"}
        barrier.wait()
        if number % 2:
            statuses.append(caller.call("POST", "/v1/shops", draft).status_code)
        else:
            [result] = caller.post("/v1/shops/batch", {"shops": [draft]})["results"]
            statuses.append({"created": 201, "refused": 409}[result["status"]])

    threads = [Thread(target=register, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]
