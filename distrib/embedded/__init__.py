"""A private PostgreSQL and a private Valkey, started and stopped with the command that needs them.

Nothing of the house is known here (no schema, no settings), and nothing listens on the network.
"""

from distrib.embedded.processes import EmbeddedServersFailed
from distrib.embedded.servers import EmbeddedServers

__all__ = ["EmbeddedServers", "EmbeddedServersFailed"]
