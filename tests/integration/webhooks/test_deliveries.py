"""Webhooks: told in the transaction of the fact, signed, tried again on their schedule, never to the inside."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from distrib.courier import Courier
from distrib.courier.pinned import Sender
from distrib.domain.errors import Refusal
from distrib.domain.webhooks import SCHEDULE, secret_bytes
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import standing
from distrib.services.webhooks import deliveries as sending
from distrib.services.webhooks import endpoints
from distrib.services.webhooks.endpoints import WebhookDraft
from distrib.services.webhooks.views import DeliveryView, WebhookChanges
from distrib.store.webhooks.outbox import Message, insert_messages
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.processes import wait_until
from tests.world.receivers import Received, Receiver, receiver
from tests.world.world import World, chain

TYPES = ["commission.earned", "commission.reversed", "rank.changed", "statement.closed", "payout.settled"]


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    """Somebody who receives webhooks."""
    with receiver() as own:
        yield own


class Clock:
    """An instant that goes on when it is told to."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The present instant."""
        return self.now


@pytest.fixture
def clock(world: World) -> Clock:
    """A clock a minute ahead of the database's, so that what was just written is due."""
    return Clock(world.container.now() + timedelta(minutes=1))


@pytest.fixture
def courier(world: World, clock: Clock) -> Courier:
    """A courier that may go to this machine."""
    return Courier(world.container.worker_engine, world.container.sealer, Sender(allows_private=True), clock)


def endpoint(world: World, url: str, *events: str, webhook_id: str = "hook") -> bytes:
    """Makes an endpoint and answers its secret."""
    with world.container.begin() as conn:
        made, _ = endpoints.create_webhook(
            Unit(conn, world.program, COMMAND_LINE, world.container.now()),
            WebhookDraft(webhook_id, url, list(events or TYPES)),
            world.container.sealer,
            allows_private=True,
        )
    return secret_bytes(made.secret)


def tell(world: World, kind: str = "statement.closed", data: str = '{"period":"2026-03"}', times: int = 1) -> None:
    """Writes messages as whoever closes a statement would."""
    with world.container.begin() as conn:
        insert_messages(conn, world.program.program_id, [Message(kind, PAID, data)] * times)


def deliveries(world: World, webhook_id: str = "hook") -> list[DeliveryView]:
    """The log of an endpoint, the oldest first."""
    with world.container.begin() as conn:
        return endpoints.list_deliveries(
            Unit(conn, world.program, COMMAND_LINE, world.container.now()), webhook_id, None, None, 500
        )[0][::-1]


def state(world: World) -> tuple[str, str | None]:
    """Whether the endpoint is enabled, and why not."""
    with world.container.begin() as conn:
        view = endpoints.get_webhook(conn, world.program, "hook")
    return view.status, view.disabled_reason


def is_signed(request: Received, *secrets: bytes) -> bool:
    """Whether the signatures are the specification's, one a secret and in their order; worked out apart."""
    signed = b".".join(
        [request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body]
    )
    expected = [base64.b64encode(hmac.new(secret, signed, "sha256").digest()).decode() for secret in secrets]
    return request.headers["webhook-signature"].split(" ") == [f"v1,{signature}" for signature in expected]


def test_what_an_order_earned_is_told_signed_and_once(world: World, inbox: Receiver, courier: Courier) -> None:
    secret = endpoint(world, inbox.url)
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.earn(settled("e1", "o1", "a", line(10_000), line(500, "2")))
    assert courier.run() == 1
    assert courier.run() == 0
    (request,) = inbox.received
    assert is_signed(request, secret)
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "type": "commission.earned",
        "timestamp": (PAID + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
        "data": {
            "event_id": "e1",
            "order_id": "o1",
            "currency": "CNY",
            "plan": "plain@1",
            "amount_minor": 1_050,
            "shops": [{"shop_id": "a", "amount_minor": 1_050}],
        },
    }
    (delivery,) = deliveries(world)
    assert (delivery.status, delivery.attempts, delivery.response_status) == ("delivered", 1, 204)
    assert delivery.message_id == request.headers["webhook-id"]


def test_what_a_refund_took_is_told_below_zero(world: World, inbox: Receiver, courier: Courier) -> None:
    endpoint(world, inbox.url, "commission.reversed")
    world.publish(
        SELLER_TEN_PERCENT
        | {
            "tiers": 1,
            "rules": [
                {"id": "s", "pay": "seller", "rate": "0.1"},
                {"id": "u", "pay": "upline", "tier": 1, "rate": "0.05"},
            ],
        }
    )
    world.join(*chain("a", "b"))
    world.earn(settled("e1", "o1", "b", line(10_000)), refunded("r1", "o1", {"1": 5_000}))
    courier.run()
    (messages,) = [json.loads(request.body) for request in inbox.received]
    assert (messages["type"], messages["data"]["event_id"]) == ("commission.reversed", "r1")
    assert messages["data"]["shops"] == [{"shop_id": "a", "amount_minor": -250}, {"shop_id": "b", "amount_minor": -500}]


def test_a_rank_is_told_whoever_changed_it(world: World, inbox: Receiver, courier: Courier) -> None:
    endpoint(world, inbox.url, "rank.changed")
    ranks = [{"code": "member"}, {"code": "owner", "promote": {"metric": "personal_orders", "at_least": 1}}]
    world.publish(SELLER_TEN_PERCENT | {"ranks": ranks})
    world.join(("a", None), ("b", None))
    with world.container.begin() as conn:
        now = world.container.now()
        standing.set_rank(Unit(conn, world.program, COMMAND_LINE, now), "b", "owner", None, "good work")
    world.earn(settled("e1", "o1", "a", line(100)))
    courier.run()
    messages = [json.loads(request.body)["data"] for request in inbox.received]
    assert {(row["shop_id"], row["rank"], row["cause"]) for row in messages} == {
        ("b", "owner", "hand"),
        ("a", "owner", "promotion"),
    }


def test_nothing_is_written_that_nobody_wants(world: World, inbox: Receiver) -> None:
    endpoint(world, inbox.url, "statement.closed")
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.earn(settled("e1", "o1", "a", line(10_000)))
    assert world.rows("SELECT count(*) FROM outbox")[0][0] == 0


def test_a_fact_that_is_rolled_back_is_not_told(world: World, inbox: Receiver, courier: Courier) -> None:
    endpoint(world, inbox.url)
    with world.container.begin() as conn:
        insert_messages(conn, world.program.program_id, [Message("payout.settled", PAID, "{}")])
        conn.rollback()
    assert courier.run() == 0


def test_a_failure_is_tried_again_on_the_schedule_under_the_same_id(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    secret = endpoint(world, inbox.url)
    tell(world)
    inbox.answers = [500, 302, 404]
    waits = []
    for _ in range(4):
        assert courier.run() == 1
        assert courier.run() == 0
        (delivery,) = deliveries(world)
        if delivery.status == "pending":
            assert delivery.next_attempt_at is not None
            waits.append(delivery.next_attempt_at - clock.now)
            clock.now = delivery.next_attempt_at - timedelta(microseconds=1)
            assert courier.run() == 0
            clock.now = delivery.next_attempt_at
    for wait, planned in zip(waits, SCHEDULE[1:], strict=False):
        assert planned <= wait <= planned * 1.1
    assert (delivery.status, delivery.attempts, len(waits)) == ("delivered", 4, 3)
    assert len({request.headers["webhook-id"] for request in inbox.received}) == 1
    assert len({request.headers["webhook-timestamp"] for request in inbox.received}) == 4
    assert len({request.body for request in inbox.received}) == 1
    assert all(is_signed(request, secret) for request in inbox.received)
    with world.container.begin() as conn:
        log = endpoints.get_delivery(conn, world.program, "hook", delivery.id).log
    assert [(row.attempt, row.response_status, row.error) for row in log] == [
        (4, 204, None),
        (3, 404, "refused"),
        (2, 302, "redirect"),
        (1, 500, "refused"),
    ]


def test_an_endpoint_that_fails_to_the_end_is_disabled_and_says_so(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    endpoint(world, inbox.url)
    tell(world)
    inbox.answers = [503] * 20
    for _ in SCHEDULE:
        assert courier.run() == 1
        clock.now += timedelta(days=2)
    assert courier.run() == 0
    (delivery,) = deliveries(world)
    assert (delivery.status, delivery.attempts) == ("failed", 10)
    assert state(world) == ("disabled", "lasting_failure")
    tell(world)
    assert len(deliveries(world)) == 1
    with world.container.begin() as conn, pytest.raises(Refusal, match="disabled"):
        endpoints.resend(Unit(conn, world.program, COMMAND_LINE, clock.now), "hook", delivery.id)


def set_status(world: World, conn: Connection, status: str, now: datetime) -> None:
    """Enables or disables the endpoint by hand."""
    endpoints.change_webhook(
        Unit(conn, world.program, COMMAND_LINE, now),
        "hook",
        WebhookChanges(status=status),
        allows_private=True,
        sealer=world.container.sealer,
    )


def test_gone_disables_at_once_and_enabling_sends_what_waited(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    endpoint(world, inbox.url)
    inbox.answers = [410, 500]
    tell(world)
    assert courier.run() == 1
    assert state(world) == ("disabled", "gone")
    with world.container.begin() as conn:
        set_status(world, conn, "enabled", clock.now)
    tell(world)
    assert courier.run() == 1
    with world.container.begin() as conn:
        set_status(world, conn, "disabled", clock.now)
    clock.now += timedelta(days=1)
    assert (courier.run(), state(world)) == (0, ("disabled", "by_hand"))
    with world.container.begin() as conn:
        set_status(world, conn, "enabled", clock.now)
    assert (courier.run(), state(world)) == (1, ("enabled", None))
    assert [delivery.status for delivery in deliveries(world)] == ["failed", "delivered"]


def test_what_was_delivered_can_be_sent_again_by_hand(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    endpoint(world, inbox.url)
    tell(world)
    courier.run()
    (delivery,) = deliveries(world)
    with world.container.begin() as conn:
        again = endpoints.resend(Unit(conn, world.program, COMMAND_LINE, clock.now), "hook", delivery.id)
    assert (again.status, again.attempts) == ("pending", 1)
    assert courier.run() == 1
    assert [delivery.attempts for delivery in deliveries(world)] == [2]
    assert len({request.headers["webhook-id"] for request in inbox.received}) == 1


def test_a_message_that_tries_an_endpoint_reaches_that_one_alone_and_is_signed_as_every_other(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    secret = endpoint(world, inbox.url)
    endpoint(world, inbox.url, webhook_id="other")
    with world.container.begin() as conn:
        sent = endpoints.send_test(Unit(conn, world.program, COMMAND_LINE, clock.now), "hook")
    assert (sent.type, sent.status, sent.log) == ("ping", "pending", [])
    assert courier.run() == 1
    (request,) = inbox.received
    assert is_signed(request, secret)
    asked_at = clock.now.isoformat()
    told = json.loads(request.body)
    assert (told["type"], told["data"]) == ("ping", {"webhook_id": "hook", "asked_at": asked_at})
    assert [delivery.status for delivery in deliveries(world)] == ["delivered"]
    assert deliveries(world, "other") == []


def test_after_a_rotation_both_secrets_sign_for_a_day(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    old = endpoint(world, inbox.url)
    with world.container.begin() as conn:
        rotated = endpoints.rotate_secret(
            Unit(conn, world.program, COMMAND_LINE, clock.now), "hook", world.container.sealer
        )
    new = secret_bytes(rotated.secret)
    tell(world)
    courier.run()
    clock.now += timedelta(hours=24)
    tell(world)
    courier.run()
    assert [is_signed(inbox.received[0], new, old), is_signed(inbox.received[1], new)] == [True, True]


def test_a_secret_lies_sealed_and_only_at_its_own_endpoint(world: World, inbox: Receiver, courier: Courier) -> None:
    secret = endpoint(world, inbox.url)
    endpoint(world, inbox.url, webhook_id="other")
    ((stored,),) = world.rows("SELECT secret FROM webhooks WHERE webhook_id = 'hook'")
    assert secret not in stored
    with world.container.begin() as conn:
        conn.execute(text("UPDATE webhooks SET secret = :stored WHERE webhook_id = 'other'"), {"stored": stored})
    tell(world)
    courier.run()
    assert [delivery.error for delivery in deliveries(world, "other")] == ["secret_unreadable"]
    assert [delivery.error for delivery in deliveries(world)] == [None]


def test_a_delivery_whose_sender_died_is_sent_again(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    """What a kill -9 leaves: claimed, perhaps sent, nothing written."""
    endpoint(world, inbox.url)
    tell(world)
    with world.container.begin() as conn:
        (due,) = sending.claim_due(conn, clock.now, 16, 4, [])
    assert due.webhook_id == "hook"
    assert courier.run() == 0
    clock.now += sending.LOST_AFTER
    assert courier.run() == 1
    assert [delivery.status for delivery in deliveries(world)] == ["delivered"]


def test_two_couriers_send_everything_and_nothing_twice(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    endpoint(world, inbox.url)
    tell(world, times=60)
    engine, sealer = world.container.worker_engine, world.container.sealer
    other = Courier(engine, sealer, Sender(allows_private=True), clock)
    made: list[int] = []
    threads = [threading.Thread(target=lambda sender=sender: made.append(sender.run())) for sender in (courier, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(made) == 60
    assert len({request.headers["webhook-id"] for request in inbox.received}) == len(inbox.received) == 60
    assert {delivery.status for delivery in deliveries(world)} == {"delivered"}


def test_a_slow_endpoint_does_not_hold_up_another(
    world: World, inbox: Receiver, courier: Courier, clock: Clock
) -> None:
    with receiver() as slow:
        slow.hold.clear()
        endpoint(world, slow.url, webhook_id="slow")
        endpoint(world, inbox.url)
        tell(world, times=30)
        running = threading.Thread(target=courier.run)
        running.start()
        wait_until(lambda: len(inbox.received) == 30, "the quick one has everything")
        assert len(slow.received) <= 4
        slow.hold.set()
        running.join(60)
        assert len(slow.received) == 30


def test_the_same_id_again_answers_as_the_first_time_and_other_content_conflicts(world: World, inbox: Receiver) -> None:
    assert endpoint(world, inbox.url) == endpoint(world, inbox.url)
    with pytest.raises(Refusal) as caught:
        endpoint(world, inbox.url, "payout.settled")
    assert caught.value.code == "id_conflict"
