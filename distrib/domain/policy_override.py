"""Local overrides of policy packs: what a file changes, and which of it is looser than the pack.

A tighter figure holds at once; a looser one is named, so that a person can sign for it or not. Nothing that
reads files or keeps sign-offs may enter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from distrib.domain import monitors
from distrib.domain.document import Report
from distrib.domain.errors import Problem, Refusal
from distrib.domain.money import show_ratio
from distrib.domain.monitors import Bound, Monitor
from distrib.domain.policy import SEVERITIES, Check, Policy, policy_from_document

_PLAIN = (
    "max_tiers", "max_tree_levels", "on_excess", "order_cap", "entry_pays_seller", "self_purchase_pays_uplines",
    "count_root",
)  # fmt: skip
_KEYS = ("pack", *_PLAIN, "findings", "monitors")
_DIGEST_SHOWN = 8


class Override(NamedTuple):
    """A pack with a local file applied: what came of it, and every figure that is looser than before."""

    policy: Policy
    digest: str
    loosened: tuple[str, ...]


def apply_override(base_document: Mapping[str, Any], document: object) -> Override:
    """The pack of ``base_document`` with the changes of ``document``.

    Raises:
        Refusal: ``invalid`` with every problem, those of the merged pack included.
    """
    report = Report()
    given = report.mapping("", document, _KEYS, required=("pack",))
    if given is not None and given.get("pack") not in (None, base_document["name"]):
        report.say("pack", f"is not {base_document['name']} / 策略名不符")
    if report.problems or given is None:
        raise Refusal("invalid", report.problems)
    merged = dict(base_document) | {key: given[key] for key in _PLAIN if key in given}
    merged["findings"] = _merged(base_document.get("findings") or (), given.get("findings"), "findings", _check_key)
    merged["monitors"] = _merged(base_document.get("monitors") or (), given.get("monitors"), "monitors", _monitor_key)
    changed = policy_from_document({key: value for key, value in merged.items() if value != []})
    digest = hashlib.sha256(json.dumps(merged, default=str, sort_keys=True).encode()).hexdigest()
    loosened = tuple(_loosened(policy_from_document(base_document), changed))
    return Override(replace(changed, override=digest[:_DIGEST_SHOWN]), digest, loosened)


def _merged(base: Sequence[Mapping[str, Any]], changes: object, path: str, key_of: Any) -> list[Mapping[str, Any]]:
    """The entries of the pack with the changed keys of those named again; entries that are new come last."""
    entries: list[Mapping[str, Any]] = list(base)
    if changes is None:
        return entries
    if not isinstance(changes, list) or not all(isinstance(change, Mapping) for change in changes):
        raise Refusal("invalid", [Problem(path, "must be a list of mappings / 必须是映射的列表")])
    places = {key_of(entry): place for place, entry in reversed(list(enumerate(entries)))}
    for change in changes:
        place = places.get(key_of(change))
        if place is None:
            entries.append(change)
        else:
            entries[place] = {**entries[place], **change}
    return entries


def _check_key(entry: Mapping[str, Any]) -> object:
    return _word(entry.get("id")), _word(entry.get("measure"))


def _monitor_key(entry: Mapping[str, Any]) -> object:
    when = entry.get("when")
    return _word(entry.get("id")), frozenset(when) if isinstance(when, Mapping) else None


def _word(value: object) -> str | None:
    """A text; what is none names no entry, and is told when the merged pack is read."""
    return value if isinstance(value, str) else None


def _loosened(base: Policy, changed: Policy) -> Iterator[str]:
    limits: tuple[tuple[str, int | None, int | None], ...] = (
        ("max_tiers", base.max_tiers, changed.max_tiers),
        ("max_tree_levels", base.max_tree_levels, changed.max_tree_levels),
    )
    for name, before, after in limits:
        if _is_higher(before, after):
            yield _told(name, before, after)
    if _is_higher(base.order_cap_ppm, changed.order_cap_ppm):
        yield _told("order_cap", _ratio(base.order_cap_ppm), _ratio(changed.order_cap_ppm))
    if base.on_excess == "refuse" and changed.on_excess == "detach" and base.max_tree_levels is not None:
        yield _told("on_excess", base.on_excess, changed.on_excess)
    for name in ("entry_pays_seller", "self_purchase_pays_uplines"):
        if getattr(changed, name) and not getattr(base, name):
            yield _told(name, False, True)
    if base.count_root and not changed.count_root:
        yield _told("count_root", True, False)
    for check, now in zip(base.checks, changed.checks, strict=False):
        yield from _loosened_check(check, now)
    for monitor, watched in zip(base.monitors, changed.monitors, strict=False):
        yield from _loosened_monitor(monitor, watched)


def _loosened_check(base: Check, changed: Check) -> Iterator[str]:
    name = f"{base.id} {base.measure}"
    if (base.above is None) != (changed.above is None):
        yield f"{name}: above/below"
    elif _is_higher(base.above, changed.above):
        yield _told(f"{name} above", base.above, changed.above)
    elif base.below is not None and (changed.below or 0) < base.below:
        yield _told(f"{name} below", base.below, changed.below)
    if SEVERITIES.index(changed.severity) < SEVERITIES.index(base.severity):
        yield _told(f"{name} severity", base.severity, changed.severity)
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
            yield _told(base.id, before[bound.measure].text(), bound.text())
    if monitors.SEVERITIES.index(changed.severity) < monitors.SEVERITIES.index(base.severity):
        yield _told(f"{base.id} severity", base.severity, changed.severity)
    if changed.each != base.each:
        yield _told(f"{base.id} each", base.each, changed.each)
    if (changed.currency, changed.scope) != (base.currency, base.scope):
        yield f"{base.id}: currency/scope"
    if changed.valid_from > base.valid_from or changed.valid_to < base.valid_to:
        yield f"{base.id}: valid_from/valid_to"


def _is_looser(base: Bound, changed: Bound) -> bool:
    if base.kind != changed.kind:
        return True
    is_below = base.kind == "below"
    return changed.threshold < base.threshold if is_below else changed.threshold > base.threshold


def _is_higher(before: int | None, after: int | None) -> bool:
    """Whether a limit has risen; None is no limit at all."""
    return before is not None and (after is None or after > before)


def _ratio(ppm: int | None) -> str | None:
    return None if ppm is None else show_ratio(ppm)


def _told(name: str, before: object, after: object) -> str:
    return f"{name}: {before} → {after}"
