"""A busy day of a program of platform size: every call of the contract and every job, so that all statements run.

What each call answers is tested elsewhere; here it only has to succeed, on many rows.
"""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from PIL import Image
from sqlalchemy import text

from distrib.api.calls.tasks import TaskRunner
from distrib.cli.bench.platform_world.shape import PlatformWorld, shop_id
from distrib.courier import Courier
from distrib.courier.pinned import Sender
from distrib.drainer import DrainTally
from distrib.services.compliance.monitors import run_monitors
from distrib.services.context import COMMAND_LINE, Program, Unit, format_period, period_bounds
from distrib.services.heartbeats import WORKER, JobRun, note_run
from distrib.services.held_changes import due_changes, reseal_contents
from distrib.services.ledger.seals import programs_to_seal, seal_now
from distrib.services.network.moves import Move, move_shop
from distrib.services.network.registration import ShopDraft, register_shops
from distrib.services.network.views import introduced_by
from distrib.services.payouts.payee_versions import reseal_payees
from distrib.services.pepper import Pepper
from distrib.services.policies import signed_overrides
from distrib.services.programs.keys import hash_anew
from distrib.services.programs.limits import limit_key, limit_program
from distrib.services.programs.persons import names_of
from distrib.services.programs.tenants import ProgramDraft, create_program, find_program, get_program
from distrib.services.programs.totals import program_totals, progress
from distrib.services.ranks.evaluation import evaluate_month
from distrib.services.settlement.drain import FOR_EVER, drain_orders
from distrib.services.statements.pools import pay_pools
from distrib.services.statements.sorting import keep_due_order
from distrib.services.statements.totals import keep_due_totals
from distrib.services.tasks import note_bytes, waiting_tasks
from distrib.services.trail import has_written
from distrib.store.audit.runs import ids_of_orders
from distrib.store.compliance.findings import SignedOverride, insert_sign_off
from distrib.store.ledger.balances import available_of_all
from distrib.store.ledger.sorted_balances import FigureOrder, shops_by_figure
from distrib.store.network.listing import ShopFilters, Way
from distrib.store.plans import documents
from distrib.store.ranks.changes import list_changes
from distrib.store.ranks.near import list_near
from distrib.store.recorded import Part, Recorded
from distrib.store.statements.pools import base_of_month
from tests.world.api import Api, Caller
from tests.world.documents import cancelled, decided, line, paid, refunded, settled
from tests.world.platform_feeds import let_owners_in, sign_people_in, visit_links
from tests.world.platform_simulations import simulate_day
from tests.world.receivers import receiver
from workers.audits import run_daily_audits, run_requested_audits
from workers.branches import refresh_branches
from workers.evaluations import run_due_evaluations
from workers.heartbeat import Heartbeat
from workers.held_changes import apply_change
from workers.monitors import run_daily_monitors
from workers.near_ranks import refresh_near_ranks
from workers.seals import seal_days
from workers.tasks import forget_task_files
from workers.totals import begin_statement_totals, keep_retention, keep_sorted_shops, keep_statement_totals

APRIL = datetime(2024, 4, 10, 2, tzinfo=UTC)
PLAIN = datetime(2024, 4, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SOLD: dict[str, Any] = {"paid_at": APRIL, "customer_id": "c-00000009"}
POSTED_AT_ONCE = BATCH_ORDERS = 50
"""As much less than on a platform as the program is smaller: what is cheaper than to read all depends on that."""
UP_TO = "2024-05-01T00:00:00Z"
PAYEE = {"name": "n", "id_type": "id_card", "kind": "person", "accounts": {"bank_account": "2"}}
RANKED: dict[str, Any] = {
    "code": "ranked",
    "currency": "CNY",
    "hold_days": 7,
    "tiers": 2,
    "base": "list",
    "ranks": [
        {"code": "member"},
        {
            "code": "owner",
            "promote": {
                "any": [
                    {"metric": "personal_sales_minor", "window": "30d", "at_least": 45_000},
                    {"metric": "team_sales_minor", "levels": 2, "window": "month", "at_least": 1_500_000},
                    {"metric": "active_recruits", "window": "month", "at_least": 3},
                    {"metric": "customers", "window": "90d", "at_least": 5},
                    {"metric": "earned_minor", "window": "month", "at_least": 90_000},
                    {"metric": "personal_orders", "window": "ever", "at_least": 50},
                    {"metric": "direct_recruits", "at_least": 6},
                ]
            },
            "keep": {"metric": "personal_orders", "window": "month", "at_least": 1},
        },
    ],
    "rules": [
        {
            "id": "seller",
            "pay": "seller",
            "rate": "0.10",
            "cap": {"per_month_minor": 50_000_000, "per_customer_minor": 5_000_000},
        },
        {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.03"},
        {
            "id": "leader",
            "pay": "leader",
            "rate": "0.01",
            "requires": {"min_personal_sales_minor": 100, "window_days": 90},
        },
        {"id": "welcome", "pay": "seller", "rate": "0.01", "group": "welcome", "where": {"customer": "new"}},
    ],
    "pools": [{"id": "all", "rate": "0.01", "weights": {"owner": 1}}],
}


BOTH_ENDS = "from=2024-02-01T00:00:00Z&to=2024-02-02T00:00:00Z"
SHOP_FILTERS = (
    "q=shop-0001",
    "q=shop&level=4",
    "q=sh&level=4&status=active",
    "status=frozen",
    "rank=owner",
    "rank=member&level=2",
    "level=1",
    "level=3&status=pending",
    "level=2&joined_from=2024-01-01T00:00:00Z&joined_to=2024-02-01T00:00:00Z",
)
MONTHS = ("2024-02", "2026-11")
STATUSES = (
    "pending",
    "waiting",
    "failed",
    "paid",
    "payment_failed",
    "settled",
    "partly_refunded",
    "refunded",
    "cancelled",
    "group_failed",
)


class PlatformDay:
    """The day, step by step; the order of the steps matters."""

    def __init__(self, api: Api, world: PlatformWorld) -> None:
        self.api, self.platform = api, world
        self.admin, self.second = api.caller("admin"), api.caller("finance")
        self.numbers = iter(range(1, 10_000))

    @property
    def program(self) -> Program:
        """The program as it is now."""
        with self.api.world.container.begin() as conn:
            return get_program(conn, self.api.world.program.program_id)

    def run(self) -> None:
        """All steps."""
        for step in (
            self.read_lists,
            self.register,
            self.bind,
            partial(let_owners_in, self),
            partial(visit_links, self),
            partial(sign_people_in, self),
            self.sell_plainly,
            self.change_program,
            self.keep_totals,
            self.sell,
            self.keep_totals,
            self.hook,
            self.hold,
            self.watch,
            self.close_months,
            self.leave_work,
            self.rank,
            self.pay_out,
            self.leave,
            self.guard,
            self.do_seldom,
            self.look_back,
            self.audit,
            partial(simulate_day, self),
        ):
            step()

    def shop(self, number: int) -> str:
        """The id of a shop of the world, counted from the middle of the tree."""
        return shop_id(self.platform.shops // 10 + number)

    # --- reading ---

    def read_lists(self) -> None:
        """Every list and every filter, the first page and the next."""
        largest, shop, period = shop_id(self.platform.largest_shop), self.shop(1), "2024-02"
        for path in (
            "/v1/orders",
            f"/v1/orders?shop_id={largest}",
            f"/v1/orders?{BOTH_ENDS}",
            f"/v1/orders?shop_id={largest}&{BOTH_ENDS}",
            *(f"/v1/orders?status={status}" for status in STATUSES),
            "/v1/orders?sort=-came",
            f"/v1/orders?sort=-came&shop_id={largest}",
            *(f"/v1/orders?sort=-came&status={status}" for status in STATUSES),
            *(f"/v1/orders?sort=-came&status={status}&shop_id={largest}" for status in STATUSES),
            *(f"/v1/orders?status={status}&{BOTH_ENDS}" for status in STATUSES),
            *(f"/v1/orders?status={status}&shop_id={largest}" for status in STATUSES),
            *(f"/v1/orders?status={status}&shop_id={largest}&{BOTH_ENDS}" for status in STATUSES),
            "/v1/commissions",
            f"/v1/commissions?shop_id={largest}",
            "/v1/commissions?order_id=o-00000013",
            f"/v1/commissions?period={period}",
            "/v1/commissions?sort=-posted",
            f"/v1/commissions?sort=-posted&period={period}&state=held",
            "/v1/commissions?kind=reversed",
            "/v1/commissions?kind=adjusted",
            "/v1/commissions?state=held",
            "/v1/commissions?state=available",
            "/v1/commissions?state=expected",
            f"/v1/commissions?shop_id={largest}&state=expected",
            "/v1/commissions?order_id=o-00000013&state=expected",
            f"/v1/commissions?shop_id={largest}&state=held&period={period}&kind=earned",
            f"/v1/commissions?shop_id={largest}&kind=reversed",
            f"/v1/commissions?shop_id={largest}&order_id=o-00001000",
            f"/v1/shops/{largest}/commissions",
            "/v1/events",
            *(f"/v1/events?sort=-kept{only}" for only in ("", "&status=pending", "&status=failed", "&status=done")),
            "/v1/events?status=pending",
            "/v1/events?status=waiting",
            "/v1/events?status=failed",
            "/v1/events?status=done",
            "/v1/events?order_id=o-00000013",
            "/v1/events?type=order.settled",
            "/v1/events?type=group.failed",
            f"/v1/events?{BOTH_ENDS}",
            f"/v1/events?{BOTH_ENDS}&type=order.refunded",
            "/v1/ledger/accounts",
            "/v1/ledger/transfers",
            f"/v1/ledger/transfers?account=payable:{largest}",
            "/v1/ledger/transfers?cause=order:o-00000013",
            f"/v1/ledger/transfers?kind=reversed&period={period}",
            "/v1/ledger/transfers?from=2024-02-01T00:00:00Z&to=2024-02-02T00:00:00Z",
            "/v1/ledger/transfers?account=expense",
            "/v1/ledger/seals",
            f"/v1/ledger/accounts/payable:{largest}/versions",
            f"/v1/statements?period={period}",
            "/v1/statements?period=2026-11",
            f"/v1/statements/{period}/shops/{largest}",
            "/v1/shops",
            *(f"/v1/shops?sort={sort}" for sort in ("joined", "sales", "-sales", "balance", "-balance")),
            "/v1/shops?sort=-balance&level=1",
            "/v1/shops?sort=-sales&level=4&status=active",
            *(f"/v1/balances?sort={sort}" for sort in ("available", "-available", "held", "-held")),
            "/v1/balances?state=owed",
            "/v1/balances?state=in_debt",
            *(f"/v1/statements?period={month}&sort={sort}" for month in MONTHS for sort in ("closing", "-earned")),
            *(f"/v1/statements?period={month}&filter={state}" for month in MONTHS for state in ("owed", "in_debt")),
            *(f"/v1/shops?{query}" for query in SHOP_FILTERS),
            f"/v1/shops?root={shop_id(5)}",
            f"/v1/shops?root={shop_id(5)}&status=active&rank=member&level=2&q={shop[:6]}",
            f"/v1/shops?q={shop}&level=3",
            *(f"/v1/shops/{shop}/commissions?sort=-posted{query}" for query in ("", "&kind=reversed", "&state=held")),
            f"/v1/shops/{shop}/downline",
            f"/v1/shops/{shop_id(5)}/downline?levels=3",
            "/v1/compliance/findings",
            "/v1/compliance/cases",
            "/v1/compliance/penalties",
            "/v1/payouts",
            "/v1/withdrawals",
            "/v1/adjustments",
            "/v1/plans",
            "/v1/keys",
            "/v1/webhooks",
            "/v1/program/changes",
            "/v1/ranks/evaluations",
        ):
            self.pages(path)
        for path in (
            f"/v1/ledger/accounts/payable:{largest}",
            "/v1/ledger/accounts/expense",
            "/v1/balances/releases",
            "/v1/orders/o-00000013",
            "/v1/orders/o-00000013/explanation",
            "/v1/orders/o-00000007",
            "/v1/events/evt-00000013",
            f"/v1/shops/{largest}",
            f"/v1/shops/{largest}/upline",
            f"/v1/shops/{largest}/balance",
            f"/v1/shops/{largest}/earnings",
            f"/v1/shops/{largest}/balance?as_of=2024-02-01T00:00:00Z",
            f"/v1/shops/{largest}/ranks",
            f"/v1/shops/{largest}/next-rank",
            f"/v1/shops/{largest}/metrics?period={period}",
            f"/v1/shops/{largest}/subtree?levels=2",
            f"/v1/shops/{largest}/tree",
            f"/v1/shops/{largest}/changes",
            f"/v1/shops/{largest}/subtree",
            f"/v1/shops/{largest}/qr.svg",
            f"/v1/shops/{largest}/poster.png",
            "/v1/program",
            "/v1/program/retention",
            "/v1/plans/bench/1",
            "/metrics",
            "/readyz",
            f"/r/{self.admin.get(f'/v1/shops/{largest}')['invite_code']}",
        ):
            self.good("GET", path)
        partner = self.api.caller("partner", largest)
        for path in (
            f"/v1/shops/{largest}/downline?levels=3",
            f"/v1/shops/{largest}",
            "/v1/commissions",
            "/v1/payouts",
            "/v1/withdrawals",
        ):
            self.good("GET", path, by=partner)

    def pages(self, path: str, pages: int = 2) -> None:
        """The first pages of a list."""
        cursor = ""
        for _ in range(pages):
            answer = self.admin.get(f"{path}{'&' if '?' in path else '?'}limit=100{cursor}")
            if answer.get("next_cursor") is None:
                return
            cursor = f"&cursor={answer['next_cursor']}"

    # --- shops, customers, settings ---

    def register(self) -> None:
        """New shops, one and many, with identities; moves, standing, payees, erasure, organisers."""
        own = self.shop(1)
        self.good("POST", "/v1/shops", {"id": "new-1", "sponsor_id": own, "identity": "i-1", "name": "n"})
        code = self.admin.get(f"/v1/shops/{own}")["invite_code"]
        self.good("POST", "/v1/shops", {"id": "new-2", "invite_code": code, "joined_at": "2024-04-01T00:00:00Z"})
        many = [{"id": f"more-{number}", "sponsor_id": self.shop(number)} for number in range(200)]
        self.good("POST", "/v1/shops/batch", {"shops": many})
        self.good("POST", "/v1/shops/batch", {"shops": many})
        above = [shop_id(self.platform.roots), *(f"chain-{number}" for number in range(11))]
        chain = [{"id": f"chain-{number}", "sponsor_id": sponsor} for number, sponsor in enumerate(above)]
        since = {"joined_at": "2024-01-01T00:00:00Z"}
        self.good("POST", "/v1/shops/batch", {"shops": [shop | since for shop in chain]})
        self.good("POST", "/v1/shops", {"id": "below", "sponsor_id": "new-1"}, by=self.api.caller("partner", own))
        self.good("PATCH", "/v1/shops/new-1", {"name": "m", "organiser_id": "org"})
        self.good("POST", "/v1/shops/new-2/move", {"sponsor_id": self.shop(2), "reason": "r"})
        self.good("POST", f"/v1/shops/{self.shop(3)}/move", {"sponsor_id": self.shop(4), "reason": "r"})
        self.good("POST", f"/v1/shops/{self.shop(5)}/status", {"status": "frozen", "reason": "r"})
        decisions = [{"shop_id": f"more-{number}", "status": "active", "reason": "r"} for number in range(100)]
        closed = [{"shop_id": f"more-{number}", "status": "closed", "reason": "r"} for number in range(100, 120)]
        self.good("POST", "/v1/shops/status/batch", {"decisions": decisions + closed})
        self.good("POST", f"/v1/shops/{self.shop(6)}/status", {"status": "pending", "reason": "r"})
        self.look()
        self.good("GET", "/v1/shops/new-1")
        self.good("POST", "/v1/shops/new-2/erase")
        for number in range(20, 40):
            payee = PAYEE | {"id_number": f"number-{number // 2}"}
            self.good("PUT", f"/v1/shops/{self.shop(number)}/payee", payee)
        self.good("GET", f"/v1/shops/{self.shop(20)}/payee")

    def bind(self) -> None:
        """Claims on customers, customers that are shops, merges."""
        claims = [
            {
                "customer_id": f"b-{number}",
                "shop_id": self.shop(number),
                "source": "link",
                "bound_at": "2024-03-01T00:00:00Z",
            }
            for number in range(300)
        ]
        self.good("POST", "/v1/bindings/batch", {"bindings": claims})
        self.good("PUT", "/v1/customers/b-1/binding", {k: v for k, v in claims[1].items() if k != "customer_id"})
        self.good("GET", "/v1/customers/b-1/binding")
        self.good("PUT", "/v1/customers/c-00000001", {"shop_id": self.shop(7)})
        self.good("GET", "/v1/customers/c-00000001")
        self.good("POST", "/v1/customers/c-00000002/merge", {"into": "c-00000003"})
        self.good("POST", "/v1/customers/c-00000003/merge", {"into": "c-00000004"})
        self.good("GET", "/v1/customers/c-00000002/binding", may_fail=True)

    def change_program(self) -> None:
        """Settings, keys, a further plan with ranks, caps, conditions and a pool."""
        rules = {"least_minor": 1, "most_minor": None, "per_day": 20, "per_month": 30, "fee_minor": 0}
        self.good("PATCH", "/v1/program", {"withdrawals": rules, "withholding": "cumulative"})
        self.look()
        self.good("POST", "/v1/program/approve", by=self.second)
        with io.BytesIO() as file:
            Image.new("RGB", (540, 540)).save(file, "PNG")
            encoded = b64encode(file.getvalue()).decode()
        self.good("PUT", "/v1/program/poster-background", {"image": encoded})
        self.good("GET", "/v1/program/poster-background")
        self.good("DELETE", "/v1/program/poster-background")
        self.good("PATCH", "/v1/program", {"time_zone": "Asia/Tokyo"}, may_fail=True)  # fixed once there are events
        key = self.good("POST", "/v1/keys", {"role": "orders", "name": "n"})
        self.good("DELETE", f"/v1/keys/{key.get('id') or key['key_id']}")
        admin = self.good("POST", "/v1/keys", {"role": "admin", "name": "a"})
        self.change_pepper(admin["key"])
        self.good("DELETE", f"/v1/keys/{admin['id']}")
        money = self.good("POST", "/v1/keys", {"role": "finance", "name": "m", "owner": "mo"})
        self.good("PATCH", f"/v1/keys/{money['id']}", {"scopes": ["read", "confirm"]})
        self.good("POST", "/v1/people", {"login": "mei", "role": "viewer"})
        self.good("GET", "/v1/people?state=active&limit=1")
        self.good("GET", "/v1/queue")
        self.good("GET", "/v1/audits?limit=2")
        self.look()
        self.good("POST", f"/v1/keys/{money['id']}/approve", by=self.api.caller("admin"))
        self.good("POST", f"/v1/keys/{money['id']}/rotate")
        self.good("POST", f"/v1/keys/{money['id']}/rotate/finish")
        made = self.good("POST", "/v1/plans", RANKED, headers={"Idempotency-Key": "plan"})
        self.good("POST", "/v1/plans", RANKED, headers={"Idempotency-Key": "plan"})
        path = f"/v1/plans/{made['code']}/{made['version']}/publish"
        self.good("POST", path, {"effective_from": "2024-04-05T00:00:00Z", "signed_off_by": "Li"})

    def change_pepper(self, key: str) -> None:
        """What is done while peppers are changed, for one key, which stays good by the pepper that there is."""
        container = self.api.world.container
        container.record_peppers()
        with container.begin() as conn:
            for pepper in (Pepper(b"another", container.pepper), Pepper(container.pepper, b"another")):
                hash_anew(conn, self.program, key, pepper)

    # --- orders ---

    def sell_plainly(self) -> None:
        """Orders under a plan of nothing but rates, which are settled in columns, and those that come back whole."""
        self.post(settled(f"pl-{n}", f"po-{n}", self.shop(n), line(900), paid_at=PLAIN) for n in range(60))
        self.drain()
        self.post(refunded(f"pr-{n}", f"po-{n}", None, PLAIN + DAY) for n in range(50))
        self.drain()

    def sell(self) -> None:
        """Events of every kind, known and unknown, in batches, then drained; and what waits is woken."""
        shops = [self.shop(number) for number in range(200)]
        at = APRIL
        many = [
            settled(f"e-{n}", f"n-{n}", shops[n % 200], line(20_000 + n), paid_at=at, customer_id=f"c-{n % 50:08d}")
            for n in range(600)
        ]
        many += [settled(f"bd-{n}", f"bo-{n}", None, line(900), paid_at=at, customer_id=f"b-{n}") for n in range(50)]
        self.post(many)
        self.post(many)
        self.drain()
        self.post(
            [paid(f"p-{n}", f"q-{n}", shops[n], line(2_000), paid_at=at, customer_id=f"c-{n:08d}") for n in range(60)]
        )
        group = {"channel": "group_buy", "group_id": "g-1", "opener_id": shops[3], "customer_id": "c-00000009"}
        self.post([settled(f"gs-{n}", f"go-{n}", shops[n], line(500), paid_at=at, **group) for n in range(20)])
        failing = group | {"group_id": "g-2"}
        self.post([settled(f"gf-{n}", f"gx-{n}", shops[n], line(500), paid_at=at, **failing) for n in range(20)])
        leader = {"channel": "community", "leader_id": shops[9], "customer_id": "c-00000009"}
        self.post([settled(f"le-{n}", f"lo-{n}", shops[n], line(700), paid_at=at, **leader) for n in range(20)])
        self.post([settled("w-1", "w-1", "later", line(100), paid_at=at, customer_id="c-00000009")])
        self.drain()
        self.post([decided("g1", "g-1", True, at + DAY), decided("g2", "g-2", False, at + DAY)])
        self.post([refunded(f"r-{n}", f"n-{n}", None, at + DAY) for n in range(80)])
        self.post([refunded(f"wr-{n}", f"o-{10 * n + 1:08d}", None, at + DAY) for n in range(80)])
        self.post([refunded(f"er-{n}", f"q-{n}", {"1": 500}, at + DAY) for n in range(10)])
        self.post([self.amount_refunded("sp", "n-100", "lines"), self.amount_refunded("go", "n-101", "none")])
        self.drain()
        self.post([self.undone("u-1", "r-1"), self.undone("u-2", "later-refund")])
        self.post([refunded("later", "n-102", None, at + 2 * DAY, refund_id="later-refund")])
        self.post([refunded("x", "n-103", {"1": 10**9}, at + DAY), refunded("y", "unknown-order", None, at + DAY)])
        failed = [
            {
                "id": f"pf-{n}",
                "type": "order.payment_failed",
                "occurred_at": (at + DAY).isoformat(),
                "order_id": f"q-{n}",
            }
            for n in range(10, 15)
        ]
        self.post([*failed, *(cancelled(f"ca-{n}", f"q-{n}", at + DAY) for n in range(15, 20))])
        self.post([cancelled("cn", "n-104", at + DAY), cancelled("unknown", "unknown-too", at + DAY)])
        self.post(
            [
                settled(f"ps-{n}", f"q-{n}", shops[n], line(2_000), paid_at=at, customer_id=f"c-{n:08d}")
                for n in range(9)
            ]
        )
        self.drain()
        self.good("POST", "/v1/shops", {"id": "later", "sponsor_id": shops[1], "joined_at": "2024-01-01T00:00:00Z"})
        self.drain()
        self.look()
        self.good("POST", "/v1/events/x/retry")
        self.drain()
        for path in (
            "/v1/orders/n-1",
            "/v1/orders/n-1/explanation",
            "/v1/orders/q-1",
            "/v1/orders/q-12",
            "/v1/orders/q-16",
            "/v1/orders/q-30",
            "/v1/orders/q-30/explanation",
            "/v1/orders/go-1",
            "/v1/orders/gx-1",
            "/v1/orders/bo-1/explanation",
            "/v1/events/x",
            "/v1/events/u-2",
        ):
            self.good("GET", path)
        for path in (
            "/v1/orders?status=pending",
            "/v1/orders?status=paid",
            "/v1/orders?status=partly_refunded",
            "/v1/orders?status=refunded",
            "/v1/orders?status=cancelled",
            "/v1/orders?status=group_failed",
            "/v1/orders?status=payment_failed",
            "/v1/orders?status=waiting",
            "/v1/orders?status=failed",
            "/v1/events?status=failed",
            "/v1/events?status=waiting",
            "/v1/events?code=refund_exceeds",
            "/v1/commissions?state=expected",
        ):
            self.pages(path)

    @staticmethod
    def amount_refunded(name: str, order_id: str, spread: str) -> dict[str, Any]:
        """A refund of an amount that names no lines."""
        refund = {"id": name, "order_id": order_id, "amount_minor": 100, "spread": spread}
        return {
            "id": name,
            "type": "order.refunded",
            "occurred_at": (APRIL + DAY).isoformat(),
            "refund": refund,
        }

    @staticmethod
    def undone(name: str, refund_id: str) -> dict[str, Any]:
        """What undoes a refund."""
        return {
            "id": name,
            "type": "refund.reversed",
            "occurred_at": (APRIL + 3 * DAY).isoformat(),
            "refund_id": refund_id,
        }

    def post(self, events: Iterable[dict[str, Any]]) -> None:
        """Posts events, as few at once as the program is smaller than a platform; none is refused."""
        waiting = list(events)
        for start in range(0, len(waiting), POSTED_AT_ONCE):
            answer = self.good("POST", "/v1/events", {"events": waiting[start : start + POSTED_AT_ONCE]})
            assert answer["refused"] == 0, answer

    def drain(self) -> None:
        """Settles everything that waits."""
        self.api.world.drain()

    # --- webhooks, compliance ---

    def hook(self) -> None:
        """An endpoint, its messages, its deliveries, sent again, its end."""
        world = self.api.world
        with receiver() as inbox:
            hook = {"url": inbox.url, "events": ["commission.earned", "rank.changed", "event.failed"], "id": "hook"}
            made = self.good("POST", "/v1/webhooks", hook)
            path = f"/v1/webhooks/{made['id']}"
            self.post([settled(f"h-{n}", f"ho-{n}", self.shop(n), line(500), **SOLD) for n in range(5)])
            self.post([refunded("h-x", "ho-1", {"1": 10**9}, APRIL + DAY)])
            self.drain()
            courier = Courier(
                world.container.worker_engine, world.container.sealer, Sender(allows_private=True), world.now
            )
            courier.run()
            self.pages(f"{path}/deliveries")
            first = self.admin.get(f"{path}/deliveries?limit=2")
            self.good("GET", f"{path}/deliveries?limit=2&cursor={first['next_cursor']}")
            self.pages(f"{path}/deliveries?status=delivered")
            [delivery] = self.admin.get(f"{path}/deliveries?limit=1")["data"]
            self.good("GET", f"{path}/deliveries/{delivery['id']}")
            self.good("POST", f"{path}/deliveries/{delivery['id']}/resend")
            self.good("POST", f"{path}/test")
            courier.run()
            self.good("POST", f"{path}/rotate")
            inbox.answers.append(410)
            self.good("POST", f"{path}/deliveries/{delivery['id']}/resend")
            courier.run()
            self.good("PATCH", path, {"status": "disabled"})
            self.good("PATCH", path, {"status": "enabled"})
            self.good("GET", path)
            self.good("DELETE", path)

    def watch(self) -> None:
        """Monitors, the report, cases with their decisions, penalties."""
        self.good("POST", "/v1/compliance/runs")
        self.good("GET", "/v1/compliance/runs/latest")
        run_daily_monitors(self.api.world.container)
        root = shop_id(self.platform.roots)
        case = self.good("POST", "/v1/compliance/cases", {"shop_id": root, "reason": "r"})
        self.look()
        path = f"/v1/compliance/cases/{case['case_no']}/decisions"
        at = (APRIL - DAY).isoformat()
        decision = {"decided_by": "Han", "reason": "r"}
        self.good("POST", path, decision | {"decision": "freeze", "effective_at": at})
        below = [shop_id(self.platform.roots * 5 + n) for n in range(5)]
        self.post([settled(f"fz-{n}", f"fo-{n}", below[n], line(9_000), **SOLD) for n in range(5)])
        self.drain()
        self.post([settled("fz-7", "fo-7", "chain-11", line(9_000), **SOLD)])
        self.drain()
        self.good("GET", "/v1/orders/fo-1/explanation")
        self.good("POST", path, decision | {"decision": "reverse"})
        organiser = self.good("POST", "/v1/compliance/cases", {"organiser_id": "org", "reason": "r"})
        self.good("GET", f"/v1/compliance/cases/{case['case_no']}")
        again = self.good("POST", "/v1/compliance/cases", {"shop_id": shop_id(self.platform.roots - 1), "reason": "r"})
        path = f"/v1/compliance/cases/{again['case_no']}/decisions"
        self.good("POST", path, decision | {"decision": "freeze", "effective_at": at})
        self.post([settled("fz-9", "fo-9", shop_id((self.platform.roots - 1) * 5), line(9_000), **SOLD)])
        self.drain()
        self.good("POST", path, decision | {"decision": "release"})
        path = f"/v1/compliance/cases/{organiser['case_no']}/decisions"
        self.good("POST", path, decision | {"decision": "freeze", "effective_at": at})
        self.post([settled("fz-8", "fo-8", "new-1", line(9_000), **SOLD)])
        self.drain()
        self.good("POST", path, decision | {"decision": "release"})
        penalty = {"id": "p", "shop_id": root, "kind": "criminal", "decided_on": "2020-01-01", "reason": "r"}
        self.good("POST", "/v1/compliance/penalties", penalty)
        of_organiser = {k: v for k, v in penalty.items() if k != "shop_id"} | {"id": "po", "organiser_id": "org"}
        self.good("POST", "/v1/compliance/penalties", of_organiser)
        self.good("POST", "/v1/compliance/runs")
        self.good("GET", "/v1/compliance/penalties/p")
        self.good("POST", "/v1/compliance/penalties/p/withdraw", {"reason": "r"})
        for noun in (f"penalties?shop_id={root}", "findings", "cases"):
            self.pages(f"/v1/compliance/{noun}")
        self.good("GET", "/v1/compliance/report")

    # --- months ---

    def close_months(self) -> None:
        """Files of open months, proposals, closes, files of closed ones; a month after another."""
        adjustment = {"id": "adj", "shop_id": self.shop(21), "amount_minor": 500, "reason": "r"}
        self.good("POST", "/v1/adjustments", adjustment)
        self.look()
        self.good("POST", "/v1/adjustments/adj/approve", by=self.second)
        self.good("GET", "/v1/adjustments/adj")
        self.pages("/v1/adjustments?status=approved")
        self.files("2024-01")
        months = ["2023-12", "2024-01", "2024-02", "2024-03"]
        cut_off = {"2024-01": {"cut_off_at": self.api.world.now().isoformat()}}
        for month in months:
            answer = self.admin.call("POST", f"/v1/statements/{month}/close", cut_off.get(month))
            self.look()
            if answer.status_code < 300:
                self.good("POST", f"/v1/statements/{month}/close/confirm", by=self.second)
        self.files("2024-01")
        self.pages("/v1/statements/months")
        self.good("GET", "/v1/statements/2024-04/close")
        for query in ("", "&sort=closing", "&sort=-earned", "&filter=owed", "&filter=in_debt"):
            self.pages(f"/v1/statements?period=2024-01{query}")
        self.good("GET", f"/v1/statements/2024-01/shops/{shop_id(self.platform.largest_shop)}")
        late = [refunded(f"lr-{n}", f"o-{10 * n + 2:08d}", None, APRIL - 20 * DAY) for n in range(20)]
        self.post(late)
        self.drain()

    def files(self, month: str) -> None:
        """Every file of a month; the workbooks, which take long to write, of one with little in it."""
        for detail in ("shops", "lines"):
            self.good("GET", f"/v1/statements/{month}/export?format=csv&detail={detail}")
            self.good("GET", f"/v1/statements/2023-12/export?format=xlsx&detail={detail}")
        self.good("GET", f"/v1/statements/{month}/export?format=parquet&detail=shops")
        self.good("GET", f"/v1/statements/{month}/export/manifest")

    def leave_work(self) -> None:
        """Files that a worker makes, one that is cancelled, those that are past."""
        wish = {"operation": "export_statements", "path": {"period": "2024-01"}, "query": {"detail": "lines"}}
        made = self.good("POST", "/v1/tasks", wish)["id"]
        self.good("POST", "/v1/tasks", wish)
        TaskRunner(self.api.app, self.api.world.container.begin).run_waiting()
        assert self.good("GET", f"/v1/tasks/{made}")["status"] == "done"
        self.good("GET", f"/v1/tasks/{made}/file")
        left = self.good("POST", "/v1/tasks", wish)["id"]
        with self.api.world.container.begin() as conn:
            for program_id, task_no in waiting_tasks(conn, 1):
                note_bytes(conn, program_id, task_no, 1)
        self.pages("/v1/tasks")
        self.good("POST", f"/v1/tasks/{left}/cancel")
        forget_task_files(self.api.world.container)

    def rank(self) -> None:
        """Evaluations, ranks by hand, a pool."""
        world = self.api.world
        self.good("PUT", f"/v1/shops/{self.shop(8)}/rank", {"rank": "owner", "reason": "r"})
        run_due_evaluations(world.container)
        for month in (202404, 202405):
            with world.container.begin() as conn:
                evaluate_month(Unit(conn, self.program, COMMAND_LINE, world.now()), month)
        self.good("PUT", f"/v1/shops/{self.shop(8)}/rank", {"rank": None, "reason": "r"})
        for name in ("ranks", "next-rank"):
            self.good("GET", f"/v1/shops/{self.shop(8)}/{name}")
        refresh_branches(world.container)
        self.pages("/v1/shops?level=1")
        refresh_near_ranks(world.container)
        heartbeat = Heartbeat(world.container, WORKER)
        tally = DrainTally()
        tally.times.add(250, 1, 1)
        heartbeat.add(tally)
        heartbeat.beat()
        heartbeat.end()
        with world.container.begin() as conn:
            for error in (None, "ValueError"):
                note_run(conn, JobRun("near_ranks", 60, 5, error), world.now())
        self.good("GET", "/v1/workers")
        for path in ("evaluations", "changes", "changes?evaluation=2024-04", "near", "near?rank=owner"):
            self.pages(f"/v1/ranks/{path}")
        with world.container.begin() as conn:  # as the pages after the first ask
            list_changes(conn, self.program.program_id, ["promotion"], Part((world.now(), 1), 100))
            list_near(conn, self.program.program_id, "owner", (500_000, 1), 100)
        with world.container.begin() as conn:
            pay_pools(Unit(conn, self.program, COMMAND_LINE, world.now()), 202404)

    def hold(self) -> None:
        """Changes that wait, of every kind: approved, cancelled, due, sealed anew; and the trail of it all."""
        container, now, hooks = self.api.world.container, self.api.world.now(), "/v1/webhooks/held"
        self.good("POST", "/v1/webhooks", {"url": "https://a.example/", "events": ["statement.closed"], "id": "held"})
        self.good("PATCH", hooks, {"url": "https://b.example/"})
        for number in (20, 21):
            changed = PAYEE | {"id_number": f"number-{number // 2}", "accounts": {"bank_account": "3"}}
            self.good("PUT", f"/v1/shops/{self.shop(number)}/payee", changed)
        self.pages("/v1/changes")
        self.pages("/v1/changes?status=open")
        self.look()
        with container.begin() as conn:
            reseal_contents(conn, self.program, container.sealer)
            for change in due_changes(conn, now + timedelta(days=4), 10):
                apply_change(container, conn, change, now)
            has_written(conn)
        self.good("POST", f"{hooks}/approve", by=self.second)
        self.good("POST", f"/v1/shops/{self.shop(20)}/payee/approve", by=self.second)
        self.good("POST", f"/v1/shops/{self.shop(21)}/payee/cancel", by=self.second)
        filters = ("actor=a", "operation=put_payee", "subject=s", f"shop_id={self.shop(20)}", "kind=read", BOTH_ENDS)
        for query in filters:
            self.pages(f"/v1/trail?{query}")
        for form in ("csv", "ndjson"):
            self.good("GET", f"/v1/trail/export?period=2024-02&format={form}")

    def guard(self) -> None:
        """What bounds calls, and a key whose posts are signed."""
        world, signing = self.api.world, self.api.caller("orders")
        with world.container.begin() as conn:
            limit_program(Unit(conn, self.program, COMMAND_LINE, world.now()), {"calls_per_minute": 10**6})
            limit_key(Unit(conn, self.program, COMMAND_LINE, world.now()), signing.key_id, 10**6)
        self.good("POST", f"/v1/keys/{signing.key_id}/signing")
        headers = {
            "webhook-id": "m",
            "webhook-timestamp": str(int(world.now().timestamp())),
            "webhook-signature": "v1,x",
        }
        self.good("POST", "/v1/events", {"events": []}, signing, may_fail=True, headers=headers)
        self.good("DELETE", f"/v1/keys/{signing.key_id}/signing")

    def keep_totals(self) -> None:
        """The totals of a large program are begun, kept, kept anew, and read."""
        container = self.api.world.container
        begin_statement_totals(container)
        keep_statement_totals(container)
        with container.begin() as conn:
            keep_due_totals(Unit(conn, self.program, COMMAND_LINE, self.api.world.now()), always=True)
            keep_due_order(Unit(conn, self.program, COMMAND_LINE, self.api.world.now()), always=True)
        keep_sorted_shops(container)
        keep_retention(container)
        self.good("GET", "/v1/program/retention")
        for path in ("/v1/shops?sort=-balance", "/v1/shops?sort=sales&level=4", "/v1/shops?sort=sales&level=1"):
            self.pages(path)
        for path in ("/v1/balances", "/v1/balances?state=in_debt", "/v1/balances?sort=held"):
            self.pages(path)
        this_month = format_period(self.program.period_of(self.api.world.now()))
        for sort in ("closing", "-closing", "earned"):
            self.pages(f"/v1/statements?period={this_month}&sort={sort}")
        for path in ("/v1/statements?period=2024-02", "/v1/statements?period=2024-03", "/v1/ledger/accounts"):
            self.pages(path)

    # --- payouts ---

    def pay_out(self) -> None:
        """Batches of every selection from their making to returns; withdrawals; reports; a closing payment."""
        make, second = "/v1/payouts", self.second
        self.good("POST", make, {"id": "named", "up_to": UP_TO, "shop_ids": [self.shop(20), self.shop(22)]})
        self.look()
        self.good("POST", f"{make}/named/cancel")
        self.good("POST", make, {"id": "some", "up_to": UP_TO, "amounts": {self.shop(22): 10}})
        self.good("POST", f"{make}/some/approve", by=second)
        self.withdraw()
        self.good("POST", make, {"id": "asked", "up_to": UP_TO, "withdrawals": ["wd-24", "wd-26"]})
        self.good("GET", "/v1/withdrawals/wd-24")
        self.pages("/v1/withdrawals?status=approved")
        self.pages("/v1/withdrawals?status=refused")
        self.pages(f"/v1/withdrawals?shop_id={self.shop(24)}")
        self.good("POST", f"{make}/asked/approve", by=second)
        self.good("POST", make, {"id": "all", "up_to": UP_TO, "min_minor": 1})
        self.good("POST", f"{make}/all/approve", by=second)
        self.pages(f"{make}/all/refused")
        self.good("GET", f"{make}/all/files")
        for form in ("csv", "wechat", "alipay"):
            self.good("GET", f"{make}/all/export?format={form}", may_fail=True)
        rows = [row["shop_id"] for row in self.admin.get(f"{make}/all?limit=500")["lines"]]
        self.results("all", rows[:-1], "paid")
        self.results("all", rows[-1:], "failed")
        self.results("all", rows[:1], "returned")
        self.results("asked", [self.shop(24), self.shop(26)], "paid")
        self.results("some", [self.shop(22)], "failed")
        for path in (
            f"{make}/all",
            f"{make}/asked",
            f"{make}/reports/available?side=payable",
            f"{make}/reports/platform?quarter=2026-Q4",
            f"{make}/reports/us-1099?year=2026",
            "/v1/withdrawals/wd-24",
        ):
            self.good("GET", path)
        self.pages(make)
        for state in ("proposed", "approved", "settled", "cancelled"):
            self.pages(f"{make}?state={state}")
            self.pages(f"{make}?state={state}&month=2026-11")

    def withdraw(self) -> None:
        """Withdrawals that are approved, refused and cancelled."""
        second = self.second
        for number in (24, 26):
            partner = self.api.caller("partner", self.shop(number))
            self.good("POST", "/v1/withdrawals", {"id": f"wd-{number}", "amount_minor": 5}, by=partner)
            self.look()
            self.good("POST", f"/v1/withdrawals/wd-{number}/approve", by=second)
            self.good("GET", "/v1/withdrawals", by=partner)
            self.good("GET", "/v1/payouts", by=partner)
            self.ask(number, partner)
        for number, end in ((28, "refuse"), (30, "cancel")):
            partner = self.api.caller("partner", self.shop(number))
            self.good("POST", "/v1/withdrawals", {"id": f"wd-{number}", "amount_minor": 5}, by=partner)
            body = {"reason": "r"} if end == "refuse" else None
            self.good("POST", f"/v1/withdrawals/wd-{number}/{end}", body, by=second if body else partner)

    def ask(self, number: int, partner: Caller) -> None:
        """A question about a commission, answered and closed; the lists of each state."""
        own = self.shop(number)
        [line_of] = partner.get(f"/v1/shops/{own}/commissions?sort=-posted&limit=1")["data"]
        question = {"id": f"q-{number}", "commission_id": line_of["id"], "text": "Why?"}
        self.good("POST", "/v1/questions", question, by=partner)
        self.look()
        for step, body in (("answer", {"answer": "So."}), ("close", None)):
            self.pages("/v1/questions?status=open")
            self.good("POST", f"/v1/questions/q-{number}/{step}", body, by=self.second)
            self.pages("/v1/questions?status=answered")
        for query in ("", "?status=closed", f"?commission_id={line_of['id']}"):
            self.good("GET", f"/v1/questions{query}", by=partner)
        for state in ("open", "answered"):
            self.good("GET", f"/v1/questions?status={state}", by=partner)
        self.pages("/v1/questions")
        self.pages("/v1/questions?status=closed")

    def leave(self) -> None:
        """The last money of a shop that is closed."""
        leaving = self.shop(41)
        self.post([settled("leaves", "leaves", leaving, line(90_000), **SOLD)])
        self.drain()
        self.good("PUT", f"/v1/shops/{leaving}/payee", PAYEE | {"id_number": "leaving"})
        self.good("POST", f"/v1/shops/{leaving}/status", {"status": "closed", "reason": "r"})
        self.good("POST", f"/v1/shops/{leaving}/closing-payment", {"id": "last", "reason": "r"})
        self.look()
        self.good("POST", f"/v1/shops/{leaving}/closing-payment/approve", by=self.second)

    def results(self, payout: str, shops: list[str], status: str) -> None:
        """Records one result for several shops of a batch."""
        results = [{"shop_id": shop, "status": status} for shop in shops]
        self.good("POST", f"/v1/payouts/{payout}/results", {"results": results})

    def do_seldom(self) -> None:
        """What happens seldom: a capped tree, a rank renamed, an order alone, contradictions, resealing, a sign-off."""
        world, container = self.api.world, self.api.world.container
        capped, now = replace(self.program, policy="cn"), world.now()
        cn = world.policies["cn"]
        with world.begin() as conn:
            drafts = [ShopDraft("deep", self.shop(6)), ShopDraft("deeper", "deep"), ShopDraft("deepest", "deeper")]
            register_shops(Unit(conn, capped, COMMAND_LINE, now), cn, drafts, world.pepper)
            move_shop(Unit(conn, capped, COMMAND_LINE, now), cn, self.shop(11), Move(shop_id(1), now, "r"))
        with container.begin() as conn:
            for policy in ("cn", "us"):
                run_monitors(Unit(conn, replace(capped, policy=policy), COMMAND_LINE, now), world.policies)
            introduced_by(conn, capped, ["deepest"])
            base_of_month(conn, capped.program_id, "paid", *period_bounds(202404, capped.zone))
            create_program(conn, ProgramDraft("other", "CNY", "UTC", "open"), now, world.policies)
            reseal_payees(conn, self.program, container.sealer)
            signed = SignedOverride("cn", "d", "{}", "{}", "Li", "r")
            insert_sign_off(conn, capped.program_id, signed, Recorded(now, "cli"))
            signed_overrides(conn)
            find_program(conn, capped.code)
            documents(conn, capped.program_id, [1])
            ids_of_orders(conn, capped.program_id, [13])
            available_of_all(conn, capped.program_id, now, now)
            wide = Way(ShopFilters(status="closed"), carrier=None, size=None)
            month = dict(zip(("from", "to"), period_bounds(202402, capped.zone), strict=True)) | {"now": now}
            order = FigureOrder("sales_minor", month, is_descending=True, is_kept=True)
            shops_by_figure(conn, capped.program_id, wide, order, Part(None, 100))
        self.good("GET", "/v1/shops/deepest")
        self.look()
        self.pages("/v1/compliance/findings")
        renamed = json.loads(json.dumps(RANKED).replace('"owner"', '"partner"')) | {"rank_map": {"owner": "partner"}}
        made = self.good("POST", "/v1/plans", renamed)
        path = f"/v1/plans/{made['code']}/{made['version']}/publish"
        self.good("POST", path, {"effective_from": now.isoformat(), "signed_off_by": "Li"})
        self.post([settled("alone", "alone", self.shop(1), line(500), **SOLD)])
        with container.begin() as conn:
            [number] = conn.execute(text("SELECT order_no FROM orders WHERE order_id = 'alone'")).scalars()
            drain_orders(Unit(conn, self.program, COMMAND_LINE, now), world.policies, [number], FOR_EVER)
        other = settled("alone", "alone", self.shop(2), line(501), **SOLD)
        self.good("POST", "/v1/events", {"events": [other]})

    # --- proofs ---

    def look_back(self) -> None:
        """Seals, totals, and the lists once more, now that everything is there."""
        world = self.api.world
        seal_days(world.container)
        with world.container.begin() as conn:
            programs_to_seal(conn, world.now())
            names_of(conn, self.program, [self.admin.key_id])
            seal_now(Unit(conn, self.program, COMMAND_LINE, world.now()))
            program_totals(conn, self.program)
            progress(conn, self.program)
        self.pages("/v1/ledger/seals")
        self.good("GET", "/v1/ledger/seals/1")
        self.good("GET", "/v1/ledger/seals/1/content")

    def audit(self) -> None:
        """The audit, asked for and looked for by the day; nothing waits, or it would rest."""
        self.drain()
        container = self.api.world.container
        for _ in range(2):  # the second leaves out what is at rest
            self.good("POST", "/v1/audit")
            run_requested_audits(container)
            result = self.good("GET", "/v1/audit")
            assert result["ok"], [check for check in result["checks"] if not check["ok"]]
        run_daily_audits(container)

    def look(self) -> None:
        """What waits for whoever asks."""
        self.good("GET", "/v1/inbox")

    def good(
        self, method: str, path: str, body: Any = None, by: Caller | None = None, *, may_fail: bool = False, **more: Any
    ) -> Any:
        """The answer of a call that must succeed; its text where it is no JSON."""
        answer = (by or self.admin).call(method, path, body, **more)
        assert answer.status_code < 500, (method, path, answer.text)
        assert may_fail or answer.status_code < 400, (method, path, body, answer.text)
        return json.loads(answer.text) if "json" in (answer.content_type or "") and answer.text else {}
