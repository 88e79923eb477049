"""Measures the structure of a program at an instant: its trees, its organisers' trees together, the program as a whole.

Measures once and lets each policy pack judge; it writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.columns.outline import OutlineNode, outline_of
from distrib.columns.payees import find_shared
from distrib.columns.structure import Forest, ShopFigures, Trees, measure_trees, plant
from distrib.domain.plans.measures import consideration, head_count_pay, head_count_ranks
from distrib.domain.policies.figures import Measured
from distrib.domain.policies.monitors import PAYEE, PROGRAM, TREE, Monitor
from distrib.domain.policies.policy import Policy
from distrib.services.compliance.facts import StoredStructure, StructureFacts
from distrib.services.compliance.figures import ProgramFigures, year_before
from distrib.services.compliance.penalised import Penalised, by_root, find_penalised
from distrib.services.compliance.shared_payees import PayeeUnits
from distrib.services.compliance.tree_units import SUMS, TreeUnit, TreeUnits
from distrib.services.context import Program
from distrib.services.plans.versions import Timeline, TimelineEntry, load_timeline
from distrib.services.policies import pack_on
from distrib.store.compliance import structure as store
from distrib.store.programs import tenants

MORE_TREES = "more trees"
"""The subject of the row that counts the trees which are not reported one by one."""
MORE_PAYEES = "more payees"
"""The same of payees."""
LARGEST_SHOWN = 10
MOST_DRAWN = 36
"""So many shops of the largest tree are drawn: what a page holds and can be read on it."""
_SHOWN_FIGURES = (
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
    """A monitor's finding about one tree, one organiser, one payee's shops, or the program.

    Beyond the largest trees a finding is not reported, and is here so that its tree gets a case. ``shop_ids`` are the
    shops that a finding about a payee names.
    """

    monitor: Monitor
    pack: str
    subject: str
    figure: Measured
    root_no: int | None = None
    organiser_id: str | None = None
    figures: Mapping[str, int | None] = {}
    is_reported: bool = True
    shop_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """The measured structure of a program; ``unreported`` are findings to be held beyond those reported.

    ``outline`` is the part of the largest tree that a picture of it shows.
    """

    as_of: datetime
    figures: dict[str, int | None]
    largest: list[TreeUnit]
    organisers: list[TreeUnit]
    findings: list[StructureFinding]
    penalties: list[Penalised]
    unreported: list[StructureFinding]
    outline: list[OutlineNode]


def measure_structure(conn: Connection, program: Program, policies: Mapping[str, Policy], as_of: datetime) -> Structure:
    """Measures every tree and the program at ``as_of`` and lets the packs judge that were in force then.

    Reads whole tables: for a job, a command or a report.
    """
    store.allow_long_reads(conn)
    program = as_it_was(conn, program, as_of)
    facts = StoredStructure(conn, program, as_of)
    return structure_of(facts, program, load_timeline(conn, program), policies, as_of)


def structure_of(
    facts: StructureFacts, program: Program, timeline: Timeline, policies: Mapping[str, Policy], as_of: datetime
) -> Structure:
    """Measures and judges by the facts of an instant, whoever has them.

    Args:
        program: with the policy pack that it had at ``as_of``.
    """
    forest = plant(*facts.tree())
    trees = _trees(facts, forest, as_of)
    penalties = find_penalised(facts, forest)
    has_head_count = any(_is_fee_or_head_count(entry) for entry in _within_a_year(timeline, as_of))
    units = TreeUnits(facts, trees, has_head_count, by_root(penalties))
    payees = PayeeUnits(facts, find_shared(forest, *facts.payees_in_common()))
    figures = ProgramFigures(facts, program, timeline, trees, as_of)
    largest = units.largest(LARGEST_SHOWN)
    day = program.day_of(as_of)
    judged = [
        finding
        for pack in packs_at(program, policies, timeline, as_of)
        for monitor in pack.monitors
        if monitor.is_in_force(day, program.currency)
        for finding in _judge(pack, monitor, units, payees, figures)
    ]
    return Structure(
        as_of=as_of,
        figures=_program_figures(trees, figures),
        largest=largest,
        organisers=units.organisers(),
        findings=[finding for finding in judged if finding.is_reported],
        penalties=penalties,
        unreported=[finding for finding in judged if not finding.is_reported],
        outline=[node for tree_unit in largest[:1] for node in outline_of(forest, tree_unit.root_no or 0, MOST_DRAWN)],
    )


def as_it_was(conn: Connection, program: Program, as_of: datetime) -> Program:
    """Reads the program with the policy pack it had at an instant."""
    policy = tenants.policy_at(conn, program.program_id, as_of)
    return program if policy is None else replace(program, policy=policy)


def packs_at(program: Program, policies: Mapping[str, Policy], timeline: Timeline, as_of: datetime) -> list[Policy]:
    """Resolves the packs that judge a program at an instant: its own, and the one its plan in force names."""
    entry = timeline.in_force(as_of)
    named = entry.plan.policy if entry is not None else None
    day = program.day_of(as_of)
    return [pack_on(policies, name, day) for name in dict.fromkeys([program.policy, *([named] if named else [])])]


def _trees(facts: StructureFacts, forest: Forest, as_of: datetime) -> Trees:
    """Loads the figures of all shops up to an instant and measures their trees."""
    since = year_before(as_of)
    sellers, sales, retail = facts.sales(since)
    entrances, entry, recent_entry = facts.entry(since)
    earners, direct, indirect = facts.pay(since)
    pulled = ShopFigures(
        sales_minor=(sellers, sales),
        retail_minor=(sellers, retail),
        entry_minor=(entrances, entry),
        recent_entry_minor=(entrances, recent_entry),
        direct_minor=(earners, direct),
        indirect_minor=(earners, indirect),
        buyers=facts.buyers(),
    )
    return measure_trees(forest, pulled)


def _judge(
    pack: Policy, monitor: Monitor, units: TreeUnits, payees: PayeeUnits, program: ProgramFigures
) -> Iterator[StructureFinding]:
    """Judges the program, its trees or its payees by one monitor of a pack; answers the findings."""
    if monitor.scope == PROGRAM:
        figures = {bound.measure: program.figure(bound.measure, monitor.each) for bound in monitor.bounds}
        figure = monitor.figure(figures)
        if figure is not None:
            yield StructureFinding(monitor, pack.version, "program", figure, figures=figures)
    elif monitor.scope == PAYEE:
        yield from _judge_payees(pack, monitor, payees)
    elif monitor.scope == TREE:
        reaching = units.reaching(monitor, pack.count_root)
        for is_reported, reached in ((True, reaching.reported), (False, reaching.unreported)):
            for tree_unit in reached:
                yield StructureFinding(
                    monitor=monitor,
                    pack=pack.version,
                    subject=tree_unit.subject,
                    figure=monitor.figure(tree_unit.figures) or Measured({}),
                    root_no=tree_unit.root_no,
                    organiser_id=tree_unit.organiser_id,
                    figures=tree_unit.figures,
                    is_reported=is_reported,
                )
        if reaching.more_trees:
            yield StructureFinding(monitor, pack.version, MORE_TREES, Measured({"trees": reaching.more_trees}))


def _judge_payees(pack: Policy, monitor: Monitor, payees: PayeeUnits) -> Iterator[StructureFinding]:
    shared, more = payees.reaching(monitor)
    for tree_unit in shared:
        figure = monitor.figure(tree_unit.figures) or Measured({})
        yield StructureFinding(
            monitor, pack.version, tree_unit.subject, figure, figures=tree_unit.figures, shop_ids=tree_unit.shop_ids
        )
    if more:
        yield StructureFinding(monitor, pack.version, MORE_PAYEES, Measured({"payees": more}))


def _program_figures(trees: Trees, program: ProgramFigures) -> dict[str, int | None]:
    """Lists the figures of the program for every report; buyers, who are no nodes, stand beside."""
    figures = {name: program.figure(name) for name in _SHOWN_FIGURES}
    sums = {name: int(getattr(trees, name).sum()) for name in SUMS if name != "persons"}
    with_buyers = {
        "persons_with_buyers": (figures["persons"] or 0) + sums["buyers"],
        "deepest_level_with_buyers": int(trees.levels_with_buyers.max(initial=0)),
    }
    return figures | with_buyers | sums


def _within_a_year(timeline: Timeline, as_of: datetime) -> Iterator[TimelineEntry]:
    """Lists the versions that were in force at any instant of the twelve months before."""
    entries, since = timeline.entries, year_before(as_of)
    ends = (*(entry.effective_from for entry in entries[1:]), None)
    for entry, until in zip(entries, ends, strict=False):
        if entry.effective_from <= as_of and (until is None or until > since):
            yield entry


def _is_fee_or_head_count(entry: TimelineEntry) -> bool:
    """Whether a plan takes something for joining, or pays or promotes by counting people."""
    return bool(consideration(entry.plan) or head_count_ranks(entry.plan) or head_count_pay(entry.plan))
