"""What the drain is compared with: one ORM transaction an order, as a competent programmer would write it.

Same tables, same plan and the same engine in memory; chain in one read, inserts in one flush, totals in one upsert.
Maps the tables by itself, so that nothing of the store's batching helps it. No shortcut that loses an order may enter.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, Enum, Integer, SmallInteger, Text, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from distrib.cli.bench.limits.rows import plain_engine
from distrib.cli.bench.world import PLAN
from distrib.domain.events import Event, Order
from distrib.domain.ledger import EXPENSE
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.commission import Commission, settle
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.services.context import Program
from distrib.services.orders.codec import decode_stored

_KINDS = Enum("earned", "reversed", "pool", "adjusted", "paid", "tax", name="transfer_kind")
_VERSION_NO = 1


class Base(DeclarativeBase):
    """Columns by the type of their annotation."""

    type_annotation_map = {int: BigInteger, str: Text, datetime: DateTime(timezone=True), date: Date}  # noqa: RUF012


class QueueRow(Base):
    """An order that has pending events."""

    __tablename__ = "queue"
    program_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_no: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]


class EventRow(Base):
    """An event of the inbox."""

    __tablename__ = "events"
    program_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_no: Mapped[int] = mapped_column(primary_key=True)
    event_no: Mapped[int] = mapped_column(primary_key=True)
    payload: Mapped[str]


class OutcomeRow(Base):
    """What became of an event."""

    __tablename__ = "event_outcomes"
    program_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_no: Mapped[int] = mapped_column(primary_key=True)
    event_no: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer)
    done_at: Mapped[datetime]


class MappedShop(Base):
    """A shop with the uplines that its row keeps."""

    __tablename__ = "shops"
    program_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    shop_no: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    uplines: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    status: Mapped[str]
    rank: Mapped[str | None]
    joined_at: Mapped[datetime]


class MappedSettlement(Base):
    """What an order became."""

    __tablename__ = "settlements"
    program_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_no: Mapped[int] = mapped_column(primary_key=True)
    event_no: Mapped[int]
    version_no: Mapped[int] = mapped_column(Integer)
    seller_no: Mapped[int]
    settled_at: Mapped[datetime]
    paid_at: Mapped[datetime]
    paid_minor: Mapped[int]
    sales_minor: Mapped[int]
    customer_id: Mapped[str | None]
    snapshot: Mapped[str]


class TransferRow(Base):
    """A commission that was earned."""

    __tablename__ = "transfers"
    program_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    cause_no: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    debit_account: Mapped[int]
    credit_account: Mapped[int]
    amount_minor: Mapped[int]
    kind: Mapped[str] = mapped_column(_KINDS)
    event_no: Mapped[int]
    tier: Mapped[int] = mapped_column(SmallInteger)
    base_minor: Mapped[int]
    rate_ppm: Mapped[int | None] = mapped_column(Integer)
    version_no: Mapped[int] = mapped_column(Integer)
    occurred_at: Mapped[datetime]
    available_at: Mapped[datetime]
    period: Mapped[int] = mapped_column(Integer)
    line_id: Mapped[str]
    rule_id: Mapped[str]


class MonthRow(Base):
    """An account's totals of a month."""

    __tablename__ = "account_months"
    program_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_no: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[int] = mapped_column(Integer, primary_key=True)
    earned_minor: Mapped[int]
    orders: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)


def prepare_orm(spec: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Settles ``orders`` orders, each in a session and transaction of its own."""
    engine = plain_engine(spec["database_url"])
    program = Program(spec["program_id"], "bench", "CNY", "Asia/Shanghai", "open")
    plan = compile_plan(PLAN)
    with Session(engine) as session:
        session.scalars(select(QueueRow).limit(1)).one()

    def run() -> dict[str, Any]:
        for _ in range(spec["orders"]):
            with Session(engine) as session, session.begin():
                _settle_next(session, program, plan)
        engine.dispose()
        return {"orders": spec["orders"]}

    return run


def _settle_next(session: Session, program: Program, plan: Plan) -> None:
    head = session.scalars(
        select(QueueRow)
        .where(QueueRow.program_id == program.program_id)
        .order_by(QueueRow.program_id, QueueRow.day, QueueRow.order_no)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one()
    row = session.scalars(
        select(EventRow).where(EventRow.program_id == program.program_id, EventRow.order_no == head.order_no)
    ).one()
    event = decode_stored(row.payload)
    assert event.order is not None
    snapshot = _snapshot(session, program, plan, event.order)
    commissions = settle(plan, event.order, snapshot)
    session.add(_settlement(row, event, event.order, snapshot))
    session.add_all(_transfers(row, event, plan, program.period_of(event.occurred_at), commissions))
    session.add(
        OutcomeRow(
            program_id=row.program_id,
            order_no=row.order_no,
            event_no=row.event_no,
            status="done",
            attempts=1,
            done_at=datetime.now(UTC),
        )
    )
    session.execute(
        delete(QueueRow).where(QueueRow.program_id == head.program_id, QueueRow.order_no == head.order_no),
        execution_options={"synchronize_session": False},
    )
    _add_up(session, program, program.period_of(event.occurred_at), commissions)


def _snapshot(session: Session, program: Program, plan: Plan, order: Order) -> Snapshot:
    seller = session.scalars(
        select(MappedShop).where(MappedShop.program_id == program.program_id, MappedShop.shop_id == order.shop_id)
    ).one()
    above = session.scalars(
        select(MappedShop).where(MappedShop.program_id == program.program_id, MappedShop.shop_no.in_(seller.uplines))
    )
    by_number = {shop.shop_no: shop for shop in above}
    uplines = tuple(_person(by_number[number], plan, order.paid_at) for number in seller.uplines)
    return Snapshot(_person(seller, plan, order.paid_at), uplines, pack="open")


def _person(shop: MappedShop, plan: Plan, paid_at: datetime) -> Person:
    return Person(shop.shop_no, shop.rank or plan.lowest_rank, shop.status == "active" and shop.joined_at <= paid_at)


def _settlement(row: EventRow, event: Event, order: Order, snapshot: Snapshot) -> MappedSettlement:
    assert snapshot.seller is not None
    return MappedSettlement(
        program_id=row.program_id,
        order_no=row.order_no,
        event_no=row.event_no,
        version_no=_VERSION_NO,
        seller_no=snapshot.seller.shop_no,
        settled_at=event.occurred_at,
        paid_at=order.paid_at,
        paid_minor=order.paid_minor,
        sales_minor=order.paid_minor,
        customer_id=order.customer_id,
        snapshot=snapshot.to_json(),
    )


def _transfers(
    row: EventRow, event: Event, plan: Plan, period: int, commissions: list[Commission]
) -> list[TransferRow]:
    order = event.order
    assert order is not None
    return [
        TransferRow(
            program_id=row.program_id,
            cause_no=row.order_no,
            seq=seq,
            debit_account=EXPENSE,
            credit_account=commission.shop_no,
            amount_minor=commission.amount_minor,
            kind="earned",
            event_no=row.event_no,
            tier=commission.tier,
            base_minor=commission.base_minor,
            rate_ppm=commission.rate_ppm,
            version_no=_VERSION_NO,
            occurred_at=event.occurred_at,
            available_at=event.occurred_at + timedelta(days=plan.hold_days),
            period=period,
            line_id=order.lines[commission.line_index].id,
            rule_id=plan.rules[commission.rule_index].id,
        )
        for seq, commission in enumerate(commissions, 1)
    ]


def _add_up(session: Session, program: Program, period: int, commissions: list[Commission]) -> None:
    earned: dict[int, int] = {}
    for commission in commissions:
        earned[commission.shop_no] = earned.get(commission.shop_no, 0) + commission.amount_minor
    statement = insert(MonthRow).values(
        [
            {
                "program_id": program.program_id,
                "account_no": number,
                "period": period,
                "earned_minor": amount,
                "orders": 1,
            }
            for number, amount in sorted(earned.items())
        ]
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["program_id", "account_no", "period"],
            set_={
                "earned_minor": MonthRow.earned_minor + statement.excluded.earned_minor,
                "orders": MonthRow.orders + statement.excluded.orders,
                "version": MonthRow.version + 1,
            },
        )
    )
