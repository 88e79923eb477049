"""Each week of each persona in a real Chromium, with the mouse and what a person types, in Chinese.

Nobody opens an address but the first one: all else is found by its name on the page. What was done is then asked of the
API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Error, Locator, Page, expect

from distrib.services.network.registration import ShopDraft
from tests.integration.console.conftest import PASSWORD, Browser
from tests.world.api import Api
from tests.world.browser import DESK, PHONE, Sight, chromium, serving, sight
from tests.world.documents import PAID, line, settled
from tests.world.payouts import payee, put

PATIENCE_MS = 60_000
"""No walk is too slow: what never comes fails it."""
Person = Callable[..., Browser]
MARCH = "2026年3月"
PLAN = {
    "code": "spring",
    "title": {"zh": "春茶方案", "en": "Spring tea"},
    "currency": "CNY",
    "policy": "open",
    "hold_days": 7,
    "ranks": [
        {"code": "店主"},
        {"code": "经理", "promote": {"metric": "team_sales_minor", "levels": 1, "window": "ever", "at_least": 90_000}},
    ],
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.05"},
        {"id": "upline", "pay": "upline", "tier": 1, "rate": "0.03"},
    ],
}


@dataclass
class Walker:
    """Somebody at a browser: what is seen, clicked and typed, each by its name on the page."""

    sight: Sight
    steps: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        """The page that is open."""
        return self.sight.page

    @property
    def main(self) -> Locator:
        """The page without its frame."""
        return self.page.locator("main")

    def click(self, name: str, role: Any = "link", within: Locator | None = None) -> None:
        """Clicks what has that name."""
        self.steps.append(name)
        (within or self.main).get_by_role(role, name=name, exact=True).first.click()

    def press(self, name: str, within: Locator | None = None) -> None:
        """Presses a button."""
        self.click(name, "button", within)

    def menu(self, name: str) -> None:
        """Goes to a page of the menu, whatever is counted beside its name."""
        self.page.locator("#menu").get_by_role("link", name=re.compile(f"^{name}")).click()
        expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()
        self.look(name)

    def type(self, label: str, words: str) -> None:
        """Types into the field of that label."""
        self.main.get_by_label(label).first.fill(words)

    def sees(self, *words: str) -> None:
        """Waits until the page says all of that."""
        for said in words:
            expect(self.main).to_contain_text(said)
        self.look(words[0])

    def heads(self, words: str) -> None:
        """Waits until the page's own heading says that."""
        expect(self.main.get_by_role("heading", level=1)).to_have_text(re.compile(words.replace(" ", r"\s+")))
        self.look(words)

    def row(self, words: str) -> Locator:
        """The row of a table that says that."""
        return self.main.locator("tr", has_text=words).first

    def look(self, step: str) -> None:
        """Checks the page that stands: nothing of it beside the screen; the browser must complain of nothing."""
        self.steps.append(step)
        self.page.wait_for_load_state("load")
        try:
            overflows = self.sight.overflows
        except Error:  # it went on to another page meanwhile
            self.page.wait_for_load_state("load")
            overflows = self.sight.overflows
        assert not overflows, self.steps
        assert self.sight.complaints == [], self.steps


@pytest.fixture
def shown(api: Api) -> Iterator[tuple[Chromium, str]]:
    """A Chromium, and where the test's own service answers."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as browser, serving(api.app) as base:
        yield browser, base


@pytest.fixture
def tea(api: Api) -> Api:
    """林老师 brought 梅姐, who brought 王小明; in March he sold for 99.80 and she for 200.00, and he again yesterday.

    Two shops wait to be let in.
    """
    world, admin = api.world, api.caller()
    world.publish(PLAN)
    names = (("lin", None, "林老师"), ("mei", "lin", "梅姐"), ("ming", "mei", "王小明"))
    world.register_all(
        [ShopDraft(shop, sponsor, name=name, joined_at=PAID - timedelta(days=9)) for shop, sponsor, name in names]
    )
    for place, shop in enumerate(("mei", "ming")):
        put(world, shop, payee(f"11010119900307{place:04d}"))
    fresh = world.now() - timedelta(days=1)
    world.earn(
        settled("e-1", "20260301000231", "ming", line(9_980)),
        settled("e-2", "20260301000232", "mei", line(20_000)),
        settled("e-3", "20261101000233", "ming", line(50_000), paid_at=fresh, occurred_at=fresh),
    )
    admin.patch("/v1/program", {"title": "春茶优选", "admission": "review"})
    for shop, name in (("cat", "小猫茶铺"), ("dog", "大狗茶铺")):
        admin.post("/v1/shops", {"id": shop, "name": name, "sponsor_id": "lin"})
    return api


def test_a_stranger_does_each_week_of_each_persona_with_the_mouse_in_chinese(
    tea: Api, person: Person, shown: tuple[Chromium, str]
) -> None:
    for login, role in (("boss", "admin"), ("yun", "operations"), ("li", "finance"), ("han", "finance")):
        person(login, role)
    admin = tea.caller()
    with ExitStack() as stack:
        boss, operations, finance, second = (
            stack.enter_context(_at_desk(shown, login)) for login in ("boss", "yun", "li", "han")
        )
        _shops_are_found_and_decided(operations)
        assert {shop: admin.get(f"/v1/shops/{shop}")["status"] for shop in ("cat", "dog")} == {
            "cat": "active",
            "dog": "closed",
        }
        owner = stack.enter_context(_on_phone(shown, _link_for_owner(boss)))
        _owner_asks_why_299(owner)
        _question_is_answered(finance)
        [question] = admin.get("/v1/questions")["data"]
        assert question["status"] == "answered"
        assert "99.80 的 3% 是 2.994" in question["answer"]
        _owner_reads_the_answer(owner)
        assert admin.get(f"/v1/questions/{question['id']}")["status"] == "closed"
        _month_is_closed(finance, second)
        assert admin.get("/v1/statements/2026-03/close")["status"] == "closed"
        _batch_is_paid(finance, second)
        [batch] = admin.get("/v1/payouts")["data"]
        lines = {line["shop_id"]: line["status"] for line in admin.get(f"/v1/payouts/{batch['id']}")["lines"]}
        assert lines == {"mei": "paid", "ming": "paid"}
        _money_comes_back(finance)
        assert admin.get(f"/v1/payouts/{batch['id']}?shop_id=ming")["lines"][0]["status"] == "returned"
        assert admin.get("/v1/shops/ming/balance")["available_minor"] == 499
        _plan_is_published(boss, tea)
        plan = admin.get("/v1/plans/spring/2")
        assert (plan["status"], plan["document"]["rules"][1]["rate"]) == ("published", "0.04")
        _owner_sees_it_all(owner)


def _shops_are_found_and_decided(walker: Walker) -> None:
    """Operations: finds a shop by its owner's name, lets one in on its card, turns one down in the list."""
    head = walker.page.get_by_role("banner")
    head.get_by_role("searchbox", name="查询").fill("王小明")
    walker.press("查询", within=head)
    walker.sees("王小明", "ming", "上线")
    walker.menu("待办")
    walker.click("打开", within=walker.row("cat"))
    walker.sees("小猫茶铺", "等待审核")
    walker.type("原因（随更改一并留存）", "资料齐全")
    walker.press("通过")
    walker.heads("小猫茶铺 正常")
    walker.menu("店铺")
    walker.main.get_by_role("link", name=re.compile("^待审核")).click()
    walker.click("全选", "checkbox")
    walker.type("原因（随更改一并留存）", "重复开店")
    walker.press("不通过")
    walker.press("不通过", within=walker.page.get_by_role("dialog"))
    walker.sees("已关闭 1 家店铺。")


def _link_for_owner(walker: Walker) -> str:
    """An admin makes the link that 梅姐 gets."""
    walker.menu("店铺")
    walker.click("mei")
    walker.main.get_by_text("店主登录链接").click()
    walker.press("生成链接")
    link = walker.main.locator("code", has_text="/s/")
    expect(link).to_be_visible()
    walker.look("link")
    return link.inner_text()


def _owner_asks_why_299(walker: Walker) -> None:
    """The owner of a shop, on a phone: what there is, what is held, and why 2.99."""
    walker.sees("可提现", "冻结中")
    walker.main.get_by_role("link", name=re.compile("…0231")).click()
    walker.look("line")
    walker.sees("2.99", "3%")
    walker.main.get_by_role("textbox").fill("为什么是 2.99？")
    walker.press("提交问题")
    walker.sees("为什么是 2.99？")


def _question_is_answered(walker: Walker) -> None:
    """Finance: answers with the explanation that stands beside the question."""
    walker.menu("提问")
    walker.click("为什么是 2.99？")
    walker.sees("下 1 级店铺的销售", "2.994", "梅姐")
    walker.press("把说明写入答复")
    walker.press("答复")
    walker.sees("已答复")


def _owner_reads_the_answer(walker: Walker) -> None:
    walker.click("我的", within=walker.page.get_by_role("navigation").first)
    walker.main.get_by_role("link", name=re.compile("我的提问")).click()
    walker.sees("2.994")
    walker.main.get_by_role("link", name=re.compile(r"\+2\.99")).click()
    walker.press("明白了")


def _month_is_closed(first: Walker, second: Walker) -> None:
    """Finance: one proposes, the other finds it among what waits and confirms."""
    first.menu("对账单")
    first.click(f"关闭 {MARCH}")
    first.sees("没有未完成事项")
    first.type("输入 2026-03 以提交", "2026-03")
    first.press("提交关账")
    first.sees("你提交的，需他人确认", "Han")
    second.menu("待办")
    second.click("打开", within=second.row("待确认的账期"))
    second.type("输入 2026-03 以关闭账期", "2026-03")
    second.press("永久关闭账期")
    second.sees("账期已关闭。", "关账记录")


def _batch_is_paid(first: Walker, second: Walker) -> None:
    """Finance: a batch of all that is available, approved by the other, paid line by line."""
    first.menu("打款")
    first.click("生成批次")
    first.sees("梅姐", "12.99")
    first.press("生成批次")
    first.sees("你提交的，需他人确认")
    second.menu("待办")
    second.click("打开", within=second.row("待审批的打款"))
    second.type("输入金额 17.98 以批准", "17.98")
    second.press("批准批次")
    second.sees("批次已批准")
    for shop in ("mei", "ming"):
        second.press(f"登记结果 {shop}", within=second.row(shop))
        second.click("已到账", "radio")
        second.press("登记结果", within=second.main.locator(".unfolded"))
        expect(second.row(shop)).to_contain_text("已打款")


def _money_comes_back(walker: Walker) -> None:
    """Finance: the bank sends 王小明's money back."""
    walker.menu("打款")
    walker.main.locator("tbody a").first.click()
    walker.press("登记结果 ming", within=walker.row("王小明"))
    walker.click("款项退回，金额重新可提现", "radio")
    walker.main.locator(".unfolded").get_by_label("原因").fill("账号错误")
    walker.press("登记结果", within=walker.main.locator(".unfolded"))
    walker.sees("已退回", "账号错误")


def _plan_is_published(walker: Walker, tea: Api) -> None:
    """An admin: another version from what is in force, published for now."""
    walker.menu("方案")
    walker.main.get_by_role("link", name="spring 1").first.click()
    walker.click("以此为底稿")
    line = walker.page.locator(".cm-line", has_text="0.03").first
    behind = line.inner_text().partition("0.03")[2]
    line.click()
    for key in ("End", *["ArrowLeft"] * len(behind), "Backspace", "4"):
        walker.page.keyboard.press(key)
    walker.sees("4%")
    walker.press("存为草稿")
    walker.sees("spring 2")
    now = tea.world.now().astimezone(tea.world.program.zone)
    walker.type("生效时间", f"{now:%Y-%m-%dT%H:%M}")
    walker.type("输入 spring 2 以确认发布", "spring 2")
    walker.press("发布")
    walker.heads("spring 2 生效中")


def _owner_sees_it_all(walker: Walker) -> None:
    """The owner of a shop, on a phone: what was paid, the team, the rank and the statement of the month."""
    tabs = walker.page.get_by_role("navigation").first
    for name, words in (("佣金", "冻结中"), ("团队", "王"), ("等级", "经理"), ("我的", MARCH)):
        walker.click(name, within=tabs)
        walker.sees(words)


@contextmanager
def _at_desk(shown: tuple[Chromium, str], login: str) -> Iterator[Walker]:
    """Somebody who signs in at a desk."""
    browser, base = shown
    with sight(browser, base, DESK) as seen:
        seen.page.set_default_timeout(PATIENCE_MS)
        walker = Walker(seen)
        seen.open("/console/sign-in")
        walker.type("登录名", login)
        walker.type("密码", PASSWORD)
        walker.press("登录")
        walker.page.wait_for_url("**/console/p/**")
        yield walker


@contextmanager
def _on_phone(shown: tuple[Chromium, str], link: str) -> Iterator[Walker]:
    """The owner of a shop, who opens the link on a phone."""
    browser, base = shown
    with sight(browser, base, PHONE) as seen:
        seen.page.set_default_timeout(PATIENCE_MS)
        walker = Walker(seen)
        seen.open(link[link.index("/s/") :])
        walker.press("打开我的店铺")
        yield walker
