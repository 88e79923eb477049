"""``python -m tests.tools.screenshots``: takes the README's pictures, in both languages, of an invented program.

On servers of its own, which are gone afterwards. What the program is made of is drawn by a fixed seed and dated by
today, so that the months in the pictures are the last ones.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml
from PIL import Image
from playwright.sync_api import Browser

from distrib.bootstrap import open_container
from distrib.cli.demo.life.night import spend_night
from distrib.domain.periods import next_period, previous_period
from distrib.own_secret import own_secret
from distrib.services.context import COMMAND_LINE, Unit, format_period
from distrib.services.network.registration import ShopDraft
from distrib.services.people import accounts, seats
from distrib.services.people.accounts import PersonDraft
from distrib.services.programs import tenants
from distrib.services.programs.tenants import ProgramDraft
from distrib.services.sharing.visits import LinkVisit, count_visit
from distrib.settings import REPOSITORY, Settings
from tests.world.api import Api, app_on
from tests.world.browser import DESK, PHONE, Sight, chromium, serving, sight
from tests.world.documents import line, refunded, settled
from tests.world.world import World

PICTURES: Final = REPOSITORY / "docs" / "images"
SHOWN: Final = ("overview", "close", "owner")
LANGUAGES: Final = ("en", "zh")
MOST_BYTES: Final = 150_000
_COLOURS: Final = 128
_DAYS: Final = 100
_ORDERS: Final = 900
_TEAMS: Final = 6
_TEAM: Final = 7
_PEOPLE: Final = {"li": "李雷", "wang": "王敏"}
_PASSWORD: Final = "a password for pictures alone"  # of a program that ends with the command
_FAMILIES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
_GIVEN: Final = ("敏", "婷", "雪梅", "晓燕", "丽华", "静", "思雨", "桂英", "志强", "建国", "秀兰", "海燕")
_PRICES: Final = (6_800, 9_900, 12_800, 16_800, 23_900, 39_800)


def main() -> int:
    """Takes every picture; ends with 1 where one is too large to stand in a README."""
    PICTURES.mkdir(exist_ok=True)
    with _service() as (base, api), chromium() as browser:
        for language in LANGUAGES:
            _take(browser, base, api, language)
    sizes = {path.name: path.stat().st_size for path in sorted(PICTURES.glob("*.png"))}
    sys.stdout.writelines(f"{size:>7} {name}\n" for name, size in sizes.items())
    return 1 if max(sizes.values()) > MOST_BYTES else 0


def picture_of(name: str, language: str) -> Path:
    """Where a picture stands."""
    return PICTURES / f"{name}.{language}.png"


@contextmanager
def _service() -> Iterator[tuple[str, Api]]:
    with TemporaryDirectory(prefix="distrib-") as folder:
        settings = Settings(var_dir=Path(folder), key_pepper=own_secret(Path(folder)))
        with open_container(settings) as container:
            with container.begin() as conn:
                opened_at = container.now() - timedelta(days=2 * _DAYS)
                program = tenants.create_program(
                    conn, ProgramDraft("spring-tea", "CNY", "Asia/Shanghai", "cn"), opened_at, container.policies
                )
            api = Api(app_on(container), World(container, program))
            _fill(api)
            with serving(api.app) as base:
                yield base, api


def _fill(api: Api) -> None:
    """Two people, a plan, shops in teams, a hundred days of orders with some refunds, visits, and a proposed close."""
    world, dice = api.world, Random(7)
    api.caller().patch("/v1/program", {"title": "春茶优选"})
    for login, name in _PEOPLE.items():
        with world.begin() as conn:
            made = accounts.make_person(conn, PersonDraft(login, name, _PASSWORD, must_change=False), world.now())
            seats.give_seat(Unit(conn, world.program, COMMAND_LINE, world.now()), made, "admin")
    plan = yaml.safe_load((REPOSITORY / "config" / "plans" / "two-level-shop.yaml").read_text("utf-8"))
    began_at = world.now() - timedelta(days=_DAYS)
    world.publish(plan, began_at - timedelta(days=30), "王敏")
    shop_ids = _shops(world, dice, began_at - timedelta(days=20))
    _orders(world, dice, shop_ids, began_at)
    _visits(api, dice, shop_ids)
    spend_night(world.container, world.program)
    period = previous_period(world.program.period_of(world.now()))
    li, wang = (api.caller("finance", name=name, owner=login) for login, name in _PEOPLE.items())
    month = world.program.period_of(began_at)
    while month < period:
        li.post(f"/v1/statements/{format_period(month)}/close")
        wang.post(f"/v1/statements/{format_period(month)}/close/confirm")
        month = next_period(month)
    li.post(f"/v1/statements/{format_period(period)}/close")


def _shops(world: World, dice: Random, joined_at: datetime) -> list[str]:
    drafts = []
    for team in range(1, _TEAMS + 1):
        for member in range(_TEAM):
            name = dice.choice(_FAMILIES) + dice.choice(_GIVEN)
            sponsor = f"t{team}" if member else None
            shop_id = f"t{team}-{member}" if member else f"t{team}"
            drafts.append(ShopDraft(shop_id, sponsor, name=name, joined_at=joined_at + timedelta(hours=member)))
    world.register_all(drafts)
    return [draft.id for draft in drafts]


def _orders(world: World, dice: Random, shop_ids: list[str], began_at: datetime) -> None:
    events: list[dict[str, Any]] = []
    for number in range(1, _ORDERS + 1):
        share = dice.random() ** 0.7
        paid_at = began_at + timedelta(seconds=int(share * (_DAYS * 86_400 - 7_200)))
        order_id, price = f"{paid_at:%Y%m%d}{number:05d}", dice.choice(_PRICES)
        sold = line(price, category="tea")
        shop_id = shop_ids[0] if number % 9 == 0 else dice.choice(shop_ids)
        events.append(
            settled(f"s-{number}", order_id, shop_id, sold, paid_at=paid_at, customer_id=f"c-{dice.randint(1, 400)}")
        )
        back_at = paid_at + timedelta(days=2)
        if dice.random() < 0.05 and back_at < world.now():
            events.append(refunded(f"r-{number}", order_id, {"1": price // 3}, back_at))
    for begin in range(0, len(events), 300):
        world.post(*events[begin : begin + 300])
    world.drain()


def _visits(api: Api, dice: Random, shop_ids: list[str]) -> None:
    """Visits of the invite links of some shops, today: a day's visitors are told apart by that day's salt alone."""
    world = api.world
    for shop_id in shop_ids[::3]:
        code = api.caller().get(f"/v1/shops/{shop_id}")["invite_code"]
        for visitor in range(dice.randint(3, 12)):
            with world.container.web_engine.begin() as conn:
                count_visit(conn, LinkVisit(code, "wechat", f"192.0.2.{visitor}", "Mozilla/5.0 (iPhone)"), world.now())


def _take(browser: Browser, base: str, api: Api, language: str) -> None:
    program = f"/console/p/{api.world.program.code}"
    period = format_period(previous_period(api.world.program.period_of(api.world.now())))
    with sight(browser, base, DESK, language) as page:
        page.open("/console/sign-in")
        page.page.fill("#login", "wang")
        page.page.fill("#password", _PASSWORD)
        page.page.click("main button[type=submit]")
        page.page.wait_for_url("**/console/p/**")
        _keep(page, program, picture_of("overview", language), ".chart svg")
        page.page.set_viewport_size({"width": DESK[0], "height": 1_200})  # who proposed and who confirms stands last
        _keep(page, f"{program}/statements/{period}/close", picture_of("close", language), "main h1")
    link = str(api.caller().post("/v1/shops/t1/session")["url"])
    with sight(browser, base, PHONE, language, scale=2) as phone:
        phone.open(link[link.index("/s/") :])
        phone.page.click("main button")
        phone.page.wait_for_url("**/my")
        _keep(phone, "/my", picture_of("owner", language), "main")


def _keep(page: Sight, path: str, place: Path, awaited: str) -> None:
    """Takes a picture of what a screen shows of the page, in few colours."""
    page.open(path)
    page.page.wait_for_selector(awaited)
    page.page.wait_for_load_state("networkidle")
    taken = Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")
    taken.quantize(_COLOURS, dither=Image.Dither.NONE).save(place, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
