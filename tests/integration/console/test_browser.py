"""The console in a real Chromium: in both languages, wide and narrow, with the mouse alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium

from distrib.console.menu import MENU
from tests.integration.console.conftest import PASSWORD, Browser
from tests.world.browser import DESK, PHONE, Sight, chromium, serving, sight
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import EARLY, World, chain

Person = Callable[..., Browser]
BESIDE_THE_MENU = ("/orders/o-1", "/events/e-3", "/payable", "/statements/2026-03/close")
OF_THE_API = ("/docs", "/docs/calls/people")


@pytest.fixture(scope="module")
def program() -> Iterator[Chromium]:
    """One Chromium for all tests of the module."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def address(flask_app: Flask) -> Iterator[str]:
    """Where the test's own service answers."""
    with serving(flask_app) as base:
        yield base


def signed_in(page: Sight, login: str) -> None:
    """Signs in with the form, as a person does."""
    page.open("/console/sign-in")
    page.page.fill("#login", login)
    page.page.fill("#password", PASSWORD)
    page.page.click("main button[type=submit]")
    page.page.wait_for_url("**/console**")


@pytest.fixture
def busy(world: World) -> World:
    """A program with a plan, three shops, one with a name, two settled orders and an event that failed."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("lin", "mei"))
    world.register("bo", "mei", name="Bo Lin", joined_at=EARLY)
    world.post(settled("e-1", "o-1", "mei", line(30_000)), settled("e-2", "o-2", "bo", line(9_900)))
    world.post(settled("e-3", "o-3", "bo", line(100), currency="USD"))
    world.drain()
    return world


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_the_menu_is_shown_without_a_complaint_or_a_barrier(
    busy: World, person: Person, program: Chromium, address: str, size: tuple[int, int], language: str
) -> None:
    person("ann")
    with sight(program, address, size, language) as page:
        signed_in(page, "ann")
        paths = page.page.eval_on_selector_all("#menu a", "links => links.map(link => link.getAttribute('href'))")
        assert len(paths) == len(MENU)
        wrong: dict[str, object] = {}
        paths += [f"/console/p/{busy.program.code}{path}" for path in BESIDE_THE_MENU]
        paths += ["/console/account", *OF_THE_API]
        for path in paths:
            status = page.open(path)
            problems = [*page.barriers(), *(["wider than the screen"] if page.overflows else [])]
            problems += ["an empty tray"] if page.page.locator("#tray").is_visible() else []
            if status != 200 or problems:
                wrong[path] = status, problems
        assert wrong == {}
        assert page.complaints == []


def test_a_person_signs_in_finds_an_order_and_signs_out_with_the_mouse(
    busy: World, person: Person, program: Chromium, address: str
) -> None:
    person("ann")
    with sight(program, address) as page:
        signed_in(page, "ann")
        page.page.click("#menu >> text=订单")
        page.page.select_option("#q-status", "settled")
        page.page.type("#q-shop_id", "me")
        page.page.wait_for_selector("#shops-shop_id option", state="attached")
        assert page.page.eval_on_selector_all("#shops-shop_id option", "them => them.map(one => one.value)") == ["mei"]
        page.page.click("text=查询")
        page.page.click("text=o-1")
        assert "30.00" in page.page.inner_text("main") or "300.00" in page.page.inner_text("main")
        page.page.click(".top-right .dropdown-toggle")
        page.page.click("text=退出登录")
        page.page.wait_for_url("**/console/sign-in")
        assert page.complaints == []


PLACES = {
    "code: a\nba|": ["base"],
    "rules:\n- id: x\n  pay: |": ["seller", "upline", "chain", "leader", "opener"],
    "rules:\n  - {id: s, pay: up|}\n  - id: y\n": ["seller", "upline", "chain", "leader", "opener"],
    '{"code": "a", "base": "|"}': ["paid", "list", "margin"],
    "ranks: [{code: silver}, {code: gold}]\nrules:\n  - id: a\n    rate:\n      silver: '0.1'\n      g|": ["gold"],
    "declarations:\n  entry_purchase: |": ["true", "false"],
    "code: a\n  # b|": [],
}
"""What may stand at the mark; of keys those that begin as typed."""
OFFERED = """([before, after, schema]) => {
    const text = before + after, place = PlanPlace.placeAt(text, before.length);
    if (!place) return [];
    const typed = text.slice(place.from, before.length);
    if (place.role === "value") return PlanPlace.valuesAt(schema, text, place);
    return PlanPlace.keysAt(schema, text, place).map((key) => key.name).filter((name) => name.startsWith(typed));
}"""


def test_a_plan_is_written_with_completion_marks_and_the_keyboard(
    busy: World, person: Person, program: Chromium, address: str
) -> None:
    person("ann")
    with sight(program, address) as page:
        signed_in(page, "ann")
        page.open(f"/console/p/{busy.program.code}/plans/draft?from=plain/1")
        page.page.locator(".cm-content").focus()
        assert page.page.locator("textarea[name=text]").is_hidden()
        schema = page.page.evaluate("fetch('/console/plan.schema.json?lang=zh').then((answer) => answer.json())")
        for text, words in PLACES.items():
            assert page.page.evaluate(OFFERED, [*text.split("|"), schema]) == words, text
        mark_what_is_wrong(page)
        assert page.barriers() == []
        put_it_right(page)
        leave_by_keys(page)
        page.page.click("text=存为草稿")
        page.page.wait_for_url("**/plans/plain/2")
        page.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        page.open(f"/console/p/{busy.program.code}/plans/compare?old=plain/1&new=plain/2")
        assert page.barriers() == []
        assert page.complaints == []


def mark_what_is_wrong(page: Sight) -> None:
    """Completes a key, gives it a value that it may not have, and reads what is said of both."""
    keys, sees = page.page.keyboard, page.page.locator
    keys.press("Control+End")
    keys.type("  ti")
    tier = sees(".cm-tooltip-autocomplete li[aria-selected]", has_text="tier")
    tier.wait_for()
    assert "1 到 3 的整数" in sees(".cm-completionInfo").inner_text()
    tier.click()  # the editor passes over an Enter that comes within 75 ms of the list: nobody means that one
    keys.type("99")
    sees(".cm-lintRange-error").wait_for()
    assert sees(".cm-lintRange-error").inner_text() == "99"
    sees(".cm-lint-marker-error").hover()
    assert str(sees("#checked [data-words]").get_attribute("data-words")) in sees(".cm-tooltip-lint").inner_text()
    sees(".cm-line").get_by_text("hold_days").hover()
    assert "冻结天数" in sees(".key-words").inner_text()


def put_it_right(page: Sight) -> None:
    """Takes the wrong line away and chooses a word for another key."""
    keys, sees = page.page.keyboard, page.page.locator
    for key in ("Shift+Home", "Shift+Home", "Delete"):
        keys.press(key)
    keys.type("base: ")
    keys.press("Control+Space")
    sees(".cm-tooltip-autocomplete li", has_text="list").click()
    sees("#checked >> text=与生效中的").wait_for()
    assert sees(".cm-lintRange-error").count() == 0
    assert sees("textarea[name=text]").input_value().endswith("base: list")


def leave_by_keys(page: Sight) -> None:
    """Tab indents; after Escape it leaves the editor."""
    focused = "document.activeElement.className"
    page.page.locator(".cm-content").focus()
    for key in ("Tab", "Shift+Tab"):
        page.page.keyboard.press(key)
        assert page.page.evaluate(focused) == "code-editor"
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Tab")
    assert page.page.evaluate(focused) != "code-editor"


def test_how_many_there_are_is_asked_beside_the_page(
    busy: World, person: Person, program: Chromium, address: str
) -> None:
    person("ann")
    busy.earn(*(settled(f"e-1{number}", f"o-1{number}", "mei", line(1_000)) for number in range(30)))
    with sight(program, address, language="zh") as page:
        signed_in(page, "ann")
        page.open(f"/console/p/{busy.program.code}/commissions?limit=20")
        page.page.locator("#count-commissions", has_text="共 32 条").wait_for()


def test_chosen_columns_stay_with_the_person(busy: World, person: Person, program: Chromium, address: str) -> None:
    person("ann")
    with sight(program, address, language="en") as page:
        signed_in(page, "ann")
        page.open(f"/console/p/{busy.program.code}/orders")
        assert page.page.locator("th", has_text="Customer").count() == 0
        page.page.click("button:has-text('Columns')")
        page.page.click("label:has-text('Customer') input")
        page.page.locator("th", has_text="Customer").wait_for()
    with sight(program, address, language="en") as other:
        signed_in(other, "ann")
        other.open(f"/console/p/{busy.program.code}/orders")
        assert other.page.locator("th", has_text="Customer").count() == 1
