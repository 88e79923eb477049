"""Operations at the console: the queue, webhooks tried, audits, settings, changes that wait, the trail."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from distrib.services.heartbeats import DRAINS, WORKER
from tests.integration.console.conftest import Browser
from tests.integration.console.test_shops import words
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World
from workers.heartbeat import Heartbeat

Person = Callable[..., Browser]
ASKS = re.compile(r'id="count-[^"]*" hx-get="/console/p/test([^"]+)"')
HOOK = "https://hooks.example.com/path"


def test_what_waits_is_said_with_since_when_and_nothing_after_it_is_worked_on(world: World, person: Person) -> None:
    ann = person("ann")
    assert "All that was accepted is worked on." in ann.page("/operations")
    world.publish(SELLER_TEN_PERCENT)
    world.post(settled("e-1", "o-1", "nobody", line(1_000)))
    waiting = ann.page("/operations")
    assert re.search(r'Orders waiting to be worked on</div>\s*<div class="value">1</div>', waiting)
    world.drain()
    through = ann.page("/operations")
    assert "All that was accepted is worked on." in through
    assert re.search(r'Waiting for another fact</div>\s*<div class="value"><a[^>]*>1</a></div>', through)


def test_a_list_of_several_pages_asks_by_itself_how_many_there_are(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, mei = person("ann"), person("mei")
    mei.language = "zh"
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    world.earn(*(settled(f"e-{number}", f"o-{number}", "s", line(1_000)) for number in range(64)))
    for path in ("/orders?shop_id=s", "/commissions?shop_id=s", "/events?status=done"):
        first = ann.page(path)
        assert ">50 shown<" in first, path
        asked = html.unescape(ASKS.findall(first)[0])
        following = re.findall(r'href="/console/p/test([^"]+cursor=[^"]+)"', first)[0]
        assert f'hx-get="/console/p/test{asked}'.replace("&", "&amp;") in ann.page(html.unescape(following))
        counted = ann.page(asked)
        assert (">64 in all<" in counted, ASKS.search(counted)) == (True, None), path
        assert ">共 64 条<" in mei.page(asked)
        assert ASKS.search(ann.page(f"{path}&limit=100")) is None
    with monkeypatch.context() as patched:
        patched.setattr("distrib.console.lists.MOST_COUNTED", 20)
        patched.setattr("distrib.console.lists._COUNTED_AT_ONCE", 20)
        assert ">More than 20 in all<" in ann.page("/orders?count=all")
        assert ">共 20 条以上<" in mei.page("/orders?count=all")


def test_a_webhook_is_made_tried_disabled_and_ended(world: World, person: Person) -> None:
    ann = person("ann")
    ann.page("/operations/webhooks/new")
    made = ann.send("/console/p/test/operations/webhooks/new", id="hook", url=HOOK, event="rank.changed").text
    secret = re.search(r"<code>(whsec_[^<]+)</code>", made)
    assert secret is not None
    assert secret[1] not in ann.page("/operations/webhooks/hook")
    sent = ann.do("/operations/webhooks/hook/test")
    page = ann.get(sent.headers["HX-Redirect"]).text
    assert "A test message is on its way." in page
    assert "ping" in page
    rows = world.rows("SELECT type FROM outbox JOIN webhook_deliveries USING (program_id, message_no)")
    assert [row.type for row in rows] == ["ping"]
    assert ann.do("/operations/webhooks/hook/set", status="disabled").status_code == 204
    assert ann.do("/operations/webhooks/hook/test").status_code == 409
    assert ann.do("/operations/webhooks/hook/end", typed="other").status_code == 422
    assert ann.do("/operations/webhooks/hook/end", typed="hook").status_code == 204
    assert "No webhooks" in ann.page("/operations/webhooks")


def test_an_audit_is_requested_and_the_last_one_shown_with_its_checks(world: World, person: Person) -> None:
    ann = person("ann")
    assert "No audit yet" in ann.page("/operations/audit")
    assert ann.do("/operations/audit", full="yes").status_code == 204
    assert "Requested" not in ann.page("/operations/audit").replace("is requested", "")
    with world.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO audits (program_id, as_of, result) VALUES (%s, %s, %s)",
            (
                world.program.program_id,
                datetime(2026, 3, 1, tzinfo=UTC),
                '{"ok": false, "as_of": "2026-03-01T00:00:00+00:00", "covers": {"full": true, "rests_on": null,'
                ' "closed_through": null}, "checks": [{"name": "books_balance", "ok": false, "figure": 7, "wrong": 1,'
                ' "rows": [{"order": 1}]}], "warnings": []}',
            ),
        )
    page = ann.page("/operations/audit")
    assert "something does not hold" in page
    assert "books_balance" in page
    assert "1 Mar 2026, 08:00" in page


def test_the_title_is_changed_and_the_trail_shows_by_whom(person: Person) -> None:
    ann, vera = person("ann"), person("vera", "viewer")
    ann.page("/operations/program")
    assert ann.do("/operations/program", title="Spring Tea", join_url="http://x").status_code == 422
    assert ann.do("/operations/program", title="Spring Tea").status_code == 204
    assert "Spring Tea" in vera.page("/operations/program")
    row = ann.page("/operations/trail?operation=change_program&from=2020-01-01")
    assert "change_program" in row
    assert "ann" in row
    assert "Nothing fits these filters" in ann.page("/operations/trail?to=2020-01-01")
    assert vera.get("/console/p/test/operations/trail").status_code == 403
    assert vera.do("/operations/program", title="Other").status_code == 403


def test_an_address_of_a_webhook_waits_for_another_person(api: Api, person: Person) -> None:
    ann, bob = person("ann"), person("bob", "finance")
    ann.page("/operations/webhooks/new")
    ann.send("/console/p/test/operations/webhooks/new", id="hook", url=HOOK, event="rank.changed")
    api.caller().patch("/v1/webhooks/hook", {"url": "https://hooks.example.com/other"})
    assert "Another address waits." in ann.page("/operations/webhooks/hook")
    assert "address of a webhook" in bob.page("/operations/changes")
    assert bob.do("/operations/changes/nothing/approve", subject="hook").status_code == 404
    assert bob.do("/operations/changes/webhook/approve", subject="hook").status_code == 204
    assert "https://hooks.example.com/other" in ann.page("/operations/webhooks/hook")
    assert "approved" in bob.page("/operations/changes")


def test_who_works_is_shown_and_what_was_done_is_told_in_words_and_found_by_them(api: Api, person: Person) -> None:
    ann = person("ann")
    assert "Nothing works: no process was heard of." in ann.page("/operations/workers")
    heartbeat = Heartbeat(api.world.container, WORKER)
    with heartbeat.engaged_in(DRAINS):
        heartbeat.beat()
    page = words(ann.page("/operations/workers"))
    assert f"worker {heartbeat.process_id} busy settles orders" in page
    assert "Nothing works" not in page
    ann.page("/operations/program")
    ann.do("/operations/program", title="Tea Circle")
    api.caller().post("/v1/shops", {"id": "mei"})
    trail = words(ann.page("/operations/trail?operation=change_program"))
    assert "changed settings of the program change_program" in trail
    assert "registered a shop register_shop" not in trail
    assert '<option value="payout approve">approved a payout (command line)</option>' in ann.page("/operations/trail")
    ann.language = "zh"
    assert "登记店铺 register_shop" in words(ann.page("/operations/trail"))
    assert "结算订单" in ann.page("/operations/workers")


def test_amounts_and_instants_of_the_trail_are_in_the_readers_form(api: Api, person: Person) -> None:
    ann = person("ann")
    api.world.join(("mei", None))
    api.caller().post("/v1/adjustments", {"id": "a-1", "shop_id": "mei", "amount_minor": 12_345, "reason": "kind"})
    trail = words(ann.page("/operations/trail"))
    assert "amount: 123.45" in trail
    assert "status: proposed, to be approved" in trail
    assert "12345" not in trail
    assert re.search(r"proposed: \d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d", trail)
    ann.language = "zh"
    assert "金额: 123.45" in words(ann.page("/operations/trail"))
