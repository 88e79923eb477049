"""Records what a pack finds about shops that join, one row a call and monitor; it refuses nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from distrib.domain.network.refusals import IdentityUsed, SponsorCycle, SponsorIsSelf, TreeTooDeep
from distrib.domain.policies.figures import Measured
from distrib.domain.policies.monitors import REGISTRATION, Monitor
from distrib.domain.policies.policy import Policy
from distrib.services.compliance.monitors import record_findings
from distrib.services.context import Unit
from distrib.store.compliance.findings import FindingRow
from distrib.store.network.shops import NewShop

WATCHED = frozenset({SponsorCycle.code, SponsorIsSelf.code, IdentityUsed.code, TreeTooDeep.code})
"""The refusals that CN-R03 logs."""
MOST_EXAMPLES = 20
ALLOWED, DETACHED, REFUSED = "allowed", "detached", "refused"


@dataclass(frozen=True, slots=True)
class _Registered:
    """What one call registered: the level that each shop asked for, those detached, and the codes of refusals."""

    levels: Mapping[str, int]
    detached: set[str]
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _RegistrationFinding:
    """What a monitor found of them: the shops, the figure they reach, what was done, and some with their figures."""

    shops: Sequence[str]
    figure: Measured
    action: str
    examples: Mapping[str, int | str]


def note_registrations(unit: Unit, policy: Policy, created: Sequence[NewShop], refused: Mapping[str, str]) -> None:
    """Records the findings of the program's pack about the shops of one call.

    Args:
        created: the shops that were registered.
        refused: the codes of refusals, by shop.
    """
    monitors = [monitor for monitor in policy.monitors if monitor.scope == REGISTRATION]
    if not monitors or not (created or refused):
        return
    levels = {row.shop_id: _level(row, policy) for row in created}
    detached = {row.shop_id for row in created if row.introduced_by_no is not None}
    watched = {shop_id: code for shop_id, code in refused.items() if code in WATCHED}
    rows = []
    for monitor in monitors:
        if monitor.is_in_force(unit.day, unit.program.currency):
            rows += _rows(unit, policy, monitor, _Registered(levels, detached, watched))
    record_findings(unit.conn, unit.program, rows)


def _level(row: NewShop, policy: Policy) -> int:
    """Computes the level a shop asked for; one that was detached would have been the first beyond the cap."""
    return (policy.max_tree_levels or 0) + 1 if row.introduced_by_no is not None else row.level


def _rows(unit: Unit, policy: Policy, monitor: Monitor, registered: _Registered) -> list[FindingRow]:
    levels, detached, refused = registered.levels, registered.detached, registered.refused
    deep = {shop_id: level for shop_id, level in levels.items() if monitor.figure({"level": level}) is not None}
    rows = []
    for action, shops in ((DETACHED, deep.keys() & detached), (ALLOWED, deep.keys() - detached)):
        if shops:
            figure = Measured({"level": max(deep[shop_id] for shop_id in shops)})
            examples = {shop_id: deep[shop_id] for shop_id in sorted(shops)[:MOST_EXAMPLES]}
            rows.append(_row(unit, policy, monitor, _RegistrationFinding(sorted(shops), figure, action, examples)))
    refused_figure = monitor.figure({"refused": len(refused)})
    if refused_figure is not None:
        codes = {shop_id: refused[shop_id] for shop_id in sorted(refused)[:MOST_EXAMPLES]}
        rows.append(_row(unit, policy, monitor, _RegistrationFinding(sorted(refused), refused_figure, REFUSED, codes)))
    return rows


def _row(unit: Unit, policy: Policy, monitor: Monitor, finding: _RegistrationFinding) -> FindingRow:
    shops = finding.shops
    return FindingRow(
        id=monitor.id,
        severity=monitor.severity,
        moment=REGISTRATION,
        subject=f"shop:{shops[0]}" if len(shops) == 1 else f"{len(shops)} shops",
        figure=str(finding.figure),
        threshold=str(monitor.threshold()),
        source=monitor.source,
        detail_en=monitor.en,
        detail_zh=monitor.zh,
        action=finding.action,
        evidence=json.dumps({"shops": finding.examples}, ensure_ascii=False),
        pack=policy.version,
        found_at=unit.now,
        day=unit.day,
    )
