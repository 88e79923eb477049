"""Who bought, as persons: which customers are shops themselves, and which are one person, by an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.tree import Integers, Truths
from distrib.domain.customers import persons_by
from distrib.services.history.arrays import column_of, numbers, truths
from distrib.services.history.dated import rows_until
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.schema import CUSTOMERS, SHOPS
from distrib.store.copying import microseconds


@dataclass(frozen=True)
class BuyingPeople:
    """The customers of a directory at an instant: ids of those who are shops, and those merged with what into."""

    shops: pa.Array
    merged: pa.Array
    into: pa.Array

    @staticmethod
    def by(directory: HistoryDirectory, instant: datetime) -> BuyingPeople:
        """Reads who they were by an instant."""
        (until,) = microseconds([instant])
        into = persons_by(directory.identities.merges, instant)
        joined = rows_until(directory, SHOPS, ["shop_id", "joined_at"], until)
        known = {*joined["shop_id"].to_pylist(), *_customers_with_a_shop(directory, until)}
        known |= {customer for customer, person in into.items() if person in known}
        return BuyingPeople(
            pa.array(sorted(known), pa.string()),
            pa.array(list(into), pa.string()),
            pa.array(list(into.values()), pa.string()),
        )

    @staticmethod
    def merged_by(directory: HistoryDirectory, instant: datetime) -> BuyingPeople:
        """Reads who was one person by an instant; who was a shop is not asked."""
        into = persons_by(directory.identities.merges, instant)
        return BuyingPeople(*(pa.array(texts, pa.string()) for texts in ([], list(into), list(into.values()))))

    def are_shops(self, customers: pa.Array) -> Truths:
        """Which of an array of customers were shops themselves."""
        return truths(pc.is_in(customers, value_set=self.shops))

    def persons(self, customers: pa.Array) -> pa.Array:
        """The persons of an array of customers, under the ids that they went on under."""
        if not len(self.merged):
            return customers
        return pc.coalesce(self.into.take(pc.index_in(customers, value_set=self.merged)), customers)


def first_places(texts: pa.Array) -> tuple[pa.Array, Integers]:
    """Each text of an array once, with the place where it stands first."""
    encoded = texts.dictionary_encode()
    codes, places = np.unique(numbers(encoded.indices), return_index=True)
    return encoded.dictionary.take(codes), places.astype(np.int64)


def codes_of(texts: pa.Array) -> Integers:
    """A number for each text of an array, the same for the same text."""
    return numbers(texts.dictionary_encode().indices)


def _customers_with_a_shop(directory: HistoryDirectory, until: int) -> list[str]:
    """The customers whose newest record names a shop."""
    columns = ["customer_id", "seq", "shop_no", "recorded_at"]
    known = rows_until(directory, CUSTOMERS, columns, until)
    known = known.take(np.argsort(-numbers(column_of(known, "seq"))))
    _, places = first_places(column_of(known, "customer_id"))
    newest = known.take(places)
    return list(newest.filter(pc.is_valid(newest["shop_no"]))["customer_id"].to_pylist())
