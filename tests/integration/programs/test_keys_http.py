"""Keys over HTTP: whose they are, how far they reach, until when, two secrets at once, and from when they confirm."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from distrib.api.http.auth import MAY_CALL, scope_of
from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.programs.key_changes import revoke_key
from distrib.services.programs.scopes import ROLES, SCOPES, reach_of
from distrib.services.programs.settings import set_program
from distrib.services.programs.wanted_settings import ProgramSettings
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT

APPROVE = "/v1/keys/{}/approve"


def approval(caller: Caller, other: Caller) -> tuple[int, str]:
    """How a call to approve a key is refused."""
    return caller.refused("POST", APPROVE.format(other.key_id))


def test_the_list_says_whose_a_key_is_and_what_became_of_it_and_no_secret(api: Api) -> None:
    ann = api.caller(owner="ann@example.com", name="office")
    made = api.made_by(ann, "finance", "books", owner="ben", scopes=["read", "confirm"])
    view = ann.get(f"/v1/keys/{made.key_id}")
    assert view in ann.get("/v1/keys")["data"]
    assert (view["owner"], view["owner_is_set"], view["name"]) == ("ben", True, "books")
    assert (view["made_by"], view["scopes"], view["state"]) == (ann.key_id, ["read", "confirm"], "active")
    assert (view["expires_at"], view["last_used_at"], view["revoked_at"]) == (None, None, None)
    assert (view["may_confirm"], view["approved_by"]) == (False, None)
    ann.call("DELETE", f"/v1/keys/{made.key_id}")
    ended = ann.get(f"/v1/keys/{made.key_id}")
    assert (ended["state"], ended["ended_by"], ended["may_confirm"]) == ("ended", ann.key_id, False)
    own = ann.get(f"/v1/keys/{ann.key_id}")
    assert (own["made_by"], own["may_confirm"], own["owner"]) == ("cli", True, "ann@example.com")
    text = ann.call("GET", "/v1/keys").text
    assert str(made.key).split("_", 2)[2] not in text
    assert "hmac" not in text
    assert ann.refused("GET", "/v1/keys/nobody") == (404, "not_found")


def test_all_that_is_wrong_with_a_key_is_told_at_once(api: Api) -> None:
    ann = api.caller()
    draft = {"role": "orders", "name": " ", "owner": "a/b", "scopes": ["confirm"], "expires_at": "2020-01-01T00:00:00Z"}
    problem = ann.problem("POST", "/v1/keys", draft | {"owner": "a"})
    assert {error["pointer"] for error in problem["errors"]} == {"/name", "/scopes", "/expires_at"}
    assert ann.problem("POST", "/v1/keys", draft)["errors"][0]["pointer"] == "/owner"
    in_chinese = ann.problem("POST", "/v1/keys", draft | {"owner": "a"}, headers={"Accept-Language": "zh"})
    assert "必须在将来" in str(in_chinese["errors"])
    for scopes in ([], ["everything"], "read"):
        assert ann.refused("POST", "/v1/keys", {"role": "admin", "name": "n", "scopes": scopes}) == (422, "invalid")


def test_the_last_who_can_make_keys_stays_whoever_asks_and_whether_key_or_person(api: Api) -> None:
    ann = api.caller(name="office")
    api.caller("finance")
    reader = api.caller(scopes=("read",))
    late = api.caller(name="late")
    ann.call("DELETE", f"/v1/keys/{late.key_id}")
    assert ann.refused("DELETE", f"/v1/keys/{ann.key_id}") == (409, "last_admin")
    problem = ann.problem("DELETE", f"/v1/keys/{ann.key_id}")
    assert problem["detail"] == "office is the last admin who can make keys: let in another first."
    assert ann.call("DELETE", f"/v1/keys/{reader.key_id}").status_code == 204
    mei = ann.post("/v1/people", {"login": "mei", "role": "admin"})
    assert ann.call("DELETE", f"/v1/keys/{ann.key_id}").status_code == 204
    world = api.world
    seat = Actor(mei["id"], "mei", "admin", person="mei")
    with world.container.begin() as conn, pytest.raises(Refusal, match="mei is the last admin"):
        revoke_key(Unit(conn, world.program, seat, world.now()), mei["id"])
    with world.container.begin() as conn:
        revoke_key(Unit(conn, world.program, COMMAND_LINE, world.now()), mei["id"])  # who can make another


def test_of_two_admins_who_end_each_other_at_once_one_stays(api: Api) -> None:
    ann, ben = api.caller(name="ann"), api.caller(name="ben")
    world = api.world

    def end(caller: Caller, other: Caller) -> str:
        actor = Actor(str(caller.key_id), "a", "admin")
        try:
            with world.container.begin() as conn:
                revoke_key(Unit(conn, world.program, actor, world.now()), str(other.key_id))
        except Refusal as refusal:
            return refusal.code
        return "ended"

    with world.container.worker_engine.connect() as conn, ThreadPoolExecutor() as pool:
        conn.begin()
        revoke_key(Unit(conn, world.program, Actor(str(ann.key_id), "ann", "admin"), world.now()), str(ben.key_id))
        other = pool.submit(end, ben, ann)
        conn.commit()
        assert other.result() == "last_admin"


def test_a_key_reaches_as_far_as_its_scopes(api: Api) -> None:
    reader = api.caller("admin", scopes=("read",))
    reader.get("/v1/program")
    problem = reader.problem("PATCH", "/v1/program", {"title": "x"})
    assert (problem["status"], problem["code"]) == (403, "scope_missing")
    assert "program" in problem["detail"]
    for method, path, body in (
        ("GET", "/v1/keys", None),
        ("GET", "/v1/shops/a/payee", None),
        ("POST", "/v1/payouts/p/approve", None),
        ("POST", "/v1/events", {"events": []}),
    ):
        assert reader.refused(method, path, body) == (403, "scope_missing"), path
    assert api.caller("orders", scopes=("read",)).refused("GET", "/v1/keys") == (403, "forbidden")


@pytest.mark.parametrize("role", ROLES)
def test_the_scopes_of_a_role_are_those_that_its_calls_take(role: str) -> None:
    taken = {scope_of(name) for name, roles in MAY_CALL.items() if role in roles} - {""}
    assert taken == set(SCOPES[role])


def test_a_key_makes_none_that_reaches_further_than_itself(api: Api) -> None:
    keeper = api.caller("admin", scopes=("keys", "read", "events", "customers"))
    assert keeper.problem("POST", "/v1/keys", {"role": "admin", "name": "n"})["errors"][0]["pointer"] == "/scopes"
    narrow = api.made_by(keeper, "orders", "n")
    assert keeper.patch(f"/v1/keys/{narrow.key_id}", {"scopes": ["events"]})["scopes"] == ["events"]
    whole = api.caller("admin")
    assert keeper.refused("POST", f"/v1/keys/{whole.key_id}/rotate") == (403, "forbidden")
    assert keeper.refused("PATCH", f"/v1/keys/{whole.key_id}", {"scopes": ["read"]}) == (422, "invalid")
    assert keeper.call("POST", f"/v1/keys/{narrow.key_id}/rotate").status_code == 200
    reader = api.caller("admin", scopes=("read",))
    assert reader.refused("POST", f"/v1/keys/{whole.key_id}/rotate") == (403, "scope_missing")


def test_an_expired_key_opens_nothing_and_says_since_when(api: Api) -> None:
    now = datetime.now(UTC)
    brief = api.caller("admin", expires_at=now + timedelta(hours=1))
    brief.get("/v1/program")
    api.stop_clock(now + timedelta(hours=1))
    problem = brief.problem("GET", "/v1/program")
    assert (problem["status"], problem["code"]) == (401, "key_expired")
    assert (now + timedelta(hours=1)).isoformat()[:19] in problem["detail"]
    ann = api.caller()
    assert ann.get(f"/v1/keys/{brief.key_id}")["state"] == "expired"
    late = {"expires_at": (now + timedelta(days=9)).isoformat()}
    assert ann.refused("PATCH", f"/v1/keys/{brief.key_id}", late) == (409, "key_ended")
    assert ann.refused("POST", f"/v1/keys/{brief.key_id}/rotate") == (409, "key_ended")
    assert approval(ann, brief) == (409, "key_ended")
    wrong = Caller(brief.client, str(brief.key)[:-1] + ("A" if str(brief.key)[-1] != "A" else "B"))
    assert wrong.refused("GET", "/v1/program") == (401, "unauthorized")


def test_no_key_changes_what_it_is_itself(api: Api) -> None:
    ann, eve = api.caller(owner="ann"), api.caller(owner="eve")
    assert ann.refused("PATCH", f"/v1/keys/{ann.key_id}", {"owner": "ben"}) == (409, "own_key")
    changed = eve.patch(f"/v1/keys/{ann.key_id}", {"owner": "anna", "expires_at": "2090-01-01T00:00:00Z"})
    assert (changed["owner"], changed["expires_at"], changed["scopes"]) == ("anna", "2090-01-01T00:00:00Z", None)
    assert eve.patch(f"/v1/keys/{ann.key_id}", {}) == changed
    assert eve.patch(f"/v1/keys/{ann.key_id}", {"expires_at": None})["expires_at"] is None
    assert eve.refused("PATCH", f"/v1/keys/{ann.key_id}", {"owner": None}) == (422, "invalid")


def test_both_secrets_of_a_rotated_key_work_until_the_former_ends(api: Api) -> None:
    ben, now = api.caller("finance", owner="ben"), datetime.now(UTC)
    rotated = ben.post(f"/v1/keys/{ben.key_id}/rotate")
    fresh = Caller(ben.client, rotated["key"])
    assert (fresh.key_id, fresh.key != ben.key) == (ben.key_id, True)
    for caller in (ben, fresh):
        caller.get("/v1/program")
    assert rotated["may_confirm"] is True
    problem = ben.problem("POST", f"/v1/keys/{ben.key_id}/rotate")
    assert (problem["status"], problem["code"]) == (409, "rotation_open")
    api.stop_clock(now + timedelta(hours=25))
    assert ben.refused("GET", "/v1/program") == (401, "unauthorized")
    fresh.get("/v1/program")
    assert fresh.post(f"/v1/keys/{ben.key_id}/rotate", {"keep_hours": 0})["old_secret_ends_at"] is None


def test_a_rotation_is_finished_at_once_by_either_secret(api: Api) -> None:
    ann, ben = api.caller(owner="ann"), api.caller("orders", owner="ben")
    fresh = Caller(ben.client, ben.post(f"/v1/keys/{ben.key_id}/rotate", {"keep_hours": 48})["key"])
    finish = f"/v1/keys/{ben.key_id}/rotate/finish"
    assert ben.post(finish, {"keep": "old"})["old_secret_ends_at"] is None
    assert fresh.refused("GET", "/v1/orders") == (401, "unauthorized")
    fresh = Caller(ben.client, ben.post(f"/v1/keys/{ben.key_id}/rotate")["key"])
    for _ in range(2):
        ann.post(finish)
    assert ben.refused("GET", "/v1/orders") == (401, "unauthorized")
    fresh.get("/v1/orders")
    for hours in (-1, 24 * 90 + 1):
        assert ann.refused("POST", f"/v1/keys/{ben.key_id}/rotate", {"keep_hours": hours}) == (422, "invalid")
    assert ben.refused("POST", finish) == (401, "unauthorized")


def test_only_an_admin_gives_another_key_a_secret(api: Api) -> None:
    ben, carl = api.caller("finance", owner="ben"), api.caller("finance", owner="carl")
    for path in (f"/v1/keys/{carl.key_id}/rotate", f"/v1/keys/{carl.key_id}/rotate/finish"):
        assert ben.refused("POST", path) == (404, "not_found")


def test_a_key_is_approved_by_another_person_than_had_it_in_hand(api: Api) -> None:
    ann, ann_too, eve = api.caller(owner="ann"), api.caller(owner="ann"), api.caller(owner="eve")
    made = api.made_by(ann, "admin", owner="ben")
    beside = api.made_by(ann, "admin", owner="carl")
    assert approval(made, made) == (409, "same_key")
    for caller in (ann, ann_too, beside, api.caller(owner="ben")):
        assert approval(caller, made) == (409, "same_person")
    approved = eve.post(APPROVE.format(made.key_id))
    assert (approved["may_confirm"], approved["approved_by"], approved["confirms_from"]) == (True, eve.key_id, None)
    assert eve.post(APPROVE.format(made.key_id)) == approved
    waiting = api.made_by(eve, "admin", owner="dora")
    assert approval(waiting, beside) == (409, "key_not_approved")
    assert api.caller("finance").refused("POST", APPROVE.format(beside.key_id)) == (403, "forbidden")


def test_a_key_that_can_confirm_nothing_waits_for_nothing(api: Api) -> None:
    ann = api.caller(owner="ann")
    for draft in ({"role": "orders"}, {"role": "finance", "scopes": ["read", "propose"]}):
        view = ann.post("/v1/keys", {"name": "n", **draft})
        assert (view["may_confirm"], view["confirms_from"]) == (False, None)
    widened = ann.patch(f"/v1/keys/{view['id']}", {"scopes": None})
    assert (widened["may_confirm"], widened["confirms_from"] is not None) == (False, True)


def test_under_second_admin_no_wait_is_long_enough_and_http_only_tightens(api: Api) -> None:
    ann, world = api.caller(owner="ann"), api.world
    strict = ann.patch("/v1/program", {"key_approval": "second_admin", "key_wait_hours": 48})
    assert (strict["key_approval"], strict["key_wait_hours"]) == ("second_admin", 48)
    made = api.made_by(ann, owner="ben")
    api.stop_clock(datetime.now(UTC) + timedelta(days=900))
    view = ann.get(f"/v1/keys/{made.key_id}")
    assert (view["may_confirm"], view["confirms_from"]) == (False, None)
    assert ann.refused("PATCH", "/v1/program", {"key_approval": "wait"}) == (409, "key_approval_loosened")
    loosen(api, {"key_approval": "wait"})
    assert ann.refused("PATCH", "/v1/program", {"key_wait_hours": 47}) == (409, "key_approval_loosened")
    assert ann.patch("/v1/program", {"key_wait_hours": 49})["key_wait_hours"] == 49
    assert ann.refused("PATCH", "/v1/program", {"key_wait_hours": 721}) == (422, "invalid")
    loosen(api, {"key_wait_hours": 0})
    view = ann.get(f"/v1/keys/{api.made_by(ann, owner='dora').key_id}")
    assert view["may_confirm"] is True
    assert world.rows("SELECT count(*) FROM program_changes WHERE program_id = :program")[0][0] == 4


def loosen(api: Api, wanted: ProgramSettings) -> None:
    """Sets the program as on the command line."""
    world = api.world
    with world.container.begin() as conn:
        set_program(Unit(conn, world.program, COMMAND_LINE, world.now()), wanted, world.policies, None)


def test_a_use_is_noted_once_a_minute_after_the_answer(api: Api) -> None:
    ann, ben, now = api.caller(), api.caller("orders"), datetime.now(UTC)

    def used_at() -> str | None:
        last: str | None = ann.get(f"/v1/keys/{ben.key_id}")["last_used_at"]
        return last

    assert used_at() is None
    api.stop_clock(now)
    ben.get("/v1/orders")
    first = used_at()
    assert first is not None
    api.stop_clock(now + timedelta(seconds=59))
    ben.post("/v1/events", {"events": [{"id": "e"}]})
    assert used_at() == first
    api.stop_clock(now + timedelta(seconds=60))
    assert ben.refused("GET", "/v1/keys") == (403, "forbidden")
    assert used_at() != first


def test_an_idempotency_key_belongs_to_the_person_who_sent_it(api: Api) -> None:
    ann, ann_too, eve = api.caller(owner="ann"), api.caller(owner="ann"), api.caller(owner="eve")
    same = {"headers": {"Idempotency-Key": "plan-1"}}
    first = ann.post("/v1/plans", SELLER_TEN_PERCENT, **same)
    assert ann.post("/v1/plans", SELLER_TEN_PERCENT, **same) == first
    replayed = ann_too.call("POST", "/v1/plans", SELLER_TEN_PERCENT, **same)
    assert replayed.headers["Idempotent-Replayed"] == "true"
    other = {**SELLER_TEN_PERCENT, "code": "other"}
    assert ann_too.refused("POST", "/v1/plans", other, **same) == (422, "idempotency_key_reused")
    answer = eve.call("POST", "/v1/plans", other, **same)
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)
    eve.patch(f"/v1/keys/{ann.key_id}", {"owner": "anna"})
    assert ann.post("/v1/plans", SELLER_TEN_PERCENT, **same) == first


def test_an_answer_of_before_it_was_kept_whose_it_is_answers_whoever_asks(api: Api) -> None:
    ann, world = api.caller(owner="ann"), api.world
    same = {"headers": {"Idempotency-Key": "old"}}
    first = ann.post("/v1/plans", SELLER_TEN_PERCENT, **same)
    with world.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO idempotency_keys (program_id, route, key, digest, status, body, recorded_at)"
            " SELECT program_id, route, 'older', digest, status, body, recorded_at FROM idempotency_keys"
        )
    older = {"headers": {"Idempotency-Key": "older"}}
    assert api.caller(owner="eve").post("/v1/plans", SELLER_TEN_PERCENT, **older) == first


def test_what_the_command_line_ends_says_so(api: Api) -> None:
    ann, ben = api.caller(), api.caller("orders")
    with api.world.begin() as conn:
        revoke_key(Unit(conn, api.world.program, COMMAND_LINE, api.world.now()), ben.key_id)
    assert ann.get(f"/v1/keys/{ben.key_id}")["ended_by"] == "cli"


def test_a_key_without_scopes_has_all_of_its_role() -> None:
    assert reach_of("finance", None) == set(SCOPES["finance"])
