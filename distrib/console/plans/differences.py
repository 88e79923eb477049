"""Two versions of a plan side by side: their texts line by line, and what each says in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from distrib.console.plans.summary import Summary

SAME: Final = "same"
ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"
_KEPT_AROUND: Final = 3
"""Lines that are the same in both and shown beside others."""


class Line(NamedTuple):
    """A line of each text, beside one another; None where a text has none there."""

    kind: str
    old_no: int | None
    old: str | None
    new_no: int | None
    new: str | None


class PlanDifference(NamedTuple):
    """Something that a plan says and the other says otherwise or not at all."""

    kind: str
    name: str
    old: str
    new: str


def lines_beside(old: str, new: str) -> list[Line]:
    r"""Pairs the lines of two texts.

    >>> [(line.kind, line.old, line.new) for line in lines_beside("a\nb\n", "a\nc\nd\n")]
    [('same', 'a', 'a'), ('changed', 'b', 'c'), ('added', None, 'd')]
    """
    before, after = old.splitlines(), new.splitlines()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [
        line
        for _, first, last, begin, end in matcher.get_opcodes()
        for line in _paired(before, after, range(first, last), range(begin, end))
    ]


def gathered(lines: list[Line]) -> list[list[Line]]:
    """Splits the lines into stretches around what differs, far lines that are the same left out."""
    near = [
        any(other.kind != SAME for other in lines[max(0, place - _KEPT_AROUND) : place + _KEPT_AROUND + 1])
        for place in range(len(lines))
    ]
    stretches: list[list[Line]] = []
    for place, line in enumerate(lines):
        if not near[place]:
            continue
        if place == 0 or not near[place - 1]:
            stretches.append([])
        stretches[-1].append(line)
    return stretches


def words_beside(old: Summary, new: Summary) -> list[PlanDifference]:
    """Lists what the plans say differently: facts by their key, rules by their id."""
    before, after = dict(_said(old)), dict(_said(new))
    return [_difference(key, before, after) for key in {**before, **after} if before.get(key) != after.get(key)]


def _difference(
    key: tuple[str, str], before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]
) -> PlanDifference:
    kind = ADDED if key not in before else REMOVED if key not in after else CHANGED
    return PlanDifference(kind, key[1], before.get(key, ""), after.get(key, ""))


def _said(summary: Summary) -> Iterator[tuple[tuple[str, str], str]]:
    for fact in summary.facts:
        yield ("fact", fact.name), fact.text
    for rule in summary.rules:
        parts = (rule.who, ", ".join(rule.earns), rule.of, rule.lines, *rule.limits)
        yield ("rule", rule.id), " · ".join(part for part in parts if part)


def _paired(before: list[str], after: list[str], olds: range, added: range) -> Iterator[Line]:
    for step in range(max(len(olds), len(added))):
        old_at = olds[step] if step < len(olds) else None
        new_at = added[step] if step < len(added) else None
        old = None if old_at is None else before[old_at]
        new = None if new_at is None else after[new_at]
        kind = ADDED if old is None else REMOVED if new is None else SAME if old == new else CHANGED
        yield Line(kind, _number(old_at), old, _number(new_at), new)


def _number(place: int | None) -> int | None:
    return None if place is None else place + 1
