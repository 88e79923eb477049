"""A program is set differently over HTTP and by command: what may change, until when, and the trail it leaves."""

import json
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest

from distrib.domain.errors import Refusal
from distrib.services.audit.run import enter_snapshot, run_audit
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.orders import inbox
from distrib.services.orders.codec import decode_event
from distrib.services.programs import tenants
from distrib.services.programs.settings import set_program
from distrib.services.programs.tenants import ProgramDraft
from distrib.services.programs.wanted_settings import ProgramSettings
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import EARLY, World


def patch(api: Api, **body: object) -> dict[str, object]:
    answer = api.caller().call("PATCH", "/v1/program", body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, object] = json.loads(answer.text)
    return shown


def test_a_program_shows_what_it_was_set_to(api: Api) -> None:
    wanted = {
        "time_zone": "Europe/Berlin",
        "policy": "cn",
        "admission": "review",
        "identity_required": True,
        "binding": {"rule": "protected", "protect_days": 30, "expire_days": 180},
        "withholding": "cumulative",
    }
    shown = patch(api, **wanted)
    assert {name: shown[name] for name in wanted} == wanted
    assert api.caller("finance").get("/v1/program") == shown
    last = {"rule": "last", "protect_days": None, "expire_days": None}
    assert patch(api, binding={"rule": "last"})["binding"] == last


def test_each_change_is_kept_with_who_made_it_and_no_change_leaves_no_trace(api: Api) -> None:
    patch(api, admission="invite")
    patch(api, admission="invite")
    patch(api)
    patch(api, policy="cn")
    rows = api.caller("finance").get("/v1/program/changes")["data"]
    assert [(row["before"], row["after"]) for row in rows] == [
        ({"admission": "open"}, {"admission": "invite"}),
        ({"policy": "open"}, {"policy": "cn"}),
    ]
    assert rows[0]["changed_by"]


def test_the_time_zone_is_fixed_once_there_are_events(api: Api) -> None:
    world = api.world
    patch(api, time_zone="Asia/Tokyo")
    patch(api, time_zone="Asia/Shanghai")
    world.join(("a", None))
    world.publish(SELLER_TEN_PERCENT)
    world.post(settled("e", "o", "a", line(100)))
    assert api.caller().refused("PATCH", "/v1/program", {"time_zone": "Asia/Tokyo"}) == (409, "time_zone_fixed")
    assert patch(api, time_zone="Asia/Shanghai", admission="invite")["admission"] == "invite"


def test_an_event_that_meets_a_change_of_the_time_zone_counts_its_day_by_the_new_one(world: World) -> None:
    raw = settled("e", "o", "a", line(100))
    event = decode_event(raw, world.container.now())
    assert event is not None
    may_commit, is_set = Event(), Event()

    def change() -> None:
        now = world.container.now()
        with world.container.begin() as conn:
            zone: ProgramSettings = {"time_zone": "Pacific/Kiritimati"}
            set_program(Unit(conn, world.program, COMMAND_LINE, now), zone, world.container.policies, None)
            is_set.set()
            assert may_commit.wait(20)

    def post() -> None:
        with world.container.begin() as conn:
            inbox.accept_events(Unit(conn, world.program, COMMAND_LINE, world.container.now()), [event])

    changing, posting = Thread(target=change), Thread(target=post)
    changing.start()
    assert is_set.wait(20)
    posting.start()
    may_commit.set()
    changing.join()
    posting.join()
    [(day, zone)] = world.rows("SELECT day, time_zone FROM events JOIN programs USING (program_id)")
    assert (zone, day) == ("Pacific/Kiritimati", event.occurred_at.astimezone(world_zone(world)).date())


def world_zone(world: World) -> ZoneInfo:
    with world.container.begin() as conn:
        return tenants.find_program(conn, "test").zone


def test_a_looser_pack_needs_a_named_sign_off_and_a_stricter_one_does_not(api: Api) -> None:
    patch(api, policy="cn")
    admin = api.caller()
    assert admin.refused("PATCH", "/v1/program", {"policy": "open"}) == (422, "sign_off_required")
    assert admin.refused("PATCH", "/v1/program", {"policy": "open", "signed_off_by": "  "}) == (422, "invalid")
    assert patch(api, policy="open", signed_off_by="Han Meimei")["policy"] == "open"
    assert admin.get("/v1/program/changes")["data"][-1]["signed_off_by"] == "Han Meimei"


def test_a_stricter_pack_holds_for_shops_and_orders_from_then_on(api: Api) -> None:
    world, admin = api.world, api.caller()
    world.join(("a", None), ("b", "a"), ("c", "b"))
    patch(api, policy="cn-strict")
    admin.post("/v1/shops", {"id": "d", "sponsor_id": "b"})
    shown = admin.get("/v1/shops/d")
    assert (shown["level"], shown["introduced_by"]) == (1, "b")
    assert admin.get("/v1/shops/c")["level"] == 3
    with world.container.begin() as conn:
        enter_snapshot(conn)
        program = tenants.find_program(conn, "test")
        audited = run_audit(Unit(conn, program, COMMAND_LINE, world.container.now()), world.container.policies)
    assert [check.name for check in audited.checks if not check.ok] == []


def test_everything_that_does_not_fit_is_told_at_once(api: Api) -> None:
    admin = api.caller()
    body = {"admission": "closed", "binding": {"rule": "best", "expire_days": 0}, "identity_required": 1, "code": "x"}
    problem = admin.problem("PATCH", "/v1/program", body)
    pointers = {entry["pointer"] for entry in problem["errors"]}
    assert pointers == {"/admission", "/binding/rule", "/binding/expire_days", "/identity_required", "/code"}
    alone = admin.problem("PATCH", "/v1/program", {"binding": {"rule": "first", "protect_days": 3}})
    assert alone["errors"][0]["pointer"] == "/binding/protect_days"
    assert admin.refused("PATCH", "/v1/program", {"binding": {"rule": "protected"}}) == (422, "invalid")
    assert admin.refused("PATCH", "/v1/program", {"time_zone": "Mars/Base"}) == (422, "time_zone_unknown")
    body = {"time_zone": "Mars/Base", "policy": "none", "binding": {"rule": "protected"}}
    problem = admin.problem("PATCH", "/v1/program", body)
    assert [entry["pointer"] for entry in problem["errors"]] == ["/binding/protect_days", "/time_zone", "/policy"]
    assert admin.refused("PATCH", "/v1/program", {"policy": "none"}) == (422, "policy_unknown")
    assert api.caller("finance").refused("PATCH", "/v1/program", {"admission": "open"}) == (403, "forbidden")


def test_opening_a_program_again_answers_as_the_first_time_whatever_was_set_since(world: World) -> None:
    container, now = world.container, world.container.now()
    with container.begin() as conn:
        wanted: ProgramSettings = {"admission": "invite", "binding_rule": "last", "policy": "cn"}
        set_program(Unit(conn, world.program, COMMAND_LINE, now), wanted, container.policies, None)
        again = tenants.create_program(
            conn, ProgramDraft("test", "CNY", "Asia/Shanghai", "open"), EARLY, container.policies
        )
        assert (again.admission, again.policy) == ("invite", "cn")
        with pytest.raises(Refusal, match="exists with other settings"):
            tenants.create_program(conn, ProgramDraft("test", "CNY", "Asia/Shanghai", "cn"), EARLY, container.policies)


@pytest.mark.parametrize("way", ["one", "batch"])
def test_each_way_in_asks_for_what_the_program_wants(api: Api, way: str) -> None:
    admin = api.caller()

    def register(**draft: object) -> str:
        if way == "one":
            answer = admin.call("POST", "/v1/shops", draft)
            return str(json.loads(answer.text).get("code", json.loads(answer.text).get("status")))
        [result] = admin.post("/v1/shops/batch", {"shops": [draft]})["results"]
        return str(result.get("code") or admin.get(f"/v1/shops/{draft['id']}")["status"])

    assert register(id="root") == "active"
    patch(api, admission="invite")
    assert register(id="x") == "sponsor_required"
    code = admin.get("/v1/shops/root")["invite_code"]
    assert register(id="by-code", invite_code=code) == "active"
    assert register(id="by-sponsor", sponsor_id="root") == "active"
    patch(api, admission="review", identity_required=True)
    assert register(id="y") == "identity_required"
    assert register(id="y", identity="110101") == "pending"
    assert register(id="z", identity="110101") == "identity_used"
    patch(api, admission="open", identity_required=False)
    assert register(id="open-again") == "active"


def test_a_pending_shop_earns_nothing_until_it_is_activated(api: Api) -> None:
    world, admin = api.world, api.caller()
    world.publish(SELLER_TEN_PERCENT)
    patch(api, admission="review")
    for shop_id in ("yes", "no"):
        admin.post("/v1/shops", {"id": shop_id, "joined_at": EARLY.isoformat()})
    assert world.earn(settled("e-1", "o-1", "yes", line(100))) == {}
    looks = admin.get("/v1/orders/o-1/explanation")["looks"]
    assert [look["reason"] for look in looks] == ["inactive"]
    decided = {"effective_at": "2026-03-01T03:00:00Z", "reason": "papers seen"}
    admin.post("/v1/shops/yes/status", {"status": "active", **decided})
    admin.post("/v1/shops/no/status", {"status": "closed", **decided})
    later = {"paid_at": world.container.now(), "occurred_at": world.container.now()}
    earned = world.earn(
        settled("e-2", "o-2", "yes", line(100), **later), settled("e-3", "o-3", "no", line(100), **later)
    )
    assert earned == {"yes": 10}
    assert admin.refused("POST", "/v1/shops", {"id": "below", "sponsor_id": "no"}) == (422, "sponsor_not_active")
