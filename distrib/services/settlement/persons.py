"""Who is one person among the customers of a batch, read again whenever rows of theirs were locked.

A merge takes no lock that a batch holds. So a batch locks, and reads then who is one person: either it knows of a merge
beside it, or whoever knows of the merge waits for what the batch has locked.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from distrib.domain.customers import Identities
from distrib.services.customers.people import identities_of


class Persons:
    """The customers of one batch as persons."""

    def __init__(self, conn: Connection, program_id: int) -> None:
        self._conn, self._program_id = conn, program_id
        self._identities = Identities()

    def read_again(self, customer_ids: Collection[str]) -> set[str]:
        """Reads who is one person with each of these as of now, and lists all ids of them."""
        read = identities_of(self._conn, self._program_id, customer_ids)
        self._identities = Identities({*self._identities.merges, *read.merges})
        return {known for customer_id in customer_ids for known in self.ids_of(customer_id)}

    def ids_of(self, customer_id: str) -> list[str]:
        """Lists all ids of a customer's person, as read last."""
        return self._identities.ids_of(customer_id)
