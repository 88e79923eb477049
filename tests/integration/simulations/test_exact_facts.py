"""What a simulation takes as facts is what the ledger would have known, had the candidate been in force."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from distrib.domain.simulations.spread import share_of
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.programs import tenants
from distrib.services.programs.tenants import ProgramDraft
from distrib.services.statements.pools import pay_pools
from tests.integration.simulations.test_simulations import DAY, answered
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, cancelled, decided, line, paid, refunded, settled
from tests.world.world import World

TRUSTED: dict[str, Any] = {
    "code": "trusted",
    "currency": "CNY",
    "rules": [
        {
            "id": "r",
            "pay": "seller",
            "rate": "0.1",
            "requires": {"min_personal_sales_minor": 5_000, "window_days": 30},
        }
    ],
}


def by_files(directory: Path, document: dict[str, Any]) -> dict[str, Any]:
    """What the same question comes to from exported files."""
    assert run("history", "export", "--to", directory / "h", "--program", "test").exit_code == 0
    (directory / "plan.json").write_text(json.dumps(document), "utf-8")
    span = ("--from", "2026-03-01T00:00:00+08:00", "--to", "2026-06-01T00:00:00+08:00")
    said = run("simulate", directory / "plan.json", *span, "--history", directory / "h", "--json")
    assert said.exit_code == 0, said.output
    result: dict[str, Any] = json.loads(said.stdout)["result"]
    return result


def test_an_order_that_settles_when_it_is_paid_is_not_among_its_own_sales(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = api.world
    world.publish(TRUSTED)
    world.join(("a", None))
    at_once = [PAID + place * DAY for place in range(3)]
    world.earn(settled("s1", "o1", "a", line(60_000), line(900, "2", entry=True), paid_at=PAID, occurred_at=PAID))
    world.earn(refunded("r1", "o1", {"1": 59_000}, PAID))
    for place, instant in enumerate(at_once[1:], 2):
        world.earn(settled(f"s{place}", f"o{place}", "a", line(4_000), paid_at=instant, occurred_at=instant))
    paid = world.rows("SELECT cause_no FROM transfers WHERE program_id = :program AND kind = 'earned'")
    assert len(paid) == 1
    view = answered(api, api.caller(), plan={"code": "trusted", "version": 1})
    [candidate] = view["result"]["candidates"]
    assert candidate["cost_minor"] == view["result"]["as_it_was"]["cost_minor"] == 400
    name_servers(world.container.settings, monkeypatch)
    assert by_files(tmp_path, TRUSTED) == view["result"]


MARGIN: dict[str, Any] = {
    "code": "margin",
    "currency": "CNY",
    "base": "margin",
    "rules": [{"id": "r", "pay": "seller", "rate": "0.1"}],
}
POOL: dict[str, Any] = {"id": "pool", "rate": "0.01", "weights": {"member": 1}}
PAYING: dict[str, Any] = {**MARGIN, "code": "paying", "base": "paid", "pools": [POOL]}


BY_ORDER = (
    "SELECT o.order_id, sum(signed_minor(shop_no, credit_account, amount_minor)) AS minor FROM transfers t"
    " JOIN orders o ON o.program_id = t.program_id AND o.order_no = t.cause_no"
    " WHERE t.program_id = :program GROUP BY o.order_id"
)


def failing_events() -> list[dict[str, Any]]:
    """Orders without a cost, which a plan of margins cannot pay, and what befell them."""
    undone = {"id": "u2", "type": "refund.reversed", "refund_id": "r2", "occurred_at": (PAID + 3 * DAY).isoformat()}
    group: dict[str, Any] = {"channel": "group_buy", "group_id": "g"}
    return [
        settled("s1", "o1", "a", line(60_000), paid_at=PAID),
        refunded("r1", "o1", None, PAID + DAY),
        settled("s2", "o2", "a", line(10_000), line(1_234, "2"), paid_at=PAID),
        refunded("r2", "o2", {"2": 1_000}, PAID + 2 * DAY),
        undone,
        refunded("r2b", "o2", {"2": 500, "1": 77}, PAID + 40 * DAY),
        paid("p3", "o3", "a", line(3_000), paid_at=PAID),
        refunded("r3", "o3", {"1": 1_100}, PAID + DAY),
        settled("s3", "o3", "a", line(3_000), paid_at=PAID, occurred_at=PAID + 2 * DAY),
        settled("s4", "o4", "a", line(9_000), paid_at=PAID, **group),
        decided("g1", "g", True, PAID + 33 * DAY),
        settled("s5", "o5", "a", line(8_000), paid_at=PAID),
        cancelled("c5", "o5", PAID + 5 * DAY),
        settled("s6", "o6", "a", line(8_000), paid_at=PAID, occurred_at=PAID + 9 * DAY),
        cancelled("c6", "o6", PAID + 5 * DAY),
        settled("s7", "o7", "a", line(2_000, cost_minor=1_000), paid_at=PAID),
        refunded("r7", "o7", {"1": 250}, PAID + DAY),
    ]


def ledger(world: World) -> dict[str, int]:
    """What the ledger has by kind."""
    rows = world.rows(
        "SELECT kind, sum(signed_minor(shop_no, credit_account, amount_minor)) AS minor FROM transfers"
        " WHERE program_id = :program GROUP BY kind"
    )
    return {row.kind: int(row.minor) for row in rows}


def twin_of(world: World, code: str) -> World:
    """Another program beside that of a world."""
    container = world.container
    with container.begin() as conn:
        draft = ProgramDraft(code, "CNY", "Asia/Shanghai", "open")
        program = tenants.create_program(conn, draft, container.now(), container.policies)
    return World(container, program)


def pay_all_pools(world: World) -> None:
    """Pays the pools of every month that has any event."""
    for month in range(202603, 202610):
        with world.container.begin() as conn:
            pay_pools(Unit(conn, world.program, COMMAND_LINE, world.now()), month)


def test_what_came_back_of_orders_that_failed_is_taken_back_and_they_count_for_pools(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    twin = twin_of(api.world, "twin")
    for world, plan in ((api.world, MARGIN), (twin, PAYING)):
        world.publish(plan)
        world.join(("a", None), ("b", "a"))
        world.earn(*failing_events())
    pay_all_pools(twin)
    view = answered(api, api.caller(), plan=PAYING)
    [candidate], known = view["result"]["candidates"], ledger(twin)
    orders = api.caller().get(f"/v1/simulations/{view['id']}/orders")["data"]
    assert {order["order_id"]: order["now_minor"] for order in orders} == {
        **{row.order_id: int(row.minor) for row in twin.rows(BY_ORDER)},
    }
    figures = {kind: candidate[f"{kind}_minor"] for kind in ("earned", "reversed", "pools")}
    assert figures == {"earned": known["earned"], "reversed": known["reversed"], "pools": known["pool"]}
    sold = "SELECT sum(paid_minor) - (SELECT sum(amount_minor) FROM refund_lines WHERE program_id = :program)"
    [[sales]] = twin.rows(f"{sold} FROM settlements WHERE program_id = :program")
    assert candidate["share_of_sales"] == share_of(candidate["cost_minor"], int(sales))
    assert (view["result"]["orders"], view["result"]["failed_orders"]) == (1, 5)
    name_servers(api.world.container.settings, monkeypatch)
    assert by_files(tmp_path, PAYING) == view["result"]


def test_orders_that_fail_under_a_candidate_are_in_none_of_its_pools(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    twin = twin_of(api.world, "twin")
    pooled = {**MARGIN, "code": "pooled", "pools": [{**POOL, "rate": "0.5"}]}
    for world, plan in ((api.world, PAYING), (twin, pooled)):
        world.publish(plan)
        world.join(("a", None), ("b", "a"))
        world.earn(*failing_events())
    pay_all_pools(twin)
    view = answered(api, api.caller(), plan=pooled)
    [candidate], known = view["result"]["candidates"], ledger(twin)
    figures = {kind: candidate[f"{kind}_minor"] for kind in ("earned", "reversed", "pools")}
    assert figures == {"earned": known["earned"], "reversed": known["reversed"], "pools": known["pool"]}
    assert candidate["share_of_sales"] == share_of(candidate["cost_minor"], 1_750)
    name_servers(api.world.container.settings, monkeypatch)
    assert by_files(tmp_path, pooled) == view["result"]


def as_version_two(directory: Path) -> None:
    """Makes a directory what the release before wrote: orders that failed do not say what came back of them."""
    manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
    for file in manifest["files"]:
        path = directory / file["kind"] / file["name"]
        table = parquet.read_table(path)
        said = {**table.schema.metadata, b"distrib.schema_version": b"2"}
        if file["kind"] == "failed":
            table = table.drop_columns(["came_back"])
        parquet.write_table(table.replace_schema_metadata(said), path)
        file |= {"bytes": path.stat().st_size, "sha256": sha256(path.read_bytes()).hexdigest()}
    (directory / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 2}), "utf-8")


def test_files_of_the_version_before_are_read_and_added_to(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api.world.publish(MARGIN)
    api.world.join(("a", None), ("b", "a"))
    api.world.earn(*failing_events())
    name_servers(api.world.container.settings, monkeypatch)
    known = by_files(tmp_path, PAYING)
    as_version_two(tmp_path / "h")
    assert run("history", "verify", tmp_path / "h").exit_code == 0
    span = ("--from", "2026-03-01T00:00:00+08:00", "--to", "2026-06-01T00:00:00+08:00")
    said = run("simulate", tmp_path / "plan.json", *span, "--history", tmp_path / "h", "--json")
    [before], [after] = json.loads(said.stdout)["result"]["candidates"], known["candidates"]
    assert before["earned_minor"] == after["earned_minor"]
    assert after["reversed_minor"] < before["reversed_minor"] < 0
    assert by_files(tmp_path, PAYING) == known
    assert run("history", "verify", tmp_path / "h").exit_code == 0
