"""What waits for a person: every kind is there with where it is decided, and gone when it is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from distrib.api.calls.backend import EXTENSION
from distrib.domain.webhooks import EVENT_TYPES
from distrib.services.compliance.registrations import note_registrations
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.undecided import FINDINGS_WAIT, KINDS, MOST_COUNTED
from tests.world.api import Api, Caller
from tests.world.documents import PAID, line, refunded, settled
from tests.world.payouts import earn, open_shops

PAYEE: dict[str, Any] = {
    "name": "n",
    "id_type": "id_card",
    "id_number": "1",
    "kind": "person",
    "accounts": {"bank_account": "99"},
}
RULES = {"least_minor": 1, "most_minor": None, "per_day": None, "per_month": None, "fee_minor": None}
HOOK = {"id": "hook", "url": "https://hooks.example.com/a", "events": list(EVENT_TYPES)}
REASON = {"reason": "r"}


@pytest.fixture
def first(api: Api) -> Caller:
    """An admin, ann, who asked for something of every kind."""
    world, admin = api.world, api.caller(owner="ann")
    open_shops(world, "a", "b", "gone")
    earn(world, "a", 10_000, PAID)
    earn(world, "b", 5_000, PAID)
    earn(world, "gone", 4_000, PAID)
    admin.patch("/v1/program", {"withdrawals": RULES, "admission": "review"})
    admin.post("/v1/webhooks", HOOK)
    admin.post("/v1/payouts", {"id": "batch", "up_to": "2026-04-01T00:00:00Z", "amounts": {"b": 100}})
    admin.post("/v1/adjustments", {"id": "adj", "shop_id": "a", "amount_minor": -70, "reason": "r"})
    partner = api.caller("partner", "a")
    partner.post("/v1/withdrawals", {"id": "wd", "amount_minor": 200})
    [earned] = partner.get("/v1/shops/a/commissions")["data"]
    partner.post("/v1/questions", {"id": "why", "commission_id": earned["id"], "text": "Why, Han Mei?"})
    admin.post("/v1/shops/gone/status", {"status": "closed", "reason": "r"})
    admin.post("/v1/shops/gone/closing-payment", {"id": "last", "reason": "r"})
    admin.call("PUT", "/v1/shops/a/payee", PAYEE)
    admin.call("PATCH", "/v1/webhooks/hook", {"url": "https://hooks.example.com/b"})
    admin.call("PATCH", "/v1/program", {"policy": "cn"})
    api.made_by(admin, "finance", "new", owner="new")
    admin.post("/v1/shops", {"id": "wants"})
    world.earn(settled("sold", "sold", "a", line(500)), refunded("too-much", "sold", {"1": 900}))
    admin.post("/v1/compliance/cases", {"shop_id": "a", "reason": "r"})
    cn = world.policies["cn"]
    with world.begin() as conn:
        note_registrations(Unit(conn, world.program, COMMAND_LINE, world.now()), cn, (), {"looped": "sponsor_cycle"})
    admin.post("/v1/statements/2026-03/close")
    return admin


def waiting(caller: Caller, query: str = "") -> dict[str, dict[str, Any]]:
    """What waits by kind, where of each kind there is one."""
    data = caller.get(f"/v1/inbox{query}")["data"]
    assert len({entry["kind"] for entry in data}) == len(data)
    return {entry["kind"]: entry for entry in data}


def test_every_kind_is_shown_with_its_figures_the_newest_first_and_counted(first: Caller) -> None:
    answer = first.get("/v1/inbox")
    assert answer["counts"] == {kind: {"count": 1, "more": False} for kind in KINDS}
    instants = [entry["at"] for entry in answer["data"]]
    assert instants == sorted(instants, reverse=True)
    by_kind = waiting(first)
    figures = {kind: (entry["id"], entry["shop_id"], entry["amount_minor"]) for kind, entry in by_kind.items()}
    assert figures["payout"] == ("batch", None, 100)
    assert figures["adjustment"] == ("adj", "a", -70)
    assert figures["withdrawal"] == ("wd", "a", 200)
    assert figures["question"] == ("why", "a", 10_000)
    assert figures["closing_payment"] == ("last", "gone", 4_000)
    assert figures["close"][0] == "2026-03"
    assert (figures["shop"][0], figures["payee"][1]) == ("wants", "a")
    assert (by_kind["event"]["id"], by_kind["event"]["code"], by_kind["event"]["order_id"]) == (
        "too-much",
        "refund_exceeds",
        "sold",
    )
    assert (by_kind["finding"]["code"], by_kind["finding"]["subject"]) == ("CN-R03", "shop:looped")
    assert by_kind["program"]["fields"] == ["policy"]
    assert by_kind["payee"]["due_at"] > by_kind["payee"]["at"]


def test_what_takes_two_is_for_the_other_person_and_the_call_it_names_does_it(api: Api, first: Caller) -> None:
    by_kind = waiting(first)
    takes_two = {"close", "payout", "closing_payment", "adjustment", "payee", "webhook", "program", "key"}
    assert {kind for kind, entry in by_kind.items() if entry["mine"]} == takes_two | {"case"}
    assert {kind for kind, entry in by_kind.items() if not entry["may_decide"]} == takes_two
    second = api.caller(owner="bob", name="second")
    assert all(entry["may_decide"] and not entry["mine"] for entry in waiting(second).values())
    of_ann = api.caller("finance", owner="ann", name="books")
    assert {kind for kind, entry in waiting(of_ann).items() if entry["mine"]} == (takes_two | {"case"}) - {"key"}
    for path in (
        "/v1/payouts/batch/approve",
        "/v1/adjustments/adj/approve",
        "/v1/shops/gone/closing-payment/approve",
        "/v1/shops/a/payee/approve",
        "/v1/webhooks/hook/approve",
        "/v1/program/approve",
        f"/v1/keys/{by_kind['key']['id']}/approve",
        "/v1/statements/2026-03/close/confirm",
        "/v1/withdrawals/wd/approve",
    ):
        assert second.call("POST", path).status_code == 200, path
    assert waiting(first).keys() == {"shop", "event", "question", "case", "finding"}
    first.post("/v1/questions/why/answer", {"answer": "So."})
    second.post("/v1/shops/wants/status", {"status": "active", "reason": "r"})
    second.post("/v1/events/too-much/retry")
    case = {"decision": "dismiss", "decided_by": "Han", "reason": "r"}
    second.post(f"/v1/compliance/cases/{by_kind['case']['id']}/decisions", case)
    assert waiting(first).keys() == {"finding"}


def test_every_link_is_read_by_who_sees_it(api: Api, first: Caller) -> None:
    for reader in (first, api.caller("finance", owner="bob")):
        for entry in waiting(reader).values():
            assert reader.call("GET", entry["link"]).status_code == 200, entry
            assert "id_number" not in entry


def test_roles_and_scopes_say_who_may_decide_and_keys_are_for_admins(api: Api, first: Caller) -> None:
    finance = waiting(api.caller("finance", owner="bob"))
    assert finance.keys() == set(KINDS) - {"key"}
    assert {kind for kind, entry in finance.items() if not entry["may_decide"]} == {"shop", "event", "case", "finding"}
    reads = waiting(api.caller(owner="bob", name="reads", scopes=("read", "events")))
    assert {kind for kind, entry in reads.items() if entry["may_decide"]} == {"event"}
    assert "key" not in reads
    fresh = waiting(api.made_by(api.caller(owner="eve", name="eve"), "finance", "fresh", owner="fay"))
    assert {kind for kind, entry in fresh.items() if entry["may_decide"]} == {"question"}
    assert api.caller("orders").refused("GET", "/v1/inbox") == (403, "forbidden")
    assert api.caller(program=api.other_program()).get("/v1/inbox")["data"] == []


def test_one_kind_can_be_asked_for_or_the_counts_alone(first: Caller) -> None:
    answer = first.get("/v1/inbox?kind=payout")
    assert ([entry["id"] for entry in answer["data"]], list(answer["counts"])) == (["batch"], ["payout"])
    counted = first.get("/v1/inbox?limit=0")
    assert (counted["data"], counted["counts"]["event"]) == ([], {"count": 1, "more": False})
    problem = first.problem("GET", "/v1/inbox?kind=x&limit=101")
    assert {entry["pointer"] for entry in problem["errors"]} == {"?kind", "?limit"}


def test_what_a_revoked_key_asked_for_waits_and_cannot_be_confirmed(api: Api, first: Caller) -> None:
    second = api.caller(owner="bob", name="second")
    second.call("DELETE", f"/v1/keys/{first.key_id}")
    by_kind = waiting(second)
    assert not by_kind["payout"]["may_decide"]
    assert second.refused("POST", "/v1/payouts/batch/approve") == (409, "proposer_revoked")
    assert by_kind["withdrawal"]["may_decide"]


def test_a_thousand_are_counted_and_beyond_them_more(api: Api) -> None:
    admin = api.caller()
    admin.patch("/v1/program", {"admission": "review"})
    admin.post("/v1/shops/batch", {"shops": [{"id": f"s-{number}"} for number in range(MOST_COUNTED)]})
    answer = admin.get("/v1/inbox?limit=3")
    assert (answer["counts"]["shop"], len(answer["data"])) == ({"count": 1_000, "more": False}, 3)
    admin.post("/v1/shops", {"id": "last"})
    answer = admin.get("/v1/inbox?limit=1")
    assert (answer["counts"]["shop"], answer["data"][0]["id"]) == ({"count": 1_000, "more": True}, "last")


def test_a_finding_that_opened_no_case_is_shown_for_a_week(api: Api, first: Caller) -> None:
    api.stop_clock(api.app.extensions[EXTENSION].now() + FINDINGS_WAIT - timedelta(minutes=1))
    assert "finding" in waiting(first)
    api.stop_clock(api.app.extensions[EXTENSION].now() + timedelta(minutes=2))
    assert "finding" not in waiting(first)


def test_each_was_told_once_with_it_to_who_asked_for_it_and_nothing_personal(api: Api, first: Caller) -> None:
    def told() -> dict[str, list[dict[str, Any]]]:
        rows = api.world.rows("SELECT type, payload FROM outbox WHERE program_id = :program ORDER BY message_no")
        by_type: dict[str, list[dict[str, Any]]] = {}
        for kind, payload in rows:
            by_type.setdefault(kind, []).append(json.loads(payload))
        return by_type

    messages = told()
    [close], [adjustment], [failed] = (
        messages[kind] for kind in ("close.proposed", "adjustment.proposed", "event.failed")
    )
    assert (close["period"], close["proposed_by"], len(close["digest"])) == ("2026-03", first.key_id, 64)
    batch, last = messages["payout.proposed"]
    assert (batch["payout_id"], batch["lines"], batch["amount_minor"]) == ("batch", 1, 100)
    assert (last["selection"], last["amount_minor"]) == ("closing", 4_000)
    assert adjustment == {
        "adjustment_id": "adj",
        "shop_id": "a",
        "amount_minor": -70,
        "currency": "CNY",
        "proposed_by": first.key_id,
    }
    [asked] = messages["withdrawal.requested"]
    assert asked == {"withdrawal_id": "wd", "shop_id": "a", "amount_minor": 200, "fee_minor": 0, "currency": "CNY"}
    assert [message["shop_id"] for message in messages["shop.pending"]] == ["wants"]
    assert failed == {
        "event_id": "too-much",
        "event_type": "order.refunded",
        "order_id": "sold",
        "code": "refund_exceeds",
        "attempts": 1,
    }
    [told_of] = messages["question.asked"]
    assert (told_of["question_id"], told_of["shop_id"], "Han" in str(told_of)) == ("why", "a", False)
    [finding] = messages["finding.opened"]
    assert (finding["id"], finding["subject"], finding["action"]) == ("CN-R03", "shop:looped", "refused")
    first.post("/v1/statements/2026-03/close")
    first.post("/v1/adjustments", {"id": "adj", "shop_id": "a", "amount_minor": -70, "reason": "r"})
    first.post("/v1/events/too-much/retry")
    api.world.drain()
    assert {kind: len(sent) for kind, sent in told().items()} == {
        kind: len(sent) + (kind == "event.failed") for kind, sent in messages.items()
    }
    assert told()["event.failed"][1]["attempts"] == 2


def test_what_nobody_asked_for_is_not_told(api: Api) -> None:
    admin = api.caller()
    api.world.join(("a", None))
    admin.post("/v1/webhooks", HOOK | {"events": ["rank.changed"]})
    admin.post("/v1/adjustments", {"id": "adj", "shop_id": "a", "amount_minor": 5, "reason": "r"})
    admin.post("/v1/shops/a/status", {"status": "pending", "reason": "r"})
    assert api.world.rows("SELECT 1 FROM outbox") == []
