"""When each version of a plan is in force: what holds today, what comes, and the picture of it. No rule may enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from distrib.console.frame import Visit

DRAFT: Final = "draft"
FORMER: Final = "former"
LIVE: Final = "in_force"
COMING: Final = "coming"
MOST_VERSIONS: Final = 200
"""That the timeline is made of: the newest."""
BAR: Final = 1_000
"""How wide the picture of the timeline is, in its own units."""
_LEAST_AHEAD: Final = timedelta(days=30)


class Stretch(NamedTuple):
    """A version in force from an instant until the next; None: until another is published."""

    code: str
    version: int
    effective_from: datetime
    until: datetime | None
    state: str


class Segment(NamedTuple):
    """A stretch in the picture: where it begins and how wide it is."""

    x: int
    width: int
    state: str
    name: str


@dataclass(frozen=True, slots=True)
class PlanTime:
    """The newest versions of a program, and its timeline at an instant.

    Args:
        versions: as ``list_plans`` shows them, the newest first.
        is_whole: whether there are no older ones.
    """

    versions: Sequence[Mapping[str, Any]]
    stretches: Sequence[Stretch]
    now: datetime
    is_whole: bool

    @property
    def live(self) -> Stretch | None:
        """What is in force now."""
        return next((stretch for stretch in self.stretches if stretch.state == LIVE), None)

    @property
    def drafts(self) -> int:
        """How many versions are not published."""
        return sum(version["status"] == DRAFT for version in self.versions)

    def of(self, code: str, version: int) -> Stretch | None:
        """The stretch of a version; None of a draft, and of a version that is too old to be listed."""
        return next((stretch for stretch in self.stretches if (stretch.code, stretch.version) == (code, version)), None)

    def state_of(self, version: Mapping[str, Any]) -> str:
        """What a version is now."""
        if version["effective_from"] is None:
            return DRAFT
        stretch = self.of(version["code"], version["version"])
        if stretch is not None:
            return stretch.state
        return COMING if version["effective_from"] > self.now else FORMER

    def until_of(self, version: Mapping[str, Any]) -> datetime | None:
        """Until when a version is in force, as far as that is known."""
        stretch = self.of(version["code"], version["version"])
        return None if stretch is None else stretch.until

    def before(self, code: str, version: int) -> str:
        """The version that was saved before, of the same code where there is one; empty of the first."""
        names = [(version["code"], version["version"]) for version in self.versions]
        if (code, version) not in names:
            return ""
        older = names[names.index((code, version)) + 1 :]
        same = [name for name in older if name[0] == code] or older
        return f"{same[0][0]}/{same[0][1]}" if same else ""

    def shown(self) -> list[Stretch]:
        """The stretches, what comes first and what was last."""
        return list(reversed(self.stretches))

    def bar(self) -> dict[str, Any] | None:
        """The picture: segments, and where today is; None where nothing is published."""
        if not self.stretches:
            return None
        begin = min(self.stretches[0].effective_from, self.now)
        last = max(self.stretches[-1].effective_from, self.now)
        length = (last - begin) + max(_LEAST_AHEAD, (last - begin) / 8)

        def place(instant: datetime) -> int:
            return (instant - begin) * BAR // length

        segments = []
        for stretch in self.stretches:
            x, end = place(stretch.effective_from), BAR if stretch.until is None else place(stretch.until)
            segments.append(Segment(x, max(2, end - x - 2), stretch.state, f"{stretch.code} {stretch.version}"))
        return {"segments": segments, "today": place(self.now)}


def plan_times(visit: Visit) -> PlanTime:
    """Reads the timeline of the program."""
    answer = visit.call("list_plans", query={"limit": str(MOST_VERSIONS)})
    now = visit.desk.now
    published = sorted(
        (version for version in answer["data"] if version["effective_from"] is not None),
        key=lambda version: version["effective_from"],
    )
    ends = [version["effective_from"] for version in published[1:]] + [None]
    stretches = [
        Stretch(version["code"], version["version"], version["effective_from"], until, _state(version, until, now))
        for version, until in zip(published, ends, strict=False)
    ]
    return PlanTime(answer["data"], stretches, now, answer["next_cursor"] is None)


def _state(version: Mapping[str, Any], until: datetime | None, now: datetime) -> str:
    if version["effective_from"] > now:
        return COMING
    return LIVE if until is None or until > now else FORMER
