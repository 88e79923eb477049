"""A directory of history as simulations ask it: which files a kind has, from when to when a month lasts, who a shop is.

What the manifest says is taken as it is (``verifying`` holds the files against it). Nothing is kept in memory but that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from distrib.domain.customers import Identities, Merge
from distrib.domain.errors import Problem
from distrib.domain.texts import Text
from distrib.services.context import Program, period_bounds
from distrib.services.history.manifest import FileEntry, Manifest, read_manifest
from distrib.services.history.parquet import row_groups
from distrib.services.history.refusals import HistoryUnreadable
from distrib.services.history.schema import MERGES, ORDERS, SHOPS
from distrib.store.copying import microseconds
from distrib.store.simulations.history import PaidSpan


@dataclass(frozen=True)
class HistoryDirectory:
    """A directory with its manifest; goes to other processes as it is."""

    path: Path
    manifest: Manifest

    @staticmethod
    def open(path: Path) -> HistoryDirectory:
        """Opens a directory whose files all stand.

        Raises:
            Refusal: ``history_unreadable`` with every file that is not there or has another size.
        """
        manifest = read_manifest(path)
        sizes = [(file, path / file.path) for file in manifest.files]
        problems = [
            Problem(str(place), Text("is not as the manifest says"))
            for file, place in sizes
            if not place.is_file() or place.stat().st_size != file.bytes
        ]
        if problems:
            raise HistoryUnreadable(problems=problems)
        return HistoryDirectory(path, manifest)

    @cached_property
    def program(self) -> Program:
        """Whose history it is."""
        return self.manifest.program_of()

    @cached_property
    def identities(self) -> Identities:
        """Which customers are one person, from all merges."""
        return Identities(Merge(**row) for group in self.rows(MERGES) for row in group.to_pylist())

    def paths(self, kind: str, period: int | None = None) -> list[Path]:
        """The files of a kind by month, or that of one month."""
        files = self.manifest.files_of(kind)
        return [self.path / file.path for file in files if period is None or file.period == period]

    def paths_of_orders(self, kind: str, period: int) -> list[Path]:
        """The files of a kind with rows of orders that settled in a month."""
        start, end = period_bounds(period, self.program.zone)
        return [
            self.path / file.path
            for file in self.manifest.files_of(kind)
            if file.first_settled_at is not None
            and datetime.fromisoformat(file.first_settled_at) < end
            and datetime.fromisoformat(str(file.last_settled_at)) >= start
        ]

    def bounds(self, period: int) -> tuple[int, int]:
        """The first instant of a month and the first of the next, in microseconds since 1970."""
        start, end = microseconds(period_bounds(period, self.program.zone))
        return start, end

    def months(self, span: PaidSpan) -> list[FileEntry]:
        """The files of orders of which some may have been paid in a span."""
        return [
            file
            for file in self.manifest.files_of(ORDERS)
            if datetime.fromisoformat(str(file.first_paid_at)) < span.until
            and datetime.fromisoformat(str(file.last_paid_at)) >= span.since
        ]

    def rows(self, kind: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yields all row groups of a kind."""
        for path in self.paths(kind):
            yield from row_groups(path, columns)

    def ids_of(self, shops: Sequence[int]) -> dict[int, str]:
        """The ids of shops by their numbers."""
        wanted = pa.array(shops, pa.int64())
        ids: dict[int, str] = {}
        for group in self.rows(SHOPS, ["shop_no", "shop_id"]):
            named = group.filter(pc.is_in(group["shop_no"], value_set=wanted))
            ids |= {row["shop_no"]: row["shop_id"] for row in named.to_pylist()}
        return ids
