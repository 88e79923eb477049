"""The way of money from a plan to the audit, over HTTP and by the jobs, in a few calls: what a set-up has to carry."""

from __future__ import annotations

from typing import Any

from distrib.bootstrap import Container
from distrib.services.programs.tenants import ProgramDraft, create_program
from tests.world.api import Api, Caller, app_on
from tests.world.documents import line, refunded, settled
from tests.world.world import EARLY, World
from workers.audits import run_daily_audits, run_requested_audits
from workers.evaluations import run_due_evaluations
from workers.seals import seal_days

MONTH = "2026-03"
UP_TO = "2026-06-01T00:00:00Z"
ORDERS = 40
PLAN: dict[str, Any] = {
    "code": "plain",
    "currency": "CNY",
    "policy": "open",
    "hold_days": 0,
    "tiers": 2,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10", "cap": {"per_month_minor": 1_000_000}},
        {"id": "upline", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
PAYEE = {"name": "n", "id_type": "id_card", "kind": "person", "id_number": "1", "accounts": {"bank_account": "2"}}


def walk(container: Container, code: str) -> dict[str, Any]:
    """Goes the whole way in a new program, and returns the figures that it comes to.

    Calls are refused on the way, by the service and by the database, so that transactions end both ways.
    """
    with container.begin() as conn:
        program = create_program(
            conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), container.now(), container.policies
        )
    world = World(container, program)
    api = Api(app_on(container), world)
    admin, finance = api.caller("admin"), api.caller("finance")
    _open(admin)
    _sell(admin, world)
    closed = _close(admin, finance)
    paid = _pay_out(admin, finance)
    run_due_evaluations(container)
    seal_days(container)
    admin.post("/v1/audit")
    run_requested_audits(container)
    run_daily_audits(container)
    audit = admin.get("/v1/audit")
    assert audit["ok"], [check for check in audit["checks"] if not check["ok"]]
    queued = container.figures(container.now())["distrib_queue_orders"]
    return {"earned": world.earned(), "closed": closed, "paid": paid, "queued": queued, "checks": len(audit["checks"])}


def _open(admin: Caller) -> None:
    """A plan that counts, shops, payees; the same again, and what is refused."""
    made = admin.post("/v1/plans", PLAN)
    terms = {"effective_from": EARLY.isoformat(), "signed_off_by": "Li"}
    admin.post(f"/v1/plans/{made['code']}/{made['version']}/publish", terms)
    shops = [{"id": "a"}, {"id": "b", "sponsor_id": "a"}, {"id": "c", "sponsor_id": "b"}]
    shops = [shop | {"joined_at": EARLY.isoformat()} for shop in shops]
    for _ in range(2):
        admin.post("/v1/shops/batch", {"shops": shops})
    assert admin.refused("POST", "/v1/shops", {"id": "d", "sponsor_id": "nobody"}) == (422, "sponsor_unknown")
    for shop in "abc":
        admin.put(f"/v1/shops/{shop}/payee", PAYEE | {"id_number": shop})


def _sell(admin: Caller, world: World) -> None:
    """Orders, some of them given back in part; every event twice."""
    events = [settled(f"e{n}", f"o{n}", "abc"[n % 3], line(1_000 + n)) for n in range(ORDERS)]
    events += [refunded(f"r{n}", f"o{n}", {"1": 100}) for n in range(0, ORDERS, 4)]
    for _ in range(2):
        assert admin.post("/v1/events", {"events": events})["refused"] == 0
        world.drain()
    assert admin.get("/v1/events?status=failed")["data"] == []


def _close(admin: Caller, finance: Caller) -> list[int]:
    """An adjustment and a month, each by two; its files. Returns with what each shop ends the month."""
    finance.post("/v1/adjustments", {"id": "adj", "shop_id": "b", "amount_minor": -25, "reason": "r"})
    assert finance.refused("POST", "/v1/adjustments/adj/approve") in ((409, "same_key"), (409, "same_person"))
    admin.post("/v1/adjustments/adj/approve")
    finance.post(f"/v1/statements/{MONTH}/close")
    assert admin.post(f"/v1/statements/{MONTH}/close/confirm")["status"] == "closed"
    for form in ("format=csv&detail=shops", "format=csv&detail=lines", "format=parquet&detail=shops"):
        assert admin.call("GET", f"/v1/statements/{MONTH}/export?{form}").status_code == 200
    return [admin.get(f"/v1/statements/{MONTH}/shops/{shop}")["closing_minor"] for shop in "abc"]


def _pay_out(admin: Caller, finance: Caller) -> list[tuple[str, int]]:
    """A batch of all that is available, and its results. Returns what each shop was paid."""
    finance.post("/v1/payouts", {"id": "all", "up_to": UP_TO, "min_minor": 1})
    admin.post("/v1/payouts/all/approve")
    lines = admin.get("/v1/payouts/all")["lines"]
    finance.post(
        "/v1/payouts/all/results", {"results": [{"shop_id": row["shop_id"], "status": "paid"} for row in lines]}
    )
    return sorted((row["shop_id"], row["amount_minor"]) for row in lines)
