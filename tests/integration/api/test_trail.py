"""The trail: each call that changes something, or reads what is personal, leaves one row in its own transaction."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from distrib.api.calls.trailed import PERSONAL_READS, STATES
from distrib.api.http.auth import MAY_CALL
from tests.integration.api.test_roles import CALLS
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, settled

PAYEE = {
    "name": "Han Mei",
    "id_type": "id_card",
    "id_number": "110101199003070000",
    "kind": "person",
    "accounts": {"bank": {"account": "6222000012345678"}},
}


def rows_of(admin: Caller, query: str = "") -> list[dict[str, Any]]:
    """The rows of the trail, the newest first."""
    rows: list[dict[str, Any]] = admin.get(f"/v1/trail{query}")["data"]
    return rows


def key_id_of(caller: Caller) -> str:
    """The id of a caller's key."""
    assert caller.key is not None
    return caller.key.split("_")[1]


def test_a_change_says_who_when_under_which_request_and_what_was_before_and_after(api: Api) -> None:
    api.world.join(("mei", None))
    admin = api.caller()
    admin.post("/v1/shops/mei/status", {"status": "frozen", "reason": "a doubt"}, headers={"Request-Id": "case-7"})
    [row] = rows_of(admin)
    assert row["no"] == 1
    assert (row["actor"], row["owner"], row["role"]) == (key_id_of(admin), key_id_of(admin), "admin")
    assert (row["request_id"], row["kind"], row["operation"]) == ("case-7", "changed", "set_status")
    assert (row["subject"], row["shop_id"], row["os_user"]) == ("mei", "mei", None)
    assert (row["before"], row["after"]) == ({"status": "active"}, {"status": "frozen"})
    assert row["sent"]["status"] == "frozen"


def test_neither_what_is_personal_nor_a_secret_stands_in_the_trail(api: Api) -> None:
    admin = api.caller()
    admin.post("/v1/shops", {"id": "mei", "name": "Mei Mei", "identity": "id-9", "attributes": {"phone": "555-1234"}})
    admin.put("/v1/shops/mei/payee", PAYEE)
    made = admin.post("/v1/keys", {"role": "finance", "name": "books"})
    hook = admin.post("/v1/webhooks", {"url": "https://hooks.example.com/token-8", "events": ["rank.changed"]})
    admin.post(f"/v1/webhooks/{hook['id']}/rotate")
    text = json.dumps(rows_of(admin))
    for word in (
        "Mei Mei",
        "id-9",
        "555-1234",
        "Han",
        "110101",
        "622200",
        "5678",
        made["key"],
        hook["secret"],
        "token-8",
    ):
        assert word not in text, word
    assert {row["operation"] for row in rows_of(admin)} == {
        "register_shop", "put_payee", "create_key", "create_webhook", "rotate_webhook_secret"
    }  # fmt: skip
    [key_row] = rows_of(admin, "?operation=create_key")
    assert (key_row["after"]["id"], key_row["after"]["role"]) == (made["id"], "finance")


def test_the_same_value_has_the_same_digest_and_another_another(api: Api) -> None:
    api.world.join(("mei", None))
    admin = api.caller()
    for name in ("Lin", "Mei", "Lin"):
        assert admin.call("PATCH", "/v1/shops/mei", {"name": name}).status_code == 200
    third, second, first = rows_of(admin)
    assert first["before"] == {"name": None}
    assert first["after"] == third["after"] == second["before"] != second["after"]


def test_settings_of_the_program_stand_there_as_they_were_and_are(api: Api) -> None:
    admin = api.caller()
    assert admin.call("PATCH", "/v1/program", {"admission": "invite"}).status_code == 200
    [row] = rows_of(admin)
    assert (row["before"], row["after"]) == ({"admission": "open"}, {"admission": "invite"})


def test_what_was_refused_or_rolled_back_leaves_no_row(api: Api) -> None:
    admin = api.caller()
    assert admin.refused("POST", "/v1/shops/nobody/status", {"status": "frozen", "reason": "r"})[0] == 404
    assert admin.refused("POST", "/v1/adjustments", {"id": "a"})[0] == 422
    assert rows_of(admin) == []


def test_reading_what_is_personal_leaves_a_row_and_other_reads_none(api: Api) -> None:
    admin, finance = api.caller(), api.caller("finance")
    admin.post("/v1/shops", {"id": "mei", "attributes": {"phone": "1"}})
    admin.post("/v1/shops", {"id": "lin"})
    admin.put("/v1/shops/mei/payee", PAYEE)
    written = len(rows_of(admin))
    finance.get("/v1/shops/mei/payee")
    admin.get("/v1/shops/mei")
    admin.get("/v1/shops/lin")
    finance.get("/v1/shops/mei")
    finance.call("GET", "/v1/payouts/reports/us-1099?year=2026")
    admin.get("/v1/program")
    admin.get("/v1/shops/mei/balance")
    rows = rows_of(admin)[: len(rows_of(admin)) - written]
    assert [(row["operation"], row["subject"], row["role"]) for row in reversed(rows)] == [
        ("get_payee", "mei", "finance"),
        ("get_shop", "mei", "admin"),
        ("report_us_1099", None, "finance"),
    ]
    assert {row["kind"] for row in rows} == {"read"}
    assert rows[0]["sent"] == {"year": 2026}


def test_a_file_with_accounts_is_in_the_trail_before_its_first_byte(api: Api) -> None:
    admin, finance = api.caller(), api.caller("finance")
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.join(("mei", None))
    api.world.earn(settled("evt", "order", "mei", line(10_000)))
    admin.put("/v1/shops/mei/payee", PAYEE)
    admin.post("/v1/payouts", {"id": "pay", "up_to": api.world.now().isoformat()})
    finance.post("/v1/payouts/pay/approve")
    answer = admin.call("GET", "/v1/payouts/pay/export?format=csv", buffered=False)
    [row] = rows_of(finance_admin := api.caller(), "?operation=export_payout")
    assert (row["subject"], row["sent"]["format"], row["kind"]) == ("pay", "csv", "read")
    answer.close()
    [approved] = rows_of(finance_admin, "?operation=approve_payout")
    assert (approved["before"]["status"], approved["after"]["status"]) == ("proposed", "approved")


def test_keys_of_orders_and_partners_leave_no_rows(api: Api) -> None:
    api.world.join(("mei", None))
    api.caller("orders").post("/v1/events", settled("evt", "order", "mei", line(100)))
    api.caller("partner", "mei").post("/v1/shops", {"id": "below", "sponsor_id": "mei"})
    assert rows_of(api.caller()) == []


def test_a_post_repeated_under_its_idempotency_key_changes_nothing_and_leaves_no_second_row(api: Api) -> None:
    api.world.join(("mei", None))
    admin = api.caller()
    for _ in range(2):
        admin.post("/v1/shops/mei/status", {"status": "frozen", "reason": "r"}, headers={"Idempotency-Key": "k-1"})
    assert len(rows_of(admin)) == 1


def test_every_operation_that_changes_something_is_in_the_trail_and_every_personal_read_is_one() -> None:
    reads = {name for name, (method, _path, _body) in CALLS.items() if method == "GET"}
    assert PERSONAL_READS.keys() <= reads
    assert STATES.keys() <= MAY_CALL.keys() - reads
    assert set(STATES.values()) <= reads


@pytest.mark.parametrize("role", ["admin", "finance"])
def test_every_call_of_a_trailed_role_that_succeeds_and_changes_leaves_one_row(api: Api, role: str) -> None:
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.join(("own", None), ("other", None))
    caller, admin = api.caller(role), api.caller()
    expected = []
    for name, (method, path, body) in CALLS.items():
        answer = caller.call(method, path, body)
        if method != "GET" and answer.status_code < 300:
            expected.append(name)
    rows = rows_of(admin, f"?actor={key_id_of(caller)}&limit=500&kind=changed")
    assert [row["operation"] for row in reversed(rows)] == expected
    assert len(expected) > (20 if role == "admin" else 3)


def test_rows_are_found_by_actor_operation_subject_shop_and_time_page_by_page(api: Api) -> None:
    api.world.join(("mei", None), ("lin", None))
    admin, other = api.caller(), api.caller()
    for shop_id in ("mei", "lin", "mei"):
        admin.post(f"/v1/shops/{shop_id}/status", {"status": "active", "reason": "r"})
    other.post("/v1/shops/lin/status", {"status": "active", "reason": "r"})
    numbers = [row["no"] for row in rows_of(admin)]
    assert numbers == [4, 3, 2, 1]
    by = {
        f"?actor={key_id_of(other)}": [4],
        "?subject=mei": [3, 1],
        "?shop_id=lin": [4, 2],
        "?operation=set_status&shop_id=mei": [3, 1],
        "?operation=set_rank": [],
        "?kind=read": [],
    }
    for query, wanted in by.items():
        assert [row["no"] for row in rows_of(admin, query)] == wanted, query
    third = datetime.fromisoformat(rows_of(admin)[1]["recorded_at"])
    after = (third + timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")
    at = third.isoformat().replace("+00:00", "Z")
    assert [row["no"] for row in rows_of(admin, f"?from={at}")] == [4, 3]
    assert [row["no"] for row in rows_of(admin, f"?to={at}")] == [2, 1]
    assert [row["no"] for row in rows_of(admin, f"?from={at}&to={after}")] == [3]
    assert rows_of(admin, f"?from={after}&to={at}") == []
    seen: list[int] = []
    path = "/v1/trail?limit=3"
    while path:
        page = admin.get(path)
        seen += [row["no"] for row in page["data"]]
        path = f"/v1/trail?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == numbers


def test_another_program_sees_none_of_it(api: Api) -> None:
    api.world.join(("mei", None))
    api.caller().post("/v1/shops/mei/status", {"status": "frozen", "reason": "r"})
    assert rows_of(api.caller(program=api.other_program())) == []


def test_the_month_is_exported_with_a_chain_that_anybody_can_recompute(api: Api) -> None:
    api.world.join(("mei", None))
    admin = api.caller()
    for status in ("frozen", "active"):
        admin.post("/v1/shops/mei/status", {"status": status, "reason": "=1+1"})
    month = api.world.now().astimezone(api.world.program.zone).strftime("%Y-%m")
    answer = admin.call("GET", f"/v1/trail/export?period={month}&format=ndjson")
    assert f"trail-test-{month}.ndjson" in answer.headers["Content-Disposition"]
    rows = [json.loads(entry) for entry in answer.text.splitlines()]
    previous = None
    for row in rows:
        micros = round(datetime.fromisoformat(row["recorded_at"]).timestamp() * 1_000_000)
        names = ("actor", "owner", "role", "os_user", "request_id", "kind", "operation", "subject", "shop_id")
        content = [previous, row["no"], micros, *(row[name] for name in (*names, "sent", "before", "after"))]
        previous = hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
        assert row["digest"] == previous
    table = list(csv.DictReader(io.StringIO(admin.call("GET", f"/v1/trail/export?period={month}").text)))
    assert [entry["digest"] for entry in table] == [row["digest"] for row in rows]
    assert len(rows) == 2
    assert admin.call("GET", "/v1/trail/export?period=2020-01").text.count("\n") == 1


def test_the_trail_only_grows(api: Api) -> None:
    api.world.join(("mei", None))
    api.caller().post("/v1/shops/mei/status", {"status": "frozen", "reason": "r"})
    for statement in ("UPDATE trail SET actor = 'x'", "DELETE FROM trail", "TRUNCATE trail"):
        with pytest.raises(DBAPIError):
            api.world.rows(statement)
