"""A program with its engine, packs and clock, for tests that call the services: `with House(url) as house: …`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, text

from distrib.domain.policies.policy import Policy
from distrib.services.context import COMMAND_LINE, Actor, Program
from distrib.services.network import shops
from distrib.services.network.shops import Registered, ShopDraft, ShopView
from distrib.services.plans import versions
from distrib.services.policies import load_policies
from distrib.services.programs import tenants
from distrib.store.database import WEB_ROLE, enter_program, open_engine

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 9, 2, tzinfo=UTC)
PEPPER = b"the pepper of the tests, long enough"


@cache
def packs() -> Mapping[str, Policy]:
    return load_policies(ROOT / "config")


class House:
    """One program over its own database, under the web's role and so under row-level security."""

    def __init__(self, database_url: str, policy: str = "open", role: str = WEB_ROLE, **settings: Any) -> None:
        self.url = database_url
        self.engine = open_engine(database_url, role, lock_timeout_ms=20_000, pool_size=25)
        self.policy = packs()[policy]
        self.now = NOW
        with self.engine.begin() as conn:
            self.program: Program = tenants.create_program(
                conn, "demo", "CNY", "Asia/Shanghai", policy, NOW - timedelta(days=900), packs(), **settings
            )

    def __enter__(self) -> "House":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with self.engine.begin() as conn:
            enter_program(conn, self.program.program_id)
            yield conn

    def register(
        self, shop_id: str, sponsor_id: str | None = None, actor: Actor = COMMAND_LINE, **rest: Any
    ) -> ShopView:
        """Registers one shop and answers it; raises what it is refused for."""
        return self.register_again(ShopDraft(shop_id, sponsor_id, **rest), actor)[0]

    def register_again(self, draft: ShopDraft, actor: Actor = COMMAND_LINE) -> tuple[ShopView, bool]:
        with self.begin() as conn:
            return shops.register_shop(conn, self.program, self.policy, draft, actor, self.now, PEPPER)

    def register_all(self, drafts: Sequence[ShopDraft], actor: Actor = COMMAND_LINE) -> list[Registered]:
        with self.begin() as conn:
            return shops.register_shops(conn, self.program, self.policy, drafts, actor, self.now, PEPPER)

    def shop(self, shop_id: str, now: datetime | None = None) -> ShopView:
        with self.begin() as conn:
            return shops.get_shop(conn, self.program, shop_id, now or self.now)

    def move(self, shop_id: str, sponsor_id: str | None, at: datetime | None = None) -> ShopView:
        with self.begin() as conn:
            return shops.move_shop(
                conn, self.program, self.policy, shop_id, sponsor_id, at, "a test", COMMAND_LINE, self.now
            )

    def set_status(self, shop_id: str, status: str, at: datetime | None = None) -> ShopView:
        with self.begin() as conn:
            return shops.set_status(conn, self.program, shop_id, status, at, "a test", COMMAND_LINE, self.now)

    def set_rank(self, shop_id: str, rank: str | None, at: datetime | None = None) -> ShopView:
        with self.begin() as conn:
            return shops.set_rank(conn, self.program, shop_id, rank, at, "a test", COMMAND_LINE, self.now)

    def above(self, shop_id: str, now: datetime | None = None) -> list[str]:
        with self.begin() as conn:
            return [shop.id for shop in shops.upline(conn, self.program, shop_id, now or self.now)[0]]

    def below(self, shop_id: str, levels: int | None = None, now: datetime | None = None) -> list[tuple[int, str]]:
        with self.begin() as conn:
            found, _ = shops.downline(conn, self.program, shop_id, levels, now or self.now, limit=500)
            return [(shop.distance, shop.id) for shop in found]

    def publish(
        self, document: dict[str, Any], effective_from: datetime, signed_off_by: str | None = None
    ) -> versions.PlanView:
        with self.begin() as conn:
            made = versions.create_plan(conn, self.program, document, packs(), COMMAND_LINE, self.now)
            return versions.publish_plan(
                conn,
                self.program,
                packs(),
                made.code,
                made.version,
                effective_from,
                signed_off_by,
                COMMAND_LINE,
                self.now,
            )

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.begin() as conn:
            return [tuple(row) for row in conn.execute(text(statement), values)]


def plan_document(**changes: Any) -> dict[str, Any]:
    """A small plan with two ranks, the higher one for three recruits."""
    return {
        "code": "main",
        "currency": "CNY",
        "tiers": 1,
        "ranks": [
            {"code": "member"},
            {"code": "owner", "promote": {"metric": "direct_recruits", "at_least": 3}},
        ],
        "rules": [{"id": "own", "pay": "seller", "rate": "0.1"}],
    } | changes
