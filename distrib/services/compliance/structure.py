"""The structure of a program at an instant: its trees, its organisers' trees together, the program as a whole.

Measures once and lets each policy pack judge; nothing is kept and nothing decided here. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.columns.structure import Forest, ShopFigures, Trees, measure_trees, plant
from distrib.domain.plans.measures import consideration, head_count_pay, head_count_ranks
from distrib.domain.policies.monitors import PROGRAM, TREE, Monitor
from distrib.domain.policies.policy import Policy
from distrib.services.compliance.figures import ProgramFigures
from distrib.services.compliance.penalised import Penalised, by_root, find_penalised
from distrib.services.compliance.tree_units import SUMS, TreeUnits, Unit
from distrib.services.context import Program
from distrib.services.plans.versions import Timeline, TimelineEntry, load_timeline
from distrib.services.policies import pack_on
from distrib.store.compliance import structure as store
from distrib.store.programs import tenants

MORE_TREES = "more trees"
"""The subject of the row that counts the trees which are not told one by one."""
LARGEST_TOLD = 10
_TOLD = (
    "persons",
    "trees",
    "deepest_level",
    "deep_trees",
    "deep_share",
    "retail_share",
    "indirect_share",
    "entry_share",
)


class StructureFinding(NamedTuple):
    """What a monitor found about one tree, one organiser, or the program.

    Beyond the largest trees a finding is not told, and is here so that its tree gets a case.
    """

    monitor: Monitor
    pack: str
    subject: str
    figure: str
    root_no: int | None = None
    organiser_id: str | None = None
    figures: Mapping[str, int | None] = {}
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Structure:
    """What was measured of a program at an instant; ``untold`` are findings to be held beyond those told."""

    as_of: datetime
    figures: dict[str, int | None]
    largest: list[Unit]
    organisers: list[Unit]
    findings: list[StructureFinding]
    penalties: list[Penalised]
    untold: list[StructureFinding]


def measure_structure(conn: Connection, program: Program, policies: Mapping[str, Policy], as_of: datetime) -> Structure:
    """Measures every tree and the program at ``as_of`` and lets the packs judge that were in force then.

    Reads whole tables: for a job, a command or a report.
    """
    store.allow_long_reads(conn)
    program = as_it_was(conn, program, as_of)
    timeline = load_timeline(conn, program)
    forest = plant(*store.tree_at(conn, program.program_id, as_of))
    trees = _trees(conn, program, forest, as_of)
    penalties = find_penalised(conn, program, forest, as_of)
    has_head_count = any(_is_fee_or_head_count(entry) for entry in _within_a_year(timeline, as_of))
    units = TreeUnits(conn, program, trees, as_of, has_head_count, by_root(penalties))
    figures = ProgramFigures(conn, program, timeline, trees, as_of)
    day = program.day_of(as_of)
    found = [
        finding
        for pack in packs_at(program, policies, timeline, as_of)
        for monitor in pack.monitors
        if monitor.is_in_force(day, program.currency)
        for finding in _judge(pack, monitor, units, figures)
    ]
    largest, organisers = units.largest(LARGEST_TOLD), units.organisers()
    findings = [finding for finding in found if finding.is_told]
    untold = [finding for finding in found if not finding.is_told]
    return Structure(as_of, _told(trees, figures), largest, organisers, findings, penalties, untold)


def as_it_was(conn: Connection, program: Program, as_of: datetime) -> Program:
    """The program with the policy pack it had at an instant."""
    policy = tenants.policy_at(conn, program.program_id, as_of)
    return program if policy is None else replace(program, policy=policy)


def packs_at(program: Program, policies: Mapping[str, Policy], timeline: Timeline, as_of: datetime) -> list[Policy]:
    """The packs that judge a program at an instant: its own, and the one its plan in force names."""
    entry = timeline.at(as_of)
    named = entry.plan.policy if entry is not None else None
    day = program.day_of(as_of)
    return [pack_on(policies, name, day) for name in dict.fromkeys([program.policy, *([named] if named else [])])]


def year_before(at: datetime) -> datetime:
    """The same instant twelve months earlier; 29 February becomes the 28th.

    >>> year_before(datetime(2024, 2, 29)).isoformat()
    '2023-02-28T00:00:00'
    """
    return at.replace(year=at.year - 1, day=28 if (at.month, at.day) == (2, 29) else at.day)


def _trees(conn: Connection, program: Program, forest: Forest, at: datetime) -> Trees:
    number, since = program.program_id, year_before(at)
    sellers, sales, retail = store.sales_by_shop(conn, number, since, at)
    entrances, entry, recent_entry = store.entry_by_shop(conn, number, since, at)
    earners, direct, indirect = store.pay_by_shop(conn, number, since, at)
    pulled = ShopFigures(
        sales_minor=(sellers, sales),
        retail_minor=(sellers, retail),
        entry_minor=(entrances, entry),
        recent_entry_minor=(entrances, recent_entry),
        direct_minor=(earners, direct),
        indirect_minor=(earners, indirect),
        buyers=store.buyers_by_shop(conn, number, at),
    )
    return measure_trees(forest, pulled)


def _judge(pack: Policy, monitor: Monitor, units: TreeUnits, program: ProgramFigures) -> Iterator[StructureFinding]:
    if monitor.scope == PROGRAM:
        figures = {bound.measure: program.figure(bound.measure, monitor.each) for bound in monitor.bounds}
        figure = monitor.figure(figures)
        if figure is not None:
            yield StructureFinding(monitor, pack.version, "program", figure, figures=figures)
    elif monitor.scope == TREE:
        told, untold, more = units.reaching(monitor, pack.count_root)
        for is_told, found in ((True, told), (False, untold)):
            for subject, root_no, organiser_id, figures in found:
                figure = monitor.figure(figures) or ""
                yield StructureFinding(monitor, pack.version, subject, figure, root_no, organiser_id, figures, is_told)
        if more:
            yield StructureFinding(monitor, pack.version, MORE_TREES, f"trees {more}")


def _told(trees: Trees, program: ProgramFigures) -> dict[str, int | None]:
    """The figures of the program that every report tells; buyers, who are no nodes, stand beside."""
    told = {name: program.figure(name) for name in _TOLD}
    sums = {name: int(getattr(trees, name).sum()) for name in SUMS if name != "persons"}
    with_buyers = {
        "persons_with_buyers": (told["persons"] or 0) + sums["buyers"],
        "deepest_level_with_buyers": int(trees.levels_with_buyers.max(initial=0)),
    }
    return told | with_buyers | sums


def _within_a_year(timeline: Timeline, at: datetime) -> Iterator[TimelineEntry]:
    """The versions that were in force at any instant of the twelve months before."""
    entries, since = timeline.entries, year_before(at)
    for place, entry in enumerate(entries):
        until = entries[place + 1].effective_from if place + 1 < len(entries) else None
        if entry.effective_from <= at and (until is None or until > since):
            yield entry


def _is_fee_or_head_count(entry: TimelineEntry) -> bool:
    """Whether a plan takes something for joining, or pays or promotes by counting people."""
    return bool(consideration(entry.plan) or head_count_ranks(entry.plan) or head_count_pay(entry.plan))
