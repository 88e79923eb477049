"""The world of a test: a program with a plan, shops and events, on real servers, under a role and a clock.

Builds through the same services as the API, so that a test says only what it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from distrib.bootstrap import Container
from distrib.domain.policies.policy import Policy
from distrib.drainer import Drainer, DrainTally
from distrib.services.context import COMMAND_LINE, Actor, ListPart, Program, Unit
from distrib.services.network import shops
from distrib.services.network.moves import Move
from distrib.services.network.shops import Registered, ShopDraft, ShopView
from distrib.services.orders import inbox
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import Accepted
from distrib.services.pepper import Pepper
from distrib.services.plans import versions
from distrib.services.plans.versions import PlanView, PublicationDraft
from distrib.services.programs import tenants
from distrib.services.programs.tenants import ProgramDraft
from distrib.settings import Settings
from distrib.store.database import WEB_ROLE, PoolSize, enter_program, open_engine

EARLY = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 9, 2, tzinfo=UTC)
PEPPER = Pepper(b"the pepper of the tests, long enough")
EARNED = (
    "SELECT s.shop_id, sum(CASE WHEN t.credit_account = t.shop_no THEN t.amount_minor ELSE -t.amount_minor END)"
    " AS net_minor FROM transfers t JOIN shops s USING (program_id, shop_no) WHERE t.program_id = :program GROUP BY 1"
)
EXPECTED = (
    "SELECT s.shop_id, sum(c.amount_minor) AS net_minor"
    " FROM expected_changes c JOIN shops s USING (program_id, shop_no) WHERE c.program_id = :program GROUP BY 1"
)


class World:
    """A program on the test's own database, the engine it is reached by, and its clock.

    Args:
        container: what the edges have.
        program: whose world this is.
        engine: what units of work begin on; the worker's engine if not given.
        stopped_at: where the clock stands; None: it runs. May be set.
    """

    def __init__(
        self, container: Container, program: Program, engine: Engine | None = None, stopped_at: datetime | None = None
    ) -> None:
        self.container = container
        self.program = program
        self.engine = container.worker_engine if engine is None else engine
        self.stopped_at = stopped_at
        self.own_policy: Policy | None = None
        """Judges registrations and moves in place of the program's pack, where it is set."""
        self.drainer = Drainer(
            container.worker_engine, container.policies, container.settings.drain_batch_orders, self.now
        )

    # --- what every step needs ---

    @property
    def policies(self) -> Mapping[str, Policy]:
        """The policy packs."""
        return self.container.policies

    @property
    def policy(self) -> Policy:
        """What judges registrations and moves."""
        return self.own_policy or self.policies[self.program.policy]

    @property
    def pepper(self) -> Pepper:
        """What keyed hashes are keyed with."""
        return self.container.pepper

    def now(self) -> datetime:
        """The present instant of this world."""
        return self.stopped_at or self.container.now()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction inside the program, committed at the end."""
        with self.engine.begin() as conn:
            enter_program(conn, self.program.program_id)
            yield conn

    def rows(self, statement: str, **params: Any) -> Sequence[Any]:
        """Rows of a statement that may name ``:program``."""
        with self.begin() as conn:
            return conn.execute(text(statement), {"program": self.program.program_id, **params}).all()

    # --- plans ---

    def publish(
        self, document: Mapping[str, Any], effective_from: datetime = EARLY, signed_off_by: str = "Li Lei"
    ) -> PlanView:
        """Creates a plan and publishes it."""
        with self.begin() as conn:
            draft = versions.create_plan(Unit(conn, self.program, COMMAND_LINE, self.now()), document, self.policies)
            return versions.publish_plan(
                Unit(conn, self.program, COMMAND_LINE, self.now()),
                self.policies,
                draft.code,
                draft.version,
                PublicationDraft(effective_from, signed_off_by),
            )

    # --- shops ---

    def join(self, *pairs: tuple[str, str | None], joined_at: datetime = EARLY) -> list[Registered]:
        """Registers shops as (shop, sponsor)."""
        return self.register_all(
            [ShopDraft(id=shop, sponsor_id=sponsor, joined_at=joined_at) for shop, sponsor in pairs]
        )

    def register_all(self, drafts: Sequence[ShopDraft], actor: Actor = COMMAND_LINE) -> list[Registered]:
        """Registers shops, each with a result of its own."""
        with self.begin() as conn:
            return list(
                shops.register_shops(Unit(conn, self.program, actor, self.now()), self.policy, drafts, self.pepper)
            )

    def register(
        self, shop_id: str, sponsor_id: str | None = None, actor: Actor = COMMAND_LINE, **rest: Any
    ) -> ShopView:
        """Registers one shop and returns it; raises what it is refused for."""
        return self.register_again(ShopDraft(shop_id, sponsor_id, **rest), actor)[0]

    def register_again(self, draft: ShopDraft, actor: Actor = COMMAND_LINE) -> tuple[ShopView, bool]:
        """Registers one shop; returns it and whether it is new."""
        with self.begin() as conn:
            return shops.register_shop(Unit(conn, self.program, actor, self.now()), self.policy, draft, self.pepper)

    def shop(self, shop_id: str, now: datetime | None = None) -> ShopView:
        """A shop as it stands at an instant."""
        with self.begin() as conn:
            return shops.get_shop(Unit(conn, self.program, COMMAND_LINE, now or self.now()), shop_id)

    def move(self, shop_id: str, sponsor_id: str | None, effective_at: datetime | None = None) -> ShopView:
        """Moves a shop below another sponsor."""
        with self.begin() as conn:
            return shops.move_shop(
                Unit(conn, self.program, COMMAND_LINE, self.now()),
                self.policy,
                shop_id,
                Move(sponsor_id, effective_at, "a test"),
            )

    def set_status(self, shop_id: str, status: str, effective_at: datetime | None = None) -> ShopView:
        """Sets the status of a shop."""
        with self.begin() as conn:
            return shops.set_status(
                Unit(conn, self.program, COMMAND_LINE, self.now()), shop_id, status, effective_at, "a test"
            )

    def set_rank(self, shop_id: str, rank: str | None, effective_at: datetime | None = None) -> ShopView:
        """Sets the rank of a shop by hand, or ends the one set so."""
        with self.begin() as conn:
            return shops.set_rank(
                Unit(conn, self.program, COMMAND_LINE, self.now()), shop_id, rank, effective_at, "a test"
            )

    def above(self, shop_id: str, now: datetime | None = None) -> list[str]:
        """The shops above, the nearest first."""
        with self.begin() as conn:
            uplines, _ = shops.upline(Unit(conn, self.program, COMMAND_LINE, now or self.now()), shop_id)
        return [shop.id for shop in uplines]

    def below(self, shop_id: str, levels: int | None = None, now: datetime | None = None) -> list[tuple[int, str]]:
        """The shops below, each after its distance."""
        with self.begin() as conn:
            downlines, _ = shops.downline(
                Unit(conn, self.program, COMMAND_LINE, now or self.now()), shop_id, levels, ListPart(limit=500)
            )
        return [(shop.distance, shop.id) for shop in downlines]

    # --- events and earnings ---

    def post(self, *events: Mapping[str, Any]) -> list[Accepted]:
        """Accepts events, each of which has to be fit."""
        now = self.now()
        decoded = [decode_event(event, now) for event in events]
        assert None not in decoded, events
        with self.begin() as conn:
            return inbox.accept_events(
                Unit(conn, self.program, COMMAND_LINE, now), [event for event in decoded if event is not None]
            )

    def drain(self) -> DrainTally:
        """Settles everything that waits."""
        self.drainer.wake_waiting()
        return self.drainer.run()

    def earn(self, *events: Mapping[str, Any]) -> dict[str, int]:
        """Posts and drains; returns what each shop has earned net of reversals."""
        self.post(*events)
        self.drain()
        return self.earned()

    def earned(self) -> dict[str, int]:
        """What each shop with any transfer has earned net of reversals."""
        return {row.shop_id: int(row.net_minor) for row in self.rows(EARNED)}

    def expected(self) -> dict[str, int]:
        """What is expected for each shop of which anything ever was."""
        return {row.shop_id: int(row.net_minor) for row in self.rows(EXPECTED)}

    def outcome(self, event_id: str) -> tuple[str, str | None]:
        """Status and code of an event."""
        with self.begin() as conn:
            view = inbox.get_event(conn, self.program, event_id)
        code = view.error.code if view.error else view.remark
        return view.status, code


def open_world(
    settings: Settings, database_url: str, redis_url: str, policy: str = "open", currency: str = "CNY"
) -> World:
    """A world with an empty program in Shanghai's time, under the workers' role, whose clock runs."""
    container = Container(settings, database_url, redis_url)
    with container.begin() as conn:
        program = tenants.create_program(
            conn, ProgramDraft("test", currency, "Asia/Shanghai", policy), container.now(), container.policies
        )
    return World(container, program)


@contextmanager
def web_world(database_url: str, policy: str = "open", **settings: Any) -> Iterator[World]:
    """A world under the web's role and so under row-level security, without a Redis, whose clock stands at ``NOW``.

    Args:
        settings: of the program, such as ``admission``.
    """
    nowhere = Path("/nowhere")
    container = Container(
        Settings(var_dir=nowhere, key_pepper=PEPPER.decode()), database_url, f"unix://{nowhere}/redis.sock"
    )
    engine = open_engine(database_url, WEB_ROLE, lock_timeout_ms=20_000, pool=PoolSize(25))
    try:
        with container.begin() as conn:
            opened_at = NOW - timedelta(days=900)
            program = tenants.create_program(
                conn, ProgramDraft("demo", "CNY", "Asia/Shanghai", policy, **settings), opened_at, container.policies
            )
        yield World(container, program, engine, NOW)
    finally:
        engine.dispose()
        container.close()


def chain(*shops: str) -> list[tuple[str, str | None]]:
    """Shops that each brought the next, as pairs for ``World.join``."""
    return list(zip(shops, (None, *shops), strict=False))
