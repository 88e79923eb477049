"""Local overrides of policy packs: what a file changes, and which of it is looser than the pack.

A tighter figure holds at once; a looser one is named, so that a person can sign for it or not. Files and sign-offs are
the services'.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from distrib.domain.document import Report
from distrib.domain.errors import Refusal
from distrib.domain.money import show_ratio
from distrib.domain.policies import monitors
from distrib.domain.policies.figures import Threshold
from distrib.domain.policies.monitors import Monitor
from distrib.domain.policies.policy import SEVERITIES, PlanCheck, Policy, policy_from_document
from distrib.domain.texts import Text

_PLAIN = (
    "max_tiers",
    "max_tree_levels",
    "on_excess",
    "order_cap",
    "entry_pays_seller",
    "self_purchase_pays_uplines",
    "count_root",
)
_KEYS = ("pack", *_PLAIN, "findings", "monitors")
_DIGEST_SHOWN = 8
MeasuresOf = Callable[[Mapping[str, Any]], frozenset[object]]


class Override(NamedTuple):
    """A pack with a local file applied: what came of it, and every figure that is looser than before."""

    policy: Policy
    digest: str
    loosened: tuple[str, ...]


def apply_override(base_document: Mapping[str, Any], document: object) -> Override:
    """Applies the changes of ``document`` to the pack of ``base_document``.

    Raises:
        Refusal: ``invalid`` with every problem, those of the merged pack included.
    """
    report = Report()
    given = report.mapping("", document, _KEYS, required=("pack",))
    if given is not None and given.get("pack") not in (None, base_document["name"]):
        report.say("pack", Text("is not {name}", name=base_document["name"]))
    if given is None:
        raise Refusal("invalid", report.problems)
    merged = dict(base_document) | {key: given[key] for key in _PLAIN if key in given}
    for name, measures_of in (("findings", _measure), ("monitors", _measures)):
        merged[name] = _merged(report, base_document.get(name) or (), given.get(name), name, measures_of)
    try:
        changed = policy_from_document({key: value for key, value in merged.items() if value != []})
    except Refusal as refusal:
        raise Refusal("invalid", [*report.problems, *refusal.problems]) from refusal
    if report.problems:
        raise Refusal("invalid", report.problems)
    digest = hashlib.sha256(json.dumps(merged, default=str, sort_keys=True).encode()).hexdigest()
    loosened = tuple(_loosened(policy_from_document(base_document), changed))
    return Override(replace(changed, override=digest[:_DIGEST_SHOWN]), digest, loosened)


def _merged(
    report: Report, base: Sequence[Mapping[str, Any]], changes: object, path: str, measures_of: MeasuresOf
) -> list[Mapping[str, Any]]:
    """Merges the changed keys of entries named again into those of the pack; new entries come last."""
    entries: list[Mapping[str, Any]] = list(base)
    if changes is None:
        return entries
    if not isinstance(changes, list) or not all(isinstance(change, Mapping) for change in changes):
        report.say(path, Text("must be a list of mappings"))
        return entries
    for change in changes:
        place = _place(entries, change, measures_of)
        if place is None:
            entries.append(change)
        else:
            entries[place] = _changed(entries[place], change)
    return entries


def _place(entries: Sequence[Mapping[str, Any]], change: Mapping[str, Any], measures_of: MeasuresOf) -> int | None:
    """Finds the entry that a change means: of its id and measures, or the only one that looks at those and more."""
    known = [(place, measures_of(entry)) for place, entry in enumerate(entries) if entry.get("id") == change.get("id")]
    named = measures_of(change)
    exact = [place for place, measures in known if measures == named]
    wider = [place for place, measures in known if named < measures]
    if exact:
        return exact[0]
    return wider[0] if len(wider) == 1 else None


def _changed(entry: Mapping[str, Any], change: Mapping[str, Any]) -> Mapping[str, Any]:
    """Applies what a change names to an entry; of several bounds those that it does not name stay."""
    before, bounds = entry.get("when"), change.get("when")
    if isinstance(before, Mapping) and isinstance(bounds, Mapping):
        return {**entry, **change, "when": {**before, **bounds}}
    return {**entry, **change}


def _measure(entry: Mapping[str, Any]) -> frozenset[object]:
    """What an entry of the findings looks at."""
    measure = entry.get("measure")
    return frozenset() if not isinstance(measure, str) else frozenset([measure])


def _measures(entry: Mapping[str, Any]) -> frozenset[object]:
    """What an entry of the monitors looks at."""
    when = entry.get("when")
    return frozenset(when) if isinstance(when, Mapping) else frozenset()


def _loosened(base: Policy, changed: Policy) -> Iterator[str]:
    limits: tuple[tuple[str, int | None, int | None], ...] = (
        ("max_tiers", base.max_tiers, changed.max_tiers),
        ("max_tree_levels", base.max_tree_levels, changed.max_tree_levels),
    )
    for name, before, after in limits:
        if _is_higher(before, after):
            yield _change(name, before, after)
    if _is_higher(base.order_cap_ppm, changed.order_cap_ppm):
        yield _change("order_cap", _ratio(base.order_cap_ppm), _ratio(changed.order_cap_ppm))
    if base.on_excess == "refuse" and changed.on_excess == "detach" and base.max_tree_levels is not None:
        yield _change("on_excess", base.on_excess, changed.on_excess)
    for name in ("entry_pays_seller", "self_purchase_pays_uplines"):
        if getattr(changed, name) and not getattr(base, name):
            yield _change(name, False, True)
    if base.count_root and not changed.count_root:
        yield _change("count_root", True, False)
    for check, now in zip(base.checks, changed.checks, strict=False):
        yield from _loosened_check(check, now)
    for monitor, watched in zip(base.monitors, changed.monitors, strict=False):
        yield from _loosened_monitor(monitor, watched)


def _loosened_check(base: PlanCheck, changed: PlanCheck) -> Iterator[str]:
    name = f"{base.id} {base.measure}"
    if (base.above is None) != (changed.above is None):
        yield f"{name}: above/below"
    elif _is_higher(base.above, changed.above):
        yield _change(f"{name} above", base.above, changed.above)
    elif base.below is not None and (changed.below or 0) < base.below:
        yield _change(f"{name} below", base.below, changed.below)
    if SEVERITIES.index(changed.severity) < SEVERITIES.index(base.severity):
        yield _change(f"{name} severity", base.severity, changed.severity)
    if not set(base.words) <= set(changed.words):
        yield f"{name}: words"
    if (base.currency, base.except_currency) != (changed.currency, changed.except_currency):
        yield f"{name}: currency"
    if changed.valid_from > base.valid_from or changed.valid_to < base.valid_to:
        yield f"{name}: valid_from/valid_to"


def _loosened_monitor(base: Monitor, changed: Monitor) -> Iterator[str]:
    before = {bound.measure: bound for bound in base.bounds}
    for bound in changed.bounds:
        if _is_looser(before[bound.measure], bound):
            yield _change(base.id, before[bound.measure], bound)
    if monitors.SEVERITIES.index(changed.severity) < monitors.SEVERITIES.index(base.severity):
        yield _change(f"{base.id} severity", base.severity, changed.severity)
    if changed.each != base.each:
        yield _change(f"{base.id} each", base.each, changed.each)
    if (changed.currency, changed.scope) != (base.currency, base.scope):
        yield f"{base.id}: currency/scope"
    if changed.valid_from > base.valid_from or changed.valid_to < base.valid_to:
        yield f"{base.id}: valid_from/valid_to"


def _is_looser(base: Threshold, changed: Threshold) -> bool:
    if base.kind != changed.kind:
        return True
    return changed.figure < base.figure if base.kind == "below" else changed.figure > base.figure


def _is_higher(before: int | None, after: int | None) -> bool:
    """Whether a limit has risen; None is no limit at all."""
    return before is not None and (after is None or after > before)


def _ratio(ppm: int | None) -> str | None:
    return None if ppm is None else show_ratio(ppm)


def _change(name: str, before: object, after: object) -> str:
    return f"{name}: {before} → {after}"
