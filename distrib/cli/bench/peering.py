"""Measures a transfer of ours against one of pgledger, a ledger in SQL, in its best batch, on the same server.

pgledger is the user's own copy: the files that make it are named on the command line and run in a database of the
bench's own. Ours is the whole drain: events read, commissions worked out, months kept; theirs two accounts and a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.processes.databases import own_databases
from distrib.cli.bench.settling import prepare
from distrib.cli.bench.spending import Spent, address, drain_spends, median_of, spent_by
from distrib.cli.bench.world import EARNERS, LINES, STRIDE, World
from distrib.domain.texts import Text

GOAL = 25.0
ACCOUNTS = 2_000
BATCH = 1_000
_OPEN = "SELECT (pgledger_create_account('account-' || n, 'CNY')).id FROM generate_series(1, %s) AS made (n)"
# The time of the event is given, as the function has a namesake that takes any number of requests and nothing else.
_POST = """
SELECT count(*) FROM pgledger_create_transfers(ARRAY(
    SELECT ROW(f, t, a)::transfer_request FROM unnest(%s::text[], %s::text[], %s::numeric[]) AS asked (f, t, a)),
    event_at => now())
"""


@dataclass(frozen=True, slots=True)
class PeerSize:
    """What we settle, and how many batches the peer posts, a round each."""

    world: World
    batches: int
    rounds: int


SIZES = {"small": PeerSize(World(2_000, 10_000), 3, 3), "full": PeerSize(World(20_000, 100_000), 20, 5)}


def bench_peer(
    container: Container, size: PeerSize, say: Callable[[str], None], files: Sequence[Path]
) -> dict[str, Any]:
    """All figures of the benchmark.

    Args:
        container: of the servers; its own database is not touched.
        size: how much.
        say: gets the name of each step as it begins.
        files: the SQL that makes pgledger, in the order in which it is to be run.

    Raises:
        BenchFailed: the files do not make pgledger, or it did not post what it was asked to.
    """
    ours: list[Spent] = []
    theirs: list[Spent] = []
    with own_databases(container.database_url) as databases:
        say("prepare")
        prepare(container, databases.make("prepared"), size.world)
        url = databases.make("pgledger")
        with psycopg.connect(address(url)) as peer:
            accounts = _opened(peer, files)
            for number in range(size.rounds):
                say("drain")
                with databases.copy_of("prepared") as own_url:
                    own = Container(container.settings, own_url, container.redis_url)
                    try:
                        ours.append(_of_a_transfer(drain_spends(own)))
                    finally:
                        own.close()
                say("peer")
                databases.flush()
                theirs.append(
                    spent_by(url, peer.info.backend_pid, partial(_posted, peer, accounts, size.batches, number))
                )
    times = median(other.processor_us / mine.processor_us for mine, other in zip(ours, theirs, strict=True))
    mine, other = median_of(ours), median_of(theirs)
    return {
        "rounds": size.rounds,
        "world": asdict(size.world),
        "transfer": mine.rounded(),
        "peer_transfer": other.rounded(),
        "transfer_processor_us": round(mine.processor_us, 1),
        "peer_processor_us": round(other.processor_us, 1),
        "times_peer": round(times, 1),
        "times_peer_goal": GOAL,
        "met": times >= GOAL,
    }


def _of_a_transfer(order: Spent) -> Spent:
    each = LINES * EARNERS
    return Spent(order.python_us / each, order.postgres_us / each, order.wal_bytes / each)


def _opened(peer: psycopg.Connection[Any], files: Sequence[Path]) -> list[str]:
    """Makes pgledger and its accounts; answers their ids."""
    try:
        for path in files:
            peer.execute(path.read_bytes())
        accounts = [row[0] for row in peer.execute(_OPEN, (ACCOUNTS,)).fetchall()]
        peer.commit()
    except (psycopg.Error, OSError) as error:
        raise BenchFailed(Text("these files do not make pgledger"), error) from error
    return accounts


def _posted(peer: psycopg.Connection[Any], accounts: Sequence[str], batches: int, round_no: int) -> int:
    """Posts transfers between accounts that follow each other as if drawn; answers how many."""
    count = len(accounts)
    for batch in range(batches):
        first = (round_no * batches + batch) * BATCH
        numbers = range(first, first + BATCH)
        sources = [number * STRIDE % count for number in numbers]
        targets = [(source + 1 + number % (count - 1)) % count for source, number in zip(sources, numbers, strict=True)]
        sides = ([accounts[place] for place in places] for places in (sources, targets))
        row = peer.execute(_POST, (*sides, [1 + number % 1_000 for number in numbers])).fetchone()
        peer.commit()
        if row is None or row[0] != BATCH:
            raise BenchFailed(Text("the peer did not post its transfers"))
    return batches * BATCH
