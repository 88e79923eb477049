"""The ledger and webhooks over HTTP and from the command line, and who may see them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from click.testing import CliRunner

from distrib.cli import cli
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ledger import seals
from tests.world.api import Api, Caller
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World, chain

URL = "https://hooks.example.com/x"


@pytest.fixture
def earned(world: World) -> World:
    """Two shops that earned on two orders, one of them refunded in part, in three postings."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a", "b/b".replace("/", "~")), ("idle", None))
    world.earn(settled("e1", "o1", "a", line(10_000), line(999, "2")), settled("e2", "o2", "b~b", line(5_000)))
    world.earn(refunded("r1", "o1", {"1": 4_000}))
    world.earn(settled("e3", "o3", "a", line(700)))
    return world


def whole(caller: Caller, path: str, limit: int = 2) -> list[dict[str, Any]]:
    """Every page of a list."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = caller.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
        assert len(page["data"]) <= limit
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"


def test_the_accounts_of_a_program_add_up_to_nothing(api: Api, earned: World) -> None:
    finance = api.caller("finance")
    for limit in (1, 2, 3, 50):
        accounts = whole(finance, "/v1/ledger/accounts", limit)
        assert [account["id"] for account in accounts] == [
            "expense",
            "clearing",
            "tax",
            "payable:a",
            "payable:b~b",
            "payable:idle",
        ]
    balances = {account["id"]: account["balance_minor"] for account in accounts}
    assert sum(balances.values()) == 0
    assert balances == {
        "expense": -1_270,
        "clearing": 0,
        "tax": 0,
        "payable:a": 770,
        "payable:b~b": 500,
        "payable:idle": 0,
    }
    assert [account["version"] for account in accounts] == [4, 4, 4, 3, 1, 0]


def test_one_payable_account_shows_its_views(api: Api, earned: World) -> None:
    account = api.caller("finance").get("/v1/ledger/accounts/payable:a")
    assert (account["balance_minor"], account["version"]) == (770, 3)
    views = account["views"]
    assert views["held_minor"] + views["reserved_minor"] + views["available_minor"] == 770
    assert api.caller("finance").get("/v1/ledger/accounts/expense")["views"] is None


def test_a_running_balance_has_every_version_and_each_follows_the_last(api: Api, earned: World) -> None:
    versions = whole(api.caller("finance"), "/v1/ledger/accounts/payable:a/versions", 1)
    assert [row["version"] for row in versions] == [1, 2, 3]
    assert [(version["previous_minor"], version["amount_minor"], version["balance_minor"]) for version in versions] == [
        (0, 1_100, 1_100),
        (1_100, -400, 700),
        (700, 70, 770),
    ]


def test_every_transfer_has_two_accounts_and_a_cause(api: Api, earned: World) -> None:
    transfers = whole(api.caller("finance"), "/v1/ledger/transfers")
    assert [
        (transfer["kind"], transfer["debit"], transfer["credit"], transfer["amount_minor"]) for transfer in transfers
    ] == [
        ("earned", "expense", "payable:a", 1_000),
        ("earned", "expense", "payable:a", 100),
        ("reversed", "payable:a", "expense", 400),
        ("earned", "expense", "payable:b~b", 500),
        ("earned", "expense", "payable:a", 70),
    ]
    assert {transfer["cause"]["type"] for transfer in transfers} == {"order"}
    assert [transfer["cause"]["id"] for transfer in transfers] == ["o1", "o1", "o1", "o2", "o3"]
    assert transfers[2]["reverses_id"] == transfers[0]["id"]
    assert [transfer["event_id"] for transfer in transfers] == ["e1", "e1", "r1", "e2", "e3"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("account=expense", 5),
        ("account=clearing", 0),
        ("account=tax", 0),
        ("account=payable:a", 4),
        ("account=payable:nobody", 0),
        ("account=expense&kind=reversed", 1),
        ("account=tax&kind=reversed", 0),
        ("cause=order:o1", 3),
        ("cause=payout:o1", 0),
        ("kind=earned", 4),
        ("period=2026-03", 5),
        ("period=2026-04", 0),
        (f"from={PAID.isoformat().replace('+', '%2B')}", 5),
        (f"to={PAID.isoformat().replace('+', '%2B')}", 0),
        ("from=2026-03-02T00:00:00Z&to=2026-03-05T00:00:00Z", 1),
    ],
)
def test_transfers_are_found_by_account_cause_kind_and_time(api: Api, earned: World, query: str, count: int) -> None:
    assert len(whole(api.caller("admin"), f"/v1/ledger/transfers?{query}")) == count


@pytest.mark.parametrize("query", ["account=salary", "account=payable:", "cause=o1", "cause=shop:a", "kind=x"])
def test_what_is_no_account_or_cause_is_refused(api: Api, earned: World, query: str) -> None:
    assert api.caller("finance").refused("GET", f"/v1/ledger/transfers?{query}") == (422, "invalid")


def test_an_account_that_is_not_there_is_told(api: Api, earned: World) -> None:
    finance = api.caller("finance")
    for account in ("payable:nobody", "a"):
        assert finance.refused("GET", f"/v1/ledger/accounts/{account}") == (404, "account_unknown")
    for no_account in ("payable:", "payable:" + "x" * 70):  # what cannot be an id is nowhere, as on every other path
        assert finance.refused("GET", f"/v1/ledger/accounts/{no_account}") == (404, "not_found")
    assert finance.refused("GET", "/v1/ledger/accounts/expense/versions") == (404, "account_unknown")


def test_a_seal_can_be_worked_out_again_from_what_the_api_gives(api: Api, earned: World) -> None:
    with earned.container.begin() as conn:
        seals.seal_now(Unit(conn, earned.program, COMMAND_LINE, earned.container.now()))
    finance = api.caller("finance")
    (seal,) = whole(finance, "/v1/ledger/seals")
    content = finance.call("GET", "/v1/ledger/seals/1/content").data
    assert hashlib.sha256(content).hexdigest() == seal["digest"] == finance.get("/v1/ledger/seals/1")["digest"]
    assert (seal["transfers"], seal["total_minor"]) == (5, 2_070)
    for path in ("/v1/ledger/seals/2", "/v1/ledger/seals/2/content"):
        assert finance.refused("GET", path) == (404, "not_found")


@pytest.mark.parametrize("role", ["partner", "orders"])
@pytest.mark.parametrize("path", ["accounts", "accounts/expense", "transfers", "seals", "seals/1/content"])
def test_the_ledger_is_for_finance_and_admin(api: Api, earned: World, role: str, path: str) -> None:
    caller = api.caller(role, "a" if role == "partner" else None)
    assert caller.refused("GET", f"/v1/ledger/{path}") == (403, "forbidden")


def test_another_program_sees_nothing_of_it(api: Api, earned: World) -> None:
    other = api.caller("finance", program=api.other_program())
    assert whole(other, "/v1/ledger/transfers") == []
    assert [account["balance_minor"] for account in whole(other, "/v1/ledger/accounts")] == [0, 0, 0]
    assert other.refused("GET", "/v1/ledger/accounts/payable:a") == (404, "account_unknown")


def test_a_webhook_lives_from_its_making_to_its_end(api: Api, world: World) -> None:
    admin = api.caller()
    draft = {"id": "crm", "url": URL, "events": ["payout.settled", "commission.earned"]}
    answer = admin.call("POST", "/v1/webhooks", draft)
    made = json.loads(answer.text)
    assert (answer.status_code, made["status"], made["secret"][:6]) == (201, "enabled", "whsec_")
    again = admin.call("POST", "/v1/webhooks", draft)
    assert (again.status_code, json.loads(again.text)) == (200, made)
    assert admin.refused("POST", "/v1/webhooks", draft | {"url": URL + "y"}) == (409, "id_conflict")
    shown = admin.get("/v1/webhooks/crm")
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    changed = admin.call("PATCH", "/v1/webhooks/crm", {"status": "disabled", "events": ["rank.changed"]})
    assert json.loads(changed.text) | {"status_since": 0} == shown | {
        "status": "disabled",
        "disabled_reason": "by_hand",
        "events": ["rank.changed"],
        "status_since": 0,
    }
    rotated = admin.post("/v1/webhooks/crm/rotate")
    assert rotated["secret"] != made["secret"]
    assert admin.post("/v1/webhooks", {"url": URL, "events": ["rank.changed"]})["id"].startswith("wh_")
    assert len(whole(admin, "/v1/webhooks", 1)) == 2
    assert admin.get("/v1/webhooks/crm/deliveries") == {"data": [], "next_cursor": None}
    assert [admin.call("DELETE", "/v1/webhooks/crm").status_code for _ in range(2)] == [204, 204]
    assert admin.refused("GET", "/v1/webhooks/crm") == (404, "not_found")
    assert admin.refused("POST", "/v1/webhooks", draft) == (409, "id_conflict")
    for delivery in ("dlv_1", "dlv_x", "1", "dlv_" + "9" * 30):
        assert admin.refused("POST", f"/v1/webhooks/crm/deliveries/{delivery}/resend") == (404, "not_found")


@pytest.mark.parametrize(
    "draft",
    [
        {"url": "http://hooks.example.com/", "events": ["rank.changed"]},
        {"url": "https://127.0.0.1/", "events": ["rank.changed"]},
        {"url": "https://2130706433/", "events": ["rank.changed"]},
        {"url": "https://169.254.169.254/", "events": ["rank.changed"]},
        {"url": URL, "events": []},
        {"url": URL, "events": ["order.settled"]},
        {"url": URL},
        {"events": ["rank.changed"]},
        {"url": URL, "events": ["rank.changed"], "secret": "own"},
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(api: Api, world: World, draft: dict[str, Any]) -> None:
    assert api.caller().refused("POST", "/v1/webhooks", draft) == (422, "invalid")


def test_webhooks_are_changed_by_admin_alone_and_belong_to_one_program(api: Api, world: World) -> None:
    admin = api.caller()
    admin.post("/v1/webhooks", {"id": "crm", "url": URL, "events": ["rank.changed"]})
    assert [hook["id"] for hook in whole(api.caller("finance"), "/v1/webhooks")] == ["crm"]
    assert api.caller("finance").refused("DELETE", "/v1/webhooks/crm") == (403, "forbidden")
    assert api.caller("orders").refused("GET", "/v1/webhooks") == (403, "forbidden")
    other = api.caller(program=api.other_program())
    assert other.refused("GET", "/v1/webhooks/crm") == (404, "not_found")
    assert other.refused("DELETE", "/v1/webhooks/crm") == (404, "not_found")
    assert whole(other, "/v1/webhooks") == []


def test_metrics_tell_of_audits_and_deliveries(api: Api, world: World) -> None:
    page = api.nobody().call("GET", "/metrics").text
    assert "distrib_audit_failed_programs 0.0" in page
    assert "distrib_webhook_deliveries_pending 0.0" in page
    assert "distrib_queue_orders 0.0" in page


def test_the_command_line_seals_lists_and_makes_endpoints(
    earned: World, monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    for name, value in earned.container.environment().items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, [*arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    seal = json.loads(run("ledger", "seal", "--json"))
    assert (seal["seal_no"], seal["transfers"]) == (1, 5)
    assert json.loads(run("ledger", "seal", "--json")) is None
    assert json.loads(run("ledger", "seals", "--json"))[0]["digest"] == seal["digest"]
    assert hashlib.sha256(run("ledger", "content", "1").encode()).hexdigest() == seal["digest"]
    assert sum(account["balance_minor"] for account in json.loads(run("ledger", "accounts", "--json"))) == 0
    assert "payable:a" in run("ledger", "accounts")
    assert run("webhook", "create", URL, "--id", "crm").splitlines()[-1].startswith("whsec_")
    run("webhook", "disable", "crm")
    assert json.loads(run("webhook", "list", "--json"))[0]["status"] == "disabled"
    run("webhook", "enable", "crm")
    assert json.loads(run("webhook", "deliveries", "crm", "--json")) == []
    run("webhook", "end", "crm")
    assert json.loads(run("webhook", "list", "--json")) == []
