"""A whole service under load to which everything happens at once, by lot, until it is left alone and has to be well.

``python3 dev.py soak --seed 7 --minutes 10``. Orders of drawn programs are posted and sent again, payouts are made and
months closed, while processes are killed, servers hang and connections run out. Then nothing more happens: the service
has to be whole and its backlog empty, every event and commission what the reference works out, the audit clean.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy.exc import DBAPIError

from distrib.bootstrap import Container
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.programs import keys, tenants
from distrib.services.programs.keys import KeyDraft
from distrib.services.programs.tenants import ProgramDraft
from tests.acceptance.comparing import check_events, check_rows
from tests.acceptance.random_events import START, draw_order, draw_refunds, show
from tests.acceptance.random_plans import draw_plan
from tests.acceptance.random_words import KNOWN, weave_events, weave_plan
from tests.acceptance.reference import process
from tests.acceptance.reference_world import Shop, Version, World
from tests.tools.soak_finance import close_months, pay_out
from tests.world.live import Client, free_port
from tests.world.mischief import MISCHIEF
from tests.world.served import Served, served
from tests.world.served import show as show_log
from tests.world.small_disk import HOURS_MB, SIZE_MB, small_disk
from tests.world.ways import faults_of
from tests.world.world import World as Books

ZONE = "Asia/Shanghai"
POSTERS = 2
ORDERS_OF_A_PROGRAM = 60
SHOPS = ("s-1", "s-2", "s-3", "s-4", "s-5", "s-6")
SHORT_MINUTES = 5
_LONGEST_S, _SHORTEST_S = 2.0, 0.1
_BREATH_S = 0.05
_Result = TypeVar("_Result")


@dataclass
class Lot:
    """A drawn program: its number and key in the service, its world in the reference, and what was posted."""

    program: Program
    key: str
    world: World
    posted: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Soak:
    """One run: the service, the seed, what happened and what was measured."""

    service: Served
    seed: int
    over: threading.Event = field(default_factory=threading.Event)
    numbers: Any = field(default_factory=lambda: count(1))
    lots: list[Lot] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    recovered_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    batches: int = 0
    closed: int = 0
    paid_minor: int = 0

    # --- programs ---

    def open_program(self, roles: tuple[str, ...]) -> tuple[Program, list[str]]:
        """A new program with a key of each role, tried again while the database is away."""

        def open_once(container: Container, code: str) -> tuple[Program, list[str]]:
            now, pepper = container.now(), container.settings.key_pepper.encode()
            opened_at = START - timedelta(days=90)
            with container.begin() as conn:
                program = tenants.create_program(
                    conn, ProgramDraft(code, "CNY", ZONE, "open"), opened_at, container.policies
                )
                made = [
                    keys.create_key(Unit(conn, program, COMMAND_LINE, now), KeyDraft(role, role, None), pepper)
                    for role in roles
                ]
            return program, made

        return self.until_done(open_once)

    def until_done(self, act: Callable[[Container, str], _Result]) -> _Result:
        """Runs something on the database under a name of its own, again while that is away."""
        while True:
            try:
                with self.service.container() as container:
                    return act(container, f"p{next(self.numbers)}")
            except (DBAPIError, psycopg.Error, TimeoutError):
                self.over.wait(_BREATH_S)

    def call_once(self, key: str, method: str, path: str, body: object = None) -> Any:
        once = {"Idempotency-Key": f"soak-{next(self.numbers)}"}
        return self.service.call_until_done(key, method, path, body, 300, headers=once)

    def draw_lot(self, random: Random) -> Lot:
        """A program by lot with a plan and a tree."""
        program, (key,) = self.open_program(("admin",))
        lot, words = Lot(program, key, World(ZoneInfo(ZONE))), [word for word in KNOWN if random.random() < 0.6]
        effective_from = START - timedelta(days=30)
        plan = draw_plan(random, "lot", False)
        weave_plan(random, plan, words, False)
        self.call_once(key, "POST", "/v1/plans", plan)
        self.call_once(key, "POST", "/v1/plans/lot/1/publish", {"effective_from": show(random, effective_from)})
        lot.world.versions.append(Version(effective_from, 1, plan))
        joined_at = START - timedelta(days=60)
        for place, name in enumerate(SHOPS):
            sponsor = SHOPS[random.randrange(place)] if place and random.random() < 0.85 else None
            self.call_once(
                key, "POST", "/v1/shops", {"id": name, "sponsor_id": sponsor, "joined_at": joined_at.isoformat()}
            )
            lot.world.shops[name] = Shop(joined_at, [(joined_at, sponsor)])
        for number in range(1, ORDERS_OF_A_PROGRAM + 1):
            order = draw_order(random, number, SHOPS, START)
            lot.posted += weave_events(random, order, draw_refunds(random, order), words, _may_be_paid(plan))
        return lot

    # --- who is at work ---

    def post(self, place: int) -> None:
        """Draws programs and posts their events, some twice, until it is over; the events of an order by their time."""
        random = Random(f"{self.seed} poster {place}")
        while not self.over.is_set():
            lot = self.draw_lot(random)
            events, lot.posted = lot.posted, []
            self.lots.append(lot)
            while events and not self.over.is_set():
                batch = [events.pop(0) for _ in range(min(random.randint(1, 20), len(events)))]
                again = random.sample(lot.posted, min(2, len(lot.posted)))
                self.service.post(lot.key, [*batch, *again])
                lot.posted += batch
                self.batches += 1
                self.over.wait(_BREATH_S)

    def disturb(self) -> None:
        """Lets things happen, one after the other or two at once, until it is over; measures how long each lasts."""
        random = Random(f"{self.seed} mischief")
        while not self.over.is_set():
            what = random.choice(sorted(MISCHIEF))
            self.happened[what] += 1
            with MISCHIEF[what](self.service):
                self.over.wait(random.uniform(_SHORTEST_S, _LONGEST_S))
            if random.random() < 0.75:
                began = monotonic()
                self.service.wait_until_whole()
                self.recovered_s[what].append(monotonic() - began)

    # --- when it is over ---

    def check(self) -> None:
        """The backlog is empty, every program as the reference has it, the audit clean, and nobody ever saw a 500.

        Raises:
            AssertionError: something is not.
        """
        for lot in self.lots:
            self.service.wait_for_events(lot.key, 300)
            process(lot.world, lot.posted)
            client = Client(self.service.port, lot.key)
            check_events(client, lot.world)
            check_rows(client, lot.world)
        with self.service.container() as container:
            with container.begin() as conn:
                programs = tenants.list_programs(conn)
            for program in programs:
                failed = faults_of(Books(container, program))
                assert failed == [], (program.code, failed)
        assert self.service.statuses <= {200, 201, 202, 409, 429, 503}, self.service.statuses

    def report(self, lasted_s: float, healed_s: float) -> dict[str, Any]:
        """What happened and what was measured."""
        longest = {what: round(max(times), 2) for what, times in sorted(self.recovered_s.items())}
        return {
            "seed": self.seed,
            "minutes": round(lasted_s / 60, 1),
            "drawn_programs": len(self.lots),
            "events": sum(len(lot.posted) for lot in self.lots),
            "batches": self.batches,
            "paid_minor": self.paid_minor,
            "months_closed": self.closed,
            "happened": dict(sorted(self.happened.items())),
            "whole_again_after_s": longest,
            "healed_after_s": round(healed_s, 2),
            "statuses": sorted(self.service.statuses),
        }


def _may_be_paid(plan: dict[str, Any]) -> bool:
    """Not where the payment would decide what only the settlement can: rooms of caps."""
    caps = [rule.get("cap", {}) for rule in plan["rules"]]
    return not any("per_month_minor" in cap or "per_customer_minor" in cap for cap in caps)


def run(seed: int, minutes: float) -> dict[str, Any]:
    """One run of so many minutes; what it came to.

    Raises:
        AssertionError: something was lost, counted twice or is not well again.
    """
    with TemporaryDirectory(prefix="distrib-soak-") as directory:
        Path(directory).chmod(0o711)
        var_dir = Path(directory) / "var"
        with (
            small_disk(var_dir, SIZE_MB if minutes <= SHORT_MINUTES else HOURS_MB),
            served(var_dir, free_port()) as service,
            ThreadPoolExecutor(POSTERS + 3) as at_work,
        ):
            soak = Soak(service, seed)
            doing: list[Future[None]] = [at_work.submit(soak.post, place) for place in range(POSTERS)]
            doing += [at_work.submit(act, soak) for act in (pay_out, close_months, Soak.disturb)]
            began = monotonic()
            try:
                while monotonic() - began < minutes * 60 and not any(future.done() for future in doing):
                    soak.over.wait(0.2)
                lasted_s = monotonic() - began
                soak.over.set()
                left_alone = monotonic()
                service.wait_until_whole()
                for future in doing:
                    future.result()
                for lot in soak.lots:
                    service.wait_for_events(lot.key, 300)
                healed_s = monotonic() - left_alone
                soak.check()
            except BaseException:
                soak.over.set()
                sys.stderr.write(show_log(service))
                raise
            assert lasted_s >= minutes * 60, "somebody stopped working before it was over"
            return soak.report(lasted_s, healed_s)


def main() -> int:
    """Runs it as the command line says; 0 where all is well."""
    parser = argparse.ArgumentParser(prog="python3 dev.py soak", description="A service to which everything happens.")
    parser.add_argument("--seed", type=int, default=None, help="drawn if not given")
    parser.add_argument("--minutes", type=float, default=0.5)
    arguments = parser.parse_args()
    seed = SystemRandom().getrandbits(32) if arguments.seed is None else arguments.seed
    sys.stdout.write(f"soak: --seed {seed} --minutes {arguments.minutes}\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(run(seed, arguments.minutes), indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
