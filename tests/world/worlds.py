"""A small world for tests: a program with a plan, shops and events, on real servers.

Builds through the same services as the API, so that a test says only what it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from distrib.bootstrap import Container
from distrib.drainer import Drainer, Tally
from distrib.services.context import COMMAND_LINE, Program
from distrib.services.network.shops import Registered, ShopDraft, register_shops
from distrib.services.orders import inbox
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import Accepted
from distrib.services.plans import versions
from distrib.services.programs import tenants
from distrib.settings import Settings

EARLY = datetime(2020, 1, 1, tzinfo=UTC)
PAID = datetime(2026, 3, 1, 2, tzinfo=UTC)
SELLER_TEN_PERCENT: dict[str, Any] = {
    "code": "plain",
    "currency": "CNY",
    "policy": "open",
    "hold_days": 0,
    "rules": [{"id": "seller", "pay": "seller", "rate": "0.10"}],
}


def line(paid_minor: int, line_id: str = "1", **more: Any) -> dict[str, Any]:
    """An order line as JSON."""
    return {"id": line_id, "sku": f"sku-{line_id}", "quantity": 1, "paid_minor": paid_minor, **more}


def settled(event_id: str, order_id: str, shop_id: str | None, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An ``order.settled`` event as JSON; ``paid_at`` and ``occurred_at`` may be given as instants."""
    paid_at = more.pop("paid_at", PAID)
    occurred_at = more.pop("occurred_at", paid_at + timedelta(hours=1))
    order = {"id": order_id, "currency": "CNY", "paid_at": paid_at.isoformat(), "lines": list(lines), **more}
    if shop_id is not None:
        order["shop_id"] = shop_id
    return {"id": event_id, "type": "order.settled", "occurred_at": occurred_at.isoformat(), "order": order}


def refunded(
    event_id: str, order_id: str, amounts: Mapping[str, int] | None, occurred_at: datetime | None = None, **more: Any
) -> dict[str, Any]:
    """An ``order.refunded`` event as JSON; without ``amounts`` it takes all that is left."""
    refund: dict[str, Any] = {"id": more.pop("refund_id", event_id), "order_id": order_id}
    if amounts is not None:
        refund["lines"] = [{"line_id": line_id, "amount_minor": amount} for line_id, amount in amounts.items()]
    at = occurred_at or PAID + timedelta(days=3)
    return {"id": event_id, "type": "order.refunded", "occurred_at": at.isoformat(), "refund": refund}


def paid(event_id: str, order_id: str, shop_id: str | None, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An ``order.paid`` event as JSON, told at ``paid_at`` unless ``occurred_at`` is given."""
    told_at = more.pop("occurred_at", more.get("paid_at", PAID))
    return settled(event_id, order_id, shop_id, *lines, occurred_at=told_at, **more) | {"type": "order.paid"}


def cancelled(event_id: str, order_id: str, occurred_at: datetime | None = None) -> dict[str, Any]:
    """An ``order.cancelled`` event as JSON."""
    at = occurred_at or PAID + timedelta(days=4)
    return {"id": event_id, "type": "order.cancelled", "occurred_at": at.isoformat(), "order_id": order_id}


def decided(event_id: str, group_id: str, has_succeeded: bool, occurred_at: datetime | None = None) -> dict[str, Any]:
    """A ``group.succeeded`` or ``group.failed`` event as JSON."""
    at = occurred_at or PAID + timedelta(days=2)
    kind = "group.succeeded" if has_succeeded else "group.failed"
    return {"id": event_id, "type": kind, "occurred_at": at.isoformat(), "group_id": group_id}


@dataclass
class World:
    """A program on the test's own database."""

    container: Container
    program: Program
    drainer: Drainer = field(init=False)

    def __post_init__(self) -> None:
        """Makes the drainer of this world."""
        settings = self.container.settings
        self.drainer = Drainer(
            self.container.worker_engine, self.container.policies, settings.drain_batch_orders, self.container.now
        )

    def publish(self, document: Mapping[str, Any], effective_from: datetime = EARLY) -> None:
        """Publishes a plan."""
        now = self.container.now()
        with self.container.begin() as conn:
            policies = self.container.policies
            view = versions.create_plan(conn, self.program, document, policies, COMMAND_LINE, now)
            versions.publish_plan(
                conn, self.program, policies, view.code, view.version, effective_from, "Li Lei", COMMAND_LINE, now
            )

    def join(self, *pairs: tuple[str, str | None], joined_at: datetime = EARLY) -> list[Registered]:
        """Registers shops as (shop, sponsor)."""
        drafts = [ShopDraft(id=shop, sponsor_id=sponsor, joined_at=joined_at) for shop, sponsor in pairs]
        with self.container.begin() as conn:
            policy = self.container.policies[self.program.policy]
            pepper = self.container.settings.key_pepper.encode()
            return list(register_shops(conn, self.program, policy, drafts, COMMAND_LINE, self.container.now(), pepper))

    def post(self, *events: Mapping[str, Any]) -> list[Accepted]:
        """Accepts events, each of which has to be fit."""
        now = self.container.now()
        decoded = [decode_event(event, now) for event in events]
        assert None not in decoded, events
        with self.container.begin() as conn:
            return inbox.accept_events(conn, self.program, [event for event in decoded if event is not None], now)

    def drain(self) -> Tally:
        """Works on everything that waits."""
        self.drainer.wake_waiting()
        return self.drainer.run()

    def earn(self, *events: Mapping[str, Any]) -> dict[str, int]:
        """Posts, drains, and answers what each shop has earned net of reversals."""
        self.post(*events)
        self.drain()
        return self.earned()

    def earned(self) -> dict[str, int]:
        """What each shop with any transfer has earned net of reversals."""
        statement = (
            "SELECT s.shop_id, sum(CASE WHEN t.credit_account = t.shop_no THEN t.amount_minor ELSE -t.amount_minor END)"
            " FROM transfers t JOIN shops s USING (program_id, shop_no) WHERE t.program_id = :program GROUP BY 1"
        )
        return {row[0]: int(row[1]) for row in self.rows(statement)}

    def expected(self) -> dict[str, int]:
        """What is expected for each shop of which anything ever was."""
        statement = (
            "SELECT s.shop_id, sum(c.amount_minor) FROM expected_changes c JOIN shops s USING (program_id, shop_no)"
            " WHERE c.program_id = :program GROUP BY 1"
        )
        return {row[0]: int(row[1]) for row in self.rows(statement)}

    def outcome(self, event_id: str) -> tuple[str, str | None]:
        """Status and code of an event."""
        with self.container.begin() as conn:
            view = inbox.get_event(conn, self.program, event_id)
        code = view["error"]["code"] if view["error"] else view.get("remark")
        return view["status"], code

    def rows(self, statement: str, **params: Any) -> Sequence[Any]:
        """Rows of a statement that may name ``:program``."""
        with self.container.begin() as conn:
            return _rows(conn, statement, {"program": self.program.program_id, **params})


def open_world(
    settings: Settings, database_url: str, redis_url: str, policy: str = "open", currency: str = "CNY"
) -> World:
    """A world with an empty program, in Shanghai's time."""
    container = Container(settings, database_url, redis_url)
    with container.begin() as conn:
        program = tenants.create_program(
            conn, "test", currency, "Asia/Shanghai", policy, container.now(), container.policies
        )
    return World(container, program)


def chain(*shops: str) -> Iterable[tuple[str, str | None]]:
    """Shops that each brought the next, as pairs for ``World.join``."""
    return list(zip(shops, (None, *shops), strict=False))


def _rows(conn: Connection, statement: str, params: Mapping[str, Any]) -> Sequence[Any]:
    return conn.execute(text(statement), params).all()
