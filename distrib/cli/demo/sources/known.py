"""The sources by name: each is read for its history, and counted once more for the control. No HTTP may enter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import DemoFailed, GivenBack, History, Sale, Source
from distrib.cli.demo.sources import cdnow, online_retail, online_retail_file, recipe
from distrib.cli.demo.sources.control import Control, count_cdnow, count_online_retail
from distrib.cli.demo.sources.recipe import Network
from distrib.domain.texts import Text

SOURCES: dict[str, Source] = {source.key: source for source in (cdnow.SOURCE, online_retail.SOURCE)}
PLAN_IN_FORCE_DAYS_BEFORE = 120  # the first shops join up to 90 days before the first order


@dataclass(frozen=True, slots=True)
class LoadedSource:
    """A source's history, what was invented on top of it, and what its file holds by another count."""

    history: History
    network: Network
    control: Control
    seed: int

    @property
    def plan_from(self) -> datetime:
        """From when the plan is in force: a midnight before any shop joined."""
        zone = ZoneInfo(self.history.source.time_zone)
        first = self.history.sales[0].paid_at.astimezone(zone).date()
        return datetime.combine(first - timedelta(days=PLAN_IN_FORCE_DAYS_BEFORE), time(), zone)

    @property
    def levels(self) -> int:
        """How deep the invented tree is, counting the root as level 1."""
        level: dict[str, int] = {}
        for shop in self.network.shops:  # sponsors come before those they brought
            level[shop.id] = 1 if shop.sponsor_id is None else level[shop.sponsor_id] + 1
        return max(level.values(), default=0)


def load(key: str, path: Path | None, seed: int) -> LoadedSource:
    """Reads a source and invents what it lacks.

    Args:
        key: a name of ``SOURCES``.
        path: the file; CDNOW's is found where its package was installed.
        seed: of the recipe.

    Raises:
        DemoFailed: the file is missing or is not what it should be.
    """
    dice = Dice(seed)
    history, control = _cdnow(path, dice) if key == cdnow.SOURCE.key else _online_retail(path)
    if not history.sales:
        raise DemoFailed(Text("the file holds no order"))
    return LoadedSource(history, recipe.invent_network(history.sales, dice), control, seed)


def _cdnow(path: Path | None, dice: Dice) -> tuple[History, Control]:
    file = path or cdnow.find_file()
    history = cdnow.read_history(file, dice)
    control = count_cdnow(file, is_published=path is None)
    return replace(history, refunds=list(recipe.invent_refunds(history.sales, dice))), control


def _online_retail(path: Path | None) -> tuple[History, Control]:
    if path is None:
        raise DemoFailed(Text("say where the file is: --file PATH"))
    rows = online_retail_file.read_rows(path)
    return online_retail.history_of(rows), count_online_retail(rows)


def order_to_explain(loaded: LoadedSource) -> str | None:
    """An order worth looking at: not too long, partly given back, sold by a shop that another brought in."""
    sales = {sale.order_id: sale for sale in loaded.history.sales}
    partly = [refund for refund in loaded.history.refunds if not refund.takes_the_rest]
    worth = [sales[refund.order_id] for refund in partly if _is_telling(sales[refund.order_id], refund, loaded.network)]
    best = max(worth or loaded.history.sales[-1:], key=lambda sale: (sale.paid_minor, sale.order_id), default=None)
    return None if best is None else best.order_id


def _is_telling(sale: Sale, refund: GivenBack, network: Network) -> bool:
    seller = network.seller(sale)
    is_brought_in = seller is not None and seller != sale.customer_id and network.sponsor_of[seller] is not None
    return is_brought_in and len(sale.lines) <= 5 and 4 * refund.amount_minor < 3 * sale.paid_minor
