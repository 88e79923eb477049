"""Which shop a person means who typed something: by its whole id, or as an id, a name or an invite code begins.

The search is that of the list of shops. What is done with the shop is its page's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from distrib.console.frame import Visit
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text

MOST_FITS: Final = 10
"""So many shops are shown to be chosen from; the list of shops has them all."""
ASKED: Final = Text("id, name or invite code")
"""What is typed where a shop is asked for."""


class ShopChoice(NamedTuple):
    """What was typed, or the id of the only shop that it can mean; of several their ids and words, cut off or not."""

    shop_id: str
    fits: Sequence[tuple[str, str]] = ()
    has_more: bool = False


def shop_meant(visit: Visit, typed: str, among: Mapping[str, str]) -> ShopChoice:
    """Resolves what was typed: an exact id as it is, else the search's single hit; what nothing fits stays as it is.

    Args:
        among: filters of ``list_shops`` that narrow the search.
    """
    if not visit.desk.may("list_shops") or _is_id(visit, typed):
        return ShopChoice(typed)
    fits, has_more = shops_like(visit, typed, among)
    if len(fits) == 1:
        return ShopChoice(fits[0][0])
    return ShopChoice(typed, fits, has_more)


def shops_like(visit: Visit, typed: str, among: Mapping[str, str]) -> tuple[list[tuple[str, str]], bool]:
    """Lists the first shops whose id, name or invite code begins so, with their words, and whether there are more."""
    try:
        page = visit.desk.call("list_shops", {}, {**among, "q": typed, "limit": str(MOST_FITS)})
    except Refusal:  # what is typed is nothing that a shop could have
        return [], False
    words = [(shop["id"], " · ".join(filter(None, (shop["id"], shop["name"])))) for shop in page["data"]]
    return words, page["next_cursor"] is not None


def _is_id(visit: Visit, typed: str) -> bool:
    try:
        visit.desk.call("get_shop", {"shop_id": typed})
    except Refusal:
        return False
    return True
