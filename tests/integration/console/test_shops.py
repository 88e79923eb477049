"""Shops in the console: found, decided on, registered, and what a card shows and does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.integration.console.conftest import Browser
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World, chain

Person = Callable[..., Browser]
PLAN = SELLER_TEN_PERCENT | {
    "ranks": [
        {"code": "member"},
        {"code": "owner", "promote": {"metric": "direct_recruits", "at_least": 3}},
    ]
}
PAYEE = {"name": "Lin Mei", "id_type": "id_card", "id_number": "110101199003071234", "kind": "person"}


@pytest.fixture
def tree(world: World, plain_invite_codes: None) -> World:
    """A chain of three shops under a plan with ranks, the last with a sale of 300.00."""
    world.publish(PLAN)
    world.join(*chain("lin", "mei", "bo"))
    world.post(settled("e-1", "o-1", "bo", line(30_000)))
    world.drain()
    return world


def words(page: str) -> str:
    """The text of a page as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_list_keeps_its_filters_in_the_address_and_leads_to_the_cards(tree: World, person: Person) -> None:
    ann = person("ann")
    page = ann.page("/shops?q=me&sort=-balance")
    assert f'href="/console/p/{tree.program.code}/shops/mei"' in page
    assert f"/console/p/{tree.program.code}/shops/bo" not in page
    assert 'name="q" type="text" value="me"' in page
    assert "1 in all" in page
    assert "shop_unknown" in ann.page("/shops?root=nobody")


def test_a_list_asks_for_a_shop_by_id_name_or_code_and_which_is_meant_where_several_fit(
    tree: World, person: Person
) -> None:
    tree.register("lee", "lin", name="Bo Lee")
    ann, code = person("ann"), tree.program.code
    by_id, by_code = ann.page("/orders?shop_id=bo"), ann.page(f"/orders?shop_id={tree.shop('bo').invite_code}")
    for page in (by_id, by_code):  # a name begins like this id, which is meant nevertheless
        assert f'href="/console/p/{code}/orders/o-1"' in page
        assert 'name="shop_id" type="text" value="bo"' in page
    assert "No orders yet" not in ann.page("/orders?shop_id=Bo%20L")
    several = ann.page("/orders?shop_id=b&status=settled")
    assert "Several shops begin with “b”: which one?" in several
    assert f'href="/console/p/{code}/orders?shop_id=bo&amp;status=settled">bo</a>' in several
    assert f'href="/console/p/{code}/orders?shop_id=lee&amp;status=settled">lee · Bo Lee</a>' in several
    assert "/orders/o-1" not in several
    suggested = ann.page("/suggest-shops?of=shop_id&shop_id=b")
    assert re.findall(r'<option value="([^"]+)">([^<]+)', suggested) == [("lee", "lee · Bo Lee"), ("bo", "bo")]
    assert "<option" not in ann.page("/suggest-shops?of=root&root=b&level=1")
    assert "Nothing fits these filters" in ann.page("/orders?shop_id=nobody")


def test_orders_and_commissions_stand_the_newest_first_and_can_be_turned_round(tree: World, person: Person) -> None:
    tree.earn(settled("e-2", "o-2", "mei", line(1_000)))
    ann = person("ann")
    for path, order in (("/orders", "came"), ("/commissions", "posted")):
        newest, oldest = ann.page(path), ann.page(f"{path}?sort={order}")
        assert newest.index("/orders/o-2") < newest.index("/orders/o-1")
        assert oldest.index("/orders/o-1") < oldest.index("/orders/o-2")
        assert f'{path}?sort={order}">' in newest
        assert ("Oldest first" in newest, "Newest first" in oldest) == (True, True)
    assert "Oldest first" not in ann.page("/commissions?state=expected")


def test_pending_shops_are_decided_together_with_a_reason_and_not_without(api: Api, person: Person) -> None:
    admin, ann = api.caller(), person("ann")
    admin.patch("/v1/program", {"admission": "review"})
    for shop in ("cat", "dan", "eve"):
        admin.post("/v1/shops", {"id": shop})
    assert 'class="bulk-form"' not in ann.page("/shops")
    waiting = ann.page("/shops?status=pending")
    assert 'class="bulk-form"' in waiting
    assert 'name="id" value="cat"' in waiting
    sent = {"csrf_token": ann.token, "do": "activate", "id": ["cat", "dan", "nobody"]}
    address = f"/console/p/{api.world.program.code}/decide-shops"
    refused = ann.client.post(address, data=sent, headers={"HX-Request": "true"})
    assert (refused.status_code, "reason" in refused.text) == (422, True)
    done = ann.client.post(address, data=sent | {"reason": "seen"}, headers={"HX-Request": "true"})
    assert done.status_code == 204
    assert {shop: admin.get(f"/v1/shops/{shop}")["status"] for shop in ("cat", "dan", "eve")} == {
        "cat": "active",
        "dan": "active",
        "eve": "pending",
    }
    page = words(ann.page("/shops?status=pending"))
    assert "2 shops were activated." in page
    assert "nobody (shop_unknown)" in page


def test_the_file_holds_what_is_filtered_and_no_formula(tree: World, person: Person) -> None:
    tree.register("kay", "lin", name="=1+1")
    ann = person("ann")
    assert "1 in all. Save them as CSV?" in ann.page("/shops?q=kay")
    file = ann.get(f"/console/p/{tree.program.code}/shops.csv?level=2&sort=joined")
    assert file.mimetype == "text/csv"
    rows = file.text.removeprefix("\ufeff").splitlines()
    assert rows[0].startswith("id,name,status,")
    assert [row.split(",")[:3] for row in rows[1:]] == [["mei", "", "active"], ["kay", "'=1+1", "active"]]


def test_a_card_says_what_lacks_whose_chain_it_is_and_what_became_of_the_shop(tree: World, person: Person) -> None:
    tree.set_status("mei", "frozen")
    ann = person("ann")
    page = ann.page("/shops/mei")
    read = words(page)
    assert "What lacks to owner" in read
    assert "1 / 3" in read
    assert f'href="/console/p/{tree.program.code}/shops/lin"' in page
    assert read.index("State: frozen a test") < read.index("Sponsor lin")
    assert "<progress" in page
    figures = words(ann.page("/shops/mei/figures?period=2026-03&part=1"))
    assert "300.00" in figures


def test_a_shop_is_moved_where_its_id_is_typed_and_not_by_a_click(tree: World, person: Person) -> None:
    ann = person("ann")
    ann.page("/shops/bo")
    move = {"sponsor_id": "lin", "reason": "asked for"}
    refused = ann.do("/shops/bo/move", **move, typed="b")
    assert (refused.status_code, "type the shop" in refused.text) == (422, True)
    assert tree.above("bo") == ["mei", "lin"]
    assert ann.do("/shops/bo/move", **move, typed="bo").status_code == 204
    assert tree.above("bo") == ["lin"]
    assert ann.do("/shops/bo/rank", rank="owner", reason="a gift").status_code == 204
    assert ann.do("/shops/bo/status", status="frozen", reason="a complaint").status_code == 204
    read = words(ann.page("/shops/bo"))
    assert "by hand: a gift" in read
    assert "State: frozen a complaint" in read


def test_a_payee_is_shown_when_asked_for_and_the_asking_is_in_the_trail(api: Api, person: Person) -> None:
    api.world.join(*chain("lin"))
    admin = api.caller()
    admin.put("/v1/shops/lin/payee", PAYEE)
    ann, vic = person("ann"), person("vic", "viewer")
    assert "L**" not in ann.page("/shops/lin")
    shown = ann.do("/shops/lin/payee")
    assert "L**" in shown.text
    assert "110101199003071234" not in shown.text
    [row] = admin.get("/v1/trail?operation=get_payee")["data"]
    assert (row["shop_id"], row["owner"]) == ("lin", "ann")
    assert "Show the payee" not in vic.page("/shops/lin")
    assert vic.do("/shops/lin/payee").status_code == 403


def test_the_owners_link_is_shown_once(tree: World, person: Person) -> None:
    ann = person("ann")
    ann.page("/shops/mei")
    made = ann.do("/shops/mei/link")
    [link] = re.findall(r"<code>([^<]+)</code>", made.text)
    assert f'data-copy="{link}"' in made.text
    assert link not in ann.page("/shops/mei")


def test_a_shop_is_registered_by_the_form_or_told_why_not(tree: World, person: Person) -> None:
    ann = person("ann")
    assert 'value="mei"' in ann.page("/new-shop?sponsor=mei")
    refused = ann.do("/new-shop", id="new", sponsor_id="nobody")
    assert (refused.status_code, "sponsor_unknown" in refused.text) == (422, True)
    done = ann.do("/new-shop", id="new", sponsor_id="mei", name="Neu")
    assert done.headers["HX-Redirect"].endswith("/shops/new")
    assert tree.above("new") == ["mei", "lin"]
